import { createStore, type StoreApi } from "zustand/vanilla";
import type { JoinedRoom, Layers, Producer } from "../contract/signaling";
import type { ReactionName } from "./reactions";
import type { SignalingErrorCode } from "../signaling/errors";
import type { ConnectionState } from "../signaling/SignalingClient";
import { addMessage, EMPTY_CHAT, type ChatMessage, type ChatState } from "./chat";
import { EMPTY_ROOM, type Attributes, type RoomState } from "./roomState";

export type Phase =
  | { name: "idle" }
  | { name: "joining" }
  /** The room waits for a node. */
  | { name: "pending"; reason: string }
  | { name: "joined" }
  | { name: "left" }
  /** `code` is the contract's reason. */
  | { name: "removed"; reason: string; code: string }
  | { name: "closed"; reason: string }
  | { name: "failed"; code: SignalingErrorCode; message: string };

export interface Self {
  participantId: string;
  displayName: string;
  permissions: readonly string[];
  attributes: Attributes;
}

/** Somebody's stream as it is received here. */
export interface RemoteTrack {
  track: MediaStreamTrack;
  consumerId: string;
  participantId: string;
  source: Producer["source"];
  /** What is forwarded now of a simulcast stream; null: nothing. */
  layers?: Layers | null | undefined;
}

export interface Notice {
  id: number;
  kind: "info" | "problem";
  text: string;
}

export type Panel = "chat" | "people";

/** A reaction or the like that somebody sent just now. */
export interface Reaction {
  id: number;
  participantId: string;
  name: ReactionName;
}

/** All that the room's page shows. */
export interface MeetingState {
  phase: Phase;
  connection: ConnectionState;
  /** Joined, but not resumed yet after the connection came back. */
  resuming: boolean;
  /** Has been in the room and not left it: stays true while coming in again after the room has moved. */
  entered: boolean;
  room: JoinedRoom | undefined;
  self: Self | undefined;
  people: RoomState;
  /** By producer id. */
  tracks: Readonly<Record<string, RemoteTrack>>;
  chat: ChatState;
  /** What stands open beside the pictures. */
  panel: Panel | undefined;
  notices: readonly Notice[];
  reactions: readonly Reaction[];
}

export type MeetingStore = StoreApi<MeetingState>;

export const OUTSIDE: Pick<
  MeetingState,
  "entered" | "room" | "self" | "people" | "tracks" | "resuming" | "panel" | "reactions"
> = {
  entered: false,
  room: undefined,
  self: undefined,
  people: EMPTY_ROOM,
  tracks: {},
  resuming: false,
  panel: undefined,
  reactions: [],
};

export function createMeetingStore(): MeetingStore {
  return createStore(() => ({
    ...OUTSIDE,
    phase: { name: "idle" },
    connection: "connecting",
    chat: EMPTY_CHAT,
    notices: [],
  }));
}

/** Opens a panel, or shuts it with undefined. What is in sight counts as read. */
export function showPanel(store: MeetingStore, panel: Panel | undefined): void {
  store.setState(({ chat }) => ({
    panel,
    chat: panel === "chat" ? { ...chat, unread: 0 } : chat,
  }));
}

export function hearMessage(store: MeetingStore, message: ChatMessage): void {
  store.setState(({ chat, panel }) => ({ chat: addMessage(chat, message, panel === "chat") }));
}

let lastId = 0;

/** Tells the person something; the same text twice at once is told once. */
export function addNotice(store: MeetingStore, kind: Notice["kind"], text: string): void {
  const { notices } = store.getState();
  if (notices.some((notice) => notice.text === text)) return;
  store.setState({ notices: [...notices, { id: ++lastId, kind, text }] });
}

export function dropNotice(store: MeetingStore, id: number): void {
  store.setState((state) => ({ notices: state.notices.filter((notice) => notice.id !== id) }));
}

export function addReaction(store: MeetingStore, participantId: string, name: ReactionName): void {
  const reaction = { id: ++lastId, participantId, name };
  store.setState((state) => ({ reactions: [...state.reactions.slice(-19), reaction] }));
}

export function dropReaction(store: MeetingStore, id: number): void {
  store.setState((state) => ({ reactions: state.reactions.filter((one) => one.id !== id) }));
}
