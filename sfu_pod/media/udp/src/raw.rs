//! What the kernel's batch calls are told: control messages, and lists of pointers.

use std::ffi::c_void;
use std::mem;
use std::ptr;

/// Level of the UDP options (linux/udp.h), as old C libraries lack the name.
pub(crate) const SOL_UDP: libc::c_int = 17;
/// Size of the segments that the kernel cuts a message into.
pub(crate) const UDP_SEGMENT: libc::c_int = 103;
/// Size of the segments that the kernel joined a message from.
pub(crate) const UDP_GRO: libc::c_int = 104;

/// Room for one control message of up to four bytes, aligned as its header needs it.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(crate) struct Control([u8; 32]);

impl Control {
    pub(crate) const LEN: usize = mem::size_of::<Self>();

    pub(crate) fn zeroed() -> Self {
        Self([0; 32])
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }
}

/// Asks the kernel to cut the message into segments of `size`. `header` must have its control
/// pointer set to a [`Control`].
///
/// # Safety
/// `header.msg_control` points to [`Control::LEN`] writable bytes, aligned to 8.
pub(crate) unsafe fn set_segment_size(header: &mut libc::msghdr, size: u16) {
    // SAFETY: CMSG_SPACE and CMSG_LEN only compute.
    let (space, len) = unsafe {
        let payload = mem::size_of::<u16>() as libc::c_uint;
        (libc::CMSG_SPACE(payload), libc::CMSG_LEN(payload))
    };
    header.msg_controllen = space as _;
    // SAFETY: the caller vouches for the buffer; it holds one header and the four bytes after it,
    // so the first header is inside, and so are its data.
    unsafe {
        let control = libc::CMSG_FIRSTHDR(header);
        (*control).cmsg_level = SOL_UDP;
        (*control).cmsg_type = UDP_SEGMENT;
        (*control).cmsg_len = len as _;
        ptr::write_unaligned(libc::CMSG_DATA(control).cast::<u16>(), size);
    }
}

/// Size of the datagrams that the kernel joined, if it did.
///
/// # Safety
/// `header` was filled by the kernel and its control buffer is still there.
pub(crate) unsafe fn segment_size(header: &libc::msghdr) -> Option<usize> {
    // SAFETY: the caller vouches for the buffer; CMSG_FIRSTHDR and CMSG_NXTHDR stay within the
    // length that the kernel has set, and the kernel's UDP_GRO carries an int.
    unsafe {
        let mut control = libc::CMSG_FIRSTHDR(header);
        while let Some(found) = control.as_ref() {
            if found.cmsg_level == SOL_UDP && found.cmsg_type == UDP_GRO {
                let size = ptr::read_unaligned(libc::CMSG_DATA(control).cast::<libc::c_int>());
                return usize::try_from(size).ok().filter(|size| *size > 0);
            }
            control = libc::CMSG_NXTHDR(header, control);
        }
        None
    }
}

/// A list of pointers for one call: filled, used and emptied within it, kept only for its memory.
pub(crate) struct Scratch<T>(Vec<T>);

// SAFETY: between calls, and so whenever it can change threads, the list is empty.
unsafe impl<T> Send for Scratch<T> {}

impl<T> Scratch<T> {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Lends the list, and empties it afterwards.
    pub(crate) fn lend<R>(&mut self, call: impl FnOnce(&mut Vec<T>) -> R) -> R {
        let result = call(&mut self.0);
        self.0.clear();
        result
    }
}
