//! What a worker's owner and its thread both touch.

use crate::dtls::DtlsQueues;
use crate::load::LoadCounters;
use crate::queue::EventQueue;

/// Events and DTLS datagrams from the thread to the owner, and totals that the thread publishes.
pub(crate) struct Shared {
    pub(crate) events: EventQueue,
    pub(crate) dtls: DtlsQueues,
    pub(crate) load: LoadCounters,
}
