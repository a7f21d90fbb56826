//! Whatever arrives, nothing breaks, nothing grows, and the call goes on.

mod support;

use rotunda_media_core::Path;
use support::Call;
use support::camera::Camera;

/// Enough to reach every parser's corners, few enough for a second in a debug build.
const DATAGRAMS: usize = 8_000;

fn call() -> (Call, Path, Camera) {
    let mut call = Call::new(13);
    let (alice, bob) = (call.join(1), call.join(2));
    call.add_video(1, 10, 2);
    call.add_consumer(2, 20, 10);
    (call, bob, Camera::new(alice, 10, 5000, 2))
}

fn mutate(rng: &mut fastrand::Rng, datagram: &mut Vec<u8>) {
    match rng.u8(..4) {
        0 => datagram.truncate(rng.usize(..datagram.len().max(1))),
        1 => datagram.extend((0..rng.usize(1..64)).map(|_| rng.u8(..))),
        _ => {
            if let Some(byte) = rng.choice(datagram.iter_mut()) {
                *byte ^= 1 << rng.u8(..8);
            }
        }
    }
}

fn goes_on(call: &mut Call, bob: Path, camera: &mut Camera) {
    let before = call.peer(bob).of(20_000).len();
    camera.run(call, 30);
    assert!(call.peer(bob).of(20_000).len() >= before + 30);
    assert!(call.worker.next_timeout().is_some());
}

#[test]
fn random_and_flipped_datagrams_change_nothing() {
    let (mut call, bob, mut camera) = call();
    camera.run(&mut call, 10);
    let mut rng = fastrand::Rng::with_seed(1);
    let mut seeds: Vec<Vec<u8>> =
        camera.frame(&mut call).into_iter().map(|(_, data)| data).collect();
    seeds.push(call.peer(camera.path).check(true));
    seeds.push(call.peer(bob).nack(20_000, &[1, 2, 3]).1);
    seeds.push(vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4]);
    let strange = Path { remote: "192.0.2.1:1".parse().unwrap(), ..bob };
    for n in 0..DATAGRAMS {
        let mut datagram = match rng.u8(..3) {
            0 => (0..rng.usize(..200)).map(|_| rng.u8(..)).collect(),
            _ => seeds[rng.usize(..seeds.len())].clone(),
        };
        mutate(&mut rng, &mut datagram);
        // A check whose change lies behind its integrity attribute is as good as a repeated one:
        // from elsewhere it would rightly move the peer there.
        let check = datagram.first().is_some_and(|first| *first < 4);
        let from = if check { camera.path } else { [camera.path, bob, strange][rng.usize(..3)] };
        call.receive(vec![(from, datagram)]);
        call.outbox.dtls.clear();
        if n % 100 == 0 {
            camera.run(&mut call, 1);
        }
    }
    assert_eq!(call.stats().producers.len(), 1);
    goes_on(&mut call, bob, &mut camera);
}

#[test]
fn nonsense_that_is_authentic_is_survived_too() {
    let (mut call, bob, mut camera) = call();
    camera.run(&mut call, 10);
    let mut rng = fastrand::Rng::with_seed(2);
    for n in 0..DATAGRAMS {
        let mut source = camera.layers[rng.usize(..2)].clone();
        source.ssrc = rng.u32(..);
        source.sequence = rng.u16(..);
        let any = rng.u8(..128);
        source.payload_type = *rng.choice(&[96, 97, 96, any]).unwrap();
        let payload: Vec<u8> = (0..rng.usize(..60)).map(|_| rng.u8(..)).collect();
        let rid = *rng.choice(&[&b"r0"[..], b"r1", b"r7", b""]).unwrap();
        let id = *rng.choice(&[10, 11, 4]).unwrap();
        let packet = source.packet(rng.bool(), &payload, &[(id, rid)]);
        // The keys follow a bounded number of SSRCs: what is beyond is refused on both sides.
        if let Some(packet) = call.peer(camera.path).try_protect(packet) {
            call.receive(vec![(camera.path, packet)]);
        }
        let (path, control) = if rng.bool() {
            call.peer(bob).nack(20_000, &[rng.u16(..), rng.u16(..)])
        } else {
            let mut garbage: Vec<u8> = (0..rng.usize(3..20) * 4).map(|_| rng.u8(..)).collect();
            garbage[0] = 0x80 | garbage[0] & 0x1f;
            garbage[1] = 200 + garbage[1] % 8;
            call.peer(bob).rtcp(|out| out.extend_from_slice(&garbage))
        };
        call.receive(vec![(path, control)]);
        if n % 100 == 0 {
            call.pass_ms(33);
        }
    }
    assert_eq!(call.stats().producers.len(), 1);
}
