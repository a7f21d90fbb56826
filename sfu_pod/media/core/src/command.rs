//! What the owner of a worker asks of it. Commands do not answer: ids and credentials are the
//! caller's choice, so nothing has to be waited for. A command that makes no sense (an unknown id,
//! say) is a defect of the caller and comes back as [`crate::event::Event::CommandFailed`].

use std::net::SocketAddr;

use rotunda_packet::srtp::SrtpProfile;

use crate::id::{ConsumerId, ListenerId, ProducerId, RouterId, TransportId};

/// One request to a worker.
#[allow(missing_docs, reason = "fields are named after their types")]
#[derive(Debug, Clone)]
pub enum Command {
    /// Starts answering ICE checks that name `ufrag`.
    AddTransport { transport: TransportId, ice: IceCredentials },
    /// Starts taking packets from an address that the owner names, and sending there: in the clear,
    /// unless [`Command::SetSrtp`] follows. No peer can change where that is. An address of another
    /// machine that stays silent gets little; see [`crate::event::Event::RemoteSilent`].
    AddPlainTransport { transport: TransportId, plain: PlainParameters },
    /// Adds credentials; the old ones work until the first valid check with the new.
    RestartIce { transport: TransportId, ice: IceCredentials },
    /// Keys from the DTLS handshake (RFC 5764), before which media is dropped; or the owner's own.
    SetSrtp { transport: TransportId, keys: SrtpKeys },
    /// Tells the peer that it must not send more, all its media together: by REMB, once a second
    /// while it has video here, whatever else guides it. Video beyond 1.5 times that, after a burst
    /// of two seconds, is refused as if it were lost; see [`crate::event::Event::MediaLimited`].
    /// Until then there is no such limit.
    SetMaxIncomingBitrate { transport: TransportId, bits_per_second: u64 },
    /// Sends one DTLS datagram over the selected pair (before nomination: the last valid one).
    SendDtls { transport: TransportId, datagram: Vec<u8> },
    /// Removes the transport with all its producers and consumers.
    RemoveTransport { transport: TransportId },
    /// Starts routing a source that arrives on `transport`.
    AddProducer {
        router: RouterId,
        transport: TransportId,
        producer: ProducerId,
        parameters: Box<ProducerParameters>,
        paused: bool,
    },
    /// Pauses or resumes a producer: nothing of it is forwarded while paused.
    SetProducerPaused { producer: ProducerId, paused: bool },
    /// Removes a producer and every consumer of it.
    RemoveProducer { producer: ProducerId },
    /// Starts a copy of `producer` on `transport`.
    AddConsumer {
        transport: TransportId,
        consumer: ConsumerId,
        producer: ProducerId,
        parameters: Box<ConsumerParameters>,
        paused: bool,
    },
    /// Pauses or resumes a consumer; resuming video asks the producer for a key frame.
    SetConsumerPaused { consumer: ConsumerId, paused: bool },
    /// The highest layers this consumer wants; clamped to what the producer has.
    SetPreferredLayers { consumer: ConsumerId, spatial: u8, temporal: Option<u8> },
    /// Asks for a key frame of what the consumer receives, throttled.
    RequestKeyFrame { consumer: ConsumerId },
    /// Removes a consumer.
    RemoveConsumer { consumer: ConsumerId },
    /// Answers with [`crate::event::Event::Stats`] that carries the same token.
    CollectStats { token: u64 },
}

/// Short-term credentials of the lite side (RFC 8445, RFC 5245 section 15.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceCredentials {
    /// Unique in the worker: it names the transport to STUN checks.
    pub ufrag: String,
    /// Key of MESSAGE-INTEGRITY.
    pub password: String,
}

/// Where the peer of a plain transport is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainParameters {
    /// Of UDP: what arrives there is taken, and from there is sent.
    pub listener: ListenerId,
    /// The only address that packets are taken from. Port 0: the first packet from that IP address
    /// with an SSRC that a producer on this transport was signalled with tells the port; until then
    /// nothing is sent.
    pub remote: SocketAddr,
    /// The peer's port for RTCP; `None`: that of RTP (RFC 5761).
    pub remote_rtcp_port: Option<u16>,
}

/// Both directions' master key and salt, concatenated, as RFC 5764 section 4.2 derives them.
#[derive(Clone)]
pub struct SrtpKeys {
    /// The negotiated profile, the same in both directions.
    pub profile: SrtpProfile,
    /// Key and salt for what we send.
    pub send: Vec<u8>,
    /// Key and salt for what we receive.
    pub receive: Vec<u8>,
}

impl std::fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SrtpKeys").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Pictures, camera or screen.
    Video,
}

/// What the payload is, as far as forwarding depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// RFC 7587.
    Opus,
    /// RFC 7741; the only one with layer choice so far.
    Vp8,
    /// RFC 6184.
    H264,
    /// RFC 9628.
    Vp9,
    /// AV1 RTP payload specification.
    Av1,
}

/// Header extension ids (RFC 8285) of one end; `None` where not negotiated. 1 to 14 are sent in
/// the one-byte form; ids above need the two-byte form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtensionIds {
    /// urn:ietf:params:rtp-hdrext:sdes:mid
    pub mid: Option<u8>,
    /// urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
    pub rid: Option<u8>,
    /// urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
    pub repaired_rid: Option<u8>,
    /// <http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time>
    pub abs_send_time: Option<u8>,
    /// <http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01>
    pub transport_cc: Option<u8>,
    /// urn:ietf:params:rtp-hdrext:ssrc-audio-level (RFC 6464)
    pub audio_level: Option<u8>,
    /// urn:3gpp:video-orientation
    pub video_orientation: Option<u8>,
    /// <https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension>
    pub dependency_descriptor: Option<u8>,
}

/// One codec as its producer numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadMapping {
    /// What is inside.
    pub codec: Codec,
    /// RTP clock in Hz.
    pub clock_rate: u32,
    /// The producer's payload type.
    pub payload_type: u8,
    /// The producer's payload type of its retransmissions (RFC 4588).
    pub rtx_payload_type: Option<u8>,
    /// NACK was negotiated: gaps are asked for.
    pub nack: bool,
}

/// One encoding of a producer. Simulcast lists them from the lowest to the highest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncodingParameters {
    /// RTP stream id where SSRCs are not signalled.
    pub rid: Option<String>,
    /// SSRC where it is signalled.
    pub ssrc: Option<u32>,
    /// SSRC of the retransmissions where it is signalled.
    pub rtx_ssrc: Option<u32>,
}

/// How a producer's packets look when they arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducerParameters {
    /// Audio or video.
    pub kind: MediaKind,
    /// The media section's id, by which unsignalled SSRCs are recognised.
    pub mid: Option<String>,
    /// Its codecs.
    pub payloads: Vec<PayloadMapping>,
    /// Its extension ids.
    pub extensions: ExtensionIds,
    /// At least one, lowest first.
    pub encodings: Vec<EncodingParameters>,
    /// RTCP canonical name of what we say about it.
    pub cname: String,
}

/// How a consumer's packets shall look when they leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerParameters {
    /// Unique in its transport.
    pub mid: String,
    /// SSRC of the media.
    pub ssrc: u32,
    /// SSRC of retransmissions; absent: nothing is sent again, as SRTP forbids to use a sequence
    /// number twice.
    pub rtx_ssrc: Option<u32>,
    /// Payload type for each codec: codec, payload type, retransmission's payload type.
    pub payloads: Vec<(Codec, u8, Option<u8>)>,
    /// Its extension ids.
    pub extensions: ExtensionIds,
    /// Canonical name: the same for all of a participant's media, so that lips match.
    pub cname: String,
    /// At first; see [`Command::SetPreferredLayers`]. `None`: the highest there is.
    pub preferred_spatial: Option<u8>,
}
