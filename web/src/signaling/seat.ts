/** The seat that this page holds: with it the same participant comes back after a lost connection. */
export interface HeldSeat {
  room: string;
  displayName: string;
  seat: string;
}

const KEY = "rotunda.seat";

/** Kept for the tab alone, so that a reload is the same person and a second tab is another. */
export function holdSeat(held: HeldSeat): void {
  sessionStorage.setItem(KEY, JSON.stringify(held));
}

/** The seat from an earlier page of this tab, if it is for the same room and name. */
export function heldSeat(room: string, displayName: string): string | undefined {
  try {
    const held = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as HeldSeat | null;
    return held?.room === room && held.displayName === displayName ? held.seat : undefined;
  } catch {
    return undefined;
  }
}

export function giveUpSeat(): void {
  sessionStorage.removeItem(KEY);
}
