import { describe, expect, it } from "vitest";
import { aspectFor, fitTiles } from "./fitTiles";

const WIDE = 16 / 9;

describe("fitTiles", () => {
  it.each([
    [1, 1600, 900, 1, 1],
    [2, 1600, 900, 2, 1],
    [3, 1600, 900, 2, 2],
    [4, 1600, 900, 2, 2],
    [5, 1600, 900, 3, 2],
    [9, 1600, 900, 3, 3],
    [10, 1600, 900, 4, 3],
    [2, 360, 640, 1, 2],
    [3, 2400, 500, 3, 1],
  ])("%i tiles in %i×%i stand in %i columns and %i rows", (n, width, height, columns, rows) => {
    expect(fitTiles(n, width, height, WIDE)).toMatchObject({ columns, rows });
  });

  it("never leaves the box, and no other number of columns gives much larger tiles", () => {
    for (const [width, height] of [
      [360, 640],
      [1280, 720],
      [2560, 600],
      [800, 800],
    ] as const) {
      for (let n = 1; n <= 60; n += 1) {
        const gap = 8;
        const fit = fitTiles(n, width, height, WIDE, gap);
        expect(fit.columns * fit.rows).toBeGreaterThanOrEqual(n);
        expect(fit.columns * fit.width + gap * (fit.columns - 1)).toBeLessThanOrEqual(width);
        expect(fit.rows * fit.height + gap * (fit.rows - 1)).toBeLessThanOrEqual(height);
        for (let columns = 1; columns <= n; columns += 1) {
          const rows = Math.ceil(n / columns);
          const other = Math.min(
            (width - gap * (columns - 1)) / columns,
            ((height - gap * (rows - 1)) / rows) * WIDE,
          );
          expect(fit.width).toBeGreaterThanOrEqual(Math.floor(other) * 0.96);
        }
      }
    }
  });

  it("gives something drawable even for no tiles or no room", () => {
    expect(fitTiles(0, 800, 600)).toEqual(fitTiles(1, 800, 600));
    expect(fitTiles(3, 0, 0, WIDE, 8)).toMatchObject({ width: 1, height: 1 });
  });
});

it("upright boxes take square pictures", () => {
  expect(aspectFor(1280, 720)).toBeCloseTo(WIDE);
  expect(aspectFor(390, 700)).toBe(1);
});
