//! Which packets of a producer one consumer gets.

use crate::event::Layers;
use crate::packet::MediaPacket;

/// What becomes of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Sent on.
    Forward,
    /// Sent on, and from here on its encoding is the one that is sent.
    Switch,
    /// Of the right encoding but a temporal layer too high: left out without a trace.
    LeaveOut,
    /// Of another encoding, or before the first key frame.
    Ignore,
}

/// Layers wanted and layers sent.
#[derive(Debug)]
pub(crate) struct LayerSelector {
    target: Layers,
    current: Option<Layers>,
    pictures: Pictures,
}

/// The pictures decided upon last and whether each is sent: what comes late of one shares its lot.
#[derive(Debug, Default)]
struct Pictures {
    decided: [Option<(u16, bool)>; 16],
    newest: usize,
}

impl LayerSelector {
    /// Wants the lowest encoding until told otherwise.
    pub(crate) fn new() -> Self {
        Self {
            target: Layers { spatial: 0, temporal: u8::MAX },
            current: None,
            pictures: Pictures::default(),
        }
    }

    /// What is sent now.
    pub(crate) fn current(&self) -> Option<Layers> {
        self.current
    }

    /// What shall be sent.
    pub(crate) fn target(&self) -> Layers {
        self.target
    }

    /// Sets what shall be sent. The encoding changes at its next key frame.
    pub(crate) fn aim(&mut self, target: Layers) {
        self.target = target;
    }

    /// Whether a key frame of the target encoding is needed.
    pub(crate) fn waits(&self) -> bool {
        self.current.is_none_or(|current| current.spatial != self.target.spatial)
    }

    /// Starts over: the next packet sent will be a key frame.
    pub(crate) fn stop(&mut self) {
        self.current = None;
        self.pictures = Pictures::default();
    }

    /// Decides about one packet of `encoding`; `late`: newer ones of it were decided upon already.
    #[inline]
    pub(crate) fn choose(&mut self, encoding: u8, packet: &MediaPacket<'_>, late: bool) -> Choice {
        match self.current {
            Some(current) if current.spatial == encoding => self.within(current, packet, late),
            _ if packet.begins.is_some() && self.welcome(encoding) => {
                self.start(encoding, packet);
                Choice::Switch
            }
            _ => Choice::Ignore,
        }
    }

    /// Decides about one packet of `encoding` that has nothing for the consumer.
    pub(crate) fn pass_over(&self, encoding: u8) -> Choice {
        match self.current {
            Some(current) if current.spatial == encoding => Choice::LeaveOut,
            _ => Choice::Ignore,
        }
    }

    /// A key frame of `encoding` is worth switching to: anything up to the target at the start, so
    /// that the first picture comes soon; then the target only.
    fn welcome(&self, encoding: u8) -> bool {
        let target = self.target.spatial;
        encoding == target || (self.current.is_none() && encoding < target)
    }

    /// Temporal layers to send of the current encoding, until the target's key frame comes.
    fn temporal_target(&self, current: Layers) -> u8 {
        if current.spatial > self.target.spatial {
            // On the way down for want of bits there are none for more frames of this size.
            current.temporal
        } else {
            self.target.temporal
        }
    }

    fn start(&mut self, encoding: u8, packet: &MediaPacket<'_>) {
        self.current = Some(Layers { spatial: encoding, temporal: self.target.temporal });
        self.pictures = Pictures::default();
        self.pictures.decide(packet, true);
    }

    #[inline]
    fn within(&mut self, current: Layers, packet: &MediaPacket<'_>, late: bool) -> Choice {
        if packet.begins.is_some() && !late {
            // It depends on nothing, so every temporal layer may follow it.
            let temporal = self.temporal_target(current);
            self.current = Some(Layers { temporal, ..current });
            self.pictures.decide(packet, true);
            return Choice::Forward;
        }
        let Some(temporal) = packet.vp8.and_then(|descriptor| descriptor.temporal) else {
            return Choice::Forward;
        };
        let sent = self.pictures.get(packet).unwrap_or_else(|| {
            let mut limit = current.temporal;
            let target = self.temporal_target(current);
            if late {
                // What went out since does not depend on it.
            } else if target < limit {
                limit = target;
            } else if target > limit && temporal.sync && temporal.index == limit + 1 {
                // RFC 7741: with Y set the frame depends on the base layer alone.
                limit += 1;
            }
            self.current = Some(Layers { temporal: limit, ..current });
            let sent = temporal.index <= limit;
            self.pictures.decide(packet, sent);
            sent
        });
        if sent { Choice::Forward } else { Choice::LeaveOut }
    }
}

impl Pictures {
    #[inline]
    fn get(&self, packet: &MediaPacket<'_>) -> Option<bool> {
        let picture = picture_of(packet)?;
        let of = |decided: &Option<(u16, bool)>| decided.filter(|(of, _)| *of == picture);
        let newest = of(&self.decided[self.newest]);
        newest.or_else(|| self.decided.iter().find_map(of)).map(|(_, sent)| sent)
    }

    fn decide(&mut self, packet: &MediaPacket<'_>, sent: bool) {
        if let Some(picture) = picture_of(packet) {
            self.newest = (self.newest + 1) % self.decided.len();
            self.decided[self.newest] = Some((picture, sent));
        }
    }
}

fn picture_of(packet: &MediaPacket<'_>) -> Option<u16> {
    packet.vp8.and_then(|descriptor| descriptor.picture_id).map(|picture_id| picture_id.value())
}
