import type { JoinAnswer, Participant, Producer } from "../contract/signaling";
import type { EventName, Events } from "../signaling/SignalingClient";

/** What somebody shows of themselves, such as a raised hand. */
export type Attributes = Readonly<Record<string, string>>;

/** Somebody else in the room, with what they publish, by id. */
export interface RemoteParticipant {
  participantId: string;
  kind: Participant["kind"];
  displayName: string;
  producers: Readonly<Record<string, Producer>>;
  attributes: Attributes;
  /** Their socket is lost; media may go on. */
  connectionLost: boolean;
}

/** What the server says about the room. Participants are in the order in which they came. */
export interface RoomState {
  participants: Readonly<Record<string, RemoteParticipant>>;
  activeSpeaker: string | null;
  /** Scores from 0 to 10 by participant, oneself included. */
  quality: Readonly<Record<string, number>>;
}

export const EMPTY_ROOM: RoomState = { participants: {}, activeSpeaker: null, quality: {} };

/** An event together with its name. */
export type RoomEvent = { [N in EventName]: { name: N; payload: Events[N] } }[EventName];

/** The answer to `join` is a snapshot: it replaces whatever was known. */
export function roomFromSnapshot(answer: JoinAnswer, before: RoomState = EMPTY_ROOM): RoomState {
  return {
    ...before,
    participants: Object.fromEntries(
      answer.participants.map((one) => [one.participantId, remoteParticipant(one)]),
    ),
  };
}

/**
 * Applies one event by its ids. Events may repeat what is already known and may speak of what is
 * already gone: both change nothing, and then the very same state is returned.
 */
export function applyRoomEvent(room: RoomState, { name, payload }: RoomEvent): RoomState {
  switch (name) {
    case "participantJoined":
      return joined(room, payload);
    case "participantLeft":
      return left(room, payload.participantId);
    case "newProducer":
      return changeParticipant(room, payload.participantId, (one) => ({
        ...one,
        producers: { ...one.producers, [payload.producerId]: producerOf(payload) },
      }));
    case "producerPaused":
      return setPaused(room, payload, true);
    case "producerResumed":
      return setPaused(room, payload, false);
    case "producerClosed":
      return changeParticipant(room, payload.participantId, (one) =>
        payload.producerId in one.producers
          ? { ...one, producers: without(one.producers, payload.producerId) }
          : one,
      );
    case "participantUpdated":
      return changeParticipant(room, payload.participantId, (one) => {
        const attributes = changedAttributes(one.attributes, payload.attributes);
        return attributes === one.attributes ? one : { ...one, attributes };
      });
    case "participantConnection":
      return changeParticipant(room, payload.participantId, (one) => {
        const connectionLost = payload.state === "lost";
        return connectionLost === one.connectionLost ? one : { ...one, connectionLost };
      });
    case "activeSpeaker":
      return payload.participantId === room.activeSpeaker
        ? room
        : { ...room, activeSpeaker: payload.participantId };
    case "connectionQuality":
      return payload.score === room.quality[payload.participantId]
        ? room
        : { ...room, quality: { ...room.quality, [payload.participantId]: payload.score } };
    default:
      return room;
  }
}

/** Attributes after a change, in which null says that one is gone. The same ones where nothing differs. */
export function changedAttributes(
  before: Attributes,
  changes: Events["participantUpdated"]["attributes"],
): Attributes {
  const differ = Object.entries(changes).some(([name, value]) => (before[name] ?? null) !== value);
  if (!differ) return before;
  const merged = Object.entries({ ...before, ...changes });
  return Object.fromEntries(merged.filter((one): one is [string, string] => one[1] !== null));
}

/** What somebody publishes from one source, if anything. */
export function producerFrom(
  participant: RemoteParticipant,
  source: Producer["source"],
): Producer | undefined {
  return Object.values(participant.producers).find((producer) => producer.source === source);
}

function joined(room: RoomState, participant: Participant): RoomState {
  const { participantId } = participant;
  if (participantId in room.participants) return room;
  const one = remoteParticipant(participant);
  return { ...room, participants: { ...room.participants, [participantId]: one } };
}

function left(room: RoomState, participantId: string): RoomState {
  if (!(participantId in room.participants)) return room;
  return {
    participants: without(room.participants, participantId),
    activeSpeaker: room.activeSpeaker === participantId ? null : room.activeSpeaker,
    quality: without(room.quality, participantId),
  };
}

function setPaused(
  room: RoomState,
  { participantId, producerId }: Events["producerPaused"],
  paused: boolean,
): RoomState {
  return changeParticipant(room, participantId, (one) => {
    const producer = one.producers[producerId];
    if (!producer || producer.paused === paused) return one;
    return { ...one, producers: { ...one.producers, [producerId]: { ...producer, paused } } };
  });
}

function changeParticipant(
  room: RoomState,
  participantId: string,
  change: (one: RemoteParticipant) => RemoteParticipant,
): RoomState {
  const before = room.participants[participantId];
  if (!before) return room;
  const after = change(before);
  if (after === before) return room;
  return { ...room, participants: { ...room.participants, [participantId]: after } };
}

function remoteParticipant(one: Participant): RemoteParticipant {
  return {
    participantId: one.participantId,
    kind: one.kind,
    displayName: one.displayName,
    producers: Object.fromEntries(one.producers.map((p) => [p.producerId, p])),
    attributes: one.attributes,
    connectionLost: one.connectionLost,
  };
}

function producerOf({ producerId, kind, source, paused, appData }: Producer): Producer {
  return { producerId, kind, source, paused, appData };
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([name]) => name !== key));
}
