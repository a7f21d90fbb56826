//! What becomes of a peer that sends more video than its transport's owner allows.

mod support;

use std::time::{Duration, Instant};

use rotunda_media_core::event::Event;
use rotunda_media_core::id::TransportId;
use rotunda_media_core::{Command, Path};
use support::Call;
use support::camera::Camera;
use support::peer::Told;
use support::source::Source;

const LIMIT: u64 = 300_000;
const VIDEO: u32 = 20_000;
const SOUND: u32 = 21_000;

/// Alice, who sends a camera and a microphone within a limit, and Bob, who gets both.
struct Limited {
    call: Call,
    bob: Path,
    camera: Camera,
    microphone: Source,
    sounds: usize,
    /// Encrypted bytes of video that Alice sent.
    sent: usize,
    told: Vec<(Instant, u64)>,
}

impl Limited {
    fn new() -> Self {
        let mut call = Call::new(71);
        let (alice, bob) = (call.join(1), call.join(2));
        call.command(Command::SetMaxIncomingBitrate {
            transport: TransportId(1),
            bits_per_second: LIMIT,
        });
        call.add_video(1, 10, 1);
        call.add_audio(1, 11);
        call.add_consumer(2, 20, 10);
        call.add_consumer(2, 21, 11);
        let mut microphone = Source::audio(7000, 11);
        // Of the camera's numbers, which its feedback counts, none is taken twice.
        microphone.transport_sequence = 40_000;
        let camera = Camera::new(alice, 10, 5000, 1);
        Self { call, bob, camera, microphone, sounds: 0, sent: 0, told: Vec::new() }
    }

    /// One frame of packets of this size, what was asked for again, and a sound.
    fn frame(&mut self, sizes: Vec<usize>) {
        let call = &mut self.call;
        self.camera.sizes = vec![sizes];
        let mut packets = self.camera.repairs(call);
        packets.extend(self.camera.frame(call));
        self.sent += packets.iter().map(|(_, packet)| packet.len()).sum::<usize>();
        let sound = self.microphone.sound(40);
        self.sounds += 1;
        packets.push((self.camera.path, call.peer(self.camera.path).protect(sound)));
        call.receive(packets);
        call.pass_ms(33);
        let now = call.now;
        self.told.extend(call.take_events().into_iter().filter_map(|event| match event {
            Event::MediaLimited { transport: TransportId(1), refused } => Some((now, refused)),
            _ => None,
        }));
    }

    fn run(&mut self, frames: usize, sizes: &[usize]) {
        for frame in 0..frames {
            if frame % 300 == 0 {
                self.call.keep_alive();
            }
            self.frame(sizes.to_vec());
        }
    }

    /// Encrypted bytes of video that Bob got since then.
    fn carried(&mut self, since: Instant) -> usize {
        let got = self.call.peer(self.bob).of(VIDEO);
        got.iter().filter(|got| got.at >= since).map(|got| got.datagram_len).sum()
    }

    fn refused(&mut self) -> u64 {
        self.call.stats().transports[0].packets_refused
    }
}

#[test]
fn a_flood_of_ten_times_the_limit_is_held_to_the_limit_and_sound_goes_on() {
    let mut limited = Limited::new();
    let start = limited.call.now;
    limited.run(100, &[1000; 13]);
    let (now, sent) = (limited.call.now, limited.sent);
    limited.run(300, &[1000; 13]);

    let passed = (limited.call.now - now).as_secs_f64();
    let offered = (limited.sent - sent) as f64 * 8.0 / passed;
    assert!(offered > 10.0 * LIMIT as f64, "{offered}");
    let carried = limited.carried(now) as f64 * 8.0 / passed;
    // What leaves has other header extensions than what came.
    assert!((0.8..1.55).contains(&(carried / LIMIT as f64)), "{carried}");
    let burst = 2.0 * 1.5 * LIMIT as f64;
    let most = burst + 1.5 * LIMIT as f64 * (limited.call.now - start).as_secs_f64();
    let whole = limited.carried(start) as f64 * 8.0;
    assert!(whole <= 1.05 * most, "{whole} of {most}");
    assert_eq!(limited.call.peer(limited.bob).of(SOUND).len(), limited.sounds);
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
    assert_eq!(told, limited.call.worker.counters().packets_refused);
    let words = limited.told.len();
    limited.run(90, &[20]);
    assert_eq!(limited.told.len(), words, "nothing is refused any more");
}

#[test]
fn what_is_refused_is_lost_to_the_peer_s_congestion_control() {
    let mut limited = Limited::new();
    limited.run(150, &[1000; 13]);
    let alice = limited.camera.path;
    let mut lost = 0;
    for (_, told) in &limited.call.peer(alice).told {
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
    let seconds = (limited.call.now - limited.call.start).as_secs_f64();
    let offered = limited.sent as f64 * 8.0 / seconds;
    assert!((0.9..1.2).contains(&(offered / LIMIT as f64)), "{offered}");
    assert_eq!(limited.refused(), 0);
    assert_eq!(limited.told, []);
}

#[test]
fn without_a_limit_nothing_is_refused_and_another_limit_counts_at_once() {
    let mut limited = Limited::new();
    let set = |limited: &mut Limited, bits_per_second| {
        let transport = TransportId(1);
        limited.call.command(Command::SetMaxIncomingBitrate { transport, bits_per_second });
    };
    set(&mut limited, 100 * LIMIT);
    limited.run(200, &[1000; 13]);
    assert_eq!(limited.refused(), 0);
    set(&mut limited, LIMIT);
    limited.run(200, &[1000; 13]);
    assert!(limited.refused() > 1000);
}
