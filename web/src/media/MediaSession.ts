import type { Device, types } from "mediasoup-client";
import type { CreateWebRtcTransportAnswer, JoinAnswer, OwnState } from "../contract/signaling";
import type { Signaling } from "../signaling/SignalingClient";
import { addNotice, type MeetingStore } from "../state/meetingStore";
import { DeviceMaker, type Devices } from "./DeviceMaker";
import type { LocalMedia } from "./LocalMedia";
import { MediaTransport, type Direction } from "./MediaTransport";
import { pause } from "./pause";
import { Publisher } from "./Publisher";
import { Subscriber } from "./Subscriber";

const REBUILD_MS = 2_000;
/** One's own pictures wait until those that come are in sight, but no longer than this. */
export const PUBLISH_AFTER_MS = 1_000;

type TransportAnswers = Record<Direction, Promise<CreateWebRtcTransportAnswer>>;
const DIRECTIONS = ["recv", "send"] as const;
/** What each direction needs. */
const NEEDS = { recv: "subscribe", send: "publish" } as const;

/** The media of one stay in a room: two transports and what goes over them. */
export class MediaSession {
  readonly publisher: Publisher;
  readonly subscriber: Subscriber;
  readonly #transports = new Map<Direction, MediaTransport>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  /** Counts builds, so that an older one can tell that it is no longer wanted. */
  #build = 0;
  #joined: JoinAnswer | undefined;
  #publish: (() => void) | undefined;
  /** Puts another transport in the place of one. */
  #attach: Partial<Record<Direction, (options: CreateWebRtcTransportAnswer) => void>> = {};
  /** Resolves when the build that is under way has come to an end. */
  #underWay: Promise<void> | undefined;
  #end: () => void = () => undefined;

  constructor(
    private readonly signaling: Signaling,
    local: LocalMedia,
    store: MeetingStore,
    private readonly devices: Devices = new DeviceMaker(),
  ) {
    this.publisher = new Publisher(signaling, local, (text) => addNotice(store, "problem", text));
    this.subscriber = new Subscriber(signaling, store);
    devices.warm();
  }

  transport(direction: Direction): MediaTransport | undefined {
    return this.#transports.get(direction);
  }

  /**
   * May be called right behind `join`: requests take effect in the order sent. What is permitted is known
   * later, so `build` decides which answers count.
   */
  requestTransports(timeoutMs?: number): TransportAnswers {
    const create = (direction: Direction) => {
      const answer = this.signaling.request("createWebRtcTransport", { direction }, timeoutMs);
      answer.catch(() => undefined);
      return answer;
    };
    // Receiving first: that is what the person waits for.
    return { recv: create("recv"), send: create("send") };
  }

  makeDevice({ routerRtpCapabilities }: JoinAnswer): Promise<Device> {
    const device = this.devices.make(routerRtpCapabilities as types.RtpCapabilities);
    device.catch(() => undefined);
    return device;
  }

  /** Resolves once all that is being set up stands, or was given up; at once where nothing is. */
  built(): Promise<void> {
    return this.#underWay ?? Promise.resolve();
  }

  /** Sets everything up. Rejects with SignalingError; then nothing of it stands. */
  async build(joined: JoinAnswer, requested: TransportAnswers): Promise<void> {
    if (await this.receive(joined, requested)) await this.publish();
  }

  /**
   * Sets up what is needed to receive, and asks for all that is there by now. Resolves once that has
   * been negotiated; to false where this build is no longer wanted.
   */
  async receive(
    joined: JoinAnswer,
    requested: TransportAnswers,
    making = this.makeDevice(joined),
  ): Promise<boolean> {
    const build = ++this.#build;
    this.#joined = joined;
    this.#underWay ??= new Promise((resolve) => (this.#end = resolve));
    const permitted = (direction: Direction) =>
      joined.permissions.includes(NEEDS[direction]) ? requested[direction] : undefined;
    const [recvOptions, sendOptions, device] = await Promise.all([
      permitted("recv"),
      permitted("send"),
      making,
    ]);
    if (build !== this.#build) return false;
    const receive = (options: CreateWebRtcTransportAnswer) =>
      this.subscriber.attach(device, this.#open(device, "recv", options, joined));
    const send = (options: CreateWebRtcTransportAnswer) =>
      this.publisher.attach(device, this.#open(device, "send", options, joined));
    const received = recvOptions && receive(recvOptions);
    this.#publish = () => {
      if (sendOptions) send(sendOptions);
    };
    this.#attach = { recv: (options) => void receive(options), send };
    await received;
    return build === this.#build;
  }

  /** Publishes what is captured, once what comes from others is there or has had its time. */
  async publish(): Promise<void> {
    const build = this.#build;
    const recv = this.#transports.get("recv");
    if (recv && this.subscriber.consumers().length > 0) {
      const there = recv.connected.then(() => this.subscriber.picturesShown());
      await Promise.race([there, pause(PUBLISH_AFTER_MS)]);
    }
    if (build !== this.#build) return;
    this.#publish?.();
    this.#over();
  }

  /**
   * After a resume, before its snapshot is in the store: keeps what stands on both sides. Answers
   * whether the transports do; if not, `rebuild`.
   */
  reconcile(own: OwnState): boolean {
    this.publisher.reconcile(own);
    this.subscriber.reconcile(own);
    const standing = new Set(own.transports.map(({ transportId }) => transportId));
    const wanted = DIRECTIONS.filter((direction) =>
      this.#joined?.permissions.includes(NEEDS[direction]),
    );
    return (
      this.#transports.size === wanted.length &&
      [...this.#transports.values()].every(({ id }) => standing.has(id))
    );
  }

  transportClosed(transportId: string): void {
    const ours = [...this.#transports.values()].find(({ id }) => id === transportId);
    if (!ours) return;
    if (ours.hasStarted()) void this.rebuild();
    else void this.#replace(ours);
  }

  /** New transports for the same participant: the old ones are of no use any more. */
  async rebuild(): Promise<void> {
    const joined = this.#joined;
    if (!joined) return;
    for (const { id: transportId } of this.#transports.values()) {
      this.signaling.notify("closeTransport", { transportId });
    }
    this.#clear();
    const build = this.#build;
    try {
      await this.build(joined, this.requestTransports());
    } catch {
      // Without a socket the resume comes by here; else once more in a while.
      if (build + 1 === this.#build) this.#later(REBUILD_MS, () => void this.rebuild());
    }
  }

  /** One that waited too long for its first track, as in a room without anybody else: media is not touched. */
  async #replace(old: MediaTransport): Promise<void> {
    const { direction } = old;
    old.close();
    try {
      const options = await this.signaling.request("createWebRtcTransport", { direction });
      if (this.#transports.get(direction) === old) this.#attach[direction]?.(options);
      else this.signaling.notify("closeTransport", { transportId: options.id });
    } catch {
      if (this.#transports.get(direction) === old) void this.rebuild();
    }
  }

  /** Takes everything down; `build` may set it up again. */
  clear(): void {
    this.#joined = undefined;
    this.#clear();
    this.#over();
  }

  /** For good. */
  close(): void {
    this.clear();
    this.publisher.close();
    this.subscriber.close();
  }

  #over(): void {
    this.#end();
    this.#underWay = undefined;
  }

  #clear(): void {
    this.#build += 1;
    this.#publish = undefined;
    this.#attach = {};
    this.subscriber.detach();
    this.publisher.detach();
    for (const transport of this.#transports.values()) transport.close();
    this.#transports.clear();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #open(
    device: Device,
    direction: Direction,
    options: CreateWebRtcTransportAnswer,
    { iceServers }: JoinAnswer,
  ): types.Transport {
    const transport = new MediaTransport(
      device,
      this.signaling,
      direction,
      { ...options, iceServers },
      () => void this.rebuild(),
    );
    this.#transports.set(direction, transport);
    return transport.transport;
  }

  #later(delay: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delay);
    this.#timers.add(timer);
  }
}
