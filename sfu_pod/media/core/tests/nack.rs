//! Losses on both sides are repaired: NACK and RTX towards the source, and towards the sink from
//! the one history.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rotunda_media_core::Path;
use support::Call;
use support::camera::Camera;
use support::netem::Netem;
use support::peer::{Got, Told};

const SSRC: u32 = 20_000;
const RTX: u32 = 20_001;

fn call() -> (Call, Path, Camera) {
    let mut call = Call::new(5);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_video(1, 10, 1);
    call.add_consumer(2, 20, 10);
    (call, bob, Camera::new(alice, 10, 5000, 1))
}

/// The payload inside a retransmission, with the number that it repeats.
fn unwrap(got: &Got) -> (u16, Vec<u8>) {
    (u16::from_be_bytes([got.payload[0], got.payload[1]]), got.payload[2..].to_vec())
}

#[test]
fn a_loss_before_us_is_asked_for_and_filled_in_place() {
    let (mut call, bob, mut camera) = call();
    camera.sizes[0] = vec![300; 5];
    camera.run(&mut call, 10);
    let mut packets = camera.frame(&mut call);
    packets.remove(2);
    call.receive(packets);
    call.pass_ms(10);
    let repairs = camera.repairs(&mut call);
    assert_eq!(repairs.len(), 1);
    call.receive(repairs);
    camera.run(&mut call, 10);
    let got = call.peer(bob).of(SSRC);
    let first = got[0].sequence;
    let order: BTreeSet<u16> = got.iter().map(|got| got.sequence.wrapping_sub(first)).collect();
    assert_eq!(order, (0..21 * 5).collect());
    let stats = call.stats();
    assert_eq!((stats.producers[0].nacks_sent, stats.producers[0].rtx_received), (1, 1));
    assert_eq!(stats.producers[0].packets_lost, 0);
}

#[test]
fn a_loss_after_us_is_resent_bit_by_bit() {
    let (mut call, bob, mut camera) = call();
    camera.sizes[0] = vec![300, 301, 302];
    camera.run(&mut call, 20);
    let got = call.peer(bob).of(SSRC);
    let wanted: Vec<&Got> = got[got.len() - 9..].iter().step_by(2).collect();
    let numbers: Vec<u16> = wanted.iter().map(|got| got.sequence).collect();
    let nack = call.peer(bob).nack(SSRC, &numbers);
    call.receive(vec![nack]);
    let resent = call.peer(bob).of(RTX);
    assert_eq!(resent.len(), wanted.len());
    for (original, repeat) in wanted.iter().zip(&resent) {
        assert_eq!(unwrap(repeat), (original.sequence, original.payload.clone()));
        assert_eq!((repeat.payload_type, repeat.timestamp), (102, original.timestamp));
        assert_eq!(repeat.marker, original.marker);
    }
    assert!(resent.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
    assert_eq!(call.stats().consumers[0].rtx_sent, wanted.len() as u64);
}

#[test]
fn a_key_frame_that_came_all_at_once_leaves_enough_for_its_losses() {
    let (mut call, bob, mut camera) = call();
    camera.sizes[0] = vec![1000; 150];
    camera.run(&mut call, 1);
    let got = call.peer(bob).of(SSRC);
    assert_eq!(got.len(), 150);
    let lost: Vec<u16> = got[40..140].iter().map(|got| got.sequence).collect();
    let nack = call.peer(bob).nack(SSRC, &lost);
    call.receive(vec![nack]);
    assert_eq!(call.peer(bob).of(RTX).len(), lost.len());
}

#[test]
fn a_flood_of_nacks_draws_little() {
    let (mut call, bob, mut camera) = call();
    camera.run(&mut call, 60);
    let media: usize = call.peer(bob).of(SSRC).iter().map(|got| got.datagram_len).sum();
    let numbers: Vec<u16> = call.peer(bob).of(SSRC).iter().map(|got| got.sequence).collect();
    for _ in 0..500 {
        let nack = call.peer(bob).nack(SSRC, &numbers);
        call.receive(vec![nack]);
        call.pass_ms(1);
    }
    let resent = call.peer(bob).of(RTX);
    let bytes: usize = resent.iter().map(|got| got.datagram_len).sum();
    assert!(bytes <= media / 2 + 128 * 1024, "{bytes} bytes resent for {media} of media");
    let once: BTreeMap<u16, Duration> =
        resent.iter().map(|got| (unwrap(got).0, Duration::ZERO)).collect();
    assert!(resent.len() <= once.len() * 13, "{} resends of {}", resent.len(), once.len());
}

#[test]
fn padding_probes_count_as_arrivals_but_go_no_further() {
    let (mut call, bob, mut camera) = call();
    camera.run(&mut call, 5);
    let forwarded = call.peer(bob).media.len();
    let mut probe = camera.layers[0].clone();
    (probe.ssrc, probe.payload_type, probe.transport_sequence) = (5100, 97, 20_000);
    let plain = probe.packet(false, &[], &[(11, b"r0")]);
    let mut padded = plain.clone();
    padded[0] |= 0x20;
    padded.extend([0; 223]);
    padded.push(224);
    let packet = call.peer(camera.path).protect(padded);
    call.receive(vec![(camera.path, packet)]);
    call.pass_ms(100);
    assert_eq!(call.peer(bob).media.len(), forwarded);
    let heard = |told: &Told| match told {
        Told::Feedback { arrivals, .. } => {
            arrivals.iter().any(|(sequence, at)| *sequence == 20_000 && at.is_some())
        }
        _ => false,
    };
    assert!(call.peer(camera.path).told.iter().any(|(_, told)| heard(told)));
}

#[test]
fn five_percent_loss_and_reordering_both_ways_cost_no_frame() {
    let (mut call, bob, mut camera) = call();
    camera.sizes[0] = vec![900; 4];
    let ms = Duration::from_millis;
    let mut up = Netem::new(11, 0.05, ms(20), ms(30));
    let mut down = Netem::new(12, 0.05, ms(20), ms(30));
    let mut back = Netem::new(13, 0.0, ms(20), ms(1));
    let mut playout = Playout::default();
    let (mut seen, mut frames) = (0, 0u64);
    for tick in 0..9_000u64 {
        let mut out = camera.repairs(&mut call);
        if tick % 33 == 0 && tick < 8_000 {
            out.extend(camera.frame(&mut call));
            frames += 1;
        }
        out.into_iter().for_each(|packet| up.send(call.now, packet));
        let mut arrived = up.arrived(call.now);
        arrived.extend(back.arrived(call.now));
        call.receive(arrived);
        let now = call.now;
        let bob_peer = call.peer(bob);
        for got in bob_peer.media.iter().skip(seen) {
            down.send(now, got.clone());
        }
        seen = bob_peer.media.len();
        down.arrived(now).into_iter().for_each(|got| playout.take(got));
        if tick % 40 == 0 {
            let missing = playout.missing();
            if !missing.is_empty() {
                let nack = call.peer(bob).nack(SSRC, &missing);
                back.send(now, nack);
            }
        }
        call.pass_ms(1);
    }
    assert!(up.lost > 30 && down.lost > 30, "{} and {} lost", up.lost, down.lost);
    assert_eq!(playout.missing(), []);
    assert_eq!(playout.packets.len() as u64, frames * 4);
    let stats = call.stats();
    assert!(stats.producers[0].nacks_sent as f64 <= up.lost as f64 * 3.0, "{stats:?} {}", up.lost);
    assert_eq!(stats.producers[0].plis_sent, 1, "no key frame was needed but the first");
}

/// What a receiver has put together, retransmissions in their places.
#[derive(Default)]
struct Playout {
    packets: BTreeMap<u64, Vec<u8>>,
    highest: Option<u64>,
}

impl Playout {
    fn take(&mut self, got: Got) {
        let (sequence, payload) = match got.ssrc {
            RTX => unwrap(&got),
            _ => (got.sequence, got.payload),
        };
        let highest = self.highest.unwrap_or((1 << 16) + u64::from(sequence));
        let ahead = i64::from(sequence.wrapping_sub(highest as u16) as i16);
        let sequence = highest.saturating_add_signed(ahead);
        self.highest = Some(highest.max(sequence));
        self.packets.insert(sequence, payload);
    }

    fn missing(&self) -> Vec<u16> {
        let (Some((first, _)), Some(highest)) = (self.packets.first_key_value(), self.highest)
        else {
            return Vec::new();
        };
        (*first..highest)
            .filter(|sequence| !self.packets.contains_key(sequence))
            .map(|sequence| sequence as u16)
            .collect()
    }
}
