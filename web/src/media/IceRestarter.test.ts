import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SignalingError } from "../signaling/errors";
import { IceRestarter } from "./IceRestarter";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function restarter(restart: () => Promise<void> = () => Promise.resolve()) {
  const hooks = { restart: vi.fn(restart), gone: vi.fn() };
  return { hooks, ice: new IceRestarter(hooks) };
}

it("restarts at once when the connection failed, then with growing pauses", async () => {
  const { hooks, ice } = restarter();
  ice.stateChanged("failed");
  await vi.advanceTimersByTimeAsync(0);
  expect(hooks.restart).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1_999);
  expect(hooks.restart).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(hooks.restart).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(3_999);
  expect(hooks.restart).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(hooks.restart).toHaveBeenCalledTimes(3);
});

it("lets a short break mend itself", async () => {
  const { hooks, ice } = restarter();
  ice.stateChanged("connected");
  ice.stateChanged("disconnected");
  await vi.advanceTimersByTimeAsync(1_400);
  ice.stateChanged("connected");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(hooks.restart).not.toHaveBeenCalled();
});

it("keeps trying while the server cannot be reached, and stops when it works", async () => {
  const { hooks, ice } = restarter(() => Promise.reject(new SignalingError("disconnected", "")));
  ice.stateChanged("failed");
  await vi.advanceTimersByTimeAsync(30_000);
  const tried = hooks.restart.mock.calls.length;
  expect(tried).toBeGreaterThan(3);
  ice.stateChanged("connected");
  await vi.advanceTimersByTimeAsync(30_000);
  expect(hooks.restart).toHaveBeenCalledTimes(tried);
});

it("gives up a transport that the server does not know any more", async () => {
  const { hooks, ice } = restarter(() => Promise.reject(new SignalingError("not_found", "")));
  ice.stateChanged("failed");
  await vi.advanceTimersByTimeAsync(30_000);
  expect(hooks.restart).toHaveBeenCalledTimes(1);
  expect(hooks.gone).toHaveBeenCalledTimes(1);
});
