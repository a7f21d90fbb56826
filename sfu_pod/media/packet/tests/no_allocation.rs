//! The paths that every media packet takes do not allocate.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use rotunda_packet::demux::{PacketKind, classify};
use rotunda_packet::rtp::{RtpHeader, RtpPacket, write_padding};
use rotunda_packet::srtp::{Receiver, Sender, SrtpProfile};

thread_local! {
    // Each thread its own: the test harness allocates meanwhile.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PAYLOAD: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// Writes, protects, opens and reads one packet.
fn pass(sender: &mut Sender, receiver: &mut Receiver, buffer: &mut [u8], sequence_number: u16) {
    let header =
        RtpHeader { marker: true, payload_type: 96, sequence_number, timestamp: 1, ssrc: 2 };
    let at = header.write(buffer, &[(1, b"0"), (4, &[0, 1])]).unwrap();
    let end = at + PAYLOAD.len();
    buffer[at..end].copy_from_slice(&PAYLOAD);
    let len = write_padding(buffer, end, 3).unwrap();
    let len = sender.protect_rtp(buffer, len).unwrap();
    assert_eq!(classify(&buffer[..len]), Some(PacketKind::Rtp));
    let len = receiver.unprotect_rtp(&mut buffer[..len]).unwrap();
    let packet = RtpPacket::parse(&buffer[..len]).unwrap();
    assert_eq!(packet.extension(4), Some(&[0, 1][..]));
    assert_eq!(packet.payload(), PAYLOAD);
}

#[test]
fn media_packets_do_not_allocate() {
    for profile in SrtpProfile::ALL {
        let keys = vec![7; profile.key_len() + profile.salt_len()];
        let mut sender = Sender::new(profile, &keys).unwrap();
        let mut receiver = Receiver::new(profile, &keys).unwrap();
        let mut buffer = [0; 200];
        pass(&mut sender, &mut receiver, &mut buffer, 1); // the source's state is made here
        let before = ALLOCATIONS.get();
        (2..100).for_each(|number| pass(&mut sender, &mut receiver, &mut buffer, number));
        assert_eq!(ALLOCATIONS.get(), before, "{}", profile.name());
    }
}
