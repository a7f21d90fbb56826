//! VP9 payload descriptors read and described, on bytes made from the figures of RFC 9628 section 4.2.

mod support;

use proptest::prelude::*;
use rotunda_media_core::codec::vp9::{LayerIndices, Vp9Descriptor, Vp9Error};
use rotunda_media_core::codec::{FrameDescriptor, KeyPart, PictureId, SwitchUp, describe};
use rotunda_media_core::command::Codec;
use support::bytes::hex;

fn described(text: &str) -> FrameDescriptor {
    describe(Codec::Vp9, &hex(text), false)
}

fn error(text: &str) -> Vp9Error {
    Vp9Descriptor::parse(&hex(text)).unwrap_err()
}

/// I L B E, 15 bits of picture id, TID 2 with U, SID 1 with D, TL0PICIDX.
const NON_FLEXIBLE: &str = "ac 9234 53 45 ff";
/// I P F B, 7 bits of picture id, references 1, 11 and 22 back.
const FLEXIBLE: &str = "d8 11 03 17 2c ff";
/// B V: two layers of 640 × 360 and 1280 × 720; a group of two pictures, of which the second, of
/// temporal layer 2, refers to the one 33 before it.
const STRUCTURE: &str = "0a 38 0280 0168 0500 02d0 02 10 44 21 ff";

#[test]
fn reads_layers_outside_of_flexible_mode() {
    let bytes = hex(NON_FLEXIBLE);
    let read = Vp9Descriptor::parse(&bytes).unwrap();
    assert_eq!((read.len, read.picture_id), (5, Some(PictureId::Long(0x1234))));
    let layers = LayerIndices { temporal: 2, switching_up: true, spatial: 1, inter_layer: true };
    assert_eq!((read.layers, read.tl0_picture_index), (Some(layers), Some(0x45)));
    assert!(read.frame_start && read.frame_end && !read.predicted && !read.flexible);
    assert!(read.references.differences().is_empty() && read.structure.is_none());
}

#[test]
fn reads_references_in_flexible_mode() {
    let bytes = hex(FLEXIBLE);
    let read = Vp9Descriptor::parse(&bytes).unwrap();
    assert_eq!((read.len, read.picture_id), (5, Some(PictureId::Short(0x11))));
    assert!(read.flexible && read.predicted && read.frame_start && !read.frame_end);
    assert_eq!(read.references.differences(), [1, 11, 22]);
    let with_layers = hex("b0 11 20 ff");
    let read = Vp9Descriptor::parse(&with_layers).unwrap();
    assert_eq!((read.len, read.tl0_picture_index), (3, None), "flexible mode has no TL0PICIDX");
    assert_eq!(read.layers.map(|layers| layers.temporal), Some(1));
}

#[test]
fn reads_the_scalability_structure() {
    let bytes = hex(STRUCTURE);
    let read = Vp9Descriptor::parse(&bytes).unwrap();
    assert_eq!(read.len, bytes.len() - 1);
    let structure = read.structure.unwrap();
    assert_eq!(structure.spatial_layers, 2);
    assert_eq!(structure.sizes().collect::<Vec<_>>(), [(640, 360), (1280, 720)]);
    let pictures: Vec<_> = structure.pictures().collect();
    let seen: Vec<_> = pictures.iter().map(|p| (p.temporal, p.switching_up)).collect();
    assert_eq!(seen, [(0, true), (2, false)]);
    let references: Vec<_> = pictures.iter().map(|p| p.references.differences()).collect();
    assert_eq!(references, [&[][..], &[33]]);
    let bare = hex("0a e0 ff");
    let structure = Vp9Descriptor::parse(&bare).unwrap().structure.unwrap();
    assert_eq!((structure.spatial_layers, structure.sizes().count()), (8, 0));
    assert_eq!(structure.pictures().count(), 0);
}

#[test]
fn fields_are_absent_where_not_flagged() {
    let bytes = hex("0d ff");
    let read = Vp9Descriptor::parse(&bytes).unwrap();
    assert_eq!((read.len, read.picture_id, read.layers), (1, None, None));
    assert_eq!((read.tl0_picture_index, read.structure), (None, None));
    assert!(read.frame_start && read.frame_end && read.not_for_upper_layers);
}

#[test]
fn malformed_descriptors_are_refused() {
    for whole in [NON_FLEXIBLE, FLEXIBLE, STRUCTURE] {
        let bytes = hex(whole);
        for len in 0..bytes.len() - 1 {
            let cut = Vp9Descriptor::parse(&bytes[..len]);
            assert_eq!(cut, Err(Vp9Error::Truncated), "{len} bytes of {whole}");
        }
    }
    assert_eq!(error("d8 11 03 17 2d 02 ff"), Vp9Error::TooManyReferences);
    assert_eq!(error("58 02 ff"), Vp9Error::ReferencesWithoutPictureId);
}

#[test]
fn frames_are_described_without_the_codecs_own_words() {
    let upper = described(NON_FLEXIBLE);
    assert!(upper.starts && upper.ends && upper.inter_layer && !upper.discardable);
    assert_eq!((upper.spatial, upper.temporal), (1, Some(2)));
    assert_eq!(upper.switch_up, SwitchUp::LayersAbove);
    assert_eq!(upper.key, KeyPart::None, "an upper layer is no key picture's beginning");
    let delta = described(FLEXIBLE);
    assert_eq!((delta.starts, delta.ends, delta.key), (true, false, KeyPart::None));
    assert_eq!((delta.temporal, delta.switch_up), (None, SwitchUp::No));
    assert_eq!(
        described("c8"),
        FrameDescriptor::default(),
        "nothing is known of what is malformed"
    );
}

#[test]
fn a_key_picture_begins_with_the_first_packet_of_its_lowest_layer() {
    for (text, begins) in [
        ("08 ff", true),
        ("48 ff", false),          // predicted
        ("00 ff", false),          // not the beginning
        ("a8 05 00 01 ff", true),  // lowest spatial layer
        ("a8 05 03 01 ff", false), // an upper one of the same picture
        ("a8 8505 00 01 ff", true),
        ("a8 8505 03 01 ff", false),
        ("a8 85", false), // cut short
    ] {
        assert_eq!(described(text).key == KeyPart::First, begins, "{text}");
    }
}

proptest! {
    #[test]
    fn what_was_written_is_what_is_read(
        picture_id in proptest::option::of(0u16..1 << 15),
        layers in proptest::option::of((0u8..8, any::<bool>(), 0u8..8, any::<bool>())),
        flags in 0u8..8,
        references in prop::collection::vec(0u8..128, 1..=3),
        sizes in prop::collection::vec(any::<(u16, u16)>(), 1..=8),
        flexible: bool,
        predicted: bool,
        structured: bool,
    ) {
        let references = (flexible && predicted && picture_id.is_some()).then_some(references);
        let predicted = predicted && (!flexible || references.is_some());
        let mut bytes = vec![
            u8::from(picture_id.is_some()) << 7
                | u8::from(predicted) << 6
                | u8::from(layers.is_some()) << 5
                | u8::from(flexible) << 4
                | (flags & 6) << 1
                | u8::from(structured) << 1
                | flags & 1,
        ];
        bytes.extend(picture_id.map(|id| (id | 1 << 15).to_be_bytes()).into_iter().flatten());
        if let Some((temporal, up, spatial, inter_layer)) = layers {
            let up = u8::from(up) << 4;
            bytes.push(temporal << 5 | up | spatial << 1 | u8::from(inter_layer));
            bytes.extend((!flexible).then_some(7));
        }
        let count = references.as_ref().map_or(0, Vec::len);
        for (difference, n) in references.iter().flatten().zip(1..) {
            bytes.push(difference << 1 | u8::from(n < count));
        }
        if structured {
            bytes.push((sizes.len() as u8 - 1) << 5 | 0x10);
            bytes.extend(sizes.iter().flat_map(|(w, h)| [w.to_be_bytes(), h.to_be_bytes()].concat()));
        }
        let read = Vp9Descriptor::parse(&bytes).unwrap();
        prop_assert_eq!(read.len, bytes.len());
        prop_assert_eq!(read.picture_id.map(PictureId::value), picture_id);
        let seen = read.layers.map(|l| (l.temporal, l.switching_up, l.spatial, l.inter_layer));
        prop_assert_eq!(seen, layers);
        prop_assert_eq!(read.references.differences(), references.unwrap_or_default());
        prop_assert_eq!(
            read.structure.map(|structure| structure.sizes().collect::<Vec<_>>()),
            structured.then_some(sizes)
        );
        let marks = (read.frame_start, read.frame_end, read.not_for_upper_layers);
        prop_assert_eq!(marks, (flags & 4 != 0, flags & 2 != 0, flags & 1 != 0));
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..60)) {
        let described = describe(Codec::Vp9, &noise, true);
        match Vp9Descriptor::parse(&noise) {
            Ok(read) => {
                prop_assert!(read.len <= noise.len());
                let structure = read.structure;
                prop_assert!(structure.is_none_or(|s| s.pictures().count() < noise.len()));
            }
            Err(_) => prop_assert_eq!(described, FrameDescriptor::default()),
        }
    }
}
