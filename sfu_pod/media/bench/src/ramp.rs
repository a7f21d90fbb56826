//! How much one worker carries: the rate is raised until packets are lost.

use std::io;

use crate::call::{self, Outcome, Scenario};
use crate::options::Options;
use crate::trace::Trace;

/// From one row to the next.
const STEP: f64 = 1.25;
/// What the row after the first loss asks for, of the rate that lost.
const FAR_BEYOND: f64 = 2.0;
/// A share below this is no loss: publishers and the worker stop at moments of their own.
const LOSS: f64 = 0.001;
/// No worker comes near to it: the end of a ramp that loses nothing.
const HIGHEST_RATE: f64 = 20e6;

/// Prints a Markdown table, one row for each rate.
pub fn run(trace: &Trace, options: &Options) -> io::Result<()> {
    print_head();
    let mut rate = options.rate;
    while rate < HIGHEST_RATE {
        let outcome = measure(trace, options, rate)?;
        print(rate, &outcome);
        if outcome.lost() > LOSS {
            let rate = rate * FAR_BEYOND;
            print(rate, &measure(trace, options, rate)?);
            break;
        }
        rate *= STEP;
    }
    Ok(())
}

fn measure(trace: &Trace, options: &Options, rate: f64) -> io::Result<Outcome> {
    let shape = (options.subscribers[0], options.sinks[0], true);
    let scenario = Scenario::at_rate(rate, trace, shape, options.duration);
    Ok(call::run(&scenario, |_, _, _| ())?.0)
}

fn print_head() {
    println!("| asked/s | forwarded/s of a core | asleep | µs/packet | segments | lost | others |");
    println!("|{}", "---|".repeat(7));
}

fn print(rate: f64, outcome: &Outcome) {
    println!(
        "| {:.0} | {:.0} | {:.0} % | {:.2} | {:.1} | {:.1} % | {:.0} % |",
        rate,
        outcome.pace.rate_with_a_core(),
        100.0 * outcome.pace.asleep(),
        outcome.cost(),
        outcome.mean_segments(),
        100.0 * outcome.lost(),
        100.0 * outcome.others,
    );
}
