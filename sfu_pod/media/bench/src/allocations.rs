//! How often the worker's thread asks for memory: in its steady state it should not, as each packet
//! would pay for it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use crate::call::{self, Outcome, Scenario};
use crate::options::Options;
use crate::trace::Trace;

/// The thread whose allocations are counted; 0: none.
static WATCHED: AtomicI32 = AtomicI32::new(0);
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, which counts for one thread.
pub struct Counting;

impl Counting {
    fn note(&self) {
        let watched = WATCHED.load(Ordering::Relaxed);
        // SAFETY: the call takes nothing and cannot fail.
        if watched != 0 && unsafe { libc::gettid() } == watched {
            COUNT.fetch_add(1, Ordering::Relaxed);
        }
    }
}

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.note();
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.note();
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.note();
        // SAFETY: the caller's promise is handed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Counts for this thread from now on.
pub fn watch(thread: i32) {
    WATCHED.store(thread, Ordering::Relaxed);
}

/// So many so far.
pub fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Prints a Markdown table, one row for each number of subscribers, kind of sink and path.
pub fn run(trace: &Trace, options: &Options) -> io::Result<()> {
    println!("| N | sinks | path | packets | send calls | allocations | **a packet** |");
    println!("|{}", "---|".repeat(7));
    for scenario in Scenario::all(trace, options) {
        print(&scenario, &call::run(&scenario, |_, _, _| ())?.0);
    }
    Ok(())
}

fn print(scenario: &Scenario<'_>, outcome: &Outcome) {
    let packets = outcome.load.packets_forwarded;
    println!(
        "| {} | {} | {} | {} | {} | {} | **{:.6}** |",
        scenario.subscribers,
        scenario.sinks.name(),
        if scenario.segmentation_offload { "GSO" } else { "plain" },
        packets,
        outcome.load.send_calls,
        outcome.allocations,
        outcome.allocations as f64 / packets.max(1) as f64,
    );
}
