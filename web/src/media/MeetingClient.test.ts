// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { JoinAnswer, OwnState } from "../contract/signaling";
import { SignalingError } from "../signaling/errors";
import { PUBLISH_AFTER_MS } from "./MediaSession";
import { OPEN_AFTER_MS } from "./MeetingClient";
import {
  consumeAnswer,
  fakeMeeting,
  fakeTrack,
  joinAnswer,
  participant,
  producer,
  settled,
  transportAnswer,
} from "./testing";

beforeEach(() => {
  sessionStorage.clear();
  localStorage.clear();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => void vi.useRealTimers());

async function joined(answer: Partial<JoinAnswer> = {}) {
  const meeting = fakeMeeting();
  meeting.signaling.answer("join", () => joinAnswer(answer));
  await meeting.client.join("Ada");
  await vi.advanceTimersByTimeAsync(PUBLISH_AFTER_MS);
  await settled();
  return meeting;
}

const CROWD = [participant("p1", producer("p1-audio"), producer("p1-video"))];

describe("joining", () => {
  it("asks for the transports in the same breath", async () => {
    const { signaling, client } = fakeMeeting();
    signaling.answer("join", () => new Promise(() => undefined));
    void client.join("Ada");
    await settled();
    expect(signaling.names()).toEqual(["join", "createWebRtcTransport", "createWebRtcTransport"]);
    expect(signaling.payloads("createWebRtcTransport")).toEqual([
      { direction: "recv" },
      { direction: "send" },
    ]);
  });

  it("receives everything that is there, each consumer resumed once it is in place", async () => {
    const { signaling, store } = await joined({ participants: CROWD });
    expect(store.getState().phase.name).toBe("joined");
    expect(Object.keys(store.getState().tracks).sort()).toEqual(["p1-audio", "p1-video"]);
    expect(signaling.payloads("resumeConsumer")).toHaveLength(2);
  });

  it("asks for layers of the likely size before anything is forwarded", async () => {
    const meeting = fakeMeeting();
    const people = ["p1", "p2"].map((one) => participant(one, producer(`${one}-video`)));
    meeting.signaling.answer("join", () => joinAnswer({ participants: people }));
    meeting.signaling.answer("consume", ({ producerId }) => ({
      ...consumeAnswer(producerId),
      type: "simulcast",
    }));
    await meeting.client.join("Ada");
    await settled();
    const layers = meeting.signaling.payloads("setConsumerPreferredLayers");
    expect(layers.map(({ spatialLayer }) => spatialLayer)).toEqual([1, 1]);
    const names = meeting.signaling.names();
    expect(names.indexOf("setConsumerPreferredLayers")).toBeLessThan(
      names.indexOf("resumeConsumer"),
    );
  });

  it("tells when what it sends and receives over stands", async () => {
    const { signaling, client } = fakeMeeting();
    let created: () => void = () => undefined;
    const late = new Promise<void>((resolve) => (created = resolve));
    signaling.answer("createWebRtcTransport", async ({ direction }) => {
      await late;
      return transportAnswer(direction);
    });
    const joining = client.join("Ada");
    await vi.advanceTimersByTimeAsync(OPEN_AFTER_MS);
    let built = false;
    void client.media.built().then(() => (built = true));
    await settled();
    expect([client.store.getState().phase.name, built]).toEqual(["joined", false]);

    created();
    await joining;
    await settled();
    expect(built).toBe(true);
    expect(client.media.transport("send")).toBeDefined();
    await client.media.built();
  });

  it("applies what happened before the answer on top of it", async () => {
    const { signaling, client, store } = fakeMeeting();
    let answer: (value: JoinAnswer) => void = () => undefined;
    signaling.answer("join", () => new Promise((resolve) => (answer = resolve)));
    void client.join("Ada");
    await settled();
    signaling.emit("participantJoined", participant("p2", producer("p2-audio")));
    signaling.emit("producerPaused", { participantId: "p1", producerId: "p1-audio" });
    signaling.emit("participantLeft", { participantId: "p3", reason: "left" });
    answer(joinAnswer({ participants: [...CROWD, participant("p3")] }));
    await settled();
    const { participants } = store.getState().people;
    expect(Object.keys(participants).sort()).toEqual(["p1", "p2"]);
    expect(participants.p1?.producers["p1-audio"]?.paused).toBe(true);
  });

  it("waits and tries again where the server says when", async () => {
    const { signaling, client, store } = fakeMeeting();
    signaling.refuse("join", new SignalingError("unavailable", "No node is free.", 5_000));
    await client.join("Ada");
    expect(store.getState().phase).toEqual({ name: "pending", reason: "No node is free." });
    signaling.answer("join", () => joinAnswer());
    await vi.advanceTimersByTimeAsync(4_999);
    expect(store.getState().phase.name).toBe("pending");
    await vi.advanceTimersByTimeAsync(1);
    await settled();
    expect(store.getState().phase.name).toBe("joined");
  });

  it("says why where it is refused", async () => {
    const { signaling, client, store } = fakeMeeting();
    signaling.refuse("join", new SignalingError("room_full", "The room has 50 people."));
    await client.join("Ada");
    expect(store.getState().phase).toEqual({
      name: "failed",
      code: "room_full",
      message: "The room has 50 people.",
    });
  });

  it("is called off by leaving the door", async () => {
    const { signaling, client, store } = fakeMeeting();
    let answer: (value: JoinAnswer) => void = () => undefined;
    signaling.answer("join", () => new Promise((resolve) => (answer = resolve)));
    void client.join("Ada");
    await settled();
    client.cancelJoin();
    answer(joinAnswer());
    await settled();
    expect(store.getState().phase.name).toBe("idle");
    expect(signaling.names()).toContain("leave");
  });
});

describe("publishing", () => {
  it("sends what is captured, and pauses instead of closing", async () => {
    const { signaling, local } = await joined();
    local.useTrack("camera", fakeTrack("video"));
    await settled();
    expect(signaling.payloads("produce").map(({ appData }) => appData)).toEqual([
      { source: "camera" },
    ]);
    await local.setOn("camera", false);
    await settled();
    local.useTrack("camera", fakeTrack("video"));
    await settled();
    expect(signaling.names().filter((name) => name.endsWith("Producer"))).toEqual([
      "pauseProducer",
      "resumeProducer",
    ]);
    expect(signaling.payloads("produce")).toHaveLength(1);
  });

  it("follows a moderator who mutes", async () => {
    const { signaling, local, store } = await joined();
    local.useTrack("microphone", fakeTrack("audio"));
    await settled();
    const producerId = signaling.payloads("produce").length && "microphone-3";
    signaling.emit("producerPaused", {
      participantId: "me",
      producerId: String(producerId),
      reason: "muted",
    });
    await settled();
    expect(local.state.microphone.on).toBe(false);
    expect(store.getState().notices[0]?.text).toMatch(/moderator.*microphone/);
  });
});

describe("resuming", () => {
  function own(change: Partial<OwnState> = {}): OwnState {
    return {
      transports: [
        { transportId: "recv-1", direction: "recv" },
        { transportId: "send-2", direction: "send" },
      ],
      producers: [],
      consumers: [],
      dataProducers: [],
      dataConsumers: [],
      attributes: {},
      ...change,
    };
  }

  async function cutAndResume(
    meeting: Awaited<ReturnType<typeof joined>>,
    answer: Partial<JoinAnswer>,
  ) {
    meeting.signaling.cut();
    meeting.signaling.asked.length = 0;
    meeting.signaling.answer("join", () => joinAnswer({ resumed: true, ...answer }));
    meeting.signaling.reopen();
    await settled();
  }

  function consumersOf(meeting: Awaited<ReturnType<typeof joined>>) {
    return Object.entries(meeting.store.getState().tracks).map(([producerId, { consumerId }]) => ({
      consumerId,
      producerId,
      paused: false,
    }));
  }

  it("takes the seat and touches nothing that stands", async () => {
    const meeting = await joined({ participants: CROWD });
    const consumers = consumersOf(meeting);
    await cutAndResume(meeting, { participants: CROWD, self: own({ consumers }) });
    expect(meeting.signaling.asked).toEqual([
      { name: "join", payload: { room: "standup", displayName: "Ada", seat: "seat-1" } },
    ]);
    expect(consumersOf(meeting)).toEqual(consumers);
    expect(meeting.store.getState().resuming).toBe(false);
  });

  it("catches up: new producers, gone ones, half-made and paused consumers", async () => {
    const meeting = await joined({ participants: CROWD });
    const [audio, video] = consumersOf(meeting);
    if (!audio || !video) throw new Error("two consumers expected");
    await cutAndResume(meeting, {
      participants: [
        participant("p1", producer("p1-video")),
        participant("p2", producer("p2-audio")),
      ],
      self: own({
        consumers: [
          { ...video, paused: true },
          { consumerId: "half-made", producerId: "p2-audio", paused: true },
        ],
      }),
    });
    const { signaling } = meeting;
    expect(signaling.payloads("resumeConsumer")[0]).toEqual({ consumerId: video.consumerId });
    expect(signaling.payloads("closeConsumer")).toEqual([{ consumerId: "half-made" }]);
    expect(signaling.payloads("consume").map(({ producerId }) => producerId)).toEqual(["p2-audio"]);
    expect(Object.keys(meeting.store.getState().tracks).sort()).toEqual(["p1-video", "p2-audio"]);
  });

  it("corrects what was switched while nobody heard", async () => {
    const meeting = await joined();
    meeting.local.useTrack("microphone", fakeTrack("audio"));
    await settled();
    meeting.signaling.refuse("pauseProducer", new SignalingError("disconnected", ""));
    meeting.signaling.notify = (name, payload) => {
      meeting.signaling.request(name, payload).catch(() => undefined);
    };
    await meeting.local.setOn("microphone", false);
    await settled();
    meeting.signaling.answer("pauseProducer", () => ({}));
    await cutAndResume(meeting, { self: own({ producers: [producer("microphone-3")] }) });
    expect(meeting.signaling.payloads("pauseProducer")).toEqual([{ producerId: "microphone-3" }]);
  });

  it("starts over where the seat has expired", async () => {
    const meeting = await joined({ participants: CROWD });
    meeting.local.useTrack("microphone", fakeTrack("audio"));
    await settled();
    await cutAndResume(meeting, {
      resumed: false,
      participantId: "me-again",
      participants: CROWD,
    });
    const { signaling, store } = meeting;
    expect(store.getState().self?.participantId).toBe("me-again");
    await vi.advanceTimersByTimeAsync(PUBLISH_AFTER_MS);
    expect(signaling.payloads("createWebRtcTransport")).toHaveLength(2);
    expect(signaling.payloads("consume")).toHaveLength(2);
    expect(signaling.payloads("produce")).toHaveLength(1);
  });

  it("builds anew what the server has lost", async () => {
    const meeting = await joined({ participants: CROWD });
    await cutAndResume(meeting, { participants: CROWD, self: own({ transports: [] }) });
    expect(meeting.signaling.payloads("createWebRtcTransport")).toHaveLength(2);
    expect(Object.keys(meeting.store.getState().tracks)).toHaveLength(2);
  });
});

describe("ending", () => {
  it("lets go of everybody's media when they leave", async () => {
    const { signaling, store } = await joined({ participants: CROWD });
    signaling.emit("participantLeft", { participantId: "p1", reason: "disconnected" });
    await settled();
    expect(store.getState().tracks).toEqual({});
    expect(signaling.payloads("closeConsumer")).toEqual([]);
  });

  it("says who took the seat, and keeps no seat", async () => {
    const { signaling, store } = await joined();
    signaling.emit("removed", { reason: "taken_over" });
    expect(store.getState().phase).toMatchObject({ name: "removed" });
    expect(sessionStorage.getItem("rotunda.seat")).toBeNull();
  });

  it("goes back in by itself where the room lives on elsewhere", async () => {
    const { signaling, store } = await joined({ participants: CROWD });
    signaling.asked.length = 0;
    signaling.emit("roomClosed", { reason: "node_lost", rejoin: true });
    await settled();
    expect(signaling.payloads("join")[0]).toMatchObject({ seat: "seat-1" });
    expect(store.getState().phase.name).toBe("joined");
    expect(signaling.payloads("consume")).toHaveLength(2);
  });
});

describe("chat", () => {
  const SAID = {
    id: "m1",
    from: "me",
    displayName: "Ada",
    text: "before",
    sentAt: "2026-01-01T10:00:00.000Z",
  };

  it("shows what was said before, page by page, with the token that the join gave", async () => {
    const earlier = { ...SAID, id: "m0", from: "p1", sentAt: "2026-01-01T09:00:00.000Z" };
    const load = vi.fn((_token?: string, before?: string) =>
      Promise.resolve({
        messages: before === undefined ? [SAID] : [earlier],
        hasMore: before === undefined,
        complete: true,
      }),
    );
    const { signaling, client, store } = fakeMeeting(load);
    signaling.answer("join", () => joinAnswer({ token: "guest" }));
    await client.join("Ada");
    await settled();
    expect(store.getState().chat).toMatchObject({ hasMore: true, unread: 0 });
    await client.loadEarlier();
    expect(load.mock.calls).toEqual([
      ["guest", undefined],
      ["guest", "m1"],
    ]);
    const { messages, hasMore } = store.getState().chat;
    expect(messages.map(({ id, own }) => [id, own])).toEqual([
      ["m0", false],
      ["m1", true],
    ]);
    expect(hasMore).toBe(false);
  });

  it("says so where the history cannot be had", async () => {
    vi.spyOn(console, "warn").mockReturnValueOnce(undefined);
    const { client, store } = fakeMeeting(() => Promise.reject(new Error("away")));
    await client.join("Ada");
    await settled();
    expect(store.getState().chat.incomplete).toBe(true);
  });

  it("tells who writes that some get it later", async () => {
    const { signaling, client, store } = await joined();
    signaling.answer("chat", () => ({ id: "m2", sentAt: SAID.sentAt, delayed: 2 }));
    await client.sendChat("hello");
    expect(store.getState().chat.messages).toHaveLength(1);
    expect(store.getState().notices[0]?.text).toContain("2 people get your message later");
  });

  it("tells who writes that the message is not stored", async () => {
    const { signaling, client, store } = await joined();
    signaling.answer("chat", () => ({ id: "m3", sentAt: SAID.sentAt, stored: false as const }));
    await client.sendChat("hello");
    expect(store.getState().chat.messages).toHaveLength(1);
    expect(store.getState().notices[0]?.text).toContain("could not be stored");
  });
});

describe("permissions", () => {
  it("takes up receiving alone where nothing may be sent", async () => {
    const { signaling, client, store, local } = fakeMeeting();
    signaling.answer("join", () => joinAnswer({ permissions: ["subscribe"], participants: CROWD }));
    signaling.answer("createWebRtcTransport", ({ direction }) => {
      if (direction === "send") throw new SignalingError("forbidden", "You may not publish.");
      return transportAnswer("recv-1");
    });
    await client.join("Ada");
    await settled();
    expect(store.getState().phase.name).toBe("joined");
    expect(Object.keys(store.getState().tracks).sort()).toEqual(["p1-audio", "p1-video"]);
    local.useTrack("microphone", fakeTrack("audio"));
    await settled();
    expect(signaling.names()).not.toContain("produce");
  });

  it("joins with nothing to send or receive", async () => {
    const { signaling, client, store } = fakeMeeting();
    signaling.answer("join", () => joinAnswer({ permissions: ["chat"], participants: CROWD }));
    signaling.refuse("createWebRtcTransport", new SignalingError("forbidden", "Neither."));
    await client.join("Ada");
    await settled();
    expect(store.getState().phase.name).toBe("joined");
  });
});

describe("being let in or not", () => {
  it("says at once that the link opens nothing", () => {
    const { signaling, store } = fakeMeeting();
    signaling.refusal = new SignalingError("unauthorized", "the token has expired");
    signaling.setConnection("disconnected");
    expect(store.getState().phase).toMatchObject({ name: "failed", code: "unauthorized" });
  });

  it.each([
    ["moderator", "seat-1"],
    ["taken_over", undefined],
  ])("removed as %s, the tab keeps the seat %s", async (reason, seat) => {
    const { signaling, client } = await joined();
    signaling.emit("removed", { reason });
    client.backToDoor();
    await client.join("Ada");
    expect(signaling.payloads("join").at(-1)?.seat).toBe(seat);
  });
});
