import { describe, expect, it } from "vitest";
import type { Participant } from "../contract/signaling";
import { joinAnswer, participant } from "../media/testing";
import { hasRaisedHand, raisedHands } from "./hands";
import type { Self } from "./meetingStore";
import { roomFromSnapshot } from "./roomState";

const ME: Self = { participantId: "me", displayName: "Me", permissions: [], attributes: {} };

function room(hands: Record<string, string | undefined>) {
  const participants = Object.entries(hands).map(([id, hand]): Participant => {
    const attributes: Participant["attributes"] = hand === undefined ? {} : { hand };
    return { ...participant(id), attributes };
  });
  return roomFromSnapshot(joinAnswer({ participants }));
}

describe("raised hands", () => {
  it("stand in the order in which they were raised, whatever the zone that says so", () => {
    const people = room({
      late: "2026-12-01T09:00:02.000Z",
      none: undefined,
      first: "2026-12-01T10:00:00.500+01:00",
    });
    const self = { ...ME, attributes: { hand: "2026-12-01T09:00:01.000Z" } };
    expect(raisedHands({ people, self })).toEqual(["first", "me", "late"]);
    expect(raisedHands({ people, self: ME })).toEqual(["first", "late"]);
    expect(raisedHands({ people, self: undefined })).toEqual(["first", "late"]);
  });

  it("of which nobody knows the time come last, always in the same order", () => {
    const people = room({ b: "now", a: "", c: "2026-12-01T09:00:00.000Z" });
    expect(raisedHands({ people, self: ME })).toEqual(["c", "a", "b"]);
  });

  it("are those with the attribute, empty as it may be", () => {
    expect(hasRaisedHand({ attributes: { hand: "" } })).toBe(true);
    expect(hasRaisedHand({ attributes: { role: "speaker" } })).toBe(false);
    expect(hasRaisedHand(undefined)).toBe(false);
  });
});
