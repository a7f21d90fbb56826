//! Which encoding of which producer a received SSRC belongs to.
//!
//! Signalled SSRCs are known from the start. Others are learned from the MID and RID extensions
//! (RFC 8843 section 9.2, RFC 8852), in place of signalled ones too. Only packets that passed
//! authentication are asked about, and an encoding has one SSRC for media and one for repairs at a
//! time, so the table cannot grow beyond twice the number of encodings.

use rotunda_packet::rtp::RtpPacket;
use rustc_hash::FxHashMap;

use crate::command::{EncodingParameters, ExtensionIds, ProducerParameters};
use crate::keys::ProducerKey;

/// Where the packets of one SSRC belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub producer: ProducerKey,
    pub encoding: u8,
    /// The SSRC carries retransmissions (RFC 4588).
    pub repair: bool,
}

/// The SSRCs of one transport.
#[derive(Debug, Default)]
pub(crate) struct RouteTable {
    by_ssrc: FxHashMap<u32, Route>,
    sections: Vec<Section>,
}

/// What is needed to recognise one producer.
#[derive(Debug)]
struct Section {
    producer: ProducerKey,
    mid: Option<String>,
    encodings: Vec<EncodingParameters>,
    payload_types: Vec<u8>,
    repair_payload_types: Vec<u8>,
}

impl RouteTable {
    /// Whether a producer can be told from those that are there; the error says why not.
    pub(crate) fn check(&self, parameters: &ProducerParameters) -> Result<(), String> {
        let ssrcs = parameters.encodings.iter().flat_map(|e| [e.ssrc, e.rtx_ssrc]).flatten();
        if let Some(taken) = ssrcs.into_iter().find(|ssrc| self.by_ssrc.contains_key(ssrc)) {
            return Err(format!("SSRC {taken} is in use"));
        }
        let taken = |section: &Section| section.mid.is_some() && section.mid == parameters.mid;
        match self.sections.iter().find(|section| taken(section)) {
            Some(section) => {
                Err(format!("MID {:?} is in use", section.mid.as_deref().unwrap_or_default()))
            }
            None => Ok(()),
        }
    }

    /// Makes a producer recognisable.
    pub(crate) fn add(&mut self, producer: ProducerKey, parameters: &ProducerParameters) {
        for (encoding, index) in parameters.encodings.iter().zip(0..) {
            if let Some(ssrc) = encoding.ssrc {
                self.by_ssrc.insert(ssrc, Route { producer, encoding: index, repair: false });
            }
            if let Some(ssrc) = encoding.rtx_ssrc {
                self.by_ssrc.insert(ssrc, Route { producer, encoding: index, repair: true });
            }
        }
        self.sections.push(Section {
            producer,
            mid: parameters.mid.clone(),
            encodings: parameters.encodings.clone(),
            payload_types: parameters.payloads.iter().map(|payload| payload.payload_type).collect(),
            repair_payload_types: parameters
                .payloads
                .iter()
                .filter_map(|payload| payload.rtx_payload_type)
                .collect(),
        });
    }

    /// Forgets a producer and its SSRCs.
    pub(crate) fn remove(&mut self, producer: ProducerKey) {
        self.by_ssrc.retain(|_, route| route.producer != producer);
        self.sections.retain(|section| section.producer != producer);
    }

    /// The route of a known SSRC.
    pub(crate) fn get(&self, ssrc: u32) -> Option<Route> {
        self.by_ssrc.get(&ssrc).copied()
    }

    /// Recognises the SSRC of an authenticated packet by its extensions, and remembers it in place
    /// of the one that the encoding had before.
    pub(crate) fn learn(&mut self, packet: &RtpPacket<'_>, ids: &ExtensionIds) -> Option<Route> {
        let route = self.recognise(packet, ids)?;
        self.by_ssrc.retain(|_, known| *known != route);
        self.by_ssrc.insert(packet.ssrc(), route);
        Some(route)
    }

    /// How many SSRCs are known.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.by_ssrc.len()
    }

    fn recognise(&self, packet: &RtpPacket<'_>, ids: &ExtensionIds) -> Option<Route> {
        let text = |id: Option<u8>| {
            id.and_then(|id| packet.extension(id)).and_then(|value| str::from_utf8(value).ok())
        };
        let mid = text(ids.mid)?;
        let section = self.sections.iter().find(|section| section.mid.as_deref() == Some(mid))?;
        let producer = section.producer;
        let by_rid = |rid: &str| {
            let matches = |encoding: &EncodingParameters| encoding.rid.as_deref() == Some(rid);
            section.encodings.iter().position(matches).map(|index| index as u8)
        };
        if let Some(rid) = text(ids.repaired_rid) {
            return Some(Route { producer, encoding: by_rid(rid)?, repair: true });
        }
        let repair = section.repair_payload_types.contains(&packet.payload_type());
        if let Some(rid) = text(ids.rid) {
            return Some(Route { producer, encoding: by_rid(rid)?, repair });
        }
        // Where there is one encoding only, the MID says enough, even against an SSRC that was
        // signalled: a source that goes on under another one is latched.
        let known = repair || section.payload_types.contains(&packet.payload_type());
        (section.encodings.len() == 1 && known).then_some(Route { producer, encoding: 0, repair })
    }
}

#[cfg(test)]
mod tests {
    use rotunda_packet::rtp::RtpHeader;

    use super::*;
    use crate::command::{Codec, MediaKind, PayloadMapping};

    const IDS: ExtensionIds = ExtensionIds {
        mid: Some(9),
        rid: Some(10),
        repaired_rid: Some(11),
        abs_send_time: None,
        transport_cc: None,
        audio_level: None,
        video_orientation: None,
        dependency_descriptor: None,
    };

    fn simulcast(mid: &str) -> ProducerParameters {
        let rid = |rid: &str| EncodingParameters { rid: Some(rid.into()), ..Default::default() };
        ProducerParameters {
            kind: MediaKind::Video,
            mid: Some(mid.into()),
            payloads: vec![PayloadMapping {
                codec: Codec::Vp8,
                clock_rate: 90_000,
                payload_type: 96,
                rtx_payload_type: Some(97),
                nack: true,
            }],
            extensions: IDS,
            encodings: vec![rid("lo"), rid("hi")],
            cname: String::new(),
        }
    }

    fn learn(
        table: &mut RouteTable,
        ssrc: u32,
        payload_type: u8,
        extensions: &[(u8, &[u8])],
    ) -> Option<Route> {
        let header =
            RtpHeader { marker: false, payload_type, sequence_number: 1, timestamp: 0, ssrc };
        let mut bytes = [0; 100];
        let len = header.write(&mut bytes, extensions).unwrap();
        table.learn(&RtpPacket::parse(&bytes[..len]).unwrap(), &IDS)
    }

    #[test]
    fn simulcast_is_learned_from_mid_and_rid() {
        let mut table = RouteTable::default();
        table.add(ProducerKey(7), &simulcast("a"));
        let route = |encoding, repair| Some(Route { producer: ProducerKey(7), encoding, repair });
        assert_eq!(learn(&mut table, 1, 96, &[(9, b"a"), (10, b"hi")]), route(1, false));
        assert_eq!(learn(&mut table, 2, 97, &[(9, b"a"), (11, b"lo")]), route(0, true));
        assert_eq!(table.get(1), route(1, false));
        assert_eq!(learn(&mut table, 3, 96, &[(9, b"a"), (10, b"no")]), None);
        assert_eq!(learn(&mut table, 3, 96, &[(9, b"b"), (10, b"hi")]), None);
        assert_eq!(learn(&mut table, 3, 96, &[(9, b"a")]), None, "which of the two?");
        assert_eq!(learn(&mut table, 3, 96, &[(9, &[0xff])]), None);
    }

    #[test]
    fn another_ssrc_under_a_known_mid_takes_the_place_of_the_signalled_one() {
        let mut table = RouteTable::default();
        let only = EncodingParameters { ssrc: Some(1), rtx_ssrc: Some(2), rid: None };
        table.add(ProducerKey(7), &ProducerParameters { encodings: vec![only], ..simulcast("a") });
        let route = |repair| Some(Route { producer: ProducerKey(7), encoding: 0, repair });
        assert_eq!(learn(&mut table, 3, 98, &[(9, b"a")]), None, "a payload type of nobody");
        assert_eq!(learn(&mut table, 3, 96, &[(9, b"a")]), route(false));
        assert_eq!(learn(&mut table, 4, 97, &[(9, b"a")]), route(true));
        let known: Vec<_> = (1..=4).map(|ssrc| table.get(ssrc)).collect();
        assert_eq!(known, [None, None, route(false), route(true)]);
    }

    #[test]
    fn the_table_is_bounded_by_the_encodings() {
        let mut table = RouteTable::default();
        table.add(ProducerKey(7), &simulcast("a"));
        for ssrc in 0..1000 {
            learn(&mut table, ssrc, 96, &[(9, b"a"), (10, b"hi")]).unwrap();
        }
        assert_eq!(table.len(), 1);
        table.remove(ProducerKey(7));
        assert_eq!(table.get(999), None);
    }
}
