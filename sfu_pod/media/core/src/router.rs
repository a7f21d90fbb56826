//! One room's router: who speaks in it.

use crate::id::RouterId;
use crate::keys::ProducerKey;
use crate::speaker::DominantSpeaker;
use crate::timers::Due;

/// Exists while it has producers.
#[derive(Debug)]
pub(crate) struct Router {
    pub id: RouterId,
    pub producers: Vec<ProducerKey>,
    pub speaker: DominantSpeaker,
    pub due: Due,
}

impl Router {
    pub(crate) fn new(id: RouterId) -> Self {
        Self { id, producers: Vec::new(), speaker: DominantSpeaker::default(), due: Due::default() }
    }
}
