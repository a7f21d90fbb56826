//! VP8 payload descriptors read and rewritten.

mod support;

use proptest::prelude::*;
use rotunda_media_core::codec::PictureId;
use rotunda_media_core::codec::vp8::{TemporalLayer, Vp8Descriptor, Vp8Error};
use support::bytes::hex;

/// X I L T K, 15 bits of picture id, first packet of a frame.
const FULL: &str = "90 f0 8123 45 a7";

fn parse(text: &str) -> Vp8Descriptor {
    Vp8Descriptor::parse(&hex(text)).unwrap()
}

#[test]
fn reads_every_field() {
    let expected = Vp8Descriptor {
        len: 6,
        non_reference: false,
        partition_start: true,
        partition: 0,
        picture_id: Some(PictureId::Long(0x123)),
        tl0_picture_index: Some(0x45),
        temporal: Some(TemporalLayer { index: 2, sync: true }),
        key_index: Some(7),
    };
    assert_eq!(parse(FULL), expected);
}

#[test]
fn fields_are_absent_where_not_flagged() {
    let bare = parse("35 00");
    assert_eq!((bare.len, bare.partition, bare.non_reference), (1, 5, true));
    assert_eq!((bare.picture_id, bare.tl0_picture_index), (None, None));
    assert_eq!((bare.temporal, bare.key_index), (None, None));
    assert!(!bare.is_frame_start(), "not the first partition");
    let short = parse("90 80 7f");
    assert_eq!((short.len, short.picture_id), (3, Some(PictureId::Short(0x7f))));
    let key_index = parse("90 10 ff");
    assert_eq!((key_index.temporal, key_index.key_index), (None, Some(31)));
    let temporal = parse("90 20 5f");
    assert_eq!(temporal.temporal, Some(TemporalLayer { index: 1, sync: false }));
    assert_eq!(parse("90 00").len, 2, "extended, but empty");
}

#[test]
fn descriptors_cut_short_are_refused() {
    for text in ["", "90", "90 80", "90 80 81", "90 c0 81 23", "90 f0 81 23 45"] {
        assert_eq!(Vp8Descriptor::parse(&hex(text)), Err(Vp8Error::Truncated), "{text:?}");
    }
}

#[test]
fn key_frames_tell_their_size() {
    // 640 × 360, with scaling hints in the upper bits.
    let bytes = hex(&format!("{FULL} 10 02 00 9d 01 2a 80 42 68 81"));
    let descriptor = Vp8Descriptor::parse(&bytes).unwrap();
    assert!(descriptor.is_frame_start() && descriptor.is_key_frame(&bytes));
    assert_eq!(descriptor.frame_size(&bytes), Some((640, 360)));
    assert_eq!(descriptor.frame_size(&bytes[..15]), None, "cut short");
    let mut no_start_code = bytes.clone();
    no_start_code[9] = 0;
    assert_eq!(descriptor.frame_size(&no_start_code), None);
}

#[test]
fn other_packets_are_no_key_frames() {
    let inter = hex(&format!("{FULL} 11 02 00 9d 01 2a 80 02 68 01"));
    let descriptor = Vp8Descriptor::parse(&inter).unwrap();
    assert!(!descriptor.is_key_frame(&inter), "P bit");
    assert_eq!(descriptor.frame_size(&inter), None);
    let later = hex("80 f0 8123 45 a7 10 02 00 9d 01 2a 80 02 68 01");
    let descriptor = Vp8Descriptor::parse(&later).unwrap();
    assert!(!descriptor.is_key_frame(&later), "not the first packet");
    let empty = hex(FULL);
    assert!(!Vp8Descriptor::parse(&empty).unwrap().is_key_frame(&empty));
}

#[test]
fn golden_rewrites_keep_the_widths() {
    let rewritten = |text: &str, picture_id, tl0| {
        let mut bytes = hex(text);
        Vp8Descriptor::parse(&bytes).unwrap().rewrite(&mut bytes, picture_id, tl0);
        bytes
    };
    assert_eq!(rewritten("90 f0 8123 45 a7 ff", 5, 0x99), hex("90 f0 8005 99 a7 ff"));
    assert_eq!(rewritten("90 f0 8123 45 a7 ff", 0xffff, 0), hex("90 f0 ffff 00 a7 ff"));
    assert_eq!(rewritten("90 e0 11 45 a7 ff", 0x3ff, 0x99), hex("90 e0 7f 99 a7 ff"));
    assert_eq!(rewritten("90 80 8123 ff", 5, 0x99), hex("90 80 8005 ff"));
    assert_eq!(rewritten("90 40 45 ff", 5, 0x99), hex("90 40 99 ff"));
    assert_eq!(rewritten("10 ff", 5, 0x99), hex("10 ff"));
}

proptest! {
    #[test]
    fn rewriting_changes_only_the_numbers(
        payload in prop::collection::vec(any::<u8>(), 1..40),
        picture_id: u16,
        tl0: u8,
    ) {
        if let Ok(before) = Vp8Descriptor::parse(&payload) {
            let mut rewritten = payload.clone();
            before.rewrite(&mut rewritten, picture_id, tl0);
            let after = Vp8Descriptor::parse(&rewritten).unwrap();
            let expected = Vp8Descriptor {
                picture_id: before.picture_id.map(|id| match id {
                    PictureId::Short(_) => PictureId::Short((picture_id & id.mask()) as u8),
                    PictureId::Long(_) => PictureId::Long(picture_id & id.mask()),
                }),
                tl0_picture_index: before.tl0_picture_index.map(|_| tl0),
                ..before
            };
            prop_assert_eq!(after, expected);
            prop_assert_eq!(&rewritten[before.len..], &payload[before.len..]);
        }
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Ok(descriptor) = Vp8Descriptor::parse(&noise) {
            prop_assert!(descriptor.len <= noise.len());
            let _ = (descriptor.is_key_frame(&noise), descriptor.frame_size(&noise));
            let _ = descriptor.frame_size(&[]);
            descriptor.rewrite(&mut [], 1, 1);
        }
    }
}
