//! What becomes of a peer that sends more video than its transport's owner allows.

mod support;

use std::time::{Duration, Instant};

use rotunda_media_core::Command;
use rotunda_media_core::event::Event;
use rotunda_media_core::id::TransportId;
use support::peer::Told;
use support::viewing::{SOUND, VIDEO, Viewing};

const LIMIT: u64 = 300_000;

/// Alice sends within a limit.
struct Limited {
    viewing: Viewing,
    /// Encrypted bytes of video that she sent.
    sent: usize,
    /// When the owner was told of refused packets, and of how many.
    told: Vec<(Instant, u64)>,
}

impl Limited {
    fn new() -> Self {
        let mut limited = Self { viewing: Viewing::new(71, 1), sent: 0, told: Vec::new() };
        limited.set(LIMIT);
        limited
    }

    fn set(&mut self, bits_per_second: u64) {
        let transport = TransportId(1);
        self.viewing.call.command(Command::SetMaxIncomingBitrate { transport, bits_per_second });
    }

    fn now(&self) -> Instant {
        self.viewing.call.now
    }

    /// One frame of packets of this size, what was asked for again, and a sound.
    fn frame(&mut self, sizes: Vec<usize>) {
        let Viewing { call, camera, .. } = &mut self.viewing;
        camera.sizes = vec![sizes];
        let mut packets = camera.repairs(call);
        packets.extend(camera.frame(call));
        self.sent += packets.iter().map(|(_, packet)| packet.len()).sum::<usize>();
        for event in self.viewing.frame(packets) {
            if let Event::MediaLimited { transport: TransportId(1), refused } = event {
                self.told.push((self.viewing.call.now, refused));
            }
        }
    }

    fn run(&mut self, frames: usize, sizes: &[usize]) {
        for frame in 0..frames {
            if frame % 300 == 0 {
                self.viewing.call.keep_alive();
            }
            self.frame(sizes.to_vec());
        }
    }

    /// Encrypted bytes of video that Bob got since then.
    fn carried(&mut self, since: Instant) -> usize {
        self.viewing.got_since(since, VIDEO).iter().map(|got| got.datagram_len).sum()
    }

    fn refused(&mut self) -> u64 {
        self.viewing.call.stats().transports[0].packets_refused
    }
}

#[test]
fn a_flood_of_ten_times_the_limit_is_held_to_the_limit_and_sound_goes_on() {
    let mut limited = Limited::new();
    let start = limited.now();
    limited.run(100, &[1000; 13]);
    let (now, sent) = (limited.now(), limited.sent);
    limited.run(300, &[1000; 13]);

    let passed = (limited.now() - now).as_secs_f64();
    let offered = (limited.sent - sent) as f64 * 8.0 / passed;
    assert!(offered > 10.0 * LIMIT as f64, "{offered}");
    let carried = limited.carried(now) as f64 * 8.0 / passed;
    // What leaves has other header extensions than what came.
    assert!((0.8..1.55).contains(&(carried / LIMIT as f64)), "{carried}");
    let burst = 2.0 * 1.5 * LIMIT as f64;
    let most = burst + 1.5 * LIMIT as f64 * (limited.now() - start).as_secs_f64();
    let whole = limited.carried(start) as f64 * 8.0;
    assert!(whole <= 1.05 * most, "{whole} of {most}");
    let sounds = limited.viewing.got_since(start, SOUND).len();
    assert_eq!(sounds, limited.viewing.sounds);
}

#[test]
fn its_owner_is_told_once_a_second_and_of_every_packet() {
    let mut limited = Limited::new();
    limited.run(300, &[1000; 13]);
    let gaps = limited.told.windows(2).map(|pair| pair[1].0 - pair[0].0);
    let (least, most) = (gaps.clone().min().unwrap(), gaps.max().unwrap());
    assert!(least > Duration::from_millis(950), "{least:?}");
    assert!(most < Duration::from_millis(1050), "{most:?}");

    limited.run(60, &[20]);
    let told: u64 = limited.told.iter().map(|(_, refused)| refused).sum();
    assert!(told > 1000, "{told}");
    assert_eq!(told, limited.refused());
    assert_eq!(told, limited.viewing.call.worker.counters().packets_refused);
    let words = limited.told.len();
    limited.run(90, &[20]);
    assert_eq!(limited.told.len(), words, "nothing is refused any more");
}

#[test]
fn what_is_refused_is_lost_to_the_peer_s_congestion_control() {
    let mut limited = Limited::new();
    limited.run(150, &[1000; 13]);
    let alice = limited.viewing.camera.path;
    let mut lost = 0;
    for (_, told) in &limited.viewing.call.peer(alice).told {
        if let Told::Feedback { arrivals, .. } = told {
            // The microphone counts from 40,000 on.
            let camera = arrivals.iter().filter(|(sequence, _)| *sequence < 40_000);
            lost += camera.filter(|(_, at)| at.is_none()).count() as u64;
        }
    }
    assert!(lost > 500, "{lost}");
}

#[test]
fn who_keeps_to_the_limit_loses_nothing_key_frames_included() {
    let mut limited = Limited::new();
    for _ in 0..6 {
        // 150 frames in 5 s: 60 kB at once, then what remains of the limit.
        limited.frame(vec![1000; 60]);
        limited.run(149, &[800]);
    }
    let seconds = (limited.now() - limited.viewing.call.start).as_secs_f64();
    let offered = limited.sent as f64 * 8.0 / seconds;
    assert!((0.9..1.2).contains(&(offered / LIMIT as f64)), "{offered}");
    assert_eq!(limited.refused(), 0);
    assert_eq!(limited.told, []);
}

#[test]
fn without_a_limit_nothing_is_refused_and_another_limit_counts_at_once() {
    let mut limited = Limited::new();
    limited.set(100 * LIMIT);
    limited.run(200, &[1000; 13]);
    assert_eq!(limited.refused(), 0);
    limited.set(LIMIT);
    limited.run(200, &[1000; 13]);
    assert!(limited.refused() > 1000);
}
