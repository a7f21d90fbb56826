import { expect, it } from "vitest";
import { millisecondsLeft } from "./turnCredentials";

it.each([
  [[], undefined],
  [[{ urls: "stun:host" }], undefined],
  [[{ urls: "turn:host", username: "ada", credential: "" }], undefined],
  [[{ urls: "turn:host", username: "1600:ada", credential: "" }], 600_000],
  [
    [
      { urls: "turn:a", username: "1600:ada", credential: "" },
      { urls: "turn:b", username: "900:ada", credential: "" },
    ],
    -100_000,
  ],
])("%j leaves %s ms", (iceServers, left) => {
  expect(millisecondsLeft(iceServers, 1_000_000)).toBe(left);
});
