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
    /// The picture that was decided upon last, and whether it is sent.
    picture: Option<(u16, bool)>,
}

impl LayerSelector {
    /// Wants the lowest encoding until told otherwise.
    pub(crate) fn new() -> Self {
        Self { target: Layers { spatial: 0, temporal: u8::MAX }, current: None, picture: None }
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
        self.picture = None;
    }

    /// Decides about one packet of `encoding`.
    #[inline]
    pub(crate) fn choose(&mut self, encoding: u8, packet: &MediaPacket<'_>) -> Choice {
        match self.current {
            Some(current) if current.spatial == encoding => self.within(current, packet),
            _ if packet.key_frame && self.welcome(encoding) => {
                self.start(encoding, packet);
                Choice::Switch
            }
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
        self.picture = picture_of(packet).map(|picture| (picture, true));
    }

    fn within(&mut self, current: Layers, packet: &MediaPacket<'_>) -> Choice {
        if packet.key_frame {
            // It depends on nothing, so every temporal layer may follow it.
            let temporal = self.temporal_target(current);
            self.current = Some(Layers { temporal, ..current });
            self.picture = picture_of(packet).map(|picture| (picture, true));
            return Choice::Forward;
        }
        let Some(temporal) = packet.vp8.and_then(|descriptor| descriptor.temporal) else {
            return Choice::Forward;
        };
        let picture = picture_of(packet);
        if let (Some(picture), Some((decided, sent))) = (picture, self.picture)
            && picture == decided
        {
            return if sent { Choice::Forward } else { Choice::LeaveOut };
        }
        let mut limit = current.temporal;
        let target = self.temporal_target(current);
        if target < limit {
            limit = target;
        } else if target > limit && temporal.sync && temporal.index == limit + 1 {
            // RFC 7741: with Y set the frame depends on the base layer alone.
            limit += 1;
        }
        self.current = Some(Layers { temporal: limit, ..current });
        let sent = temporal.index <= limit;
        if let Some(picture) = picture {
            self.picture = Some((picture, sent));
        }
        if sent { Choice::Forward } else { Choice::LeaveOut }
    }
}

fn picture_of(packet: &MediaPacket<'_>) -> Option<u16> {
    packet.vp8.and_then(|descriptor| descriptor.picture_id).map(|picture_id| picture_id.value())
}
