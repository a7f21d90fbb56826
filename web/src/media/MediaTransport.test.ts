import { expect, it } from "vitest";
import { FakeSignaling } from "../signaling/FakeSignaling";
import { MediaTransport } from "./MediaTransport";
import { fakeDevices, joinAnswer, transportAnswer } from "./testing";

it("negotiates pictures without the library's probator", async () => {
  const { routerRtpCapabilities } = joinAnswer();
  const device = await fakeDevices.make(routerRtpCapabilities as never);
  const plain = device.createRecvTransport(transportAnswer("plain") as never);
  expect(plain).toHaveProperty("_probatorConsumerCreated", false);
  const options = { ...transportAnswer("recv"), iceServers: [] };
  const ours = new MediaTransport(device, new FakeSignaling(), "recv", options, () => undefined);
  expect(ours.transport).toHaveProperty("_probatorConsumerCreated", true);
});
