//! Who speaks in a room, from the levels that senders declare (RFC 6464).

use std::time::{Duration, Instant};

use crate::id::ProducerId;

/// How often a room's speaker is judged.
pub(crate) const UPDATE_INTERVAL: Duration = Duration::from_millis(200);
/// Levels are -dBov: louder than this is speech, the rest is a room's noise.
const SPEECH: f32 = 50.0;
/// Smoothing of the loudness: syllables and short pauses shall not show.
const SMOOTHING: Duration = Duration::from_millis(300);
/// Smoothed loudness that makes a speaker.
const AUDIBLE: f32 = 3.0;
/// Somebody has to be louder by this factor, for this long, to take the floor.
const LOUDER: f32 = 1.3;
const TAKEOVER: Duration = Duration::from_millis(600);
/// After so much silence nobody speaks.
const SILENCE: Duration = Duration::from_secs(2);

/// Smoothed loudness of one audio producer.
#[derive(Debug, Default)]
pub(crate) struct Loudness {
    value: f32,
    level: f32,
    heard: Option<Instant>,
}

impl Loudness {
    /// One packet with its level: 0 is the loudest, 127 is silence.
    pub(crate) fn hear(&mut self, now: Instant, level: u8) {
        let loud = (SPEECH - f32::from(level)).max(0.0);
        let weight = match self.heard.replace(now) {
            None => {
                self.level = f32::from(level);
                0.1
            }
            Some(before) => weight(now.saturating_duration_since(before)),
        };
        self.value += (loud - self.value) * weight;
        self.level += (f32::from(level) - self.level) * weight;
    }

    /// Nothing is heard of it any more: it was paused.
    pub(crate) fn mute(&mut self) {
        *self = Self::default();
    }

    /// Its loudness now: it fades when no packets come.
    pub(crate) fn at(&self, now: Instant) -> f32 {
        let Some(heard) = self.heard else { return 0.0 };
        let quiet = now.saturating_duration_since(heard);
        if quiet < UPDATE_INTERVAL { self.value } else { self.value * (1.0 - weight(quiet)) }
    }

    /// Smoothed RFC 6464 level; `None` before the first.
    pub(crate) fn level(&self) -> Option<u8> {
        self.heard.map(|_| self.level.round() as u8)
    }
}

fn weight(elapsed: Duration) -> f32 {
    let elapsed = elapsed.as_secs_f32();
    elapsed / (elapsed + SMOOTHING.as_secs_f32())
}

/// The dominant speaker of one room.
#[derive(Debug, Default)]
pub(crate) struct DominantSpeaker {
    speaker: Option<ProducerId>,
    audible_at: Option<Instant>,
    challenger: Option<(ProducerId, Instant)>,
}

impl DominantSpeaker {
    /// Judges anew; returns who speaks when that changed.
    pub(crate) fn update(
        &mut self,
        now: Instant,
        sources: impl Iterator<Item = (ProducerId, f32)>,
    ) -> Option<Option<ProducerId>> {
        let mut own = None;
        let mut loudest: Option<(ProducerId, f32)> = None;
        for (producer, loudness) in sources {
            if Some(producer) == self.speaker {
                own = Some(loudness);
            }
            if loudness >= AUDIBLE && loudest.is_none_or(|(_, best)| loudness > best) {
                loudest = Some((producer, loudness));
            }
        }
        let before = self.speaker;
        if before.is_some() && own.is_none() {
            self.speaker = None;
        }
        self.judge(now, own.unwrap_or(0.0), loudest);
        (self.speaker != before).then_some(self.speaker)
    }

    fn judge(&mut self, now: Instant, own: f32, loudest: Option<(ProducerId, f32)>) {
        let Some((producer, loudness)) = loudest else {
            self.challenger = None;
            if self.audible_at.is_none_or(|at| now.saturating_duration_since(at) >= SILENCE) {
                self.speaker = None;
            }
            return;
        };
        self.audible_at = Some(now);
        if self.speaker.is_none() || self.speaker == Some(producer) {
            self.speaker = Some(producer);
            self.challenger = None;
            return;
        }
        if own >= AUDIBLE && loudness < own * LOUDER {
            self.challenger = None;
            return;
        }
        match self.challenger {
            Some((challenger, since)) if challenger == producer => {
                if now.saturating_duration_since(since) >= TAKEOVER {
                    self.speaker = Some(producer);
                    self.challenger = None;
                }
            }
            _ => self.challenger = Some((producer, now)),
        }
    }
}
