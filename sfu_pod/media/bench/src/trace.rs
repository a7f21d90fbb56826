//! When a camera's packets leave a browser, and how large they are.

use std::time::Duration;

/// One packet of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TracePacket {
    /// Since the start of the trace.
    pub at: Duration,
    /// Of the whole SRTP datagram.
    pub bytes: usize,
    /// The last packet of its frame.
    pub marker: bool,
}

/// One stream, to be played over and over.
#[derive(Debug, Clone)]
pub struct Trace {
    /// What the tables call it.
    pub name: String,
    /// In order of time; the first begins a frame and the last ends one.
    pub packets: Vec<TracePacket>,
    /// After this the trace begins again.
    pub length: Duration,
}

impl Trace {
    /// Reads lines of `microseconds bytes marker`; `#` begins a comment. The error names the line.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut packets = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let content = line.split('#').next().unwrap_or_default();
            if !content.trim().is_empty() {
                let packet = parse_packet(content).ok_or_else(|| {
                    format!("line {}: not `microseconds bytes marker`: {line}", number + 1)
                })?;
                packets.push(packet);
            }
        }
        let last = packets.last().ok_or("no packets")?;
        // As if the next frame came one frame later, at 30 a second.
        let length = last.at + Duration::from_micros(33_333);
        Ok(Self { name: name.to_owned(), packets, length })
    }

    /// The same moments with packets of one size.
    pub fn with_size(&self, bytes: usize) -> Self {
        let packets = self.packets.iter().map(|packet| TracePacket { bytes, ..*packet }).collect();
        Self { name: format!("{bytes} B"), packets, length: self.length }
    }

    /// Packets a second.
    pub fn rate(&self) -> f64 {
        self.packets.len() as f64 / self.length.as_secs_f64()
    }

    /// Mean bytes of a packet.
    pub fn mean_bytes(&self) -> f64 {
        let sum: usize = self.packets.iter().map(|packet| packet.bytes).sum();
        sum as f64 / self.packets.len() as f64
    }
}

fn parse_packet(line: &str) -> Option<TracePacket> {
    let mut fields = line.split_whitespace();
    let at = Duration::from_micros(fields.next()?.parse().ok()?);
    let bytes = fields.next()?.parse().ok().filter(|bytes| (100..=1400).contains(bytes))?;
    let marker = fields.next()? == "1";
    fields.next().is_none().then_some(TracePacket { at, bytes, marker })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_packets_and_a_bad_one_is_named() {
        let trace = Trace::parse("t", "# two packets\n0 1100 0\n5000 900 1\n").unwrap();
        assert_eq!(trace.packets.len(), 2);
        assert_eq!(trace.packets[1].at, Duration::from_millis(5));
        assert!(trace.packets[1].marker);
        assert_eq!(trace.mean_bytes(), 1000.0);
        assert!(Trace::parse("t", "0 1100 0\n5 many 1").unwrap_err().contains("line 2"));
        assert!(Trace::parse("t", "# nothing").is_err());
    }
}
