// Generated from contract/schema/signaling.schema.json by `npm run generate`. Do not edit.

/**
 * Requests, their answers and events between a client and signaling.
 */
export interface SignalingContract {
  requests: {
    join: JoinRequest;
    leave: EmptyRequest;
    createWebRtcTransport: CreateWebRtcTransportRequest;
    connectWebRtcTransport: ConnectWebRtcTransportRequest;
    restartIce: TransportRequest;
    closeTransport: TransportRequest;
    produce: ProduceRequest;
    pauseProducer: ProducerRequest;
    resumeProducer: ProducerRequest;
    closeProducer: ProducerRequest;
    consume: ConsumeRequest;
    pauseConsumer: ConsumerRequest;
    resumeConsumer: ConsumerRequest;
    closeConsumer: ConsumerRequest;
    requestKeyFrame: ConsumerRequest;
    setConsumerPreferredLayers: SetConsumerPreferredLayersRequest;
    produceData: ProduceDataRequest;
    consumeData: ConsumeDataRequest;
    closeDataProducer: DataProducerRequest;
    closeDataConsumer: DataConsumerRequest;
    chat: ChatRequest;
    setAttributes: SetAttributesRequest;
    react: ReactRequest;
    muteProducer: ProducerRequest;
    removeParticipant: RemoveParticipantRequest;
    closeRoom: EmptyRequest;
  };
  answers: {
    join: JoinAnswer;
    leave: EmptyAnswer;
    createWebRtcTransport: CreateWebRtcTransportAnswer;
    connectWebRtcTransport: EmptyAnswer;
    restartIce: RestartIceAnswer;
    closeTransport: EmptyAnswer;
    produce: CreatedAnswer;
    pauseProducer: EmptyAnswer;
    resumeProducer: EmptyAnswer;
    closeProducer: EmptyAnswer;
    consume: ConsumeAnswer;
    pauseConsumer: EmptyAnswer;
    resumeConsumer: EmptyAnswer;
    closeConsumer: EmptyAnswer;
    requestKeyFrame: EmptyAnswer;
    setConsumerPreferredLayers: EmptyAnswer;
    produceData: CreatedAnswer;
    consumeData: ConsumeDataAnswer;
    closeDataProducer: EmptyAnswer;
    closeDataConsumer: EmptyAnswer;
    chat: ChatAnswer;
    setAttributes: EmptyAnswer;
    react: EmptyAnswer;
    muteProducer: EmptyAnswer;
    removeParticipant: EmptyAnswer;
    closeRoom: EmptyAnswer;
  };
  events: {
    participantJoined: ParticipantJoinedEvent;
    participantLeft: ParticipantLeftEvent;
    participantUpdated: ParticipantUpdatedEvent;
    participantConnection: ParticipantConnectionEvent;
    reaction: ReactionEvent;
    newProducer: NewProducerEvent;
    producerPaused: ProducerEvent;
    producerResumed: ProducerEvent;
    producerClosed: ProducerEvent;
    newDataProducer: NewDataProducerEvent;
    dataProducerClosed: DataProducerClosedEvent;
    dataConsumerClosed: DataConsumerClosedEvent;
    consumerClosed: ConsumerClosedEvent;
    consumerLayersChanged: ConsumerLayersChangedEvent;
    activeSpeaker: ActiveSpeakerEvent;
    connectionQuality: ConnectionQualityEvent;
    chat: ChatEvent;
    roomPending: RoomPendingEvent;
    transportClosed: TransportClosedEvent;
    removed: RemovedEvent;
    roomClosed: RoomClosedEvent;
    dataLimited: DataLimitedEvent;
    mediaLimited: MediaLimitedEvent;
    migrate: MigrateEvent;
  };
}
/**
 * Enter a room; with the `seat` of an earlier join, resume it. One that nobody has is no error.
 */
export interface JoinRequest {
  room: string;
  displayName: string;
  seat?: string;
}
/**
 * `leave` and `closeRoom`: nothing to say.
 */
export interface EmptyRequest {}
/**
 * `direction` is the client's own: `send` to publish, `recv` to subscribe.
 */
export interface CreateWebRtcTransportRequest {
  direction: "send" | "recv";
}
/**
 * Start DTLS. The role is the client's own word.
 */
export interface ConnectWebRtcTransportRequest {
  transportId: string;
  dtlsParameters: DtlsParameters;
}
/**
 * `role` is the speaker's own (RFC 5763 section 5); `auto` leaves it to the other end.
 */
export interface DtlsParameters {
  role?: "auto" | "client" | "server";
  /**
   * @minItems 1
   * @maxItems 16
   */
  fingerprints: DtlsFingerprint[];
}
/**
 * A certificate's hash (RFC 8122 section 5): `sha-256` and hex pairs joined by colons.
 *
 * A value too short or too long for its algorithm is refused: no certificate could ever match it.
 */
export interface DtlsFingerprint {
  algorithm: string;
  value: string;
}
/**
 * `restartIce` and `closeTransport`.
 */
export interface TransportRequest {
  transportId: string;
}
/**
 * Publish one stream. `appData.source` says what it shows, by default after the kind.
 */
export interface ProduceRequest {
  transportId: string;
  kind: "audio" | "video";
  rtpParameters: RtpParameters;
  paused?: boolean;
  appData?: {
    [k: string]: unknown;
  };
}
/**
 * What one producer sends or one consumer receives.
 */
export interface RtpParameters {
  mid?: string;
  /**
   * @maxItems 64
   */
  codecs: RtpCodecParameters[];
  /**
   * @maxItems 64
   */
  headerExtensions?: RtpHeaderExtensionParameters[];
  /**
   * @maxItems 8
   */
  encodings?: RtpEncodingParameters[];
  rtcp?: RtcpParameters;
}
/**
 * A codec in use. `clock_rate` in Hz.
 */
export interface RtpCodecParameters {
  parameters?: {
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^[!-:<-~]+$".
     */
    [k: string]: string | number;
  };
  mimeType: string;
  payloadType: number;
  clockRate: number;
  channels?: number;
  /**
   * @maxItems 32
   */
  rtcpFeedback?: RtcpFeedback[];
}
/**
 * One feedback message that a codec may use, such as `nack pli` (RFC 4585).
 */
export interface RtcpFeedback {
  type: string;
  parameter?: string;
}
/**
 * A header extension in use.
 */
export interface RtpHeaderExtensionParameters {
  parameters?: {
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^[!-:<-~]+$".
     */
    [k: string]: string | number;
  };
  uri: string;
  id: number;
  encrypt?: boolean;
}
/**
 * One stream of a producer or consumer. `max_bitrate` in bit/s.
 */
export interface RtpEncodingParameters {
  ssrc?: number;
  rid?: string;
  codecPayloadType?: number;
  rtx?: RtxEncoding;
  dtx?: boolean;
  scalabilityMode?: string;
  scaleResolutionDownBy?: number;
  maxBitrate?: number;
}
/**
 * Where an encoding's retransmissions are sent (RFC 4588).
 */
export interface RtxEncoding {
  ssrc: number;
}
/**
 * RTCP of one producer or consumer (RFC 3550 section 6.5.1, RFC 5506).
 */
export interface RtcpParameters {
  cname?: string;
  reducedSize?: boolean;
}
/**
 * `pauseProducer`, `resumeProducer`, `closeProducer` and a moderator's `muteProducer`.
 */
export interface ProducerRequest {
  producerId: string;
}
/**
 * Subscribe to somebody's producer. The consumer starts paused.
 */
export interface ConsumeRequest {
  transportId: string;
  producerId: string;
  rtpCapabilities: RtpCapabilities;
}
/**
 * All that an end can send or receive.
 */
export interface RtpCapabilities {
  /**
   * @maxItems 128
   */
  codecs?: RtpCodecCapability[];
  /**
   * @maxItems 128
   */
  headerExtensions?: RtpHeaderExtensionCapability[];
}
/**
 * A codec that an end can send or receive. `clock_rate` in Hz.
 */
export interface RtpCodecCapability {
  parameters?: {
    /**
     * This interface was referenced by `undefined`'s JSON-Schema definition
     * via the `patternProperty` "^[!-:<-~]+$".
     */
    [k: string]: string | number;
  };
  kind: "audio" | "video";
  mimeType: string;
  preferredPayloadType: number;
  clockRate: number;
  channels?: number;
  /**
   * @maxItems 32
   */
  rtcpFeedback?: RtcpFeedback[];
}
/**
 * A header extension (RFC 8285) that an end can use; `direction` is the owner's own view.
 */
export interface RtpHeaderExtensionCapability {
  kind: "audio" | "video";
  uri: string;
  preferredId: number;
  preferredEncrypt?: boolean;
  direction?: "sendrecv" | "sendonly" | "recvonly" | "inactive";
}
/**
 * `pauseConsumer`, `resumeConsumer`, `closeConsumer` and `requestKeyFrame`.
 */
export interface ConsumerRequest {
  consumerId: string;
}
/**
 * The highest layers wanted; too high ones are clamped. An absent temporal layer is the highest.
 */
export interface SetConsumerPreferredLayersRequest {
  consumerId: string;
  spatialLayer: number;
  temporalLayer?: number;
}
/**
 * Publish a data channel.
 */
export interface ProduceDataRequest {
  transportId: string;
  sctpStreamParameters: SctpStreamParameters;
  label?: string;
  protocol?: string;
  appData?: {
    [k: string]: unknown;
  };
}
/**
 * A data channel's stream (RFC 8832). `max_packet_life_time` in ms.
 *
 * Absent `ordered` means ordered; unreliable where one of the other two is given, never both.
 */
export interface SctpStreamParameters {
  streamId: number;
  ordered?: boolean;
  maxPacketLifeTime?: number;
  maxRetransmits?: number;
}
/**
 * Subscribe to somebody's data channel.
 */
export interface ConsumeDataRequest {
  transportId: string;
  dataProducerId: string;
}
/**
 * `closeDataProducer`.
 */
export interface DataProducerRequest {
  dataProducerId: string;
}
/**
 * `closeDataConsumer`.
 */
export interface DataConsumerRequest {
  dataConsumerId: string;
}
/**
 * Say something to everyone, or with `to` to one participant alone.
 */
export interface ChatRequest {
  text: string;
  to?: string;
}
/**
 * Change one's own attributes: what everybody sees of a participant beside the name.
 *
 * Those that are not named stay; null removes one.
 */
export interface SetAttributesRequest {
  attributes: {
    [k: string]: string | null;
  };
}
/**
 * Show the others a reaction, which is kept nowhere.
 */
export interface ReactRequest {
  name: string;
}
/**
 * Send somebody out of the room; needs the permission `moderate`.
 */
export interface RemoveParticipantRequest {
  participantId: string;
}
/**
 * Where one has come to. `reconnectGrace` in seconds; `participants` is everyone else.
 */
export interface JoinAnswer {
  participantId: string;
  seat: string;
  resumed: boolean;
  reconnectGrace: number;
  room: JoinedRoom;
  routerRtpCapabilities: RtpCapabilities;
  iceServers: IceServer[];
  participants: Participant[];
  self?: OwnState;
  permissions: ("publish" | "subscribe" | "chat" | "moderate" | "record")[];
  token?: string;
  protocol: 1;
}
/**
 * The room as its people see it.
 */
export interface JoinedRoom {
  name: string;
  displayName: string;
  maxParticipants: number;
}
/**
 * A STUN or TURN server, as RTCPeerConnection takes it.
 */
export interface IceServer {
  urls: string[];
  username?: string;
  credential?: string;
}
/**
 * Someone in the room, of a kind that the others see.
 *
 * `connectionLost`: as `participantConnection` told last.
 */
export interface Participant {
  participantId: string;
  kind: "person" | "ingress" | "egress" | "hidden";
  displayName: string;
  producers: Producer[];
  dataProducers: DataProducer[];
  attributes: {
    [k: string]: string;
  };
  connectionLost: boolean;
}
/**
 * One audio or video stream that a participant sends.
 */
export interface Producer {
  producerId: string;
  kind: "audio" | "video";
  source: "microphone" | "camera" | "screen" | "screen-audio";
  paused: boolean;
  appData: {
    [k: string]: unknown;
  };
}
/**
 * One data channel that a participant sends on.
 */
export interface DataProducer {
  dataProducerId: string;
  label: string;
  protocol: string;
  appData: {
    [k: string]: unknown;
  };
}
/**
 * What a resumed participant still has.
 */
export interface OwnState {
  transports: OwnTransport[];
  producers: Producer[];
  consumers: OwnConsumer[];
  dataProducers: OwnDataProducer[];
  dataConsumers: OwnDataConsumer[];
  attributes: {
    [k: string]: string;
  };
}
/**
 * A transport that waited for its owner.
 */
export interface OwnTransport {
  transportId: string;
  direction: "send" | "recv";
}
/**
 * A consumer that waited for its owner.
 */
export interface OwnConsumer {
  consumerId: string;
  producerId: string;
  paused: boolean;
}
/**
 * A data producer that waited for its owner.
 */
export interface OwnDataProducer {
  dataProducerId: string;
  label: string;
}
/**
 * A data consumer that waited for its owner.
 */
export interface OwnDataConsumer {
  dataConsumerId: string;
  dataProducerId: string;
}
/**
 * Done; nothing to tell.
 */
export interface EmptyAnswer {}
/**
 * All that RTCPeerConnection needs to reach us.
 */
export interface CreateWebRtcTransportAnswer {
  id: string;
  iceParameters: IceParameters;
  iceCandidates: IceCandidate[];
  dtlsParameters: DtlsParameters;
  sctpParameters: SctpParameters;
}
/**
 * Credentials of one ICE agent (RFC 8445 section 5.3).
 */
export interface IceParameters {
  usernameFragment: string;
  password: string;
  iceLite?: boolean;
}
/**
 * One address to send to. `ip` and `address` are equal: clients differ in which they read.
 */
export interface IceCandidate {
  foundation: string;
  priority: number;
  ip: string;
  address: string;
  protocol: "udp" | "tcp";
  port: number;
  type?: "host" | "srflx" | "prflx" | "relay";
  tcpType?: "active" | "passive" | "so";
}
/**
 * An SCTP association (RFC 8831): streams outgoing and incoming, message sizes in bytes.
 */
export interface SctpParameters {
  port: number;
  OS: number;
  MIS: number;
  maxMessageSize: number;
  maxSendMessageSize: number;
  maxReceiveMessageSize: number;
}
/**
 * New credentials; the old ones work until the first valid check with the new.
 */
export interface RestartIceAnswer {
  iceParameters: IceParameters;
  iceServers?: IceServer[];
}
/**
 * `produce` and `produceData`.
 */
export interface CreatedAnswer {
  id: string;
}
/**
 * A paused consumer; `participantId` is the producer's owner.
 */
export interface ConsumeAnswer {
  id: string;
  producerId: string;
  participantId: string;
  kind: "audio" | "video";
  rtpParameters: RtpParameters;
  type: "simple" | "simulcast" | "svc";
  producerPaused: boolean;
  appData: {
    [k: string]: unknown;
  };
}
/**
 * A data consumer.
 */
export interface ConsumeDataAnswer {
  id: string;
  dataProducerId: string;
  sctpStreamParameters: SctpStreamParameters;
  label: string;
  protocol: string;
  appData: {
    [k: string]: unknown;
  };
}
/**
 * The message as it was sent on. `delayed` people will get it only once the servers reach each other.
 *
 * `stored` is false where the history could not take it in time: who comes later may miss it.
 */
export interface ChatAnswer {
  id: string;
  sentAt: string;
  delayed?: number;
  stored?: false;
}
/**
 * Somebody came in.
 */
export interface ParticipantJoinedEvent {
  participantId: string;
  kind: "person" | "ingress" | "egress" | "hidden";
  displayName: string;
  producers: Producer[];
  dataProducers: DataProducer[];
  attributes: {
    [k: string]: string;
  };
  connectionLost: boolean;
}
/**
 * Somebody is gone, and their producers with them.
 */
export interface ParticipantLeftEvent {
  participantId: string;
  reason: "left" | "disconnected" | "removed";
}
/**
 * Somebody's attributes changed: these did. Null: it is gone.
 */
export interface ParticipantUpdatedEvent {
  participantId: string;
  attributes: {
    [k: string]: string | null;
  };
}
/**
 * Somebody else's socket is `lost`, or `back` after that. Their media may go on meanwhile.
 */
export interface ParticipantConnectionEvent {
  participantId: string;
  state: "lost" | "back";
}
/**
 * Somebody else reacts.
 */
export interface ReactionEvent {
  participantId: string;
  name: string;
}
/**
 * Somebody publishes a stream.
 */
export interface NewProducerEvent {
  participantId: string;
  producerId: string;
  kind: "audio" | "video";
  source: "microphone" | "camera" | "screen" | "screen-audio";
  paused: boolean;
  appData: {
    [k: string]: unknown;
  };
}
/**
 * `producerPaused`, `producerResumed`, `producerClosed`; its owner is told a reason.
 */
export interface ProducerEvent {
  participantId: string;
  producerId: string;
  reason?: string;
}
/**
 * Somebody publishes a data channel.
 */
export interface NewDataProducerEvent {
  participantId: string;
  dataProducerId: string;
  label: string;
  protocol: string;
  appData: {
    [k: string]: unknown;
  };
}
/**
 * A data channel's publisher closed it.
 */
export interface DataProducerClosedEvent {
  participantId: string;
  dataProducerId: string;
}
/**
 * A data consumer went with its data producer.
 */
export interface DataConsumerClosedEvent {
  dataConsumerId: string;
  dataProducerId: string;
}
/**
 * A consumer went with its producer.
 */
export interface ConsumerClosedEvent {
  consumerId: string;
  producerId: string;
}
/**
 * Which layers a consumer gets now; null: none.
 */
export interface ConsumerLayersChangedEvent {
  consumerId: string;
  layers: Layers | null;
}
/**
 * What is forwarded of a simulcast producer, counted from 0 upwards.
 */
export interface Layers {
  spatialLayer: number;
  temporalLayer: number;
}
/**
 * Who speaks; null: nobody.
 */
export interface ActiveSpeakerEvent {
  participantId: string | null;
}
/**
 * How well somebody is connected, from 0 (not at all) to 10.
 */
export interface ConnectionQualityEvent {
  participantId: string;
  score: number;
  reason?: string;
}
/**
 * Somebody else said something; with `to` it is for this client alone.
 */
export interface ChatEvent {
  id: string;
  from: string;
  displayName: string;
  text: string;
  to?: string;
  sentAt: string;
}
/**
 * The room waits for a node, and `join` for the room.
 */
export interface RoomPendingEvent {
  reason: string;
}
/**
 * One of the client's transports is gone.
 */
export interface TransportClosedEvent {
  transportId: string;
  reason: string;
}
/**
 * The client is out of the room: `taken_over` by another socket with its seat, or sent out.
 */
export interface RemovedEvent {
  reason: string;
}
/**
 * The room is gone. With `rejoin` it lives on elsewhere: join again with the seat.
 */
export interface RoomClosedEvent {
  reason: string;
  rejoin: boolean;
}
/**
 * The client sends data faster than its data channels may carry.
 *
 * `refusedDatagrams` counts what was thrown away since the last such event.
 */
export interface DataLimitedEvent {
  transportId: string;
  refusedDatagrams: number;
  limitBytesPerSecond: number;
}
/**
 * The client sends more video than its room's `maxVideoKbps`, and some of it goes to nobody.
 *
 * `refusedPackets` counts what was thrown away since the last such event.
 */
export interface MediaLimitedEvent {
  transportId: string;
  refusedPackets: number;
  maxVideoKbps: number;
}
/**
 * The room moves to another node until `deadline`.
 */
export interface MigrateEvent {
  migrationId: string;
  deadline: string;
  routerRtpCapabilities: RtpCapabilities;
}
/**
 * The acknowledgement of a request that failed.
 */
export interface ErrorAnswer {
  error: ErrorBody;
}
/**
 * What went wrong. The message is for people; `retryAfterMs` where waiting helps.
 */
export interface ErrorBody {
  code:
    | "bad_request"
    | "unknown_request"
    | "not_joined"
    | "already_joined"
    | "not_found"
    | "invalid_state"
    | "unsupported"
    | "too_large"
    | "unauthorized"
    | "forbidden"
    | "room_full"
    | "limit_exceeded"
    | "rate_limited"
    | "unavailable"
    | "internal";
  message: string;
  retryAfterMs?: number;
}
/**
 * RTCP of one producer or consumer (RFC 3550 section 6.5.1, RFC 5506).
 */
export interface RtcpParameters1 {
  cname?: string;
  reducedSize?: boolean;
}
