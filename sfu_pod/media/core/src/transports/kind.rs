//! The kinds of transports: where a peer is, how that is found out, and how much may go there.
//!
//! Matching on an enum, which the compiler sees through, is what the path of each packet pays for
//! there being several.

use std::time::{Duration, Instant};

use super::plain::Plain;
use super::security::Security;
use super::webrtc::WebRtc;
use crate::event::Event;
use crate::id::TransportId;
use crate::path::{Path, PathChange};

/// One of each kind. What only one kind has, its own type has.
pub(crate) enum Kind {
    /// ICE-lite and DTLS.
    WebRtc(WebRtc),
    /// An address that the owner named.
    Plain(Plain),
}

impl Kind {
    /// How packets are protected before the owner sets keys.
    pub(crate) fn first_security(&self) -> Security {
        match self {
            Self::WebRtc(_) => Security::Awaited,
            Self::Plain(_) => Security::Clear,
        }
    }

    /// Where to send. `None`: the peer is nowhere.
    #[inline]
    pub(crate) fn destination(&self) -> Option<Path> {
        match self {
            Self::WebRtc(webrtc) => webrtc.destination(),
            Self::Plain(plain) => plain.destination(),
        }
    }

    /// Where to send RTCP.
    pub(crate) fn rtcp_destination(&self) -> Option<Path> {
        match self {
            Self::WebRtc(webrtc) => webrtc.destination(),
            Self::Plain(plain) => plain.rtcp_destination(),
        }
    }

    /// Whether so many bytes may be sent to the peer now; they then count as sent.
    #[inline]
    pub(crate) fn grant(&mut self, bytes: usize) -> bool {
        match self {
            Self::WebRtc(webrtc) => webrtc.grant(bytes),
            Self::Plain(plain) => plain.grant(bytes),
        }
    }

    /// The peer has not shown yet that it is where we send to: it gets little.
    pub(crate) fn is_limited(&self) -> bool {
        match self {
            Self::WebRtc(webrtc) => webrtc.is_limited(),
            Self::Plain(_) => false,
        }
    }

    /// The owner has set keys.
    pub(crate) fn keys_set(&mut self) {
        match self {
            Self::WebRtc(webrtc) => webrtc.keys_set(),
            Self::Plain(_) => {}
        }
    }

    /// Whether the peer is known to be on the path.
    #[inline]
    pub(crate) fn knows(&self, path: Path) -> bool {
        match self {
            Self::WebRtc(webrtc) => webrtc.knows(path),
            Self::Plain(plain) => plain.knows(path),
        }
    }

    /// Whether something authentic on this path, which is nobody's, may be the peer's.
    pub(crate) fn may_appear_on(&self, path: Path) -> bool {
        match self {
            Self::WebRtc(webrtc) => webrtc.may_appear_on(path),
            Self::Plain(plain) => plain.may_appear_on(path),
        }
    }

    /// So many authentic bytes came on a path that was not known. Returns a path that had to give
    /// way; what is to be sent there is appended to `answer`.
    pub(crate) fn appeared(
        &mut self,
        now: Instant,
        path: Path,
        bytes: usize,
        answer: &mut Vec<u8>,
    ) -> Option<Path> {
        match self {
            Self::WebRtc(webrtc) => webrtc.appeared(now, path, bytes, answer),
            Self::Plain(plain) => {
                plain.appeared(path);
                None
            }
        }
    }

    /// A datagram came on a path of the peer's.
    pub(crate) fn received(&mut self, path: Path, bytes: usize) {
        match self {
            Self::WebRtc(webrtc) => webrtc.received(path, bytes),
            Self::Plain(_) => {}
        }
    }

    /// What came on the path was authentic: evidence that the peer is there.
    #[inline]
    pub(crate) fn heard(&mut self, now: Instant, path: Path) -> Option<PathChange> {
        match self {
            Self::WebRtc(webrtc) => webrtc.heard(now, path),
            Self::Plain(plain) => plain.heard(now),
        }
    }

    /// Whether nobody else may have the path now.
    pub(crate) fn holds(&self, now: Instant, path: Path) -> bool {
        match self {
            Self::WebRtc(webrtc) => webrtc.holds(now, path),
            Self::Plain(plain) => plain.knows(path),
        }
    }

    /// How long the next sender report shall wait. `None`: it shall not.
    pub(crate) fn report_delay(&self) -> Option<Duration> {
        match self {
            Self::WebRtc(webrtc) => webrtc.report_delay(),
            Self::Plain(_) => None,
        }
    }

    /// A sender report is sent; reports name it by the middle 32 bits of its NTP time.
    pub(crate) fn report_sent(&mut self, ntp_middle: u32) {
        match self {
            Self::WebRtc(webrtc) => webrtc.report_sent(ntp_middle),
            Self::Plain(_) => {}
        }
    }

    /// A report came on `path` and names a sender report. Returns whether more may be sent now.
    pub(crate) fn reported(&mut self, path: Path, ntp_middle: u32) -> bool {
        match self {
            Self::WebRtc(webrtc) => webrtc.reported(path, ntp_middle),
            Self::Plain(_) => false,
        }
    }

    /// When [`Kind::expire`] has something to do next.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        match self {
            Self::WebRtc(webrtc) => webrtc.next_expiry(),
            Self::Plain(plain) => plain.next_expiry(),
        }
    }

    /// Does what is due by `now`; `on_dropped` is called for each path that is not the peer's any
    /// more.
    pub(crate) fn expire(
        &mut self,
        now: Instant,
        on_dropped: impl FnMut(Path),
    ) -> Option<PathChange> {
        match self {
            Self::WebRtc(webrtc) => webrtc.expire(now, on_dropped),
            Self::Plain(plain) => plain.expire(now),
        }
    }

    /// A path can carry nothing any more: its connection is over, which only WebRTC has.
    pub(crate) fn close(&mut self, now: Instant, path: Path) -> Option<PathChange> {
        match self {
            Self::WebRtc(webrtc) => webrtc.close(now, path),
            Self::Plain(_) => None,
        }
    }

    /// What the owner is told of a change.
    pub(crate) fn event_of(&self, transport: TransportId, change: PathChange) -> Event {
        match self {
            Self::WebRtc(_) => WebRtc::event_of(transport, change),
            Self::Plain(_) => Plain::event_of(transport, change),
        }
    }

    pub(crate) fn as_webrtc(&self) -> Option<&WebRtc> {
        match self {
            Self::WebRtc(webrtc) => Some(webrtc),
            Self::Plain(_) => None,
        }
    }

    pub(crate) fn as_webrtc_mut(&mut self) -> Option<&mut WebRtc> {
        match self {
            Self::WebRtc(webrtc) => Some(webrtc),
            Self::Plain(_) => None,
        }
    }

    pub(crate) fn as_plain(&self) -> Option<&Plain> {
        match self {
            Self::WebRtc(_) => None,
            Self::Plain(plain) => Some(plain),
        }
    }
}
