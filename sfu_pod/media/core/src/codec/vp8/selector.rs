//! Temporal layers of VP8.

use super::Part;
use crate::codec::StreamLayers;
use crate::codec::frame::{CodecPart, FrameDescriptor, SwitchUp};
use crate::codec::selector::SelectLayers;

/// Pictures that are remembered: more than are on their way at a time.
const REMEMBERED: usize = 16;

/// Sends temporal layers up to a limit. The packets of one picture are all sent or all left out: the
/// decision about the first that comes holds for those after it.
#[derive(Debug, Default)]
pub(crate) struct LayerSelector {
    /// Picture ids, and whether each is sent.
    decided: [Option<(u16, bool)>; REMEMBERED],
    newest: usize,
}

impl SelectLayers for LayerSelector {
    fn begin(&mut self, frame: &FrameDescriptor) {
        self.decide(frame, true);
    }

    #[inline]
    fn selects(
        &mut self,
        frame: &FrameDescriptor,
        current: &mut StreamLayers,
        target: StreamLayers,
        late: bool,
    ) -> bool {
        let Some(temporal) = frame.temporal else { return true };
        if let Some(sent) = self.decision(frame) {
            return sent;
        }
        // After what came late, pictures were sent that do not depend on it.
        if !late {
            adapt(frame, temporal, current, target);
        }
        let sent = temporal <= current.temporal;
        self.decide(frame, sent);
        sent
    }
}

impl LayerSelector {
    #[inline]
    fn decision(&self, frame: &FrameDescriptor) -> Option<bool> {
        let picture = picture_of(frame)?;
        let of = |decided: &Option<(u16, bool)>| decided.filter(|(of, _)| *of == picture);
        let newest = of(&self.decided[self.newest]);
        newest.or_else(|| self.decided.iter().find_map(of)).map(|(_, sent)| sent)
    }

    fn decide(&mut self, frame: &FrameDescriptor, sent: bool) {
        if let Some(picture) = picture_of(frame) {
            self.newest = (self.newest + 1) % self.decided.len();
            self.decided[self.newest] = Some((picture, sent));
        }
    }
}

/// One layer less is possible at every frame; one more at a frame of that layer which needs the base
/// layer alone.
fn adapt(frame: &FrameDescriptor, temporal: u8, current: &mut StreamLayers, target: StreamLayers) {
    if target.temporal < current.temporal {
        current.temporal = target.temporal;
    } else if target.temporal > current.temporal
        && frame.switch_up == SwitchUp::ThisLayer
        && temporal == current.temporal + 1
    {
        current.temporal = temporal;
    }
}

fn picture_of(frame: &FrameDescriptor) -> Option<u16> {
    match frame.codec {
        CodecPart::Vp8(Part { picture_id, .. }) => picture_id.map(|id| id.value()),
        CodecPart::None => None,
    }
}
