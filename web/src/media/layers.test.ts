import { expect, it } from "vitest";
import { spatialLayerFor } from "./layers";

it.each([
  [90, 1, 0],
  [200, 1, 0],
  [201, 1, 1],
  [110, 2, 1],
  [420, 1, 1],
  [421, 1, 2],
  [720, 1, 2],
  [180, 3, 1],
])("a picture %i px high at %i× gets spatial layer %i", (height, ratio, layer) => {
  expect(spatialLayerFor(height, ratio)).toBe(layer);
});
