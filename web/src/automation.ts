/**
 * `window.rotunda`: a small surface for tests, automation and debugging. It does nothing that the
 * page could not do anyway, and is there in every build. web/README.md describes it.
 */
import type { LocalMedia } from "./media/LocalMedia";
import type { MeetingClient } from "./media/MeetingClient";
import type { Direction } from "./media/MediaTransport";
import { consumerStats, selectedPair, type ConsumerStats, type SelectedPair } from "./media/stats";
import { Tone } from "./media/Tone";
import type { MeetingState } from "./state/meetingStore";
import type { ReactionName } from "./state/reactions";

interface TransportInfo {
  transportId: string;
  connectionState: string;
  selectedPair: SelectedPair | undefined;
}

export interface RotundaAutomation {
  /** The live objects, for what the rest of this surface does not cover. */
  readonly client: MeetingClient;
  readonly local: LocalMedia;

  /** All that the page shows, as plain JSON: phase, self, people, chat, … (tracks without media). */
  state(): unknown;
  /** Joins from the pre-join page; resolves once joined, rejects where that fails. */
  join(displayName: string): Promise<void>;
  leave(): void;
  setMicrophone(on: boolean): Promise<void>;
  setCamera(on: boolean): Promise<void>;
  sendChat(text: string, to?: string): Promise<void>;
  setHand(raised: boolean): Promise<void>;
  react(name: ReactionName): Promise<void>;

  /** One entry for each consumer. */
  stats(): Promise<ConsumerStats[]>;
  /** Both transports, with the pair of candidates that each uses now. */
  transports(): Promise<Partial<Record<Direction, TransportInfo>>>;
  /** The raw WebRTC statistics of a transport. */
  rawStats(direction: Direction): Promise<unknown[]>;
  /** The raw statistics of what is sent from a source, simulcast layers included. */
  senderStats(source: "microphone" | "camera" | "screen" | "screen-audio"): Promise<unknown[]>;

  /** Asks for layers, and from then on the size of the picture no longer does. */
  setPreferredLayers(
    consumerId: string,
    spatialLayer: number,
    temporalLayer?: number,
  ): Promise<void>;
  restartIce(direction: Direction): Promise<void>;

  /** Publishes a tone as the microphone; `level` from 0 (silence) to 1. */
  setTone(level: number, hertz?: number): Promise<void>;

  /** Breaks the socket and stays away until `reopenSocket`. */
  cutSocket(): void;
  reopenSocket(): void;

  /** Milliseconds since the page's time origin of `rotunda:join-click`, `:joined`, `:first-frame`. */
  marks(): Record<string, number>;
}

declare global {
  interface Window {
    rotunda?: RotundaAutomation;
  }
}

/** Puts the surface of a room's page on `window`; returns the way to take it off. */
export function exposeAutomation(client: MeetingClient): () => void {
  const surface = automationFor(client);
  window.rotunda = surface;
  return () => {
    if (window.rotunda === surface) delete window.rotunda;
  };
}

function automationFor(client: MeetingClient): RotundaAutomation {
  const { local, store, signaling, media } = client;
  const { subscriber, publisher } = media;
  const tone = new Tone(local);
  return {
    client,
    local,
    state: () => plain(store.getState()),
    join: async (displayName) => {
      await client.join(displayName);
      const { phase } = store.getState();
      if (phase.name !== "joined") throw new Error(JSON.stringify(phase));
    },
    leave: () => client.leave(),
    setMicrophone: (on) => local.setOn("microphone", on),
    setCamera: (on) => local.setOn("camera", on),
    sendChat: (text, to) => client.sendChat(text, to),
    setHand: (raised) => client.gestures.setHand(raised),
    react: (name) => client.gestures.react(name),
    stats: () => Promise.all(subscriber.consumers().map(consumerStats)),
    transports: () => describeTransports(client),
    rawStats: async (direction) => {
      const reports = await client.media.transport(direction)?.transport.getStats();
      return reports ? [...(reports.values() as Iterable<unknown>)] : [];
    },
    senderStats: async (source) => {
      const reports = await publisher.producer(source)?.getStats();
      return reports ? [...(reports.values() as Iterable<unknown>)] : [];
    },
    setPreferredLayers: (id, spatial, temporal) =>
      subscriber.setPreferredLayers(id, spatial, temporal),
    restartIce: async (direction) => {
      await media.built();
      await media.transport(direction)?.restartIce();
    },
    setTone: (level, hertz) => tone.set(level, hertz),
    cutSocket: () => signaling.cut(),
    reopenSocket: () => signaling.reopen(),
    marks: () =>
      Object.fromEntries(
        performance
          .getEntriesByType("mark")
          .filter(({ name }) => name.startsWith("rotunda:"))
          .map(({ name, startTime }) => [name, startTime]),
      ),
  };
}

async function describeTransports(client: MeetingClient) {
  const described: Partial<Record<Direction, TransportInfo>> = {};
  for (const direction of ["send", "recv"] as const) {
    const transport = client.media.transport(direction)?.transport;
    if (!transport) continue;
    described[direction] = {
      transportId: transport.id,
      connectionState: transport.connectionState,
      selectedPair: await selectedPair(transport),
    };
  }
  return described;
}

function plain(state: MeetingState): unknown {
  return JSON.parse(
    JSON.stringify(state, (key, value: unknown) => (key === "track" ? undefined : value)),
  );
}
