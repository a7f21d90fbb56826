//! The estimate over links that are simulated packet by packet.

use rotunda_packet::rtcp::{RtcpPacket, packets, write_transport_feedback};

use super::*;

/// A bottleneck with a queue, some noise, and a receiver that tells what arrived.
struct Link {
    start: Instant,
    now: Instant,
    rng: fastrand::Rng,
    estimator: Estimator,
    bits_per_second: f64,
    loss: f64,
    jitter: Duration,
    free_at: Instant,
    arrivals: Vec<(u16, Instant)>,
    told: Option<u16>,
    lowest: Option<u64>,
}

impl Link {
    fn new(bits_per_second: f64) -> Self {
        let start = Instant::now();
        Self {
            start,
            now: start,
            rng: fastrand::Rng::with_seed(17),
            estimator: Estimator::new(start),
            bits_per_second,
            loss: 0.0,
            jitter: Duration::ZERO,
            free_at: start,
            arrivals: Vec::new(),
            told: None,
            lowest: None,
        }
    }

    /// Sends bursts of 1,000 byte packets, 30 a second, at this rate; feedback each 100 ms.
    fn run(&mut self, seconds: u64, bits_per_second: impl Fn(Option<u64>) -> f64) {
        for tick in 0..seconds * 30 {
            let rate = bits_per_second(self.estimator.estimate(self.now));
            for _ in 0..(rate / 30.0 / 8000.0).round() as usize {
                self.send();
            }
            self.now += Duration::from_micros(33_333);
            if tick % 3 == 2 {
                self.feed_back();
            }
        }
    }

    fn send(&mut self) {
        let sequence = self.estimator.number();
        self.estimator.sent((self.now - self.start).as_micros() as u32, 1000);
        if self.rng.f64() < self.loss {
            return;
        }
        let wire = Duration::from_secs_f64(8000.0 / self.bits_per_second);
        self.free_at = self.free_at.max(self.now) + wire;
        let noise = self.jitter.mul_f64(self.rng.f64());
        self.arrivals.push((sequence, self.free_at + noise + Duration::from_millis(20)));
    }

    fn feed_back(&mut self) {
        let now = self.now;
        let mut arrived: Vec<(u16, Instant)> =
            self.arrivals.extract_if(.., |(_, at)| *at <= now).collect();
        arrived.sort_by_key(|(sequence, _)| *sequence);
        // Losses right after what was told before are told as well.
        if let Some(told) = self.told.filter(|told| arrived.first().is_some_and(|a| *told < a.0)) {
            arrived.insert(0, (told, now));
        }
        self.told = arrived.last().map(|(sequence, _)| *sequence).max(self.told);
        let ticks = |at: Instant| ((at - self.start).as_micros() / 250) as u32;
        let arrivals: Vec<(u16, u32)> =
            arrived.iter().map(|(sequence, at)| (*sequence, ticks(*at))).collect();
        let mut bytes = Vec::new();
        write_transport_feedback(&mut bytes, 1, 2, 0, &arrivals);
        for packet in packets(&bytes) {
            let Ok(RtcpPacket::TransportFeedback(feedback)) = packet else { panic!("{packet:?}") };
            self.estimator.feedback(now, &feedback);
        }
        self.lowest = self.lowest.into_iter().chain(self.estimator.estimate(now)).min();
    }
}

#[test]
fn a_free_path_is_not_limited() {
    let mut link = Link::new(50e6);
    link.run(20, |_| 2e6);
    assert_eq!(link.lowest, None);
}

#[test]
fn jitter_and_a_little_loss_are_no_congestion() {
    let mut link = Link::new(20e6);
    (link.jitter, link.loss) = (Duration::from_millis(30), 0.02);
    link.run(30, |_| 2e6);
    assert_eq!(link.lowest, None);
}

#[test]
fn sparse_packets_with_jitter_and_hosts_that_stall_are_no_congestion() {
    let mut link = Link::new(20e6);
    (link.jitter, link.loss) = (Duration::from_millis(30), 0.02);
    for second in 0..60u64 {
        // The receiver's host stands still for a while, now and then.
        if second % 5 == 4 {
            link.free_at = link.now + Duration::from_millis(60 + second);
        }
        link.run(1, |_| 250e3);
    }
    assert_eq!(link.lowest, None);
}

#[test]
fn a_bottleneck_is_found_within_seconds() {
    let mut link = Link::new(1e6);
    link.run(3, |_| 2e6);
    let estimate = link.estimator.estimate(link.now).expect("a limit");
    assert!((600_000..1_000_000).contains(&estimate), "{estimate}");
}

#[test]
fn heavy_loss_is_congestion() {
    let mut link = Link::new(50e6);
    link.loss = 0.3;
    link.run(3, |_| 2e6);
    let estimate = link.estimator.estimate(link.now).expect("a limit");
    assert!(estimate < 1_500_000, "{estimate}");
}

#[test]
fn who_obeys_stays_near_the_link_and_takes_it_up_again_when_it_widens() {
    let mut link = Link::new(1e6);
    let obey = |estimate: Option<u64>| estimate.map_or(2e6, |estimate| (estimate as f64).min(2e6));
    link.run(30, obey);
    let queue = link.free_at.saturating_duration_since(link.now);
    assert!(queue < Duration::from_millis(500), "{queue:?}");
    let estimate = link.estimator.estimate(link.now).expect("a limit");
    assert!((500_000..1_400_000).contains(&estimate), "{estimate}");
    link.bits_per_second = 10e6;
    link.run(20, obey);
    assert!(link.estimator.estimate(link.now).unwrap() > 2_000_000);
}

#[test]
fn a_remb_counts_while_it_is_young() {
    let mut link = Link::new(50e6);
    link.estimator.remb(link.now, 300_000);
    assert_eq!(link.estimator.estimate(link.now), Some(300_000));
    assert_eq!(link.estimator.estimate(link.now + Duration::from_secs(6)), None);
}
