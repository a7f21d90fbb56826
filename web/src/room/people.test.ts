import { describe, expect, it } from "vitest";
import type { Producer } from "../contract/signaling";
import { EMPTY_ROOM, type RemoteParticipant, type RoomState } from "../state/roomState";
import { emphasis, isMuted, screenKey, SELF_KEY, stageItems } from "./people";

function person(participantId: string, ...sources: Producer["source"][]): RemoteParticipant {
  const producers = Object.fromEntries(
    sources.map((source) => {
      const producerId = `${participantId}-${source}`;
      const kind = source === "microphone" ? "audio" : "video";
      return [producerId, { producerId, kind, source, paused: false, appData: {} } as const];
    }),
  );
  return {
    participantId,
    kind: "person",
    displayName: participantId,
    producers,
    attributes: {},
    connectionLost: false,
  };
}

function room(...people: RemoteParticipant[]): RoomState {
  const participants = Object.fromEntries(people.map((one) => [one.participantId, one]));
  return { ...EMPTY_ROOM, participants };
}

const SHARING = stageItems(room(person("p1"), person("p2", "screen")), "me");

describe("the stage", () => {
  it("shows screens first, then oneself, then others as they came", () => {
    expect(SHARING.map(({ key }) => key)).toEqual([screenKey("p2"), SELF_KEY, "p1", "p2"]);
  });

  it("makes a screen large, until it is put back", () => {
    expect(emphasis(SHARING, {})).toEqual({ spotlight: screenKey("p2") });
    expect(emphasis(SHARING, { dismissed: screenKey("p2") })).toEqual({});
  });

  it("a pinned picture is larger than a screen, for as long as it is there", () => {
    expect(emphasis(SHARING, { pinned: "p1" })).toEqual({ spotlight: "p1" });
    expect(emphasis(SHARING, { pinned: "gone" })).toEqual({ spotlight: screenKey("p2") });
  });

  it("with one guest alone, oneself floats", () => {
    expect(emphasis(stageItems(room(person("p1")), "me"), {})).toEqual({ floating: SELF_KEY });
    expect(emphasis(stageItems(room(), "me"), {})).toEqual({});
  });
});

it("who has no microphone, or has paused it, is muted", () => {
  const heard = person("p1", "microphone");
  expect(isMuted(heard)).toBe(false);
  expect(isMuted(person("p1", "camera"))).toBe(true);
  const [microphone] = Object.values(heard.producers);
  if (!microphone) throw new Error("a microphone expected");
  const paused = { [microphone.producerId]: { ...microphone, paused: true } };
  expect(isMuted({ ...heard, producers: paused })).toBe(true);
});
