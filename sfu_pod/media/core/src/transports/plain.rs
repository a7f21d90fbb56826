//! A peer at an address that the owner names, such as a recorder or an encoder: RTP and RTCP
//! without ICE or DTLS, in the clear unless the owner sets keys.
//!
//! # Where the peer is
//!
//! At the address that the owner named, and nowhere else: a peer can move nothing. Where the owner
//! named no port, the first packet from the named IP address with an SSRC of a producer on this
//! transport tells it, once. RTCP shares the port of RTP (RFC 5761), or has one of its own.
//!
//! # What may be sent there
//!
//! On this machine: everything. Many recorders say nothing at all, and a loopback address is no
//! victim. Elsewhere an address that answers to nothing must not be flooded for ever: until it was
//! heard it gets [`UNHEARD_BYTES`], once, and after a silence of [`CONSENT_TIMEOUT`] nothing, until
//! it is heard again. Receivers of RTP report every few seconds (RFC 3550 section 6.2).

use std::net::SocketAddr;
use std::time::Instant;

use crate::command::PlainParameters;
use crate::event::Event;
use crate::ice::CONSENT_TIMEOUT;
use crate::id::{ListenerId, TransportId};
use crate::path::{Path, PathChange};

/// What a peer on another machine may get before it was heard: some seconds of video, in which it
/// reports for the first time.
pub(crate) const UNHEARD_BYTES: usize = 2 << 20;

/// One named address, or two.
pub(crate) struct Plain {
    listener: ListenerId,
    /// Port 0: it is not known yet.
    remote: SocketAddr,
    remote_rtcp_port: Option<u16>,
    /// When something came from there last.
    heard: Option<Instant>,
    /// Bytes that may still go there before it is heard.
    unheard: usize,
    /// The owner knows that the peer is there.
    told: bool,
    /// Nothing is sent until the peer is heard.
    silent: bool,
}

impl Plain {
    /// The error says what is wrong with the address.
    pub(crate) fn new(parameters: &PlainParameters) -> Result<Self, String> {
        let PlainParameters { listener, remote, remote_rtcp_port } = *parameters;
        if remote.ip().is_unspecified() || remote.ip().is_multicast() {
            return Err(format!("{} is not the address of one peer", remote.ip()));
        }
        if remote_rtcp_port == Some(0) {
            return Err("the port of RTCP must be at least 1".to_owned());
        }
        Ok(Self {
            listener,
            remote,
            remote_rtcp_port,
            heard: None,
            unheard: UNHEARD_BYTES,
            told: false,
            silent: false,
        })
    }

    /// Paths that belong to this peer alone.
    pub(crate) fn paths(&self) -> impl Iterator<Item = Path> + use<> {
        [self.rtp_path(), self.remote_rtcp_port.map(|port| self.path(port))].into_iter().flatten()
    }

    /// The peer's port is told by its first packet.
    pub(crate) fn awaits_peer(&self) -> bool {
        self.remote.port() == 0
    }

    #[inline]
    pub(crate) fn destination(&self) -> Option<Path> {
        self.rtp_path().filter(|_| !self.silent)
    }

    /// Where RTCP goes.
    pub(crate) fn rtcp_destination(&self) -> Option<Path> {
        match self.remote_rtcp_port {
            Some(port) => (!self.silent).then(|| self.path(port)),
            None => self.destination(),
        }
    }

    #[inline]
    pub(crate) fn grant(&mut self, bytes: usize) -> bool {
        if self.heard.is_some() || self.is_local() {
            return true;
        }
        self.unheard = self.unheard.saturating_sub(bytes);
        self.unheard > 0
    }

    #[inline]
    pub(crate) fn knows(&self, path: Path) -> bool {
        self.paths().any(|own| own == path)
    }

    /// A peer whose port is not known may send from any port of its address.
    pub(crate) fn may_appear_on(&self, path: Path) -> bool {
        let awaited =
            Path { remote: SocketAddr::new(self.remote.ip(), path.remote.port()), ..path };
        self.awaits_peer() && path.listener == self.listener && path == awaited
    }

    pub(crate) fn appeared(&mut self, path: Path) {
        self.remote = path.remote;
    }

    /// Something came from the peer. Told when it is the first, and after a silence.
    #[inline]
    pub(crate) fn heard(&mut self, now: Instant) -> Option<PathChange> {
        self.heard = Some(now);
        self.silent = false;
        let path = self.rtp_path().filter(|_| !self.told)?;
        self.told = true;
        Some(PathChange::Connected(path))
    }

    /// When [`Plain::expire`] has something to do next.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        let heard = self.heard.filter(|_| !self.is_local() && !self.silent);
        heard.map(|heard| heard + CONSENT_TIMEOUT)
    }

    /// Notices that the peer is silent.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<PathChange> {
        let silent = match self.heard {
            _ if self.is_local() || self.silent => false,
            Some(heard) => now.saturating_duration_since(heard) >= CONSENT_TIMEOUT,
            None => self.unheard == 0,
        };
        self.silent |= silent;
        self.told &= !silent;
        silent.then_some(PathChange::Disconnected)
    }

    pub(crate) fn event_of(transport: TransportId, change: PathChange) -> Event {
        match change {
            PathChange::Connected(Path { listener, remote }) => {
                Event::RemoteHeard { transport, listener, remote }
            }
            PathChange::Disconnected => Event::RemoteSilent { transport },
        }
    }

    fn is_local(&self) -> bool {
        self.remote.ip().is_loopback()
    }

    fn rtp_path(&self) -> Option<Path> {
        (!self.awaits_peer()).then(|| self.path(self.remote.port()))
    }

    fn path(&self, port: u16) -> Path {
        Path { listener: self.listener, remote: SocketAddr::new(self.remote.ip(), port) }
    }
}
