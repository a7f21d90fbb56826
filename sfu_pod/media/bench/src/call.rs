//! One measured run: rooms on a real worker.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rotunda_media_core::Command;
use rotunda_media_core::command::{
    Codec, ConsumerParameters, EncodingParameters, ExtensionIds, MediaKind, PayloadMapping,
    ProducerParameters,
};
use rotunda_media_core::id::{ConsumerId, ProducerId, RouterId, TransportId};
use rotunda_media_worker::{Event, Handle, Load, WorkerOptions, spawn};
use rotunda_packet::srtp::SrtpProfile;

use crate::options::Options;
use crate::peer::Peer;
use crate::publisher::{MID_ID, PAYLOAD_TYPE, Publisher, RTX_PAYLOAD_TYPE, TRANSPORT_CC_ID};
use crate::sinks::{SinkMode, drain, drop_all};
use crate::trace::Trace;
use crate::{allocations, cpu};

const THREAD_NAME: &str = "bench-worker";
/// A room's publishers, where the wanted rate allows so many.
const MAX_PUBLISHERS: usize = 4;

/// Consumers have begun and buffers are warm after this.
const WARM_UP: Duration = Duration::from_millis(1500);
/// How often publishers look whether something is due.
const TICK: Duration = Duration::from_micros(250);

/// What is run.
#[derive(Debug, Clone)]
pub struct Scenario<'a> {
    pub trace: &'a Trace,
    /// In each room.
    pub subscribers: usize,
    /// In each room.
    pub publishers: usize,
    pub rooms: usize,
    pub sinks: SinkMode,
    pub segmentation_offload: bool,
    pub profile: SrtpProfile,
    pub duration: Duration,
}

impl<'a> Scenario<'a> {
    /// Of as many rooms and publishers as come nearest to `rate` forwarded packets a second.
    pub fn at_rate(
        rate: f64,
        trace: &'a Trace,
        (subscribers, sinks, segmentation_offload): (usize, SinkMode, bool),
        duration: Duration,
    ) -> Self {
        let (rooms, publishers) = rooms_for(rate, trace.rate(), subscribers);
        Self {
            trace,
            subscribers,
            publishers,
            rooms,
            sinks,
            segmentation_offload,
            profile: SrtpProfile::Aes128Gcm,
            duration,
        }
    }

    /// What the options ask for: each number of subscribers with each kind of sink and each path.
    pub fn all(trace: &'a Trace, options: &'a Options) -> impl Iterator<Item = Self> {
        options.subscribers.iter().flat_map(move |&subscribers| {
            options.sinks.iter().flat_map(move |&sinks| {
                [false, true].map(|offload| {
                    let shape = (subscribers, sinks, offload);
                    Self::at_rate(options.rate, trace, shape, options.duration)
                })
            })
        })
    }
}

/// How many rooms with how many publishers each come nearest to a rate of forwarded packets.
fn rooms_for(rate: f64, stream_rate: f64, subscribers: usize) -> (usize, usize) {
    let streams = (rate / (stream_rate * subscribers as f64)).round().max(1.0) as usize;
    let publishers = streams.min(MAX_PUBLISHERS);
    ((streams as f64 / publishers as f64).round() as usize, publishers)
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Of the measured time.
    pub load: Load,
    pub elapsed: Duration,
    /// What the worker did while packets came.
    pub pace: Pace,
    /// The kernel's share of the worker's CPU time.
    pub system_share: f64,
    /// The share of the machine that other processes took meanwhile.
    pub others: f64,
    /// Packets that should have been forwarded.
    pub expected: u64,
    /// How often the worker's thread asked for memory.
    pub allocations: u64,
}

/// What a worker did while packets came, without what it had to catch up with afterwards.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    elapsed: Duration,
    busy: Duration,
    /// How long it had something to do and got no core.
    waited: Duration,
    forwarded: u64,
}

impl Pace {
    /// The share of the time in which the worker neither worked nor waited for a core.
    pub fn asleep(&self) -> f64 {
        let awake = self.busy + self.waited;
        self.elapsed.saturating_sub(awake).as_secs_f64() / self.elapsed.as_secs_f64()
    }

    /// Packets forwarded in each second that other processes did not take from the worker.
    pub fn rate_with_a_core(&self) -> f64 {
        let had_a_core = self.elapsed.saturating_sub(self.waited);
        self.forwarded as f64 / had_a_core.as_secs_f64()
    }
}

impl Outcome {
    /// CPU microseconds of the worker for each packet forwarded.
    pub fn cost(&self) -> f64 {
        self.load.busy.as_secs_f64() * 1e6 / self.load.packets_forwarded.max(1) as f64
    }

    /// The share of what should have been forwarded that was not.
    pub fn lost(&self) -> f64 {
        1.0 - self.load.packets_forwarded as f64 / self.expected as f64
    }

    /// Datagrams in a message.
    pub fn mean_segments(&self) -> f64 {
        self.load.segments_sent as f64 / self.load.messages_sent.max(1) as f64
    }

    /// Datagrams in a system call.
    pub fn mean_batch(&self) -> f64 {
        self.load.segments_sent as f64 / self.load.send_calls.max(1) as f64
    }
}

/// Sets the rooms up, runs them and measures. Calls `then` when the worker has closed its socket,
/// with the address that it had and those of the subscribers, who are still drained and take
/// datagrams from that address only.
pub fn run<T>(
    scenario: &Scenario<'_>,
    then: impl FnOnce(&Outcome, SocketAddr, &[SocketAddr]) -> T,
) -> io::Result<(Outcome, T)> {
    let worker = spawn(WorkerOptions {
        name: THREAD_NAME.to_owned(),
        segmentation_offload: scenario.segmentation_offload,
        ..WorkerOptions::new(vec!["127.0.0.1:0".parse().expect("an address")])
    })?;
    let publishers = connect(&worker, 1, scenario.rooms * scenario.publishers, scenario)?;
    let first = publishers.len() as u64 + 1;
    let mut subscribers = connect(&worker, first, scenario.rooms * scenario.subscribers, scenario)?;
    for (index, peer) in publishers.iter().enumerate() {
        drop_all(&peer.socket)?;
        add_producer(&worker, scenario, index, peer.transport);
    }
    for (index, peer) in subscribers.iter().enumerate() {
        if scenario.sinks == SinkMode::Dropped {
            drop_all(&peer.socket)?;
        }
        add_consumers(&worker, scenario, index, peer.transport);
    }
    let addresses = subscribers.iter().map(|peer| peer.socket.local_addr());
    let addresses = addresses.collect::<io::Result<Vec<_>>>()?;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        if scenario.sinks != SinkMode::Dropped {
            scope.spawn(|| drain(&mut subscribers, scenario.sinks, &stop));
        }
        let measured = measure(&worker, scenario, publishers);
        worker.close();
        let result =
            measured.map(|outcome| (outcome, then(&outcome, worker.addresses()[0], &addresses)));
        stop.store(true, Ordering::Relaxed);
        result
    })
}

fn connect(
    worker: &Handle,
    first: u64,
    count: usize,
    scenario: &Scenario<'_>,
) -> io::Result<Vec<Peer>> {
    let numbers = first..first + count as u64;
    numbers.map(|number| Peer::connect(worker, number, scenario.profile)).collect()
}

fn measure(worker: &Handle, scenario: &Scenario<'_>, peers: Vec<Peer>) -> io::Result<Outcome> {
    let count = peers.len() as u32;
    let mut publishers: Vec<_> = (0..)
        .zip(peers)
        .map(|(index, Peer { socket, srtp, .. })| {
            let phase = scenario.trace.length * index / count;
            Publisher::new(
                socket,
                srtp,
                scenario.trace,
                1000 + index,
                phase,
                scenario.sinks.feedback(),
            )
        })
        .collect();
    let thread = cpu::Thread::named(THREAD_NAME)?;
    play(&mut publishers, WARM_UP)?;
    settle(worker);
    refuse_failures(worker)?;
    let (split, waited) = (thread.split()?, thread.waited()?);
    let (load, start) = (worker.load(), Instant::now());
    let machine = cpu::Machine::now()?;
    allocations::watch(thread.id());
    let taken = allocations::count();
    let sent = play(&mut publishers, scenario.duration)?;
    let played = since(load, worker.load());
    let pace = Pace {
        elapsed: start.elapsed(),
        busy: played.busy,
        waited: thread.waited()?.saturating_sub(waited),
        forwarded: played.packets_forwarded,
    };
    settle(worker);
    let outcome = Outcome {
        load: since(load, worker.load()),
        elapsed: start.elapsed(),
        pace,
        system_share: thread.split()?.system_share_since(split),
        others: cpu::Machine::now()?.others_since(machine),
        expected: sent * scenario.subscribers as u64,
        allocations: allocations::count() - taken,
    };
    allocations::watch(0);
    refuse_failures(worker)?;
    Ok(outcome)
}

/// Plays for a while; the number of packets sent.
fn play(publishers: &mut [Publisher<'_>], duration: Duration) -> io::Result<u64> {
    let (start, mut sent) = (Instant::now(), 0);
    while start.elapsed() < duration {
        let now = Instant::now();
        for publisher in &mut *publishers {
            sent += publisher.send_due(now)?;
        }
        std::thread::sleep(TICK);
    }
    Ok(sent)
}

/// Waits until what was sent has been forwarded: nothing more comes, even to a machine that had
/// other things to do for a while.
fn settle(worker: &Handle) {
    let (mut before, mut quiet) = (worker.load().packets_forwarded, 0);
    while quiet < 5 {
        std::thread::sleep(Duration::from_millis(20));
        let now = worker.load().packets_forwarded;
        quiet = if now == before { quiet + 1 } else { 0 };
        before = now;
    }
}

fn refuse_failures(worker: &Handle) -> io::Result<()> {
    for event in worker.take_events() {
        match event {
            Event::Failed { message }
            | Event::Core(rotunda_media_core::Event::CommandFailed { message }) => {
                return Err(io::Error::other(message));
            }
            Event::Core(_) => {}
        }
    }
    Ok(())
}

fn extensions(scenario: &Scenario<'_>) -> ExtensionIds {
    ExtensionIds {
        mid: Some(MID_ID),
        transport_cc: scenario.sinks.feedback().then_some(TRANSPORT_CC_ID),
        ..ExtensionIds::default()
    }
}

fn add_producer(worker: &Handle, scenario: &Scenario<'_>, index: usize, transport: TransportId) {
    let parameters = ProducerParameters {
        kind: MediaKind::Video,
        mid: Some("0".to_owned()),
        payloads: vec![PayloadMapping {
            codec: Codec::Vp8,
            clock_rate: 90_000,
            payload_type: PAYLOAD_TYPE,
            rtx_payload_type: Some(RTX_PAYLOAD_TYPE),
            nack: true,
        }],
        extensions: extensions(scenario),
        encodings: vec![EncodingParameters {
            rid: None,
            ssrc: Some(1000 + index as u32),
            rtx_ssrc: Some(500_000 + index as u32),
        }],
        cname: format!("publisher-{index}"),
    };
    worker.command(Command::AddProducer {
        router: RouterId(1 + (index / scenario.publishers) as u64),
        transport,
        producer: ProducerId(1 + index as u64),
        parameters: Box::new(parameters),
        paused: false,
    });
}

/// One of each publisher of the subscriber's room.
fn add_consumers(worker: &Handle, scenario: &Scenario<'_>, index: usize, transport: TransportId) {
    let room = index / scenario.subscribers;
    for publisher in 0..scenario.publishers {
        let consumer = 1 + index * scenario.publishers + publisher;
        let parameters = ConsumerParameters {
            mid: publisher.to_string(),
            ssrc: 1_000_000 + consumer as u32,
            rtx_ssrc: Some(2_000_000 + consumer as u32),
            payloads: vec![(Codec::Vp8, 101, Some(102))],
            extensions: extensions(scenario),
            cname: format!("publisher-{publisher}"),
            preferred_spatial: None,
        };
        worker.command(Command::AddConsumer {
            transport,
            consumer: ConsumerId(consumer as u64),
            producer: ProducerId(1 + (room * scenario.publishers + publisher) as u64),
            parameters: Box::new(parameters),
            paused: false,
        });
    }
}

fn since(earlier: Load, later: Load) -> Load {
    Load {
        busy: later.busy - earlier.busy,
        bytes_received: later.bytes_received - earlier.bytes_received,
        bytes_sent: later.bytes_sent - earlier.bytes_sent,
        packets_forwarded: later.packets_forwarded - earlier.packets_forwarded,
        packets_dropped: later.packets_dropped - earlier.packets_dropped,
        packets_overflowed: later.packets_overflowed - earlier.packets_overflowed,
        packets_refused: later.packets_refused - earlier.packets_refused,
        send_calls: later.send_calls - earlier.send_calls,
        messages_sent: later.messages_sent - earlier.messages_sent,
        segments_sent: later.segments_sent - earlier.segments_sent,
        padding_bytes: later.padding_bytes - earlier.padding_bytes,
        ..later
    }
}
