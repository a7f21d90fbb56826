import { expect, it } from "vitest";
import { likelyHeight, spatialLayerFor } from "./layers";

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

it.each([
  [1, 720],
  [2, 360],
  [4, 360],
  [5, 240],
])("each of %i pictures is likely %i px high in a window of 720", (pictures, height) => {
  expect(likelyHeight(pictures, 720)).toBe(height);
});
