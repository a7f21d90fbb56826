import type { types } from "mediasoup-client";

type Encoding = types.RtpEncodingParameters;

/** Below these, Chromium itself sends fewer simulcast layers (width × height of the capture). */
const AREA_FOR_THREE_LAYERS = 960 * 540;
const AREA_FOR_TWO_LAYERS = 480 * 270;

/** Bits per second of a layer, by the area of its picture; VP8 at 30 frames a second. */
const BITRATES: readonly (readonly [area: number, bitrate: number])[] = [
  [320 * 180, 150_000],
  [480 * 270, 300_000],
  [640 * 360, 500_000],
  [960 * 540, 1_000_000],
  [1280 * 720, 1_700_000],
];

const SCREEN_BITRATE = 2_500_000;

/** The simulcast layers of a camera, the smallest first: each half as wide as the next. */
export function cameraEncodings(width: number, height: number): Encoding[] {
  const area = width * height;
  const layers = area >= AREA_FOR_THREE_LAYERS ? 3 : area >= AREA_FOR_TWO_LAYERS ? 2 : 1;
  return Array.from({ length: layers }, (_, index) => {
    const scaleResolutionDownBy = 2 ** (layers - 1 - index);
    return {
      scaleResolutionDownBy,
      maxBitrate: bitrateFor(area / scaleResolutionDownBy ** 2),
      scalabilityMode: "L1T3",
    };
  });
}

/** A screen is read, not watched: one stream in full size, whose frames may be few. */
export function screenEncodings(): Encoding[] {
  return [{ maxBitrate: SCREEN_BITRATE, scalabilityMode: "L1T3" }];
}

function bitrateFor(area: number): number {
  const fitting = BITRATES.find(([upTo]) => area <= upTo);
  return fitting ? fitting[1] : 2_500_000;
}
