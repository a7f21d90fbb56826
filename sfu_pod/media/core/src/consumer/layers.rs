//! Which packets of a producer one consumer gets.

use crate::codec::{LayerSelector, StreamLayers};
use crate::packet::MediaPacket;

/// What becomes of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Sent on.
    Forward,
    /// Sent on, and from here on its encoding is the one that is sent.
    Switch,
    /// Of the right encoding but a layer too high: left out without a trace.
    LeaveOut,
    /// Of another encoding, or before the first key frame.
    Ignore,
}

/// Layers wanted and layers sent. Among encodings it chooses itself, at key frames; inside of the one
/// that is sent the codec's own selector does.
#[derive(Debug)]
pub(crate) struct StreamSelector {
    target: StreamLayers,
    current: Option<StreamLayers>,
    layers: LayerSelector,
}

impl StreamSelector {
    /// Wants the lowest pictures there are until told otherwise, at any frame rate.
    pub(crate) fn new() -> Self {
        Self {
            target: StreamLayers { encoding: 0, spatial: 0, temporal: u8::MAX },
            current: None,
            layers: LayerSelector::default(),
        }
    }

    /// What is sent now.
    pub(crate) fn current(&self) -> Option<StreamLayers> {
        self.current
    }

    /// The encoding that is sent now.
    #[inline]
    pub(crate) fn encoding(&self) -> Option<u8> {
        self.current.map(|current| current.encoding)
    }

    /// The encoding that shall be sent.
    pub(crate) fn target_encoding(&self) -> u8 {
        self.target.encoding
    }

    /// Sets what shall be sent. The encoding changes at its next key frame.
    pub(crate) fn aim(&mut self, target: StreamLayers) {
        self.target = target;
    }

    /// Whether a key frame of the target encoding is needed.
    pub(crate) fn waits(&self) -> bool {
        self.encoding() != Some(self.target.encoding)
    }

    /// Starts over: the next packet sent will be a key frame.
    pub(crate) fn stop(&mut self) {
        self.current = None;
        self.layers = LayerSelector::default();
    }

    /// Decides about one packet of `encoding`; `late`: newer ones of it were decided upon already.
    #[inline]
    pub(crate) fn choose(&mut self, encoding: u8, packet: &MediaPacket<'_>, late: bool) -> Choice {
        match self.current {
            Some(current) if current.encoding == encoding => self.within(current, packet, late),
            _ if packet.begins.is_some() && self.welcome(encoding) => {
                self.start(encoding, packet);
                Choice::Switch
            }
            _ => Choice::Ignore,
        }
    }

    /// Decides about one packet of `encoding` that has nothing for the consumer.
    pub(crate) fn pass_over(&self, encoding: u8) -> Choice {
        if self.encoding() == Some(encoding) { Choice::LeaveOut } else { Choice::Ignore }
    }

    /// A key frame of `encoding` is worth switching to: anything up to the target at the start, so
    /// that the first picture comes soon; then the target only.
    fn welcome(&self, encoding: u8) -> bool {
        let target = self.target.encoding;
        encoding == target || (self.current.is_none() && encoding < target)
    }

    /// Layers to send of the current encoding, until the target's key frame comes.
    fn goal(&self, current: StreamLayers) -> StreamLayers {
        if current.encoding > self.target.encoding {
            // On the way down for want of bits there are none for more of this encoding.
            current
        } else {
            StreamLayers { encoding: current.encoding, ..self.target }
        }
    }

    fn start(&mut self, encoding: u8, packet: &MediaPacket<'_>) {
        self.current = Some(StreamLayers { encoding, ..self.target });
        self.layers = LayerSelector::default();
        self.layers.begin(&packet.frame);
    }

    #[inline]
    fn within(&mut self, current: StreamLayers, packet: &MediaPacket<'_>, late: bool) -> Choice {
        let goal = self.goal(current);
        if packet.begins.is_some() && !late {
            // It depends on nothing, so every layer may follow it.
            self.current = Some(goal);
            self.layers.begin(&packet.frame);
            return Choice::Forward;
        }
        let mut layers = current;
        let sent = self.layers.selects(&packet.frame, &mut layers, goal, late);
        self.current = Some(layers);
        if sent { Choice::Forward } else { Choice::LeaveOut }
    }
}
