//! When to ask an encoding for a key frame. No wish is lost, and no encoder is flooded.

use std::time::{Duration, Instant};

/// Wishes for a key frame of one encoding.
#[derive(Debug)]
pub(crate) struct KeyFrameRequests {
    interval: Duration,
    wanted: bool,
    last_sent: Option<Instant>,
}

impl KeyFrameRequests {
    /// Requests go out at most once an `interval`.
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, wanted: false, last_sent: None }
    }

    /// Somebody needs a key frame. One that was asked for and is still to come serves them too.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// One is wanted and still to come.
    pub(crate) fn wanted(&self) -> bool {
        self.wanted
    }

    /// A key frame came, or nobody waits any longer.
    pub(crate) fn satisfied(&mut self) {
        self.wanted = false;
    }

    /// When the next request goes out: the first at once, or when the throttle opens; it is
    /// repeated each interval until a key frame comes.
    pub(crate) fn next(&self, now: Instant) -> Option<Instant> {
        self.wanted.then(|| self.last_sent.map_or(now, |sent| sent + self.interval))
    }

    /// Whether to send a request now; it then counts as sent.
    pub(crate) fn due(&mut self, now: Instant) -> bool {
        let due = self.next(now).is_some_and(|next| next <= now);
        if due {
            self.last_sent = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_within_the_throttle_is_deferred_not_lost() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut requests = KeyFrameRequests::new(ms(500));
        requests.want();
        assert!(requests.due(start));
        requests.satisfied();
        requests.want();
        assert!(!requests.due(start + ms(100)));
        assert_eq!(requests.next(start + ms(100)), Some(start + ms(500)));
        assert!(requests.due(start + ms(500)));
    }

    #[test]
    fn an_unanswered_request_is_repeated_until_the_key_frame() {
        let start = Instant::now();
        let mut requests = KeyFrameRequests::new(Duration::from_millis(500));
        requests.want();
        let sent = |requests: &mut KeyFrameRequests, from: u64, to: u64| {
            (from..to).filter(|ms| requests.due(start + Duration::from_millis(*ms))).count()
        };
        assert_eq!(sent(&mut requests, 0, 1200), 3);
        requests.satisfied();
        assert_eq!(sent(&mut requests, 1200, 3000), 0);
    }
}
