//! What happens by itself as time passes.

use std::time::{Duration, Instant};

use rotunda_packet::rtcp::{write_nack, write_pli};

use super::Worker;
use super::layers::Stale;
use super::paths::forget_path;
use crate::event::Event;
use crate::io::Output;
use crate::keys::{ProducerKey, RouterKey, TransportKey};
use crate::speaker;
use crate::timers::Timer;

/// Between two reports of a transport (RFC 3550 section 6.2 would permit less often).
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// What was looked after rests at least so long: nothing may keep the worker from its sockets.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

impl Worker {
    /// One entry of the timer queue, unless something replaced it.
    pub(super) fn fire(
        &mut self,
        now: Instant,
        at: Instant,
        timer: Timer,
        output: &mut impl Output,
    ) {
        match timer {
            Timer::Transport(key) => {
                let transport = self.transports.get_mut(key.index());
                if transport.is_some_and(|transport| transport.fires(at)) {
                    self.look_after_transport(now, key, output);
                }
            }
            Timer::Producer(key) => {
                let producer = self.producers.get_mut(key.index());
                if producer.is_some_and(|producer| producer.due.fires(at)) {
                    self.look_after_producer(now, key, output);
                }
            }
            Timer::Router(key) => {
                let router = self.routers.get_mut(key.index());
                if router.is_some_and(|router| router.due.fires(at)) {
                    self.judge_speaker(now, key);
                }
            }
        }
    }

    /// Begins the reports of a transport that has something to report about.
    pub(super) fn schedule_report(&mut self, now: Instant, key: TransportKey) {
        let transport = &mut self.transports[key.index()];
        let at = transport.next_report().max(now);
        transport.wake(&mut self.timers, key, at);
    }

    /// Does not wait for the interval: the peer is to know a limit before it sends beyond it.
    pub(super) fn report_at_once(&mut self, now: Instant, key: TransportKey) {
        let transport = &mut self.transports[key.index()];
        if !transport.producers().is_empty() {
            transport.report_next_at(transport.next_report().min(now));
            self.schedule_report(now, key);
        }
    }

    /// A claimed path gets a report at a time of its own, which only its holder can name.
    pub(super) fn report_to_new_path(&mut self, now: Instant, key: TransportKey) {
        let transport = &mut self.transports[key.index()];
        if let Some(delay) = transport.kind().report_delay() {
            transport.report_next_at(now + delay);
            if transport.is_busy() {
                self.schedule_report(now, key);
            }
        }
    }

    fn look_after_transport(&mut self, now: Instant, key: TransportKey, output: &mut impl Output) {
        let transport = &mut self.transports[key.index()];
        let paths = &mut self.paths;
        let change = transport.kind_mut().expire(now, |path| forget_path(paths, path, key));
        self.tell_path_change(now, key, change);
        self.send_feedback(now, key, output);
        let transport = &mut self.transports[key.index()];
        let busy = transport.is_busy();
        if busy && transport.next_report() <= now {
            transport.report_next_at(now + REPORT_INTERVAL);
            self.send_reports(now, key, output);
            self.tell_refused(now, key);
            self.stale_layers.push(Stale::Transport(key));
        }
        if self.transports[key.index()].layers.due().is_some_and(|due| due <= now) {
            self.choose_for_transport(now, key);
        }
        let transport = &mut self.transports[key.index()];
        let report = busy.then_some(transport.next_report());
        let (feedback, expiry) = (transport.feedback_due(), transport.kind().next_expiry());
        let release = transport.next_release(self.config.pacing);
        let next = [report, transport.layers.due(), feedback, expiry, release];
        if let Some(at) = next.into_iter().flatten().min() {
            transport.wake(&mut self.timers, key, at.max(now + SHORTEST_WAIT));
        }
    }

    /// Tells the owner what was refused of a transport that sends too much.
    fn tell_refused(&mut self, now: Instant, key: TransportKey) {
        let transport = &mut self.transports[key.index()];
        if let Some(refused) = transport.take_refused(now) {
            self.events.push_back(Event::MediaLimited { transport: transport.id(), refused });
        }
    }

    /// Sends feedback about arrivals if it is due.
    fn send_feedback(&mut self, now: Instant, key: TransportKey, output: &mut impl Output) {
        let transport = &mut self.transports[key.index()];
        if transport.feedback_due().is_none_or(|due| due > now) {
            return;
        }
        let media_ssrc = transport
            .producers()
            .first()
            .and_then(|producer| self.producers[producer.index()].any_ssrc())
            .unwrap_or(0);
        let mut packets = transport.take_feedback(media_ssrc);
        while let Some(packet) = packets.next_packet() {
            transport.send_rtcp(packet, output);
        }
        transport.give_back(packets);
    }

    fn look_after_producer(&mut self, now: Instant, key: ProducerKey, output: &mut impl Output) {
        self.send_requests(now, key, output);
        let producer = &mut self.producers[key.index()];
        let known = producer.encodings.iter().filter(|encoding| encoding.ssrc.is_some());
        let next = known
            .flat_map(|encoding| [encoding.nack.next(), encoding.key_frames.next(now)])
            .flatten()
            .min();
        if let Some(at) = next {
            let at = at.max(now + SHORTEST_WAIT);
            self.timers.schedule(&mut producer.due, Timer::Producer(key), at);
        }
        self.judge_encodings(now, key);
    }

    /// NACKs and PLIs of all encodings, in one compound.
    fn send_requests(&mut self, now: Instant, key: ProducerKey, output: &mut impl Output) {
        let producer = &mut self.producers[key.index()];
        let transport = &mut self.transports[producer.transport.index()];
        let listened_to = !producer.paused
            && producer.consumers.iter().any(|consumer| !self.consumers[consumer.index()].rests());
        let is_video = producer.is_video();
        let mut compound = std::mem::take(&mut self.scratch);
        let mut missing = Vec::new();
        compound.clear();
        for encoding in &mut producer.encodings {
            let Some(ssrc) = encoding.ssrc else { continue };
            missing.clear();
            encoding.nack.due(now, &mut missing);
            if !missing.is_empty() {
                producer.nacks_sent += missing.len() as u64;
                write_nack(&mut compound, transport.own_ssrc(), ssrc, &missing);
            }
            if encoding.nack.take_gave_up() && is_video {
                encoding.key_frames.want();
            }
            if !listened_to {
                encoding.key_frames.satisfied();
            }
            if encoding.key_frames.due(now) {
                producer.plis_sent += 1;
                write_pli(&mut compound, transport.own_ssrc(), ssrc);
            }
        }
        if !compound.is_empty() {
            transport.send_rtcp(&compound, output);
        }
        self.scratch = compound;
    }

    fn judge_speaker(&mut self, now: Instant, key: RouterKey) {
        let router = &mut self.routers[key.index()];
        let audible = router
            .producers
            .iter()
            .map(|producer| &self.producers[producer.index()])
            .filter(|producer| !producer.paused && !producer.is_video())
            .map(|producer| (producer.id, producer.loudness.at(now)));
        let changed = router.speaker.update(now, audible);
        if let Some(producer) = changed {
            self.events.push_back(Event::ActiveSpeaker { router: router.id, producer });
        }
        let has_audio =
            router.producers.iter().any(|producer| !self.producers[producer.index()].is_video());
        if has_audio || changed.is_some() {
            let at = now + speaker::UPDATE_INTERVAL;
            self.timers.schedule(&mut router.due, Timer::Router(key), at);
        }
    }
}
