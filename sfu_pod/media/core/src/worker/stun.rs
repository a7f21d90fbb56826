//! STUN: connectivity checks, and answers to probes of ours.

use std::time::Instant;

use rotunda_packet::stun::{Class, Message};

use super::Worker;
use super::layers::Stale;
use super::paths::{forget_path, send_plain};
use crate::io::Output;
use crate::path::Path;

impl Worker {
    /// One STUN message: a connectivity check, or the answer to a probe of ours.
    pub(super) fn stun(&mut self, now: Instant, path: Path, data: &[u8], output: &mut impl Output) {
        let message = Message::parse(data).ok();
        let done = match message {
            Some(request) if request.is_binding_request() => {
                self.check(now, path, &request, output)
            }
            Some(answer) if matches!(answer.class(), Class::Success | Class::Error) => {
                self.probe_answer(path, &answer)
            }
            _ => None,
        };
        if done.is_none() {
            self.counters.packets_dropped += 1;
        }
    }

    /// The answer to a probe. `None`: we did not ask.
    fn probe_answer(&mut self, path: Path, answer: &Message<'_>) -> Option<()> {
        let key = self.paths.get(&path).copied()?;
        let webrtc = self.transports[key.index()].kind_mut().as_webrtc_mut()?;
        webrtc.handle_answer(path, answer).then(|| self.stale_layers.push(Stale::Transport(key)))
    }

    /// One connectivity check: answered if its transport is known.
    fn check(
        &mut self,
        now: Instant,
        path: Path,
        request: &Message<'_>,
        output: &mut impl Output,
    ) -> Option<()> {
        let (ours, _) = request.ufrags()?;
        let key = self.ufrags.get(ours).copied()?;
        let transport = &mut self.transports[key.index()];
        self.scratch.clear();
        let webrtc = transport.kind_mut().as_webrtc_mut()?;
        let outcome = webrtc.check(now, path, request, &mut self.scratch);
        send_plain(path, &self.scratch, output);
        if outcome.validated {
            let answer = self.scratch.len();
            self.scratch.clear();
            webrtc.write_probe(path, answer, &mut self.scratch);
            send_plain(path, &self.scratch, output);
        }
        if let Some(dropped) = outcome.dropped {
            forget_path(&mut self.paths, dropped, key);
        }
        if let Some(retired) = outcome.retired_ufrag {
            self.ufrags.remove(&retired);
        }
        if let Some(expiry) = transport.kind().next_expiry() {
            transport.wake(&mut self.timers, key, expiry);
        }
        if outcome.validated {
            self.own_path(now, path, key);
        }
        self.tell_path_change(now, key, outcome.change);
        Some(())
    }
}
