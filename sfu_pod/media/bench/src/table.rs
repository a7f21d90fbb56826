//! The result as Markdown.

use crate::call::{Outcome, Scenario};
use crate::options::Options;
use crate::trace::Trace;

/// One measured line.
pub struct Row<'a> {
    pub scenario: Scenario<'a>,
    pub outcome: Outcome,
    /// CPU microseconds to seal a packet, and nothing else.
    pub seal: f64,
    /// CPU microseconds to send a datagram, and nothing else.
    pub send: f64,
}

/// What all rows have in common, and the columns.
pub fn print_head(recorded: &Trace, options: &Options) {
    println!(
        "Trace: {} packets in {:.1} s, mean {:.0} bytes. Each row measured for {:.1} s.\n",
        recorded.packets.len(),
        recorded.length.as_secs_f64(),
        recorded.mean_bytes(),
        options.duration.as_secs_f64(),
    );
    println!(
        "| packets | N | rooms × publishers | sinks | path | forwarded/s | worker CPU | \
         **µs/packet** | user | kernel | seal alone | send alone | floor/cost | segments | \
         padding | lost | others |"
    );
    println!("|{}", "---|".repeat(17));
}

/// One row.
pub fn print(row: &Row<'_>) {
    let Row { scenario, outcome, seal, send } = row;
    let load = &outcome.load;
    let seconds = outcome.elapsed.as_secs_f64();
    let cost = outcome.cost();
    println!(
        "| {} | {} | {} × {} | {} | {} | {:.0} | {:.0} % | **{:.2}** | {:.2} | {:.2} | {:.2} | \
         {:.2} | {:.0} % | {:.1} | {:.2} % | {:.1} % | {:.0} % |",
        scenario.trace.name,
        scenario.subscribers,
        scenario.rooms,
        scenario.publishers,
        scenario.sinks.name(),
        if scenario.segmentation_offload { "GSO" } else { "plain" },
        load.packets_forwarded as f64 / seconds,
        100.0 * load.busy.as_secs_f64() / seconds,
        cost,
        cost * (1.0 - outcome.system_share),
        cost * outcome.system_share,
        seal,
        send,
        100.0 * (seal + send) / cost,
        outcome.mean_segments(),
        100.0 * load.padding_bytes as f64 / load.bytes_sent.max(1) as f64,
        100.0 * outcome.lost(),
        100.0 * outcome.others,
    );
}
