import { aspectFor, fitTiles } from "./fitTiles";

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Arrangement {
  /** All tiles, in their order. */
  keys: readonly string[];
  /** The one that gets the room; the others stand in a strip beside or below it. */
  spotlight?: string | undefined;
  /** The one that floats in a corner over the others. */
  floating?: string | undefined;
}

const GAP = 10;

/** Where each tile stands in a box, by its key. */
export function arrange(
  { keys, spotlight, floating }: Arrangement,
  width: number,
  height: number,
): Map<string, Rect> {
  const box = { x: 0, y: 0, width, height };
  const standing = keys.filter((key) => key !== floating);
  const [alone] = standing;
  let places: Map<string, Rect>;
  if (spotlight !== undefined && standing.includes(spotlight)) {
    places = inSpotlight(standing, spotlight, box);
  } else if (alone !== undefined && standing.length === 1) {
    // A single picture may use all there is; its edges are cut, not its middle.
    places = new Map([[alone, box]]);
  } else {
    places = inGrid(standing, box, aspectFor(width, height));
  }
  if (floating !== undefined && keys.includes(floating)) places.set(floating, inCorner(box));
  return places;
}

function inGrid(keys: readonly string[], box: Rect, aspect: number): Map<string, Rect> {
  const fit = fitTiles(keys.length, box.width, box.height, aspect, GAP);
  const top = box.y + (box.height - fit.rows * fit.height - (fit.rows - 1) * GAP) / 2;
  return new Map(
    keys.map((key, index) => {
      const row = Math.floor(index / fit.columns);
      const inRow = Math.min(fit.columns, keys.length - row * fit.columns);
      const left = box.x + (box.width - inRow * fit.width - (inRow - 1) * GAP) / 2;
      const x = Math.round(left + (index % fit.columns) * (fit.width + GAP));
      const y = Math.round(top + row * (fit.height + GAP));
      return [key, { x, y, width: fit.width, height: fit.height }];
    }),
  );
}

function inSpotlight(keys: readonly string[], spotlight: string, box: Rect): Map<string, Rect> {
  const others = keys.filter((key) => key !== spotlight);
  if (others.length === 0) return new Map([[spotlight, box]]);
  const beside = box.width >= box.height;
  const strip = beside
    ? Math.round(Math.min(280, Math.max(140, box.width * 0.19)))
    : Math.round(Math.min(190, Math.max(90, box.height * 0.22)));
  const main = beside
    ? { ...box, width: Math.max(1, box.width - strip - GAP) }
    : { ...box, height: Math.max(1, box.height - strip - GAP) };
  const rest = beside
    ? { ...box, x: box.x + main.width + GAP, width: strip }
    : { ...box, y: box.y + main.height + GAP, height: strip };
  return inGrid(others, rest, 16 / 9).set(spotlight, main);
}

function inCorner(box: Rect): Rect {
  const width = Math.round(Math.min(260, Math.max(110, box.width * 0.2)));
  const height = Math.round(width / (box.width >= box.height ? 16 / 9 : 3 / 4));
  return {
    x: box.x + box.width - width - GAP - 2,
    y: box.y + box.height - height - GAP - 2,
    width,
    height,
  };
}
