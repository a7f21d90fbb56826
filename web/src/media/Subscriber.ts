import type { Device, types } from "mediasoup-client";
import type { ConsumeAnswer, OwnState, Producer, RtpCapabilities } from "../contract/signaling";
import { SignalingError } from "../signaling/errors";
import type { Events, Signaling } from "../signaling/SignalingClient";
import type { MeetingStore, RemoteTrack } from "../state/meetingStore";
import { likelyHeight, spatialLayerFor } from "./layers";
import { mark } from "./marks";
import { Countdown } from "./pause";

/** Resizing a window asks for new layers only once it has come to rest. */
const LAYERS_SETTLE_MS = 250;
const RETRY_MS = 1_000;
/** Answers to `consume` that come later than the one before by this are negotiated by themselves. */
export const ANSWERS_TOGETHER_MS = 250;
/** What begins to come so much later than the first picture is not waited for: its sender may be away. */
export const SILENT_AFTER_MS = 200;
/** Where nothing has begun to come by then, nobody sends. */
export const ALL_SILENT_AFTER_MS = 500;

interface Wanted {
  participantId: string;
  producer: Producer;
}

interface Accepted {
  answer: ConsumeAnswer;
  subscription: Subscription;
  source: Producer["source"];
}

interface Subscription {
  participantId: string;
  kind: Producer["kind"];
  /** Undefined until the server and the browser have agreed on it. */
  consumer?: types.Consumer;
  spatialLayer?: number;
  /** Layers asked for by hand stay, whatever the size of the picture. */
  pinned?: boolean;
  /** The server forwards something of it. */
  begun?: boolean;
  /** A frame of it was seen. */
  shown?: boolean;
}

/** Receives every stream of everybody else: what is in the store is what is consumed. */
export class Subscriber {
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #sizes = new Map<string, number>();
  #transport: types.Transport | undefined;
  #device: Device | undefined;
  #layersTimer: ReturnType<typeof setTimeout> | undefined;
  /** For the pictures that come to be in sight. */
  readonly #waiting = new Set<() => void>();
  readonly #unsubscribe: () => void;

  constructor(
    private readonly signaling: Signaling,
    private readonly store: MeetingStore,
  ) {
    this.#unsubscribe = store.subscribe((state, before) => {
      if (state.people.participants === before.people.participants) return;
      void this.sync();
      this.#tellWaiting();
    });
  }

  /**
   * Receives over this transport from now on; what came over another one is gone. Resolves when
   * everything that is there by now has been negotiated.
   */
  attach(device: Device, transport: types.Transport): Promise<void> {
    this.detach();
    this.#device = device;
    this.#transport = transport;
    return this.sync();
  }

  detach(): void {
    for (const { consumer } of this.#subscriptions.values()) consumer?.close();
    this.#subscriptions.clear();
    this.#transport = undefined;
    this.store.setState({ tracks: {} });
  }

  close(): void {
    clearTimeout(this.#layersTimer);
    this.#unsubscribe();
    this.detach();
  }

  /** A producer's first frame is in sight. */
  pictureShown(producerId: string): void {
    mark("rotunda:first-frame");
    const subscription = this.#subscriptions.get(producerId);
    if (subscription) subscription.begun = subscription.shown = true;
    this.#tellWaiting();
  }

  /**
   * Resolves once every picture that comes is in sight, of those that begin to come within
   * {@link SILENT_AFTER_MS} of the first one: how long a key frame takes depends on machines and networks, and
   * the first one shows it. To be called when media can flow.
   */
  async picturesShown(): Promise<void> {
    const countdown = new Countdown();
    await new Promise<void>((resolve) => {
      let hasBegun = false;
      let isOver = false;
      const look = () => {
        const pictures = this.#pictures();
        if (!hasBegun && pictures.some(({ begun }) => begun)) {
          hasBegun = true;
          countdown.start(SILENT_AFTER_MS);
        }
        if (!pictures.every(({ shown, begun }) => shown ?? (isOver && !begun))) return;
        this.#waiting.delete(look);
        countdown.stop();
        resolve();
      };
      void countdown.over.then(() => {
        isOver = true;
        look();
      });
      countdown.start(ALL_SILENT_AFTER_MS);
      this.#waiting.add(look);
      look();
    });
  }

  consumers(): types.Consumer[] {
    return [...this.#subscriptions.values()].flatMap(({ consumer }) => consumer ?? []);
  }

  /** Consumes what is new, and lets go of what is no longer there. */
  async sync(): Promise<void> {
    if (!this.#transport) return;
    const present = new Map<string, Wanted>();
    for (const { participantId, producers } of Object.values(
      this.store.getState().people.participants,
    )) {
      for (const producer of Object.values(producers)) {
        present.set(producer.producerId, { participantId, producer });
      }
    }
    for (const producerId of this.#subscriptions.keys()) {
      if (!present.has(producerId)) this.#drop(producerId);
    }
    const wanted = [...present.values()].filter(
      ({ producer }) => !this.#subscriptions.has(producer.producerId),
    );
    await this.#subscribe(wanted);
  }

  /**
   * After a resume, before the snapshot is in the store: forgets what the server closed meanwhile,
   * and closes what got lost half-way.
   */
  reconcile(own: OwnState): void {
    const atServer = new Map(own.consumers.map((one) => [one.consumerId, one]));
    for (const [producerId, { consumer }] of this.#subscriptions) {
      const known = consumer && atServer.get(consumer.id);
      if (!known) {
        this.#drop(producerId);
      } else {
        atServer.delete(known.consumerId);
        if (known.paused) this.signaling.notify("resumeConsumer", { consumerId: known.consumerId });
      }
    }
    for (const consumerId of atServer.keys())
      this.signaling.notify("closeConsumer", { consumerId });
  }

  consumerClosed({ consumerId, producerId }: Events["consumerClosed"]): void {
    if (this.#subscriptions.get(producerId)?.consumer?.id === consumerId) this.#drop(producerId);
  }

  layersChanged({ consumerId, layers }: Events["consumerLayersChanged"]): void {
    for (const [producerId, track] of Object.entries(this.store.getState().tracks)) {
      if (track.consumerId !== consumerId) continue;
      const subscription = this.#subscriptions.get(producerId);
      if (subscription && layers) subscription.begun = true;
      this.#setTrack(producerId, { ...track, layers });
      this.#tellWaiting();
    }
  }

  /** Tells how high a stream's picture is shown, in CSS pixels; 0: not at all. */
  setShownHeight(producerId: string, height: number): void {
    this.#sizes.set(producerId, height);
    clearTimeout(this.#layersTimer);
    this.#layersTimer = setTimeout(() => this.#askForLayers(), LAYERS_SETTLE_MS);
  }

  async setPreferredLayers(
    consumerId: string,
    spatialLayer: number,
    temporalLayer?: number,
  ): Promise<void> {
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.consumer?.id === consumerId) subscription.pinned = true;
    }
    const layers = temporalLayer === undefined ? {} : { temporalLayer };
    await this.signaling.request("setConsumerPreferredLayers", {
      consumerId,
      spatialLayer,
      ...layers,
    });
  }

  /**
   * Asks for all at once and negotiates once with the browser, which is what takes time. An answer that is late
   * keeps nobody's media waiting: it is negotiated when it comes.
   */
  async #subscribe(wanted: readonly Wanted[]): Promise<void> {
    const transport = this.#transport;
    const device = this.#device;
    if (!transport || !device || wanted.length === 0) return;
    const rtpCapabilities = device.recvRtpCapabilities as RtpCapabilities;
    const together: Accepted[] = [];
    let isLate = false;
    const countdown = new Countdown();
    const answers = wanted.map(async (one) => {
      const answer = await this.#request(one, transport.id, rtpCapabilities);
      if (!isLate) countdown.start(ANSWERS_TOGETHER_MS);
      if (!answer) return;
      if (isLate) await this.#receive(transport, answer);
      else together.push(answer);
    });
    await Promise.race([Promise.all(answers), countdown.over]);
    countdown.stop();
    isLate = true;
    await Promise.all(together.map((answer) => this.#receive(transport, answer)));
  }

  async #request(
    { participantId, producer: { producerId, kind, source } }: Wanted,
    transportId: string,
    rtpCapabilities: RtpCapabilities,
  ): Promise<Accepted | undefined> {
    const subscription: Subscription = { participantId, kind };
    this.#subscriptions.set(producerId, subscription);
    try {
      const request = { transportId, producerId, rtpCapabilities };
      const answer = await this.signaling.request("consume", request);
      return { answer, subscription, source };
    } catch (error) {
      this.#failed(producerId, subscription, error);
      return undefined;
    }
  }

  async #receive(
    transport: types.Transport,
    { answer, subscription, source }: Accepted,
  ): Promise<void> {
    const { id: consumerId, producerId, participantId, type } = answer;
    try {
      const consumer = await transport.consume({
        id: consumerId,
        producerId,
        kind: answer.kind,
        rtpParameters: answer.rtpParameters as types.RtpParameters,
        // One stream a source and its sound, so that browsers keep lips and voices together.
        streamId: `${participantId}/${source.startsWith("screen") ? "screen" : "person"}`,
        appData: { participantId, source, type },
      });
      if (this.#subscriptions.get(producerId) !== subscription) {
        consumer.close();
        this.signaling.notify("closeConsumer", { consumerId });
        return;
      }
      subscription.consumer = consumer;
      // Layers first: a later change would wait for another key frame.
      this.#askForLayers();
      this.signaling.notify("resumeConsumer", { consumerId });
      this.#setTrack(producerId, { track: consumer.track, consumerId, participantId, source });
    } catch (error) {
      this.#failed(producerId, subscription, error);
    }
  }

  /** Those that are received now and that their senders have not paused. */
  #pictures(): Subscription[] {
    const { participants } = this.store.getState().people;
    return [...this.#subscriptions].flatMap(([producerId, subscription]) => {
      const paused =
        participants[subscription.participantId]?.producers[producerId]?.paused ?? true;
      return subscription.kind === "video" && !paused ? subscription : [];
    });
  }

  #tellWaiting(): void {
    for (const look of this.#waiting) look();
  }

  #failed(producerId: string, subscription: Subscription, error: unknown): void {
    if (this.#subscriptions.get(producerId) !== subscription) return;
    this.#subscriptions.delete(producerId);
    const code = error instanceof SignalingError ? error.code : "internal";
    // Gone meanwhile, or the resume will see to it.
    if (code === "not_found" || code === "disconnected" || code === "not_joined") return;
    console.warn(`rotunda: could not receive ${producerId}:`, error);
    if (code === "timeout" || code === "unavailable" || code === "rate_limited") {
      setTimeout(() => void this.sync(), RETRY_MS);
    }
  }

  #askForLayers(): void {
    const all = [...this.#subscriptions];
    const pictures = all.filter(([, { kind }]) => kind === "video").length;
    for (const [producerId, subscription] of all) {
      const { consumer, pinned } = subscription;
      if (!consumer || pinned || consumer.appData.type !== "simulcast") continue;
      const height = this.#sizes.get(producerId) ?? likelyHeight(pictures, window.innerHeight);
      const spatialLayer = spatialLayerFor(height, window.devicePixelRatio);
      if (spatialLayer === subscription.spatialLayer) continue;
      subscription.spatialLayer = spatialLayer;
      this.signaling.notify("setConsumerPreferredLayers", {
        consumerId: consumer.id,
        spatialLayer,
      });
    }
  }

  #setTrack(producerId: string, track: RemoteTrack): void {
    this.store.setState(({ tracks }) => ({ tracks: { ...tracks, [producerId]: track } }));
  }

  #drop(producerId: string): void {
    this.#subscriptions.get(producerId)?.consumer?.close();
    this.#subscriptions.delete(producerId);
    this.#sizes.delete(producerId);
    this.#tellWaiting();
    this.store.setState(({ tracks }) => ({
      tracks: Object.fromEntries(Object.entries(tracks).filter(([id]) => id !== producerId)),
    }));
  }
}
