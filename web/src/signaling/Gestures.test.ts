// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from "vitest";
import { fakeMeeting, joinAnswer, participant } from "../media/testing";
import { hasRaisedHand } from "../state/hands";
import { SignalingError } from "./errors";
import { Gestures } from "./Gestures";

const NOW = "2026-12-01T09:00:00.000Z";

beforeEach(() => sessionStorage.clear());

async function joined(...permissions: ("publish" | "subscribe" | "chat")[]) {
  const { client, signaling, store } = fakeMeeting();
  signaling.answer("join", () => joinAnswer({ participants: [participant("p1")], permissions }));
  await client.join("Ada");
  const gestures = new Gestures(signaling, store, () => new Date(NOW));
  return { client, signaling, store, gestures };
}

describe("a hand", () => {
  it("is raised with the time, and is up once the server says so", async () => {
    const { gestures, signaling, store } = await joined("subscribe");
    await gestures.setHand(true);
    expect(signaling.payloads("setAttributes")).toEqual([{ attributes: { hand: NOW } }]);
    expect(hasRaisedHand(store.getState().self)).toBe(false);
    signaling.emit("participantUpdated", { participantId: "me", attributes: { hand: NOW } });
    expect(hasRaisedHand(store.getState().self)).toBe(true);
    await gestures.setHand(false);
    signaling.emit("participantUpdated", { participantId: "me", attributes: { hand: null } });
    expect(signaling.payloads("setAttributes")[1]).toEqual({ attributes: { hand: null } });
    expect(hasRaisedHand(store.getState().self)).toBe(false);
  });

  it("of somebody else is not one's own", async () => {
    const { signaling, store } = await joined();
    signaling.emit("participantUpdated", { participantId: "p1", attributes: { hand: NOW } });
    expect(hasRaisedHand(store.getState().people.participants.p1)).toBe(true);
    expect(hasRaisedHand(store.getState().self)).toBe(false);
  });

  it("is kept with the seat", async () => {
    const { client, signaling, store } = await joined();
    const own = {
      transports: [],
      producers: [],
      consumers: [],
      dataProducers: [],
      dataConsumers: [],
      attributes: { hand: NOW },
    };
    signaling.answer("join", () => joinAnswer({ resumed: true, self: own }));
    await client.join("Ada");
    expect(hasRaisedHand(store.getState().self)).toBe(true);
  });

  it("that cannot be raised is told", async () => {
    const { gestures, signaling, store } = await joined();
    signaling.refuse("setAttributes", new SignalingError("rate_limited", "Too many changes.", 900));
    await gestures.setHand(true);
    expect(store.getState().notices.map(({ text }) => text)).toEqual(["Too many changes."]);
  });
});

describe("a reaction", () => {
  it("is shown to oneself once the server has it", async () => {
    const { gestures, signaling, store } = await joined("subscribe");
    await gestures.react("heart");
    expect(signaling.payloads("react")).toEqual([{ name: "heart" }]);
    expect(store.getState().reactions).toMatchObject([{ participantId: "me", name: "heart" }]);
  });

  it("of others is shown where it is known", async () => {
    const { signaling, store } = await joined();
    signaling.emit("reaction", { participantId: "p1", name: "<script>" });
    signaling.emit("reaction", { participantId: "p1", name: "party" });
    expect(store.getState().reactions).toMatchObject([{ participantId: "p1", name: "party" }]);
  });

  it("too many is told, and shown to nobody", async () => {
    const { gestures, signaling, store } = await joined();
    signaling.refuse("react", new SignalingError("rate_limited", "too many reactions", 400));
    await gestures.react("heart");
    expect(store.getState().reactions).toEqual([]);
    expect(store.getState().notices[0]?.text).toContain("Too many reactions just now");
  });
});
