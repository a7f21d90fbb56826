//! Choices made from the fuzzer's bytes.

/// Bytes from front to back; 0 past the end.
pub struct Input<'a> {
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// `None`: nothing is left.
    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    pub fn u8(&mut self) -> u8 {
        self.byte().unwrap_or_default()
    }

    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.u8(), self.u8()])
    }

    pub fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    /// 0 to before `end`.
    pub fn below(&mut self, end: u8) -> u8 {
        self.u8() % end
    }

    pub fn flag(&mut self) -> bool {
        self.u8() & 1 != 0
    }

    /// Up to 255 bytes.
    pub fn slice(&mut self) -> &'a [u8] {
        let len = usize::from(self.u8()).min(self.bytes.len());
        let (taken, rest) = self.bytes.split_at(len);
        self.bytes = rest;
        taken
    }
}
