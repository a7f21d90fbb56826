// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ALL_SILENT_AFTER_MS, ANSWERS_TOGETHER_MS, SILENT_AFTER_MS } from "./Subscriber";
import {
  consumeAnswer,
  fakeMeeting,
  fakeTrack,
  joinAnswer,
  participant,
  producer,
  settled,
} from "./testing";

beforeEach(() => {
  sessionStorage.clear();
  localStorage.clear();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => void vi.useRealTimers());

const TWO_CAMERAS = [
  participant("p1", producer("p1-video")),
  participant("p2", producer("p2-video")),
];
const CROWD = [participant("p1", producer("p1-audio"), producer("p1-video"))];

describe("one's own pictures", () => {
  async function joinedSilently(...people: ReturnType<typeof participant>[]) {
    const meeting = fakeMeeting();
    const { local, signaling, client } = meeting;
    local.store.setState({
      camera: { ...local.state.camera, on: true, track: fakeTrack("video") },
    });
    signaling.answer("join", () => joinAnswer({ participants: people }));
    await client.join("Ada");
    client.media.transport("recv")?.transport.emit("connectionstatechange", "connected");
    await settled();
    return meeting;
  }

  it("does not wait for a camera that sends nothing", async () => {
    const { signaling } = await joinedSilently(...CROWD);
    await vi.advanceTimersByTimeAsync(ALL_SILENT_AFTER_MS - 1);
    expect(signaling.names()).not.toContain("produce");
    await vi.advanceTimersByTimeAsync(1);
    await settled();
    expect(signaling.names()).toContain("produce");
  });

  it("does not wait for a camera that sends nothing while others' pictures come", async () => {
    const { signaling, client } = await joinedSilently(...TWO_CAMERAS);
    // The first key frame takes its time on this machine.
    await vi.advanceTimersByTimeAsync(ALL_SILENT_AFTER_MS - 1);
    client.media.subscriber.pictureShown("p1-video");
    await vi.advanceTimersByTimeAsync(SILENT_AFTER_MS - 1);
    expect(signaling.names()).not.toContain("produce");
    await vi.advanceTimersByTimeAsync(1);
    await settled();
    expect(signaling.names()).toContain("produce");
  });

  it("waits for a picture that has begun to come, beside one that has not", async () => {
    const { signaling, client, store } = await joinedSilently(...TWO_CAMERAS);
    const consumerId = store.getState().tracks["p2-video"]?.consumerId ?? "";
    const layers = { spatialLayer: 0, temporalLayer: 0 };
    signaling.emit("consumerLayersChanged", { consumerId, layers });
    await vi.advanceTimersByTimeAsync(SILENT_AFTER_MS);
    await settled();
    expect(signaling.names()).not.toContain("produce");
    client.media.subscriber.pictureShown("p2-video");
    await settled();
    expect(signaling.names()).toContain("produce");
  });

  it("does not wait for a picture whose sender leaves", async () => {
    const { signaling, client } = await joinedSilently(...TWO_CAMERAS);
    client.media.subscriber.pictureShown("p1-video");
    signaling.emit("participantLeft", { participantId: "p2", reason: "left" });
    await settled();
    expect(signaling.names()).toContain("produce");
  });

  it("publishes once every picture is in sight", async () => {
    const { signaling, client, local } = fakeMeeting();
    local.store.setState({
      camera: { ...local.state.camera, on: true, track: fakeTrack("video") },
    });
    signaling.answer("join", () => joinAnswer({ participants: CROWD }));
    await client.join("Ada");
    await settled();
    expect(signaling.names()).not.toContain("produce");
    client.media.transport("recv")?.transport.emit("connectionstatechange", "connected");
    await settled();
    expect(signaling.names()).not.toContain("produce");
    client.media.subscriber.pictureShown("p1-video");
    await settled();
    expect(signaling.names()).toContain("produce");
  });
});

describe("what is received", () => {
  it("negotiates what was answered without an answer that does not come", async () => {
    const meeting = fakeMeeting();
    let late: () => void = () => undefined;
    meeting.signaling.answer("join", () => joinAnswer({ participants: CROWD }));
    meeting.signaling.answer("consume", async ({ producerId }) => {
      if (producerId === "p1-audio") await new Promise<void>((resolve) => (late = resolve));
      return consumeAnswer(producerId);
    });
    void meeting.client.join("Ada");
    await settled();
    const tracks = () => Object.keys(meeting.store.getState().tracks).sort();
    expect(tracks()).toEqual([]);
    await vi.advanceTimersByTimeAsync(ANSWERS_TOGETHER_MS);
    await settled();
    expect(tracks()).toEqual(["p1-video"]);
    late();
    await settled();
    expect(tracks()).toEqual(["p1-audio", "p1-video"]);
  });

  it("negotiates answers together as long as one follows the other", async () => {
    const meeting = fakeMeeting();
    const come: (() => void)[] = [];
    const people = [
      participant("p1", ...["p1-audio", "p1-video", "p1-screen"].map((id) => producer(id))),
    ];
    meeting.signaling.answer("join", () => joinAnswer({ participants: people }));
    meeting.signaling.answer("consume", async ({ producerId }) => {
      await new Promise<void>((resolve) => come.push(resolve));
      return consumeAnswer(producerId);
    });
    void meeting.client.join("Ada");
    await settled();
    const tracks = () => Object.keys(meeting.store.getState().tracks).length;
    for (const next of come.slice(0, 2)) {
      next();
      await settled();
      await vi.advanceTimersByTimeAsync(ANSWERS_TOGETHER_MS - 1);
      expect(tracks()).toBe(0);
    }
    await vi.advanceTimersByTimeAsync(1);
    await settled();
    expect(tracks()).toBe(2);
  });

  it("replaces a transport that the server closed because nothing came to use it", async () => {
    const { signaling, client } = fakeMeeting();
    await client.join("Ada");
    await settled();
    const [recv, send] = (["recv", "send"] as const).map((one) => client.media.transport(one));
    signaling.asked.length = 0;
    signaling.emit("transportClosed", { transportId: recv?.id ?? "", reason: "not connected" });
    await settled();
    expect(signaling.asked).toEqual([
      { name: "createWebRtcTransport", payload: { direction: "recv" } },
    ]);
    expect(client.media.transport("send")).toBe(send);
    signaling.emit("participantJoined", participant("p1", producer("p1-audio")));
    await settled();
    const [consumed] = signaling.payloads("consume");
    expect(consumed?.transportId).toBe(client.media.transport("recv")?.id);
    expect(consumed?.transportId).not.toBe(recv?.id);
  });
});
