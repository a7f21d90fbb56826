import { expect, it } from "vitest";
import { loudness } from "./level";

it("is 0 in silence, 1 at full scale and half-way at −30 dB", () => {
  expect(loudness(new Float32Array(64))).toBe(0);
  expect(loudness(new Float32Array(64).fill(1))).toBe(1);
  expect(loudness(new Float32Array(64).fill(10 ** (-30 / 20)))).toBeCloseTo(0.5);
});
