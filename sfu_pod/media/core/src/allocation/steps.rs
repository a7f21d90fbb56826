//! Sharing a budget among demands, one layer option after the other.

use crate::codec::StreamLayers;

/// So that layers do not flap, something new has to fit with room to spare, and what is there may
/// pass the budget a little: measured bit rates go up and down.
const HEADROOM: f64 = 1.25;
const TOLERANCE: f64 = 0.9;

/// One step of quality of one consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LayerOption {
    pub layers: StreamLayers,
    /// Bit/s, measured.
    pub bitrate: u64,
}

/// What one consumer could get.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    /// Permitted steps, bit rates ascending. Never empty when there is anything to forward.
    pub options: Vec<LayerOption>,
    /// The step that it has now.
    pub current: Option<usize>,
}

/// Which demands cannot have even their lowest step, in turn: those before them come first.
pub(super) fn beyond(budget: u64, demands: &[Demand]) -> Vec<bool> {
    let mut spent = 0;
    let lowest = |demand: &Demand| demand.options.first().map_or(0, |rung| rung.bitrate);
    demands
        .iter()
        .map(|demand| {
            let cost = spent + lowest(demand);
            let fits = cost as f64 * TOLERANCE <= budget as f64;
            if fits {
                spent = cost;
            }
            !fits
        })
        .collect()
}

/// The step for each demand. Everybody gets the lowest, whatever the budget; then all climb one
/// step in turn, as long as it fits. `None` for a demand without steps.
pub(super) fn allocate(budget: u64, demands: &[&Demand]) -> Vec<Option<usize>> {
    let mut steps: Vec<Option<usize>> =
        demands.iter().map(|demand| (!demand.options.is_empty()).then_some(0)).collect();
    let mut spent: u64 =
        demands.iter().filter_map(|demand| demand.options.first()).map(|rung| rung.bitrate).sum();
    let mut climbing = true;
    while climbing {
        climbing = false;
        for (demand, step) in demands.iter().zip(&mut steps) {
            let Some(at) = *step else { continue };
            let Some(next) = demand.options.get(at + 1) else { continue };
            let cost = next.bitrate.saturating_sub(demand.options[at].bitrate);
            let new = demand.current.is_none_or(|current| at + 1 > current);
            let headroom = if new { HEADROOM } else { TOLERANCE };
            if (spent + cost) as f64 * headroom <= budget as f64 {
                spent += cost;
                *step = Some(at + 1);
                climbing = true;
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(bitrates: &[u64], current: Option<usize>) -> Demand {
        let options = bitrates
            .iter()
            .zip(0..)
            .map(|(bitrate, encoding)| LayerOption {
                layers: StreamLayers { encoding, spatial: 0, temporal: 0 },
                bitrate: *bitrate,
            })
            .collect();
        Demand { options, current }
    }

    #[test]
    fn all_climb_in_turn() {
        let demands = [demand(&[100, 300, 900], None), demand(&[100, 300, 900], None)];
        assert_eq!(allocate(800, &demands.each_ref()), [Some(1), Some(1)]);
        assert_eq!(allocate(1600, &demands.each_ref()), [Some(2), Some(1)]);
        assert_eq!(allocate(2300, &demands.each_ref()), [Some(2), Some(2)]);
    }

    #[test]
    fn the_lowest_is_never_refused() {
        let demands =
            [demand(&[100, 300], Some(1)), demand(&[100, 300], Some(0)), demand(&[], None)];
        assert_eq!(allocate(10, &demands.each_ref()), [Some(0), Some(0), None]);
    }

    #[test]
    fn what_goes_beyond_the_budget_is_known_in_turn() {
        let demands =
            [demand(&[100], None), demand(&[300], None), demand(&[], None), demand(&[50], None)];
        assert_eq!(beyond(500, &demands), [false; 4]);
        assert_eq!(beyond(150, &demands), [false, true, false, false]);
        assert_eq!(beyond(90, &demands), [false, true, false, true], "a little over");
        assert_eq!(beyond(0, &demands), [true, true, false, true]);
    }

    #[test]
    fn what_one_has_stays_where_something_new_would_not_fit() {
        assert_eq!(allocate(320, &[&demand(&[100, 300], Some(1))]), [Some(1)]);
        assert_eq!(allocate(320, &[&demand(&[100, 300], Some(0))]), [Some(0)]);
        assert_eq!(allocate(380, &[&demand(&[100, 300], Some(0))]), [Some(1)]);
        assert_eq!(allocate(280, &[&demand(&[100, 300], Some(1))]), [Some(1)], "a little over");
        assert_eq!(allocate(260, &[&demand(&[100, 300], Some(1))]), [Some(0)]);
    }
}
