import type { JoinAnswer } from "../contract/signaling";
import { messageOf, SignalingError } from "../signaling/errors";
import { Gestures } from "../signaling/Gestures";
import { noMessages, type LoadMessages, type MessageList } from "../signaling/history";
import { giveUpSeat, heldSeat, holdSeat } from "../signaling/seat";
import {
  JOIN_TIMEOUT_MS,
  type EventName,
  type Events,
  type Requests,
  type Signaling,
} from "../signaling/SignalingClient";
import { addHistory, EMPTY_CHAT } from "../state/chat";
import {
  addNotice,
  hearMessage,
  OUTSIDE,
  type MeetingStore,
  type Phase,
} from "../state/meetingStore";
import {
  applyRoomEvent,
  changedAttributes,
  roomFromSnapshot,
  type RoomEvent,
} from "../state/roomState";
import type { Devices } from "./DeviceMaker";
import type { LocalMedia } from "./LocalMedia";
import { mark } from "./marks";
import { pause } from "./pause";
import { MediaSession } from "./MediaSession";
import { describeClosed, describeDelayed, describeRemoved, NOT_STORED } from "./phrases";

/** The room is shown this long after the seat was taken, however slow others' media is. */
export const OPEN_AFTER_MS = 1_000;
/** However soon the server would have one back. */
const RETRY_AT_LEAST_MS = 500;

/** One person's presence in one room: joins, resumes, leaves, and keeps the store true. */
export class MeetingClient {
  readonly media: MediaSession;
  readonly gestures: Gestures;
  #join: JoinAnswer | undefined;
  #displayName = "";
  /** Events that came before the answer to `join`: applied on top of it. */
  #early: RoomEvent[] | undefined;
  /** Counts joins, so that what an older one began can tell that it is no longer wanted. */
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly room: string,
    readonly signaling: Signaling,
    readonly local: LocalMedia,
    readonly store: MeetingStore,
    devices?: Devices,
    readonly loadMessages: LoadMessages = noMessages,
  ) {
    this.media = new MediaSession(signaling, local, store, devices);
    this.gestures = new Gestures(signaling, store);
    for (const name of EVENT_NAMES) {
      signaling.on(name, (payload) => this.#receive({ name, payload } as RoomEvent));
    }
    signaling.onConnection((connection) => {
      store.setState({ connection });
      if (signaling.refusal && this.#phase === "idle") this.#joinFailed(signaling.refusal);
      if (connection === "connected" && this.#phase === "joined") void this.#resume();
    });
  }

  /** Never fails: the outcome is the store's phase. */
  async join(displayName: string): Promise<void> {
    mark("rotunda:join-click");
    const attempt = ++this.#attempt;
    this.#displayName = displayName;
    this.#setPhase({ name: "joining" });
    try {
      await this.signaling.whenConnected();
      if (attempt === this.#attempt) await this.#enter(attempt);
    } catch (error) {
      if (attempt === this.#attempt) this.#joinFailed(error);
    }
  }

  leave(): void {
    if (this.#phase === "left" || this.#phase === "idle") return;
    this.signaling.notify("leave", {});
    this.#end({ name: "left" });
  }

  /** Gives up waiting to be let in. */
  cancelJoin(): void {
    this.signaling.notify("leave", {});
    this.backToDoor();
  }

  /** Back to the page before the call, from wherever it ended. */
  backToDoor(): void {
    this.#stopTrying();
    this.media.clear();
    this.store.setState({ ...OUTSIDE, phase: { name: "idle" }, chat: EMPTY_CHAT });
  }

  async sendChat(text: string, to?: string): Promise<void> {
    const { self, people } = this.store.getState();
    if (!self) return;
    const { delayed, stored, ...answer } = await this.signaling.request("chat", {
      text,
      ...(to ? { to } : {}),
    });
    if (delayed) addNotice(this.store, "problem", describeDelayed(delayed));
    if (stored === false) addNotice(this.store, "problem", NOT_STORED);
    const toName = to && people.participants[to]?.displayName;
    hearMessage(this.store, {
      ...answer,
      from: self.participantId,
      displayName: self.displayName,
      text,
      to,
      toName,
      own: true,
    });
  }

  /** The page of the chat before the oldest message that is known. Never fails: the person is told. */
  async loadEarlier(): Promise<void> {
    await this.#loadHistory(this.store.getState().chat.messages[0]?.id);
  }

  toggleScreen(): void {
    if (this.local.state.screen) {
      this.local.stopScreen();
      return;
    }
    void this.local.shareScreen().then((problem) => {
      if (problem) addNotice(this.store, "problem", problem);
    });
  }

  /** What a moderator may do to others. */
  moderate<N extends "muteProducer" | "removeParticipant" | "closeRoom">(
    name: N,
    payload: Requests[N],
  ): void {
    this.signaling.request(name, payload).catch((error: unknown) => {
      addNotice(this.store, "problem", messageOf(error));
    });
  }

  dispose(): void {
    this.leave();
    clearTimeout(this.#retry);
    this.media.close();
    this.local.stop();
    this.signaling.close();
  }

  get #phase(): Phase["name"] {
    return this.store.getState().phase.name;
  }

  /** Enters with nothing in hand: the transports are asked for in the same breath as the seat. */
  async #enter(attempt: number): Promise<void> {
    this.#early = [];
    const answer = this.#requestJoin(heldSeat(this.room, this.#displayName));
    const transports = this.media.requestTransports(JOIN_TIMEOUT_MS);
    const joined = await answer;
    if (attempt !== this.#attempt) return;
    const device = this.media.makeDevice(joined);
    this.#take(joined);
    for (const { transportId } of joined.self?.transports ?? []) {
      // An earlier page's, whose other end is gone.
      this.signaling.notify("closeTransport", { transportId });
    }
    // Others' media first: drawing the room keeps the browser busy while it could be on its way.
    const receiving = this.media.receive(joined, transports, device);
    await Promise.race([receiving, pause(OPEN_AFTER_MS)]);
    if (attempt !== this.#attempt) return;
    this.#open();
    if (await receiving) void this.media.publish();
  }

  /** The socket came back: takes the seat again and keeps all media that still stands. */
  async #resume(): Promise<void> {
    const attempt = ++this.#attempt;
    this.#early = [];
    this.store.setState({ resuming: true });
    try {
      const answer = await this.#requestJoin(this.#join?.seat);
      if (attempt !== this.#attempt) return;
      if (answer.resumed && answer.self) {
        const standing = this.media.reconcile(answer.self);
        this.#settle(answer);
        if (!standing) await this.media.rebuild();
      } else {
        this.media.clear();
        this.#settle(answer);
        await this.media.build(answer, this.media.requestTransports());
      }
    } catch (error) {
      if (attempt === this.#attempt) this.#joinFailed(error);
    }
  }

  async #requestJoin(seat: string | undefined): Promise<JoinAnswer> {
    const { room } = this;
    const request = { room, displayName: this.#displayName, ...(seat ? { seat } : {}) };
    const answer = await this.signaling.request("join", request, JOIN_TIMEOUT_MS);
    holdSeat({ room, displayName: this.#displayName, seat: answer.seat });
    return answer;
  }

  /** The answer to `join` becomes the state of the room, and then what came before it. */
  #settle(answer: JoinAnswer): void {
    this.#take(answer);
    this.#open();
  }

  #take(answer: JoinAnswer): void {
    this.#join = answer;
    const { participantId, permissions } = answer;
    const attributes = answer.self?.attributes ?? {};
    this.store.setState((state) => ({
      resuming: false,
      room: answer.room,
      self: { participantId, displayName: this.#displayName, permissions, attributes },
      people: roomFromSnapshot(answer, state.people),
    }));
    mark("rotunda:joined");
  }

  #open(): void {
    this.store.setState({ phase: { name: "joined" }, entered: true });
    void this.#loadHistory();
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) this.#apply(event);
  }

  /** What was said before, or while there was no connection. */
  async #loadHistory(before?: string): Promise<void> {
    const join = this.#join;
    try {
      const page = await this.loadMessages(join?.token ?? undefined, before);
      if (this.#join === join) this.#takeHistory(page);
    } catch (error) {
      console.warn("rotunda: the chat's history could not be loaded:", error);
      if (this.#join !== join) return;
      this.store.setState(({ chat }) => ({ chat: { ...chat, incomplete: true } }));
    }
  }

  #takeHistory(page: MessageList): void {
    const { participants } = this.store.getState().people;
    const messages = page.messages.map((message) => ({
      ...message,
      own: message.from === this.#join?.participantId,
      toName: message.to && participants[message.to]?.displayName,
    }));
    this.store.setState(({ chat }) => ({ chat: addHistory(chat, { ...page, messages }) }));
  }

  #joinFailed(error: unknown): void {
    this.#early = undefined;
    const known =
      error instanceof SignalingError ? error : new SignalingError("internal", messageOf(error));
    const { code, message, retryAfterMs } = known;
    const inside = this.#phase === "joined";
    if (code === "disconnected") {
      // A first join waits for the socket; a resume is called again when it is back.
      if (!inside) void this.join(this.#displayName);
    } else if (inside && code === "timeout") {
      void this.#resume();
    } else if ((code === "unavailable" || code === "rate_limited") && retryAfterMs !== undefined) {
      this.media.clear();
      this.#setPhase({ name: "pending", reason: message });
      const delay = Math.max(retryAfterMs, RETRY_AT_LEAST_MS);
      this.#retry = setTimeout(() => void this.join(this.#displayName), delay);
    } else {
      if (this.#join) this.signaling.notify("leave", {});
      this.#end({ name: "failed", code, message });
    }
  }

  #receive(event: RoomEvent): void {
    // The wait for a node is told before the answer that it is about.
    if (event.name === "roomPending") {
      this.#setPhase({ name: "pending", reason: event.payload.reason });
    } else if (this.#early) {
      this.#early.push(event);
    } else if (this.#phase === "joined") {
      this.#apply(event);
    }
  }

  #apply(event: RoomEvent): void {
    this.store.setState(({ people }) => ({ people: applyRoomEvent(people, event) }));
    switch (event.name) {
      case "producerPaused": {
        this.#mutedByOther(event.payload.producerId, event.payload.participantId);
        return;
      }
      case "producerClosed": {
        this.#stoppedByOther(event.payload.producerId, event.payload.participantId);
        return;
      }
      case "consumerClosed": {
        this.media.subscriber.consumerClosed(event.payload);
        return;
      }
      case "consumerLayersChanged": {
        this.media.subscriber.layersChanged(event.payload);
        return;
      }
      case "participantUpdated": {
        this.#updated(event.payload);
        return;
      }
      case "reaction": {
        this.gestures.reacted(event.payload);
        return;
      }
      case "transportClosed": {
        this.media.transportClosed(event.payload.transportId);
        return;
      }
      case "chat": {
        hearMessage(this.store, { ...event.payload, own: false });
        return;
      }
      case "removed": {
        const { reason: code } = event.payload;
        this.#end({ name: "removed", reason: describeRemoved(code), code });
        return;
      }
      case "roomClosed": {
        this.#roomClosed(event.payload.reason, event.payload.rejoin);
        return;
      }
      default:
        return;
    }
  }

  /** One's own attributes are told like those of others. */
  #updated({ participantId, attributes }: Events["participantUpdated"]): void {
    this.store.setState(({ self }) =>
      self?.participantId === participantId
        ? { self: { ...self, attributes: changedAttributes(self.attributes, attributes) } }
        : {},
    );
  }

  #mutedByOther(producerId: string, participantId: string): void {
    const source = this.media.publisher.sourceOf(producerId);
    if (participantId !== this.#join?.participantId || !source) return;
    if (source === "microphone" || source === "camera") {
      if (!this.local.state[source].on) return;
      void this.local.setOn(source, false, false);
      addNotice(this.store, "info", `A moderator has switched off your ${source}.`);
    }
  }

  #stoppedByOther(producerId: string, participantId: string): void {
    if (participantId !== this.#join?.participantId) return;
    const source = this.media.publisher.closedByServer(producerId);
    if (source === "screen" || source === "screen-audio") this.local.stopScreen();
    else if (source) void this.local.setOn(source, false, false);
    if (source) addNotice(this.store, "info", `Your ${source} was stopped by the server.`);
  }

  #roomClosed(reason: string, rejoin: boolean): void {
    if (!rejoin) {
      this.#end({ name: "closed", reason: describeClosed(reason) });
      return;
    }
    this.media.clear();
    void this.join(this.#displayName);
  }

  /** Leaves nothing running but the socket, over which one may come back. */
  #end(phase: Phase): void {
    this.#stopTrying();
    this.media.clear();
    this.local.stop();
    // A seat that a moderator took away keeps this tab from coming in as somebody new.
    if (!wasRemoved(phase)) giveUpSeat();
    this.#join = undefined;
    this.store.setState({ ...OUTSIDE, phase });
  }

  #stopTrying(): void {
    this.#attempt += 1;
    this.#early = undefined;
    clearTimeout(this.#retry);
  }

  #setPhase(phase: Phase): void {
    this.store.setState({ phase });
  }
}

/** Told at the time, or on coming back. */
export function wasRemoved(phase: Phase): boolean {
  return phase.name === "removed"
    ? phase.code !== "taken_over"
    : phase.name === "failed" && phase.code === "forbidden";
}

const EVENT_NAMES: readonly EventName[] = [
  "participantJoined",
  "participantLeft",
  "participantUpdated",
  "participantConnection",
  "reaction",
  "newProducer",
  "producerPaused",
  "producerResumed",
  "producerClosed",
  "consumerClosed",
  "consumerLayersChanged",
  "activeSpeaker",
  "connectionQuality",
  "chat",
  "roomPending",
  "transportClosed",
  "removed",
  "roomClosed",
];
