import { afterEach, expect, it, vi } from "vitest";
import { FakeSignaling } from "../signaling/FakeSignaling";
import { MediaTransport } from "./MediaTransport";
import { fakeDevices, joinAnswer, transportAnswer } from "./testing";

afterEach(() => {
  vi.useRealTimers();
});

it("negotiates pictures without the library's probator", async () => {
  const { routerRtpCapabilities } = joinAnswer();
  const device = await fakeDevices.make(routerRtpCapabilities as never);
  const plain = device.createRecvTransport(transportAnswer("plain") as never);
  expect(plain).toHaveProperty("_probatorConsumerCreated", false);
  const options = { ...transportAnswer("recv"), iceServers: [] };
  const ours = new MediaTransport(device, new FakeSignaling(), "recv", options, () => undefined);
  expect(ours.transport).toHaveProperty("_probatorConsumerCreated", true);
});

it("renews the credentials of a relay that it has not opened yet, before they end", async () => {
  vi.useFakeTimers({ now: 1_000_000 });
  const signaling = new FakeSignaling();
  const credentials = (end: number) => [
    { urls: ["turn:host"], username: `${end}:me`, credential: "" },
  ];
  signaling.answer("restartIce", () => ({
    iceParameters: { usernameFragment: "u", password: "p", iceLite: true },
    iceServers: credentials(Date.now() / 1000 + 100),
  }));
  const device = await fakeDevices.make(joinAnswer().routerRtpCapabilities as never);
  const options = { ...transportAnswer("recv"), iceServers: credentials(1_100) };
  const transport = new MediaTransport(device, signaling, "recv", options, () => undefined);
  const update = vi.spyOn(transport.transport, "updateIceServers").mockResolvedValue();

  await vi.advanceTimersByTimeAsync(74_000);
  expect(update).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(update).toHaveBeenLastCalledWith({ iceServers: credentials(1_175) });
  await vi.advanceTimersByTimeAsync(75_000);
  expect(update).toHaveBeenLastCalledWith({ iceServers: credentials(1_250) });

  vi.spyOn(transport.transport, "connectionState", "get").mockReturnValue("connected");
  await vi.advanceTimersByTimeAsync(1_000_000);
  expect(update).toHaveBeenCalledTimes(2);
  transport.close();
});
