//! The media core of Rotunda: a worker's whole behaviour without a socket, a clock or a thread.
//!
//! A [`Worker`] is told what arrived ([`Worker::receive`]), what is wanted ([`Worker::command`])
//! and what time it is; it sends through an [`Output`] and tells what happened
//! ([`Worker::take_event`]). The owner calls [`Worker::timeout`] at [`Worker::next_timeout`].
//!
//! # The things
//!
//! A *transport* is one peer: where it is, keys, one estimate of what its path carries. Its *kind*
//! says how the peer is found (`transports::kind`): by ICE, with keys by DTLS, or at an address that
//! the owner names, in the clear, as recorders and encoders have it. A *producer* is a
//! media source that a peer sends over its transport, in one or more *encodings* (simulcast). A
//! *consumer* is a copy of a producer sent over another transport. A *router* is a room: it knows
//! who speaks. Each lives in a slab, and refers to the others by dense keys ([`keys`]).
//!
//! # The life of a packet
//!
//! 1. `worker::datagrams`: the first byte tells STUN, DTLS, RTP and RTCP apart. A check
//!    finds its transport by the username fragment, and proves a path ([`ice`]). Everything else
//!    belongs to the transport whose path it came on (`worker::paths`), or is dropped.
//! 2. Media is decrypted in place. Its transport-wide sequence number is noted ([`twcc`]), its
//!    SSRC tells producer and encoding ([`routing`]); an SSRC that was not signalled is learned
//!    from the MID and RID extensions.
//! 3. [`producer`]: the sequence number is extended, loss and jitter are counted
//!    (`receive`), gaps are asked for (`nack`), retransmissions are unwrapped, a copy goes
//!    into the encoding's `history`. A level extension feeds the [`speaker`].
//! 4. `worker::forward`: when the whole batch has come so far, it is put in order by
//!    producer and encoding, and each consumer takes a whole run. Sizes that differ a little are
//!    padded equal, so that they can leave in one GSO message.
//! 5. [`consumer`]: `layers` decides whether the packet is of the encoding that is sent now, and
//!    switches at the first packet of a key picture; inside of the encoding the codec's own selector
//!    chooses. `rewrite` gives the packet the consumer's own numbers, which close up over what is left
//!    out.
//! 6. What a consumer is sent waits in the queue of its transport as a small descriptor
//!    (`transports::egress`); so do answers to NACKs and key frames of the past. `worker::egress`
//!    empties the queues within the same call: `write` puts header, payload and padding into the
//!    output buffer, where they are encrypted in place. What is held back ([`Pacing`]) finds its
//!    payload in the producer's history.
//! 7. The consumer remembers which packet got which number (`retransmit`). A NACK finds the
//!    packet in the producer's history, and it goes out again over RTX. A number that will never
//!    be sent, but whose place could not close up any more, is filled with a padding-only packet.
//!
//! What a payload looks like is known to [`codec`] alone: it describes the frame that a packet is of,
//! and has for each codec whose layers can be chosen a selector and a rewriter.
//!
//! # What happens by itself
//!
//! Every thing with something due stands in one queue ([`timers`]): NACKs and key frame requests
//! of a producer; feedback, reports, consent of a transport; the active speaker of a router. Once
//! a second, and whenever something changes, a transport's consumers are given layers by its policy
//! ([`allocation`]) within what its [`estimator`] believes the path to carry. Where not even the
//! lowest fit, video waits for a while.
//!
//! # Bounds
//!
//! What a peer sends can make nothing grow: paths, learned SSRCs, histories, missing packets,
//! arrivals not yet told, packets that wait to be sent, video beyond a limit of the owner's, bytes
//! sent again (as retransmissions, or from a key frame of the past on) and key frames asked for in
//! one viewer's name each have a limit. So has what is sent to an address before it has shown that
//! it wants it. What a peer sends wrong is counted and dropped; a panic is a defect of ours.

#![allow(rustdoc::private_intra_doc_links, reason = "the manual is for those who read the source")]
#![forbid(unsafe_code)]

mod allocation;
pub mod codec;
pub mod command;
mod config;
mod consumer;
mod estimator;
pub mod event;
pub mod ice;
pub mod id;
mod incoming_limit;
mod io;
mod keys;
mod packet;
pub mod path;
mod producer;
mod rate;
mod remb;
mod router;
mod routing;
mod speaker;
mod timers;
mod transports;
mod twcc;
mod wallclock;
mod worker;

pub use command::Command;
pub use config::{Config, Pacing};
pub use event::Event;
pub use io::{Counters, Output, Received};
pub use path::Path;
pub use worker::Worker;
