export interface Fit {
  columns: number;
  rows: number;
  /** Of each tile, in whole CSS pixels. */
  width: number;
  height: number;
}

/**
 * About the largest equal tiles of the given aspect (width over height) of which `count` fit into a box,
 * in rows from left to right with a gap between. Tiles are at least one pixel, and a box too small
 * for that overflows.
 */
export function fitTiles(
  count: number,
  boxWidth: number,
  boxHeight: number,
  aspect = 16 / 9,
  gap = 0,
): Fit {
  const choices: Fit[] = [];
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(Math.max(1, count) / columns);
    const width = Math.min(
      (boxWidth - gap * (columns - 1)) / columns,
      ((boxHeight - gap * (rows - 1)) / rows) * aspect,
    );
    choices.push({
      columns,
      rows,
      width: Math.max(1, Math.floor(width)),
      height: Math.max(1, Math.floor(width / aspect)),
    });
  }
  const largest = Math.max(...choices.map(({ width }) => width));
  // Of those that are as good as the largest, the one with the most in a row looks calmest.
  return choices.findLast(({ width }) => width >= largest * GOOD_ENOUGH) ?? FALLBACK;
}

const GOOD_ENOUGH = 0.96;
const FALLBACK: Fit = { columns: 1, rows: 1, width: 1, height: 1 };

/** Wide pictures in a wide box, square ones in an upright box such as a phone's. */
export function aspectFor(boxWidth: number, boxHeight: number): number {
  return boxWidth >= boxHeight ? 16 / 9 : 1;
}
