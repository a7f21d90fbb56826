import { describe, expect, it } from "vitest";
import { arrange, type Rect } from "./arrange";

const BOXES = [
  [1280, 640],
  [340, 560],
  [2560, 700],
  [700, 700],
] as const;

function people(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `p${index}`);
}

function overlap(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function expectTidy(rects: Rect[], width: number, height: number) {
  rects.forEach((rect, index) => {
    expect(rect.x).toBeGreaterThanOrEqual(0);
    expect(rect.y).toBeGreaterThanOrEqual(0);
    expect(rect.x + rect.width).toBeLessThanOrEqual(width);
    expect(rect.y + rect.height).toBeLessThanOrEqual(height);
    for (const other of rects.slice(index + 1)) expect(overlap(rect, other)).toBe(false);
  });
}

describe("arrange", () => {
  it.each(BOXES)("in %i×%i every tile stands inside and apart from the others", (width, height) => {
    for (const count of [1, 2, 3, 4, 5, 7, 9, 16, 30]) {
      const keys = people(count);
      for (const spotlight of [undefined, "p0"]) {
        const places = arrange({ keys, spotlight }, width, height);
        expect([...places.keys()].sort()).toEqual([...keys].sort());
        expectTidy([...places.values()], width, height);
      }
    }
  });

  it("gives a single picture the whole box", () => {
    expect(arrange({ keys: ["p0"] }, 800, 500).get("p0")).toEqual({
      x: 0,
      y: 0,
      width: 800,
      height: 500,
    });
  });

  it("puts the spotlight's strip beside it where the box is wide, below where it is not", () => {
    const keys = people(4);
    const wide = arrange({ keys, spotlight: "p0" }, 1280, 640);
    const upright = arrange({ keys, spotlight: "p0" }, 360, 640);
    const right = (rect?: Rect) => (rect ? rect.x + rect.width : NaN);
    const bottom = (rect?: Rect) => (rect ? rect.y + rect.height : NaN);
    expect(wide.get("p1")?.x).toBeGreaterThan(right(wide.get("p0")));
    expect(upright.get("p1")?.y).toBeGreaterThan(bottom(upright.get("p0")));
  });

  it("lets one tile float over the others without taking their place", () => {
    const places = arrange({ keys: ["me", "p1"], floating: "me" }, 1280, 640);
    expect(places.get("p1")).toMatchObject({ width: 1280, height: 640 });
    const floating = places.get("me");
    expect(floating?.width).toBeLessThan(300);
    expectTidy(floating ? [floating] : [], 1280, 640);
  });

  it("ignores a spotlight that is not there", () => {
    const places = arrange({ keys: people(2), spotlight: "gone" }, 800, 500);
    expect(places).toEqual(arrange({ keys: people(2) }, 800, 500));
  });
});
