import type { types } from "mediasoup-client";

/** What one consumer has received so far. Counters count from its start. */
export interface ConsumerStats {
  consumerId: string;
  producerId: string;
  participantId: string;
  source: string;
  kind: "audio" | "video";
  packetsReceived: number;
  packetsLost: number;
  nackCount: number;
  pliCount: number;
  bytesReceived: number;
  /** Seconds. */
  jitter: number;
  retransmittedPacketsReceived: number;
  framesDecoded: number;
  frameWidth: number;
  frameHeight: number;
  framesPerSecond: number;
  freezeCount: number;
  /** Seconds. */
  totalFreezesDuration: number;
  totalAudioEnergy: number;
  concealedSamples: number;
  totalSamplesReceived: number;
}

export async function consumerStats(consumer: types.Consumer): Promise<ConsumerStats> {
  const reports = [...(await consumer.getStats()).values()] as Record<string, unknown>[];
  const inbound = reports.find(({ type }) => type === "inbound-rtp") ?? {};
  const number = (name: string) => (typeof inbound[name] === "number" ? inbound[name] : 0);
  return {
    consumerId: consumer.id,
    producerId: consumer.producerId,
    participantId: String(consumer.appData.participantId),
    source: String(consumer.appData.source),
    kind: consumer.kind,
    packetsReceived: number("packetsReceived"),
    packetsLost: number("packetsLost"),
    nackCount: number("nackCount"),
    pliCount: number("pliCount"),
    bytesReceived: number("bytesReceived"),
    jitter: number("jitter"),
    retransmittedPacketsReceived: number("retransmittedPacketsReceived"),
    framesDecoded: number("framesDecoded"),
    frameWidth: number("frameWidth"),
    frameHeight: number("frameHeight"),
    framesPerSecond: number("framesPerSecond"),
    freezeCount: number("freezeCount"),
    totalFreezesDuration: number("totalFreezesDuration"),
    totalAudioEnergy: number("totalAudioEnergy"),
    concealedSamples: number("concealedSamples"),
    totalSamplesReceived: number("totalSamplesReceived"),
  };
}

/** The pair of candidates that carries a transport's packets now. */
export interface SelectedPair {
  localUfrag: string;
  remoteUfrag: string;
  localAddress: string;
  remoteAddress: string;
  protocol: string;
  /** Seconds. */
  roundTripTime: number;
}

export async function selectedPair(transport: types.Transport): Promise<SelectedPair | undefined> {
  const reports = await transport.getStats();
  const all = [...reports.values()] as Record<string, unknown>[];
  const chosen = all.find(({ type }) => type === "transport")?.selectedCandidatePairId;
  const pair = (
    chosen
      ? reports.get(chosen as string)
      : all.find(({ type, nominated }) => type === "candidate-pair" && nominated)
  ) as Record<string, unknown> | undefined;
  if (!pair) return undefined;
  const end = (key: string) =>
    (reports.get(pair[key] as string) ?? {}) as Record<string, string | number | undefined>;
  const local = end("localCandidateId");
  const remote = end("remoteCandidateId");
  const address = (one: typeof local) => `${one.address ?? one.ip ?? ""}:${one.port ?? ""}`;
  return {
    localUfrag: String(local.usernameFragment ?? ""),
    remoteUfrag: String(remote.usernameFragment ?? ""),
    localAddress: address(local),
    remoteAddress: address(remote),
    protocol: String(local.protocol ?? ""),
    roundTripTime: Number(pair.currentRoundTripTime ?? 0),
  };
}
