//! The command line.

use std::error::Error;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use lexopt::prelude::*;

use crate::sinks::SinkMode;

const HELP: &str = "\
What forwarding costs, measured on the real worker. Prints a Markdown table.

Usage: forwarding [--subscribers 10,100,500] [--sinks dropped,drained,feedback] [--seconds 2]
                  [--rate 200000] [--trace FILE] [--attempts 1] [--ramp] [--allocations]

  --subscribers  subscribers in a room, one table row for each
  --sinks        what becomes of packets at the subscribers: dropped by a socket filter, drained
                 by a thread, or drained and answered with transport-wide feedback
  --seconds      measured time of each row
  --rate         packets to forward each second; rooms and publishers are chosen to come near
  --trace        lines of `microseconds bytes marker`, one RTP stream of a browser
  --attempts     above 1, each row waits up to a minute until other processes take less than 3 %
                 of the machine, and is measured again, up to so many times, where they took more
                 meanwhile; the least disturbed attempt is shown
  --ramp         from the rate upwards, each row a quarter more, to the first that loses packets and
                 one that is twice as much; for the first number of subscribers and the first sinks
  --allocations  how often the worker's thread asks for memory, instead of what forwarding costs";

/// What to measure.
pub struct Options {
    pub subscribers: Vec<usize>,
    pub sinks: Vec<SinkMode>,
    pub duration: Duration,
    /// Packets forwarded each second.
    pub rate: f64,
    pub trace: PathBuf,
    /// For each row, at most.
    pub attempts: u32,
    /// Raise the rate until packets are lost.
    pub ramp: bool,
    /// Count the worker's allocations.
    pub allocations: bool,
}

impl Options {
    /// `None`: help was asked for and given.
    pub fn from_command_line() -> Result<Option<Self>, Box<dyn Error>> {
        let mut options = Self {
            subscribers: vec![10, 100, 500],
            sinks: vec![SinkMode::Dropped, SinkMode::Drained, SinkMode::Feedback],
            duration: Duration::from_secs(2),
            rate: 200_000.0,
            trace: concat!(env!("CARGO_MANIFEST_DIR"), "/data/camera.txt").into(),
            attempts: 1,
            ramp: false,
            allocations: false,
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("subscribers") => options.subscribers = list(&parser.value()?.string()?)?,
                Long("sinks") => options.sinks = list(&parser.value()?.string()?)?,
                Long("seconds") => {
                    options.duration = Duration::try_from_secs_f64(parser.value()?.parse()?)?;
                }
                Long("rate") => options.rate = parser.value()?.parse()?,
                Long("attempts") => options.attempts = parser.value()?.parse()?,
                Long("ramp") => options.ramp = true,
                Long("allocations") => options.allocations = true,
                Long("trace") => options.trace = parser.value()?.into(),
                Long("help") | Short('h') => {
                    println!("{HELP}");
                    return Ok(None);
                }
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(options))
    }
}

impl FromStr for SinkMode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Dropped, Self::Drained, Self::Feedback]
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| format!("sinks are dropped, drained or feedback, not {name}"))
    }
}

fn list<T: FromStr>(text: &str) -> Result<Vec<T>, T::Err> {
    text.split(',').map(str::parse).collect()
}
