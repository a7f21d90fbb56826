/** Heights, in device pixels, up to which a picture needs no more than spatial layer 0 or 1. */
const ENOUGH: readonly number[] = [200, 420];

/** How high each of so many pictures will be, in CSS pixels, before they have been laid out. */
export function likelyHeight(pictures: number, windowHeight: number): number {
  return windowHeight / Math.max(1, Math.ceil(Math.sqrt(pictures)));
}

/** The spatial layer that a picture of this size on the screen is worth. */
export function spatialLayerFor(cssHeight: number, devicePixelRatio: number): number {
  // Beyond 2 nobody sees the difference, and phones claim 3 and more.
  const height = cssHeight * Math.min(devicePixelRatio, 2);
  const fitting = ENOUGH.findIndex((limit) => height <= limit);
  return fitting === -1 ? ENOUGH.length : fitting;
}
