import type { Device, types } from "mediasoup-client";
import type { CreateWebRtcTransportAnswer, DtlsParameters } from "../contract/signaling";
import type { Signaling } from "../signaling/SignalingClient";
import { IceRestarter } from "./IceRestarter";
import { millisecondsLeft } from "./turnCredentials";

export type Direction = "send" | "recv";

/** After this part of their life, credentials that have opened no relay yet are replaced. */
const RENEW_AT = 0.75;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** One mediasoup-client transport, wired to signaling, that keeps itself connected. */
export class MediaTransport {
  readonly transport: types.Transport;
  /** Resolves when media can flow for the first time. */
  readonly connected: Promise<void>;
  readonly #ice: IceRestarter;
  #renewal: ReturnType<typeof setTimeout> | undefined;

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
    this.#renewLater(parameters.iceServers);
  }

  get id(): string {
    return this.transport.id;
  }

  /** It has had a track. */
  hasStarted(): boolean {
    return this.transport.connectionState !== "new";
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
    clearTimeout(this.#renewal);
    this.transport.close();
  }

  /** A transport opens its relays with its first track, and who is alone may wait long for one. */
  #renewLater(iceServers: types.TransportOptions["iceServers"]): void {
    const left = millisecondsLeft(iceServers, Date.now());
    if (left === undefined) return;
    const delay = Math.min(Math.max(left, 0) * RENEW_AT, LONGEST_TIMER_MS);
    this.#renewal = setTimeout(() => void this.#renew(), delay);
  }

  async #renew(): Promise<void> {
    if (this.hasStarted()) return; // from here on an ICE restart renews them
    try {
      const { iceServers = [] } = await this.signaling.request("restartIce", {
        transportId: this.id,
      });
      if (this.hasStarted()) return;
      await this.transport.updateIceServers({ iceServers });
      // A clock that is ahead by their whole life would ask again and again.
      if ((millisecondsLeft(iceServers, Date.now()) ?? 0) > 0) this.#renewLater(iceServers);
    } catch {
      // No socket, or no such transport any more: the resume or the next restart sees to it.
    }
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
