import { expect, it } from "vitest";
import { cameraEncodings } from "./encodings";

it.each([
  [1280, 720, [4, 2, 1]],
  [960, 540, [4, 2, 1]],
  [640, 480, [2, 1]],
  [480, 270, [2, 1]],
  [320, 240, [1]],
])("a camera of %i×%i has layers scaled by %j", (width, height, scales) => {
  const encodings = cameraEncodings(width, height);
  expect(encodings.map((encoding) => encoding.scaleResolutionDownBy)).toEqual(scales);
  expect(encodings.every((encoding) => encoding.scalabilityMode === "L1T3")).toBe(true);
});

it("gives a larger picture more bits, in every size", () => {
  for (const [width, height] of [
    [1920, 1080],
    [1280, 720],
    [960, 540],
  ] as const) {
    const rates = cameraEncodings(width, height).map((encoding) => encoding.maxBitrate ?? 0);
    expect(rates).toEqual([...rates].sort((a, b) => a - b));
    expect(new Set(rates).size).toBe(rates.length);
  }
});
