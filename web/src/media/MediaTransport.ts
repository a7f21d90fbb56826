import type { Device, types } from "mediasoup-client";
import type { CreateWebRtcTransportAnswer, DtlsParameters } from "../contract/signaling";
import type { Signaling } from "../signaling/SignalingClient";
import { IceRestarter } from "./IceRestarter";

export type Direction = "send" | "recv";

/** One mediasoup-client transport, wired to signaling, that keeps itself connected. */
export class MediaTransport {
  readonly transport: types.Transport;
  /** Resolves when media can flow for the first time. */
  readonly connected: Promise<void>;
  readonly #ice: IceRestarter;

  constructor(
    device: Device,
    private readonly signaling: Signaling,
    readonly direction: Direction,
    options: CreateWebRtcTransportAnswer & { iceServers: types.TransportOptions["iceServers"] },
    gone: (transport: MediaTransport) => void,
  ) {
    // The contract leaves open what mediasoup-client closes by a union; the values are the same.
    const parameters = options as unknown as types.TransportOptions;
    this.transport =
      direction === "send"
        ? device.createSendTransport(parameters)
        : device.createRecvTransport(parameters);
    if (direction === "recv") leaveOutProbator(this.transport);
    this.connected = new Promise((resolve) => {
      this.transport.on("connectionstatechange", (state) => {
        if (state === "connected") resolve();
      });
    });
    this.#ice = new IceRestarter({
      restart: () => this.restartIce(),
      gone: () => gone(this),
    });
    this.#wire();
  }

  get id(): string {
    return this.transport.id;
  }

  async restartIce(): Promise<void> {
    const { iceParameters, iceServers } = await this.signaling.request("restartIce", {
      transportId: this.id,
    });
    if (iceServers) await this.transport.updateIceServers({ iceServers });
    await this.transport.restartIce({ iceParameters });
  }

  close(): void {
    this.#ice.stop();
    this.transport.close();
  }

  #wire(): void {
    const { transport, signaling } = this;
    const transportId = transport.id;
    transport.on("connect", ({ dtlsParameters }, done, failed) => {
      const parameters = dtlsParameters as DtlsParameters;
      signaling
        .request("connectWebRtcTransport", { transportId, dtlsParameters: parameters })
        .then(done, failed);
    });
    transport.on("produce", ({ kind, rtpParameters, appData }, done, failed) => {
      const request = { transportId, kind, rtpParameters, appData, paused: false };
      signaling.request("produce", request as never).then(done, failed);
    });
    transport.on("producedata", (stream, done, failed) => {
      const { sctpStreamParameters, label = "", protocol = "", appData } = stream;
      signaling
        .request("produceData", {
          transportId,
          sctpStreamParameters: sctpStreamParameters as never,
          label,
          protocol,
          appData,
        })
        .then(done, failed);
    });
    transport.on("connectionstatechange", (state) => this.#ice.stateChanged(state));
  }
}

/**
 * mediasoup-client negotiates a second time after the first picture, for a stream on which mediasoup
 * probes the bandwidth. Our media nodes have none, and the negotiation would delay the first picture.
 * The field is private to the library: a test holds it to the name.
 */
function leaveOutProbator(transport: types.Transport): void {
  Object.assign(transport, { _probatorConsumerCreated: true });
}
