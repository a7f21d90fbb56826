//! What a worker tells, as objects to `match` on.

use std::net::SocketAddr;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use rotunda_media_core as core;
use rotunda_media_worker as worker;

use crate::convert::Protocol;
use crate::stats::{ConsumerStats, ProducerStats, TransportStats};

/// One class: its fields in the order of `__match_args__`.
macro_rules! event {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* })*) => {$(
        $(#[$doc])*
        #[pyclass(frozen, get_all, module = "rotunda_media")]
        pub struct $name { $($field: $type),* }

        #[pymethods]
        impl $name {
            #[classattr]
            fn __match_args__(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
                PyTuple::new(py, [$(stringify!($field)),*])
            }

            fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
                let fields: &[&str] = &[$(stringify!($field)),*];
                repr(slf.as_any(), stringify!($name), fields)
            }
        }
    )*};
}

event! {
    /// The transport's queue of DTLS datagrams is no longer empty.
    DtlsReadable { transport: u64 }
    /// The first valid check arrived, or the selected remote address changed.
    IceConnected { transport: u64, remote_ip: String, remote_port: u16, protocol: &'static str }
    /// The first packet that the peer protected with the keys of `set_srtp` came.
    SrtpReceived { transport: u64 }
    /// No valid check for the consent time.
    IceDisconnected { transport: u64 }
    /// The first packet came from the address of a plain transport, or the first after `RemoteSilent`.
    RemoteHeard { transport: u64, remote_ip: String, remote_port: u16 }
    /// Nothing is sent to the address of a plain transport until it is heard.
    RemoteSilent { transport: u64 }
    /// More video came than `set_max_incoming_bitrate` lets through.
    MediaLimited { transport: u64, refused: u64 }
    /// The first packet of a producer's encoding arrived.
    ProducerStarted { producer: u64, encoding: u8 }
    /// What is forwarded to a consumer changed.
    LayersChanged { consumer: u64, spatial: Option<u8>, temporal: Option<u8> }
    /// Who speaks in a room.
    ActiveSpeaker { router: u64, producer: Option<u64> }
    /// Answer to `collect_stats`.
    Stats {
        token: u64,
        transports: Vec<Py<TransportStats>>,
        producers: Vec<Py<ProducerStats>>,
        consumers: Vec<Py<ConsumerStats>>
    }
    /// A command made no sense.
    CommandFailed { message: String }
    /// The thread ended by a defect.
    WorkerFailed { message: String }
}

/// The union of all classes, for annotations.
pub fn union<'py>(module: &Bound<'py, PyModule>) -> PyResult<Bound<'py, PyAny>> {
    let py = module.py();
    let mut union = py.get_type::<DtlsReadable>().into_any();
    for class in [
        py.get_type::<IceConnected>(),
        py.get_type::<SrtpReceived>(),
        py.get_type::<IceDisconnected>(),
        py.get_type::<RemoteHeard>(),
        py.get_type::<RemoteSilent>(),
        py.get_type::<MediaLimited>(),
        py.get_type::<ProducerStarted>(),
        py.get_type::<LayersChanged>(),
        py.get_type::<ActiveSpeaker>(),
        py.get_type::<Stats>(),
        py.get_type::<CommandFailed>(),
        py.get_type::<WorkerFailed>(),
    ] {
        union = union.bitor(class)?;
    }
    Ok(union)
}

/// The Python object of an event of a worker whose first `udp` listeners are of UDP.
pub fn to_python(py: Python<'_>, event: worker::Event, udp: usize) -> PyResult<Py<PyAny>> {
    let event = match event {
        worker::Event::Core(event) => event,
        worker::Event::Failed { message } => return object(py, WorkerFailed { message }),
    };
    match event {
        core::Event::DtlsReadable { transport } => {
            object(py, DtlsReadable { transport: transport.0 })
        }
        core::Event::IceConnected { transport, listener, remote } => {
            let is_udp = usize::from(listener.0) < udp;
            let protocol = if is_udp { Protocol::Udp } else { Protocol::Tcp };
            object(py, ice_connected(transport.0, remote, protocol))
        }
        core::Event::SrtpReceived { transport } => {
            object(py, SrtpReceived { transport: transport.0 })
        }
        core::Event::IceDisconnected { transport } => {
            object(py, IceDisconnected { transport: transport.0 })
        }
        core::Event::RemoteHeard { transport, listener: _, remote } => {
            let (remote_ip, remote_port) = (remote.ip().to_string(), remote.port());
            object(py, RemoteHeard { transport: transport.0, remote_ip, remote_port })
        }
        core::Event::RemoteSilent { transport } => {
            object(py, RemoteSilent { transport: transport.0 })
        }
        core::Event::MediaLimited { transport, refused } => {
            object(py, MediaLimited { transport: transport.0, refused })
        }
        core::Event::ProducerStarted { producer, encoding } => {
            object(py, ProducerStarted { producer: producer.0, encoding })
        }
        core::Event::LayersChanged { consumer, layers } => {
            let (spatial, temporal) = (layers.map(|l| l.spatial), layers.map(|l| l.temporal));
            object(py, LayersChanged { consumer: consumer.0, spatial, temporal })
        }
        core::Event::ActiveSpeaker { router, producer } => {
            object(py, ActiveSpeaker { router: router.0, producer: producer.map(|id| id.0) })
        }
        core::Event::Stats { token, stats } => object(py, collected(py, token, *stats)?),
        core::Event::CommandFailed { message } => object(py, CommandFailed { message }),
    }
}

fn object<T>(py: Python<'_>, event: T) -> PyResult<Py<PyAny>>
where
    T: pyo3::PyClass + Into<PyClassInitializer<T>>,
{
    Ok(Py::new(py, event)?.into_any())
}

fn ice_connected(transport: u64, remote: SocketAddr, protocol: Protocol) -> IceConnected {
    let (remote_ip, remote_port) = (remote.ip().to_string(), remote.port());
    IceConnected { transport, remote_ip, remote_port, protocol: protocol.name() }
}

fn collected(py: Python<'_>, token: u64, stats: core::event::WorkerStats) -> PyResult<Stats> {
    let transports = stats.transports.into_iter().map(|s| Py::new(py, TransportStats::from(s)));
    let producers = stats.producers.into_iter().map(|s| Py::new(py, ProducerStats::from(s)));
    let consumers = stats.consumers.into_iter().map(|s| Py::new(py, ConsumerStats::from(s)));
    Ok(Stats {
        token,
        transports: transports.collect::<PyResult<_>>()?,
        producers: producers.collect::<PyResult<_>>()?,
        consumers: consumers.collect::<PyResult<_>>()?,
    })
}

fn repr(object: &Bound<'_, PyAny>, name: &str, fields: &[&str]) -> PyResult<String> {
    let field = |field: &&str| Ok(format!("{field}={}", object.getattr(*field)?.repr()?));
    let fields = fields.iter().map(field).collect::<PyResult<Vec<_>>>()?;
    Ok(format!("{name}({})", fields.join(", ")))
}
