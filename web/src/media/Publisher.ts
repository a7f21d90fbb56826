import type { Device, types } from "mediasoup-client";
import type { OwnState, Producer as ProducerInfo } from "../contract/signaling";
import { SignalingError } from "../signaling/errors";
import type { Signaling } from "../signaling/SignalingClient";
import { cameraEncodings, screenEncodings } from "./encodings";
import type { LocalMedia } from "./LocalMedia";

export type Source = ProducerInfo["source"];

const SOURCES: readonly Source[] = ["microphone", "camera", "screen", "screen-audio"];

/**
 * Makes what is published equal to what is captured. A device that is off keeps its producer,
 * paused and without a track, so that switching it on needs no negotiation.
 */
export class Publisher {
  readonly #producers = new Map<Source, types.Producer>();
  readonly #busy = new Set<Source>();
  readonly #again = new Set<Source>();
  #transport: types.Transport | undefined;
  #device: Device | undefined;
  readonly #unsubscribe: () => void;

  constructor(
    private readonly signaling: Signaling,
    private readonly local: LocalMedia,
    private readonly onProblem: (text: string) => void,
  ) {
    this.#unsubscribe = local.store.subscribe(() => this.sync());
  }

  /** Publishes over this transport from now on; what went over another one is gone. */
  attach(device: Device, transport: types.Transport): void {
    this.detach();
    this.#device = device;
    this.#transport = transport;
    this.sync();
  }

  detach(): void {
    for (const producer of this.#producers.values()) producer.close();
    this.#producers.clear();
    this.#transport = undefined;
  }

  close(): void {
    this.#unsubscribe();
    this.detach();
  }

  producer(source: Source): types.Producer | undefined {
    return this.#producers.get(source);
  }

  sourceOf(producerId: string): Source | undefined {
    return SOURCES.find((source) => this.#producers.get(source)?.id === producerId);
  }

  sync(): void {
    for (const source of SOURCES) void this.#sync(source);
  }

  /** After a resume: what the server no longer has is published again, its pauses are corrected. */
  reconcile(own: OwnState): void {
    for (const [source, producer] of this.#producers) {
      const known = own.producers.find(({ producerId }) => producerId === producer.id);
      if (!known) {
        producer.close();
        this.#producers.delete(source);
      } else if (known.paused !== producer.paused) {
        this.#tellPaused(producer);
      }
    }
    for (const { producerId } of own.producers) {
      if (!this.sourceOf(producerId)) this.signaling.notify("closeProducer", { producerId });
    }
    this.sync();
  }

  /** The server closed one of ours. */
  closedByServer(producerId: string): Source | undefined {
    const source = this.sourceOf(producerId);
    if (source) {
      this.#producers.get(source)?.close();
      this.#producers.delete(source);
    }
    return source;
  }

  /** One step after another for each source, until nothing has changed meanwhile. */
  async #sync(source: Source): Promise<void> {
    this.#again.add(source);
    if (this.#busy.has(source)) return;
    this.#busy.add(source);
    try {
      while (this.#again.delete(source)) await this.#step(source);
    } catch (error) {
      // Without a socket the resume will come by here again.
      const lost = error instanceof SignalingError && error.code === "disconnected";
      if (!lost && this.#transport && !this.#transport.closed) {
        console.warn(`rotunda: could not send ${source}:`, error);
        const why = error instanceof SignalingError ? error.message : "Try it once more.";
        this.onProblem(`Your ${WORDS[source]} could not be sent. ${why}`);
      }
    } finally {
      this.#busy.delete(source);
    }
  }

  async #step(source: Source): Promise<void> {
    const transport = this.#transport;
    if (!transport || transport.closed) return;
    const track = this.#wanted(source);
    const producer = this.#producers.get(source);
    if (!producer) {
      if (track) await this.#produce(transport, source, track);
      return;
    }
    if (!track && (source === "screen" || source === "screen-audio")) {
      producer.close();
      this.#producers.delete(source);
      this.signaling.notify("closeProducer", { producerId: producer.id });
      return;
    }
    if (track && producer.paused) {
      producer.resume();
      this.#tellPaused(producer);
    } else if (!track && !producer.paused) {
      producer.pause();
      this.#tellPaused(producer);
    }
    if (producer.track !== (track ?? null)) await producer.replaceTrack({ track: track ?? null });
  }

  async #produce(transport: types.Transport, source: Source, track: MediaStreamTrack) {
    const producer = await transport.produce({
      track,
      ...this.#options(source, track),
      stopTracks: false,
      disableTrackOnPause: false,
      appData: { source },
    });
    if (transport.closed || transport !== this.#transport) producer.close();
    else this.#producers.set(source, producer);
  }

  #options(source: Source, track: MediaStreamTrack): types.ProducerOptions {
    if (track.kind === "audio") {
      return {
        codecOptions: { opusDtx: true, opusFec: true, opusStereo: source !== "microphone" },
      };
    }
    const { width = 1280, height = 720 } = track.getSettings();
    const codec = this.#device?.sendRtpCapabilities.codecs?.find(
      ({ mimeType }) => mimeType.toLowerCase() === "video/vp8",
    );
    return {
      encodings: source === "camera" ? cameraEncodings(width, height) : screenEncodings(),
      codecOptions: { videoGoogleStartBitrate: 1_000 },
      ...(codec ? { codec } : {}),
    };
  }

  #wanted(source: Source): MediaStreamTrack | undefined {
    const { microphone, camera, screen } = this.local.state;
    const track = {
      microphone: microphone.on ? microphone.track : undefined,
      camera: camera.on ? camera.track : undefined,
      screen: screen?.video,
      "screen-audio": screen?.audio,
    }[source];
    return track?.readyState === "live" ? track : undefined;
  }

  #tellPaused({ id: producerId, paused }: types.Producer): void {
    this.signaling.notify(paused ? "pauseProducer" : "resumeProducer", { producerId });
  }
}

const WORDS: Record<Source, string> = {
  microphone: "microphone",
  camera: "camera",
  screen: "screen",
  "screen-audio": "screen's sound",
};
