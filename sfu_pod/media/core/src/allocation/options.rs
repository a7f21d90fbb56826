//! What a consumer may be sent of its producer.

use super::LayerOption;
use crate::codec::StreamLayers;
use crate::event::Layers;

/// What one encoding offers, lowest encoding first.
pub(crate) struct EncodingOffer<Bitrate> {
    /// Packets of it come.
    pub alive: bool,
    pub highest_temporal: u8,
    /// Bit/s of the temporal layers up to one.
    pub bitrate: Bitrate,
}

/// The options by bit rate, ascending: the encodings alive up to the preferred one (above it only
/// where nothing lower lives), with their temporal layers. Empty where none lives.
pub(crate) fn options(
    preferred: Layers,
    encodings: impl IntoIterator<Item = EncodingOffer<impl Fn(u8) -> u64>>,
) -> Vec<LayerOption> {
    let mut options: Vec<LayerOption> = Vec::new();
    for (offer, encoding) in encodings.into_iter().zip(0u8..) {
        let permitted = encoding <= preferred.spatial || options.is_empty();
        if !offer.alive || !permitted {
            continue;
        }
        let highest = offer.highest_temporal.min(preferred.temporal);
        // A larger picture is worth half the frame rate, but not a quarter of it.
        let lowest = if options.is_empty() { 0 } else { highest.saturating_sub(1) };
        for temporal in lowest..=highest {
            let bitrate = (offer.bitrate)(temporal);
            let layers = StreamLayers { encoding, spatial: 0, temporal };
            match options.last_mut() {
                // The better layers for no more bits take the place of the worse.
                Some(last) if bitrate <= last.bitrate => last.layers = layers,
                _ => options.push(LayerOption { layers, bitrate }),
            }
        }
    }
    options
}

/// The highest of `count` encodings that lives (a bit each), up to the preferred one; above it only
/// where nothing lower lives. Before anything came: the preferred one.
pub(crate) fn highest_alive(alive: u32, count: usize, preferred: u8) -> u8 {
    let top = count.saturating_sub(1) as u8;
    let preferred = preferred.min(top);
    let permitted = (0..=preferred).rev().find(|encoding| alive & 1 << encoding != 0);
    permitted.or((preferred..=top).find(|encoding| alive & 1 << encoding != 0)).unwrap_or(preferred)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(preferred: (u8, u8), alive: [bool; 3]) -> Vec<(u8, u8, u64)> {
        let encodings = alive.into_iter().zip([100u64, 300, 900]).map(|(alive, bits)| {
            let bitrate = move |temporal: u8| bits * (1 + u64::from(temporal)) / 3;
            EncodingOffer { alive, highest_temporal: 2, bitrate }
        });
        let preferred = Layers { spatial: preferred.0, temporal: preferred.1 };
        let options = options(preferred, encodings).into_iter();
        options.map(|o| (o.layers.encoding, o.layers.temporal, o.bitrate)).collect()
    }

    #[test]
    fn the_lowest_encoding_at_every_frame_rate_and_those_above_at_the_two_highest() {
        let all = [
            (0, 0, 33),
            (0, 1, 66),
            (0, 2, 100),
            (1, 1, 200),
            (1, 2, 300),
            (2, 1, 600),
            (2, 2, 900),
        ];
        assert_eq!(offered((2, 2), [true; 3]), all);
        assert_eq!(offered((1, 2), [true; 3]), all[..5]);
    }

    #[test]
    fn above_what_is_preferred_only_where_nothing_lower_lives() {
        assert_eq!(offered((0, 0), [false, true, true]), [(1, 0, 100)]);
        assert_eq!(offered((2, 2), [false; 3]), []);
        assert_eq!(highest_alive(0b110, 3, 0), 1);
        assert_eq!(highest_alive(0b011, 3, 2), 1);
        assert_eq!(highest_alive(0, 3, u8::MAX), 2);
    }
}
