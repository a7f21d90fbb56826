//! The worker as Python sees it: each method checks its arguments and posts a command.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rotunda_media_core::Command;
use rotunda_media_core::command::{ConsumerParameters, PlainParameters, ProducerParameters};
use rotunda_media_core::id::ListenerId;
use rotunda_media_worker::{Handle, TcpLimits, WorkerOptions, spawn};

use crate::convert::{
    self, AddressLimit, ConnectionLimit, Consumer, KindName, MaxIncomingBitrate, Producer,
    ProfileName, Protocol, QueueLimit, RemotePort, RemoteRtcpPort, Router, RtxSsrc, Spatial, Ssrc,
    TakeLimit, Temporal, Token, Transport,
};
use crate::error::{not_started, unfit};
use crate::event;
use crate::load::WorkerLoad;
use crate::parameters::{ConsumerPayload, Encoding, ExtensionIds, ListenAddress, PayloadMapping};

/// One media thread.
#[pyclass(frozen, module = "rotunda_media")]
pub struct Worker {
    handle: Handle,
    addresses: Vec<ListenAddress>,
}

#[pymethods]
impl Worker {
    #[new]
    #[pyo3(signature = (listen, *, name = "media".to_owned(), segmentation_offload = true,
        dtls_queue_datagrams = QueueLimit(64), tcp_connections = ConnectionLimit(1000),
        tcp_connections_per_address = AddressLimit(200)),
        text_signature = "(listen, *, name='media', segmentation_offload=True, \
            dtls_queue_datagrams=64, tcp_connections=1000, tcp_connections_per_address=200)")]
    fn new(
        listen: Vec<ListenAddress>,
        name: String,
        segmentation_offload: bool,
        dtls_queue_datagrams: QueueLimit,
        tcp_connections: ConnectionLimit,
        tcp_connections_per_address: AddressLimit,
    ) -> PyResult<Self> {
        let asked = |protocol| {
            let fitting = listen.iter().filter(move |one| one.protocol == protocol);
            fitting.map(|one| one.address).collect()
        };
        let handle = spawn(WorkerOptions {
            listen_tcp: asked(Protocol::Tcp),
            tcp_limits: TcpLimits {
                connections: tcp_connections.0,
                per_address: tcp_connections_per_address.0,
                ..TcpLimits::default()
            },
            name,
            segmentation_offload,
            dtls_queue_datagrams: dtls_queue_datagrams.0,
            ..WorkerOptions::new(asked(Protocol::Udp))
        })
        .map_err(|error| not_started(&error))?;
        let (mut udp, mut tcp) = (handle.addresses().iter(), handle.tcp_addresses().iter());
        let opened = listen.into_iter().filter_map(|asked| {
            let address = match asked.protocol {
                Protocol::Udp => *udp.next()?,
                Protocol::Tcp => *tcp.next()?,
            };
            Some(ListenAddress { address, ..asked })
        });
        let addresses = opened.collect();
        Ok(Self { handle, addresses })
    }

    #[getter]
    fn addresses(&self) -> Vec<ListenAddress> {
        self.addresses.clone()
    }

    fn fileno(&self) -> RawFd {
        self.handle.events_fd().as_raw_fd()
    }

    fn take_events(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let udp = self.handle.addresses().len();
        let events = self.handle.take_events().into_iter();
        events.map(|event| event::to_python(py, event, udp)).collect()
    }

    fn close(&self, py: Python<'_>) {
        py.detach(|| self.handle.close());
    }

    #[pyo3(signature = (transport, *, ufrag, password))]
    fn add_transport(&self, transport: Transport, ufrag: String, password: String) -> PyResult<()> {
        let ice = convert::ice(ufrag, password)?;
        self.handle.command(Command::AddTransport { transport: transport.0, ice });
        Ok(())
    }

    #[pyo3(signature = (transport, remote_address, remote_port, local_address = None, *,
        remote_rtcp_port = None))]
    fn add_plain_transport(
        &self,
        transport: Transport,
        remote_address: &str,
        remote_port: RemotePort,
        local_address: Option<&str>,
        remote_rtcp_port: Option<RemoteRtcpPort>,
    ) -> PyResult<()> {
        let remote = SocketAddr::new(convert::peer_ip(remote_address)?, remote_port.0);
        let listener = self.listener_for(remote, local_address)?;
        let remote_rtcp_port = remote_rtcp_port.map(|port| port.0);
        let plain = PlainParameters { listener, remote, remote_rtcp_port };
        self.handle.command(Command::AddPlainTransport { transport: transport.0, plain });
        Ok(())
    }

    #[pyo3(signature = (transport, *, ufrag, password))]
    fn restart_ice(&self, transport: Transport, ufrag: String, password: String) -> PyResult<()> {
        let ice = convert::ice(ufrag, password)?;
        self.handle.command(Command::RestartIce { transport: transport.0, ice });
        Ok(())
    }

    #[pyo3(signature = (transport, profile, *, send, receive))]
    fn set_srtp(
        &self,
        transport: Transport,
        profile: ProfileName,
        send: &[u8],
        receive: &[u8],
    ) -> PyResult<()> {
        let keys = convert::srtp_keys(profile.0, send, receive)?;
        self.handle.command(Command::SetSrtp { transport: transport.0, keys });
        Ok(())
    }

    fn set_max_incoming_bitrate(&self, transport: Transport, bits_per_second: MaxIncomingBitrate) {
        let (transport, bits_per_second) = (transport.0, bits_per_second.0);
        self.handle.command(Command::SetMaxIncomingBitrate { transport, bits_per_second });
    }

    fn send_dtls(&self, transport: Transport, datagram: &[u8]) -> PyResult<()> {
        let datagram = convert::datagram(datagram)?;
        self.handle.command(Command::SendDtls { transport: transport.0, datagram });
        Ok(())
    }

    #[pyo3(signature = (transport, limit = TakeLimit(64)),
        text_signature = "($self, transport, limit=64)")]
    fn receive_dtls<'py>(
        &self,
        py: Python<'py>,
        transport: Transport,
        limit: TakeLimit,
    ) -> Vec<Bound<'py, PyBytes>> {
        let datagrams = self.handle.receive_dtls(transport.0, limit.0);
        datagrams.iter().map(|datagram| PyBytes::new(py, datagram)).collect()
    }

    fn dtls_dropped(&self, transport: Transport) -> u64 {
        self.handle.dtls_dropped(transport.0)
    }

    fn remove_transport(&self, transport: Transport) {
        self.handle.command(Command::RemoveTransport { transport: transport.0 });
    }

    #[pyo3(signature = (producer, *, router, transport, kind, mid, payloads, extensions, encodings,
        cname, paused = false))]
    #[expect(clippy::too_many_arguments, reason = "RTP parameters, by keyword only")]
    fn add_producer(
        &self,
        producer: Producer,
        router: Router,
        transport: Transport,
        kind: KindName,
        mid: Option<String>,
        payloads: Vec<PayloadMapping>,
        extensions: ExtensionIds,
        encodings: Vec<Encoding>,
        cname: String,
        paused: bool,
    ) -> PyResult<()> {
        not_empty("payloads", &payloads)?;
        not_empty("encodings", &encodings)?;
        let parameters = Box::new(ProducerParameters {
            kind: kind.0,
            mid: mid.map(|mid| convert::text("mid", mid, 1, 255)).transpose()?,
            payloads: payloads.into_iter().map(|payload| payload.0).collect(),
            extensions: extensions.0,
            encodings: encodings.into_iter().map(|encoding| encoding.0).collect(),
            cname: convert::text("cname", cname, 1, 255)?,
        });
        let (router, transport, producer) = (router.0, transport.0, producer.0);
        self.handle.command(Command::AddProducer {
            router,
            transport,
            producer,
            parameters,
            paused,
        });
        Ok(())
    }

    fn set_producer_paused(&self, producer: Producer, paused: bool) {
        self.handle.command(Command::SetProducerPaused { producer: producer.0, paused });
    }

    fn remove_producer(&self, producer: Producer) {
        self.handle.command(Command::RemoveProducer { producer: producer.0 });
    }

    #[pyo3(signature = (consumer, *, transport, producer, mid, ssrc, rtx_ssrc, payloads,
        extensions, cname, preferred_spatial = None, paused = true))]
    #[expect(clippy::too_many_arguments, reason = "RTP parameters, by keyword only")]
    fn add_consumer(
        &self,
        consumer: Consumer,
        transport: Transport,
        producer: Producer,
        mid: String,
        ssrc: Ssrc,
        rtx_ssrc: Option<RtxSsrc>,
        payloads: Vec<ConsumerPayload>,
        extensions: ExtensionIds,
        cname: String,
        preferred_spatial: Option<Spatial>,
        paused: bool,
    ) -> PyResult<()> {
        not_empty("payloads", &payloads)?;
        let parameters = Box::new(ConsumerParameters {
            // The one-byte form of RFC 8285 carries no more.
            mid: convert::text("mid", mid, 1, 16)?,
            ssrc: ssrc.0,
            rtx_ssrc: rtx_ssrc.map(|number| number.0),
            payloads: payloads.into_iter().map(|payload| payload.0).collect(),
            extensions: extensions.0,
            cname: convert::text("cname", cname, 1, 255)?,
            preferred_spatial: preferred_spatial.map(|number| number.0),
        });
        let (transport, consumer, producer) = (transport.0, consumer.0, producer.0);
        self.handle.command(Command::AddConsumer {
            transport,
            consumer,
            producer,
            parameters,
            paused,
        });
        Ok(())
    }

    fn set_consumer_paused(&self, consumer: Consumer, paused: bool) {
        self.handle.command(Command::SetConsumerPaused { consumer: consumer.0, paused });
    }

    #[pyo3(signature = (consumer, spatial, temporal = None))]
    fn set_preferred_layers(
        &self,
        consumer: Consumer,
        spatial: Spatial,
        temporal: Option<Temporal>,
    ) {
        let (consumer, spatial) = (consumer.0, spatial.0);
        let temporal = temporal.map(|number| number.0);
        self.handle.command(Command::SetPreferredLayers { consumer, spatial, temporal });
    }

    fn request_key_frame(&self, consumer: Consumer) {
        self.handle.command(Command::RequestKeyFrame { consumer: consumer.0 });
    }

    fn remove_consumer(&self, consumer: Consumer) {
        self.handle.command(Command::RemoveConsumer { consumer: consumer.0 });
    }

    fn collect_stats(&self, token: Token) {
        self.handle.command(Command::CollectStats { token: token.0 });
    }

    fn load(&self) -> WorkerLoad {
        self.handle.load().into()
    }
}

impl Worker {
    /// The UDP socket from which a remote address is reached: that of an IP address of ours, or the
    /// first of the same family.
    fn listener_for(&self, remote: SocketAddr, local: Option<&str>) -> PyResult<ListenerId> {
        let local = local.map(|text| convert::ip("local_address", text)).transpose()?;
        let fits = |own: &SocketAddr| {
            own.is_ipv4() == remote.is_ipv4() && local.is_none_or(|local| local == own.ip())
        };
        let found = self.handle.addresses().iter().position(fits);
        let listener = found.and_then(|index| u16::try_from(index).ok()).map(ListenerId);
        listener.ok_or_else(|| {
            let family = if remote.is_ipv4() { "IPv4" } else { "IPv6" };
            unfit(match local {
                Some(local) => format!("no {family} UDP socket is bound to local_address {local}"),
                None => format!("no UDP socket is of {family}, as remote_address is"),
            })
        })
    }
}

fn not_empty<T>(what: &str, values: &[T]) -> PyResult<()> {
    match values.is_empty() {
        true => Err(unfit(format!("{what} must hold at least one"))),
        false => Ok(()),
    }
}
