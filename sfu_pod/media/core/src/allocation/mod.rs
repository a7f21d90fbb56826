//! Which layers the consumers of a transport are sent, out of what the estimator believes its path to
//! carry. What a path carries is not judged here, and no packet is looked at.
//!
//! Once a second, and when something changes, the worker describes each video consumer as a
//! [`Demand`]: the layer options that there are for it, by what they cost now ([`options`]). A
//! [`Policy`], one for each transport, answers with a [`Decision`] for each:
//! - Everybody gets the cheapest option; then all climb one option in turn, as long as the budget
//!   covers it ([`steps`]).
//! - Something better is tried only when congestion is long enough ago, the longer the more often
//!   trying brought it about ([`trials`]).
//! - Where the budget does not cover even the cheapest options for long, the consumers that it does
//!   not reach wait for a while, so that sound is not lost with their pictures ([`scarcity`]).

mod options;
mod scarcity;
mod steps;
mod trials;

use std::time::{Duration, Instant};

pub(crate) use options::{EncodingOffer, highest_alive, options};
use scarcity::Scarcity;
pub(crate) use steps::{Demand, LayerOption};
use steps::{allocate, beyond};
use trials::Trials;

use crate::codec::StreamLayers;
use crate::estimator::Estimate;

/// Changes within this time are answered by one choice.
const CHOICE_INTERVAL: Duration = Duration::from_millis(20);

/// What one transport's choices depend on beside its demands.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    scarcity: Scarcity,
    trials: Trials,
    chosen: Option<Instant>,
    due: Option<Instant>,
}

/// What becomes of one demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Sends these layers; `best`: there is no better option, and better ones are welcome.
    Send { layers: StreamLayers, best: bool },
    /// Sends nothing until the policy tries again.
    Wait,
}

impl Policy {
    /// Layers are chosen now.
    pub(crate) fn choosing(&mut self, now: Instant) {
        self.due = None;
        self.chosen = Some(now);
    }

    /// Something changed; returns when layers shall be chosen for it.
    pub(crate) fn changed(&mut self, now: Instant) -> Instant {
        let at = self.chosen.map_or(now, |chosen| chosen + CHOICE_INTERVAL).max(now);
        self.due.get_or_insert(at);
        at
    }

    /// Layers are to be chosen at `at` or before; returns which.
    pub(crate) fn choose_by(&mut self, at: Instant) -> Instant {
        let at = self.due.map_or(at, |due| due.min(at));
        self.due = Some(at);
        at
    }

    /// When layers are to be chosen without another reason.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The estimate fell.
    pub(crate) fn congested(&mut self, now: Instant) {
        self.trials.congested(now);
    }

    /// No limit is known any more. Returns whether consumers waited.
    pub(crate) fn unlimited(&mut self) -> bool {
        self.scarcity.end()
    }

    /// Whether consumers that wait are to be tried again from now on.
    pub(crate) fn waiting_is_over(&mut self, now: Instant) -> bool {
        self.scarcity.is_over(now)
    }

    /// Whether demands may name options above the current one.
    pub(crate) fn may_climb(&self, now: Instant) -> bool {
        self.trials.may_climb(now)
    }

    /// One decision for each demand, in order. `budget`: bit/s for all of them together. `None`: there
    /// is nothing to send.
    pub(crate) fn decide(
        &mut self,
        now: Instant,
        estimate: &Estimate,
        budget: u64,
        demands: &[Demand],
    ) -> Vec<Option<Decision>> {
        let climb = self.may_climb(now);
        let waits = self.waiting(now, estimate, budget, demands);
        let going: Vec<&Demand> =
            demands.iter().zip(&waits).filter(|(_, waits)| !**waits).map(|(d, _)| d).collect();
        let mut steps = allocate(budget, &going).into_iter();
        let mut decide = |demand: &Demand| {
            let step = steps.next().flatten()?;
            self.trials.moved(now, demand.current, step);
            let option = demand.options.get(step)?;
            let best = climb && step + 1 == demand.options.len();
            Some(Decision::Send { layers: option.layers, best })
        };
        demands
            .iter()
            .zip(waits)
            .map(|(demand, waits)| if waits { Some(Decision::Wait) } else { decide(demand) })
            .collect()
    }

    /// Whose turn it is to wait.
    fn waiting(
        &mut self,
        now: Instant,
        estimate: &Estimate,
        budget: u64,
        demands: &[Demand],
    ) -> Vec<bool> {
        let beyond = beyond(budget, demands);
        // A trial goes on until it meets congestion: the estimate grows by it, but slowly.
        let on_trial = self.scarcity.tried().is_some_and(|at| estimate.is_older_than(at));
        if self.scarcity.begins(now, on_trial || !beyond.contains(&true)) {
            beyond
        } else {
            vec![false; demands.len()]
        }
    }
}
