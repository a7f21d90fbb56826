//! What a worker is given: addresses, codecs, encodings.

use std::net::{IpAddr, SocketAddr};

use pyo3::prelude::*;
use rotunda_media_core::command::{self, Codec};

use crate::convert::{
    self, ClockRate, CodecName, PayloadType, Port, Protocol, ProtocolName, RtxPayloadType, RtxSsrc,
    Ssrc,
};
use crate::error::{unfit, wrong};

/// One socket to open.
#[pyclass(frozen, eq, hash, from_py_object, module = "rotunda_media")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListenAddress {
    pub address: SocketAddr,
    pub announced: IpAddr,
    pub protocol: Protocol,
}

#[pymethods]
impl ListenAddress {
    #[new]
    #[pyo3(signature = (ip, port, *, protocol = ProtocolName(Protocol::Udp), announced = None),
        text_signature = "(ip, port, *, protocol='udp', announced=None)")]
    fn new(
        ip: &str,
        port: Port,
        protocol: ProtocolName,
        announced: Option<&str>,
    ) -> PyResult<Self> {
        let ip = convert::ip("ip", ip)?;
        let announced = announced.map_or(Ok(ip), |text| convert::ip("announced", text))?;
        Ok(Self { address: SocketAddr::new(ip, port.0), announced, protocol: protocol.0 })
    }

    #[getter]
    fn ip(&self) -> String {
        self.address.ip().to_string()
    }

    #[getter]
    fn port(&self) -> u16 {
        self.address.port()
    }

    #[getter]
    fn protocol(&self) -> &'static str {
        self.protocol.name()
    }

    #[getter]
    fn announced(&self) -> String {
        self.announced.to_string()
    }

    fn __repr__(&self) -> String {
        let (ip, port, announced) = (self.ip(), self.port(), self.announced());
        let protocol = self.protocol();
        format!("ListenAddress({ip:?}, {port}, protocol={protocol:?}, announced={announced:?})")
    }
}

/// Header extension ids of one end.
#[pyclass(frozen, from_py_object, module = "rotunda_media")]
#[derive(Debug, Clone)]
pub struct ExtensionIds(pub command::ExtensionIds);

#[pymethods]
impl ExtensionIds {
    #[new]
    #[pyo3(signature = (*, mid = None, rid = None, repaired_rid = None, abs_send_time = None,
        transport_cc = None, audio_level = None, video_orientation = None,
        dependency_descriptor = None))]
    #[expect(clippy::too_many_arguments, reason = "one for each extension, by keyword only")]
    fn new(
        mid: Option<&Bound<'_, PyAny>>,
        rid: Option<&Bound<'_, PyAny>>,
        repaired_rid: Option<&Bound<'_, PyAny>>,
        abs_send_time: Option<&Bound<'_, PyAny>>,
        transport_cc: Option<&Bound<'_, PyAny>>,
        audio_level: Option<&Bound<'_, PyAny>>,
        video_orientation: Option<&Bound<'_, PyAny>>,
        dependency_descriptor: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let mut taken = Vec::new();
        let mut id = |name, value| extension_id(name, value, &mut taken);
        Ok(Self(command::ExtensionIds {
            mid: id("mid", mid)?,
            rid: id("rid", rid)?,
            repaired_rid: id("repaired_rid", repaired_rid)?,
            abs_send_time: id("abs_send_time", abs_send_time)?,
            transport_cc: id("transport_cc", transport_cc)?,
            audio_level: id("audio_level", audio_level)?,
            video_orientation: id("video_orientation", video_orientation)?,
            dependency_descriptor: id("dependency_descriptor", dependency_descriptor)?,
        }))
    }
}

/// One codec as its producer numbers it.
#[pyclass(frozen, from_py_object, module = "rotunda_media")]
#[derive(Debug, Clone)]
pub struct PayloadMapping(pub command::PayloadMapping);

#[pymethods]
impl PayloadMapping {
    #[new]
    #[pyo3(signature = (codec, payload_type, *, clock_rate, rtx_payload_type = None, nack = false))]
    fn new(
        codec: CodecName,
        payload_type: PayloadType,
        clock_rate: ClockRate,
        rtx_payload_type: Option<RtxPayloadType>,
        nack: bool,
    ) -> Self {
        Self(command::PayloadMapping {
            codec: codec.0,
            clock_rate: clock_rate.0,
            payload_type: payload_type.0,
            rtx_payload_type: rtx_payload_type.map(|number| number.0),
            nack,
        })
    }
}

/// One encoding of a producer.
#[pyclass(frozen, from_py_object, module = "rotunda_media")]
#[derive(Debug, Clone)]
pub struct Encoding(pub command::EncodingParameters);

#[pymethods]
impl Encoding {
    #[new]
    #[pyo3(signature = (*, rid = None, ssrc = None, rtx_ssrc = None))]
    fn new(rid: Option<String>, ssrc: Option<Ssrc>, rtx_ssrc: Option<RtxSsrc>) -> PyResult<Self> {
        Ok(Self(command::EncodingParameters {
            rid: rid.map(|rid| convert::text("rid", rid, 1, 255)).transpose()?,
            ssrc: ssrc.map(|number| number.0),
            rtx_ssrc: rtx_ssrc.map(|number| number.0),
        }))
    }
}

/// One codec as a consumer numbers it.
#[pyclass(frozen, from_py_object, module = "rotunda_media")]
#[derive(Debug, Clone)]
pub struct ConsumerPayload(pub (Codec, u8, Option<u8>));

#[pymethods]
impl ConsumerPayload {
    #[new]
    #[pyo3(signature = (codec, payload_type, *, rtx_payload_type = None))]
    fn new(
        codec: CodecName,
        payload_type: PayloadType,
        rtx_payload_type: Option<RtxPayloadType>,
    ) -> Self {
        Self((codec.0, payload_type.0, rtx_payload_type.map(|number| number.0)))
    }
}

/// 1 to 14 and 16 to 255 (RFC 8285: 15 is reserved in the one-byte form), each once.
fn extension_id(
    name: &'static str,
    value: Option<&Bound<'_, PyAny>>,
    taken: &mut Vec<(u8, &'static str)>,
) -> PyResult<Option<u8>> {
    let Some(value) = value else { return Ok(None) };
    let id = match value.extract::<u8>() {
        Ok(id @ (1..=14 | 16..)) => id,
        _ => return Err(wrong(name, "1 to 14 or 16 to 255", value)),
    };
    if let Some((_, other)) = taken.iter().find(|(number, _)| *number == id) {
        return Err(unfit(format!("{other} and {name} both have id {id}")));
    }
    taken.push((id, name));
    Ok(Some(id))
}
