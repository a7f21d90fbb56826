//! A whole worker: commands, time, datagrams that its peers could send and such that nobody would.
//! Nothing panics, nothing grows without bound, and no number is used twice under one key.

#![no_main]

#[path = "worker/driver.rs"]
mod driver;
#[path = "worker/input.rs"]
mod input;
#[path = "worker/media.rs"]
mod media;
#[path = "worker/peer.rs"]
mod peer;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut driver = driver::Driver::new();
    let mut input = input::Input::new(bytes);
    while let Some(step) = input.byte() {
        driver.step(step, &mut input);
    }
    driver.end();
});
