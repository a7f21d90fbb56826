//! Whether queues grow on the way: the slope of one-way delay over groups of packets
//! (draft-ietf-rmcat-gcc-02 section 5).

use std::collections::VecDeque;

/// Packets sent within this time are one group, microseconds.
const GROUP: u32 = 5_000;
/// Groups that the slope is taken over.
const WINDOW: usize = 20;
/// Weight of the past in the smoothed delay.
const SMOOTHING: f64 = 0.9;
/// Scales the slope to the threshold's unit, as published.
const GAIN: f64 = 4.0;
/// Adaptive threshold: start, bounds, and how fast it follows up and down by millisecond.
const THRESHOLD: f64 = 12.5;
const THRESHOLD_BOUNDS: (f64, f64) = (6.0, 600.0);
const FOLLOW_UP: f64 = 0.0087;
const FOLLOW_DOWN: f64 = 0.039;
/// The slope has to stay up so long, milliseconds.
const OVERUSE_TIME: f64 = 100.0;
/// A queue shorter than this, milliseconds, is noise of the hosts.
const SHORTEST_QUEUE: f64 = 25.0;
/// Across a longer pause, milliseconds, delays are not compared.
const LONGEST_PAUSE: f64 = 10_000.0;

/// Clocks of two hosts part by no more than this.
const CLOCK_DRIFT: f64 = 0.001;

/// Detects growing delay.
#[derive(Debug)]
pub(crate) struct DelayGradient {
    group: Option<Group>,
    previous: Option<Group>,
    accumulated: f64,
    smoothed: f64,
    /// (time of sending in ms since the first, smoothed delay in ms)
    window: VecDeque<(f64, f64)>,
    clock: f64,
    threshold: f64,
    rising: f64,
    overuse: bool,
    draining: bool,
    /// The least accumulated delay: that of empty queues.
    empty: f64,
}

/// Packets sent at about the same time.
#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: u32,
    last_sent: u32,
    last_arrival: u32,
}

impl Default for DelayGradient {
    fn default() -> Self {
        Self {
            group: None,
            previous: None,
            accumulated: 0.0,
            smoothed: 0.0,
            window: VecDeque::with_capacity(WINDOW + 1),
            clock: 0.0,
            threshold: THRESHOLD,
            rising: 0.0,
            overuse: false,
            draining: false,
            empty: 0.0,
        }
    }
}

impl DelayGradient {
    /// A packet sent at `sent` (µs) arrived at `arrival` (ticks of 250 µs); both modulo 2^32.
    pub(crate) fn packet(&mut self, sent: u32, arrival: u32) {
        let Some(group) = &mut self.group else {
            self.group = Some(Group { first_sent: sent, last_sent: sent, last_arrival: arrival });
            return;
        };
        let since = sent.wrapping_sub(group.first_sent) as i32;
        if since < 0 {
            return;
        }
        if since as u32 <= GROUP {
            group.last_sent = sent;
            if arrival.wrapping_sub(group.last_arrival) as i32 > 0 {
                group.last_arrival = arrival;
            }
            return;
        }
        let complete = *group;
        self.group = Some(Group { first_sent: sent, last_sent: sent, last_arrival: arrival });
        if let Some(previous) = self.previous.replace(complete) {
            self.complete(previous, complete);
        }
    }

    /// Whether congestion was seen since the last call.
    pub(crate) fn take_overuse(&mut self) -> bool {
        std::mem::take(&mut self.overuse)
    }

    /// Whether queues are getting shorter: they shall be let run empty.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining
    }

    /// How long a packet waits in queues now, milliseconds.
    pub(crate) fn queue(&self) -> f64 {
        self.smoothed - self.empty
    }

    fn complete(&mut self, before: Group, after: Group) {
        let sent = f64::from(after.last_sent.wrapping_sub(before.last_sent) as i32) / 1000.0;
        let arrived = f64::from(after.last_arrival.wrapping_sub(before.last_arrival) as i32) / 4.0;
        if arrived.abs() > LONGEST_PAUSE || sent > LONGEST_PAUSE {
            self.window.clear();
            if sent > LONGEST_PAUSE {
                // While nothing was sent, what waited went through.
                self.accumulated = self.empty;
                self.smoothed = self.empty;
                self.draining = false;
            }
            return;
        }
        // Groups may overtake one another: only the times of sending ascend.
        self.clock += sent;
        self.accumulated += arrived - sent;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.accumulated;
        // Clocks drift apart, so the least delay of long ago means little.
        self.empty = (self.empty + sent * CLOCK_DRIFT).min(self.smoothed);
        self.window.push_back((self.clock, self.smoothed));
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
        if self.window.len() == WINDOW {
            self.judge(sent, arrived > sent);
        }
    }

    /// `later`: the newest group took longer than the one before.
    fn judge(&mut self, elapsed: f64, later: bool) {
        let trend = self.slope() * WINDOW as f64 * GAIN;
        let lowest = self.window.iter().map(|(_, delay)| *delay).fold(f64::INFINITY, f64::min);
        let queue = self.smoothed - lowest;
        self.draining = trend < -self.threshold;
        if trend > self.threshold && queue > SHORTEST_QUEUE {
            // A host that stalls delays one group much and those after it less and less; a queue
            // that fills delays each more than the one before.
            self.rising = (self.rising + if later { elapsed } else { -elapsed }).max(0.0);
            if self.rising > OVERUSE_TIME {
                self.overuse = true;
                self.rising = 0.0;
            }
        } else {
            self.rising = 0.0;
        }
        let distance = trend.abs() - self.threshold;
        // Spikes far off say nothing about the noise that the threshold shall stand above.
        if distance < 15.0 {
            let follow = if distance < 0.0 { FOLLOW_DOWN } else { FOLLOW_UP };
            self.threshold += follow * distance * elapsed.min(100.0);
            self.threshold = self.threshold.clamp(THRESHOLD_BOUNDS.0, THRESHOLD_BOUNDS.1);
        }
    }

    /// Least squares over the window, ms by ms.
    fn slope(&self) -> f64 {
        let count = self.window.len() as f64;
        let (x, y) =
            self.window.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        let (x, y) = (x / count, y / count);
        let (above, below) = self.window.iter().fold((0.0, 0.0), |(above, below), point| {
            let dx = point.0 - x;
            (above + dx * (point.1 - y), below + dx * dx)
        });
        if below > 0.0 { above / below } else { 0.0 }
    }
}
