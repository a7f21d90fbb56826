import { describe, expect, it } from "vitest";
import type { JoinAnswer, Participant, Producer } from "../contract/signaling";
import {
  applyRoomEvent,
  EMPTY_ROOM,
  producerFrom,
  roomFromSnapshot,
  type RoomEvent,
  type RoomState,
} from "./roomState";

const MICROPHONE: Producer = {
  producerId: "m1",
  kind: "audio",
  source: "microphone",
  paused: false,
  appData: {},
};
const ADA: Participant = {
  participantId: "p1",
  kind: "person",
  displayName: "Ada",
  producers: [MICROPHONE],
  dataProducers: [],
  attributes: {},
  connectionLost: false,
};

function apply(...events: RoomEvent[]): RoomState {
  return events.reduce(applyRoomEvent, EMPTY_ROOM);
}

const ADA_JOINED: RoomEvent = { name: "participantJoined", payload: ADA };

describe("applyRoomEvent", () => {
  it("keeps people in the order in which they came", () => {
    const bo: RoomEvent = {
      name: "participantJoined",
      payload: { ...ADA, participantId: "a0", displayName: "Bo" },
    };
    expect(Object.keys(apply(ADA_JOINED, bo).participants)).toEqual(["p1", "a0"]);
  });

  it("knows which kind somebody is of", () => {
    const stream: RoomEvent = { name: "participantJoined", payload: { ...ADA, kind: "ingress" } };
    expect(apply(stream).participants.p1?.kind).toBe("ingress");
  });

  it("follows a producer through its life", () => {
    const id = { participantId: "p1", producerId: "c1" };
    const camera: RoomEvent = {
      name: "newProducer",
      payload: { ...id, kind: "video", source: "camera", paused: true, appData: {} },
    };
    let room = apply(ADA_JOINED, camera);
    const look = () => room.participants.p1 && producerFrom(room.participants.p1, "camera");
    expect(look()).toMatchObject({ producerId: "c1", paused: true });
    room = applyRoomEvent(room, { name: "producerResumed", payload: id });
    expect(look()?.paused).toBe(false);
    room = applyRoomEvent(room, { name: "producerClosed", payload: id });
    expect(look()).toBeUndefined();
  });

  it.each<RoomEvent>([
    ADA_JOINED,
    { name: "producerResumed", payload: { participantId: "p1", producerId: "m1" } },
    { name: "producerPaused", payload: { participantId: "gone", producerId: "m1" } },
    { name: "producerClosed", payload: { participantId: "p1", producerId: "gone" } },
    { name: "participantLeft", payload: { participantId: "gone", reason: "left" } },
    { name: "participantUpdated", payload: { participantId: "p1", attributes: { gone: null } } },
    { name: "participantUpdated", payload: { participantId: "gone", attributes: { hand: "" } } },
    { name: "participantConnection", payload: { participantId: "p1", state: "back" } },
    { name: "activeSpeaker", payload: { participantId: null } },
  ])("$name that repeats or comes too late changes nothing", (event) => {
    const before = apply(ADA_JOINED);
    expect(applyRoomEvent(before, event)).toBe(before);
  });

  it("follows what somebody shows of themselves, and their connection", () => {
    const p1 = { participantId: "p1" };
    const events: RoomEvent[] = [
      { name: "participantUpdated", payload: { ...p1, attributes: { hand: "now", role: "host" } } },
      { name: "participantConnection", payload: { ...p1, state: "lost" } },
    ];
    const before = apply(ADA_JOINED, ...events);
    expect(before.participants.p1).toMatchObject({
      attributes: { hand: "now", role: "host" },
      connectionLost: true,
    });
    const lowered: RoomEvent = {
      name: "participantUpdated",
      payload: { ...p1, attributes: { hand: null, mood: "" } },
    };
    const back: RoomEvent = { name: "participantConnection", payload: { ...p1, state: "back" } };
    const after = [lowered, back].reduce(applyRoomEvent, before).participants.p1;
    expect(after?.attributes).toEqual({ role: "host", mood: "" });
    expect(after?.connectionLost).toBe(false);
  });

  it("forgets all about who left", () => {
    const room = apply(
      ADA_JOINED,
      { name: "activeSpeaker", payload: { participantId: "p1" } },
      { name: "connectionQuality", payload: { participantId: "p1", score: 4 } },
      { name: "participantLeft", payload: { participantId: "p1", reason: "left" } },
    );
    expect(room).toEqual(EMPTY_ROOM);
  });

  it("a repeated newProducer brings what is newest", () => {
    const again: RoomEvent = {
      name: "newProducer",
      payload: { participantId: "p1", ...MICROPHONE, paused: true },
    };
    expect(apply(ADA_JOINED, again).participants.p1?.producers.m1?.paused).toBe(true);
  });
});

it("a snapshot replaces everybody", () => {
  const before = apply(ADA_JOINED);
  const answer = { participants: [{ ...ADA, participantId: "p2" }] } as unknown as JoinAnswer;
  expect(Object.keys(roomFromSnapshot(answer, before).participants)).toEqual(["p2"]);
});
