//! VP8 payloads: rewriting changes the numbers and nothing else.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotunda_media_core::codec::vp8::Vp8Descriptor;

fuzz_target!(|bytes: &[u8]| {
    let Ok(before) = Vp8Descriptor::parse(bytes) else { return };
    if before.frame_size(bytes).is_some() {
        assert!(before.is_key_frame(bytes));
    }
    let mut rewritten = bytes.to_vec();
    before.rewrite(&mut rewritten, 0xa5a5, 0x5a);
    let after = Vp8Descriptor::parse(&rewritten).expect("its shape is the same");
    assert_eq!(rewritten[after.len..], bytes[before.len..]);
    assert_eq!((after.temporal, after.key_index), (before.temporal, before.key_index));
    assert_eq!(after.picture_id.is_some(), before.picture_id.is_some());
    assert_eq!(after.tl0_picture_index.is_some(), before.tl0_picture_index.is_some());
});
