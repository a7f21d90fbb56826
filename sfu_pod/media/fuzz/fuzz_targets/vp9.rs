//! VP9 payloads: the descriptor stays inside of the payload, and what is cut off its end is missed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotunda_media_core::codec::vp9::{Vp9Descriptor, Vp9Error};
use rotunda_media_core::codec::{FrameDescriptor, KeyPart, describe};
use rotunda_media_core::command::Codec;

fuzz_target!(|bytes: &[u8]| {
    let described = describe(Codec::Vp9, bytes, false);
    let Ok(read) = Vp9Descriptor::parse(bytes) else {
        return assert_eq!(described, FrameDescriptor::default());
    };
    assert!(read.len <= bytes.len() && read.references.differences().len() <= 3);
    if let Some(structure) = read.structure {
        assert!((1..=8).contains(&structure.spatial_layers));
        assert!([0, usize::from(structure.spatial_layers)].contains(&structure.sizes().count()));
        assert!(structure.pictures().count() <= 255);
    }
    assert_eq!(Vp9Descriptor::parse(&bytes[..read.len - 1]), Err(Vp9Error::Truncated));
    assert_eq!(Vp9Descriptor::parse(&bytes[..read.len]), Ok(read));
    assert!(described.key == KeyPart::None || (described.spatial == 0 && !read.predicted));
});
