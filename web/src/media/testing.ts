import { FakeMediaStreamTrack } from "fake-mediastreamtrack";
import { Device, FakeHandler, testFakeParameters as fake, type types } from "mediasoup-client";
import type {
  ConsumeAnswer,
  CreateWebRtcTransportAnswer,
  JoinAnswer,
  Participant,
  Producer,
} from "../contract/signaling";
import { FakeSignaling } from "../signaling/FakeSignaling";
import type { LoadMessages } from "../signaling/history";
import { createMeetingStore } from "../state/meetingStore";
import type { Devices } from "./DeviceMaker";
import { LocalMedia } from "./LocalMedia";
import { MeetingClient } from "./MeetingClient";

/** A meeting client whose browser and server are fakes; only for tests. */
export function fakeMeeting(load?: LoadMessages) {
  const signaling = new FakeSignaling();
  const local = new LocalMedia({ microphone: false, camera: false });
  const store = createMeetingStore();
  const client = new MeetingClient("standup", signaling, local, store, fakeDevices, load);
  let created = 0;
  signaling.answer("join", () => joinAnswer());
  signaling.answer("leave", () => ({}));
  signaling.answer("createWebRtcTransport", ({ direction }) =>
    transportAnswer(`${direction}-${++created}`),
  );
  signaling.answer("produce", ({ appData }) => ({ id: `${String(appData?.source)}-${++created}` }));
  signaling.answer("consume", ({ producerId }) => consumeAnswer(producerId));
  return { signaling, local, store, client };
}

/** What a join is answered with, when nobody else is there. */
export function joinAnswer(change: Partial<JoinAnswer> = {}): JoinAnswer {
  return {
    participantId: "me",
    seat: "seat-1",
    resumed: false,
    reconnectGrace: 30,
    room: { name: "standup", displayName: "Standup", maxParticipants: 50 },
    routerRtpCapabilities:
      fake.generateRouterRtpCapabilities() as JoinAnswer["routerRtpCapabilities"],
    iceServers: [],
    participants: [],
    permissions: ["publish", "subscribe", "chat"],
    protocol: 1,
    ...change,
  };
}

export function participant(participantId: string, ...producers: Producer[]): Participant {
  return {
    participantId,
    kind: "person",
    displayName: participantId.toUpperCase(),
    producers,
    dataProducers: [],
    attributes: {},
    connectionLost: false,
  };
}

/** A producer whose id tells its kind: `…-audio` or `…-video`. */
export function producer(producerId: string, change: Partial<Producer> = {}): Producer {
  const video = producerId.endsWith("video");
  return {
    producerId,
    kind: video ? "video" : "audio",
    source: video ? "camera" : "microphone",
    paused: false,
    appData: {},
    ...change,
  };
}

export function fakeTrack(kind: "audio" | "video"): MediaStreamTrack {
  return new FakeMediaStreamTrack({ kind });
}

/** Lets everything that waits only for promises come to rest. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
}

export const fakeDevices: Devices = {
  warm: () => undefined,
  make: async (routerRtpCapabilities) => {
    const device = new Device({ handlerFactory: FakeHandler.createFactory(fake) });
    await device.load({ routerRtpCapabilities: routerRtpCapabilities });
    return device;
  },
};

export function transportAnswer(id: string): CreateWebRtcTransportAnswer {
  const parameters = fake.generateTransportRemoteParameters();
  return { ...parameters, id } as unknown as CreateWebRtcTransportAnswer;
}

let consumers = 0;

export function consumeAnswer(producerId: string): ConsumeAnswer {
  const video = producerId.endsWith("video");
  const parameters: types.ConsumerOptions = fake.generateConsumerRemoteParameters({
    codecMimeType: video ? "video/VP8" : "audio/opus",
  });
  return {
    id: `consumer-${++consumers}`,
    producerId,
    participantId: "p1",
    kind: video ? "video" : "audio",
    rtpParameters: parameters.rtpParameters as ConsumeAnswer["rtpParameters"],
    type: "simple",
    producerPaused: false,
    appData: {},
  };
}
