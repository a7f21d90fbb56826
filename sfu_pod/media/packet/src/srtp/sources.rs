//! State by SSRC, bounded.

use rustc_hash::FxHashMap;

use super::SrtpError;

/// State of each source under one key. It grows only by what was authenticated or sent.
pub(super) struct Sources<T> {
    by_ssrc: FxHashMap<u32, T>,
    limit: usize,
}

impl<T> Sources<T> {
    pub(super) fn new(limit: usize) -> Self {
        Self { by_ssrc: FxHashMap::default(), limit }
    }

    pub(super) fn get_mut(&mut self, ssrc: u32) -> Option<&mut T> {
        self.by_ssrc.get_mut(&ssrc)
    }

    pub(super) fn insert(&mut self, ssrc: u32, state: T) {
        self.by_ssrc.insert(ssrc, state);
    }

    /// Forgets every source that is not to be kept.
    pub(super) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.by_ssrc.retain(|ssrc, _| keep(*ssrc));
    }

    /// Forgets one source; whether it was there.
    pub(super) fn remove(&mut self, ssrc: u32) -> bool {
        self.by_ssrc.remove(&ssrc).is_some()
    }

    /// Whether one more fits, to be asked before any work is done for it.
    pub(super) fn check_room(&self) -> Result<(), SrtpError> {
        if self.by_ssrc.len() < self.limit { Ok(()) } else { Err(SrtpError::TooManySources) }
    }
}
