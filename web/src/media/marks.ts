/** Performance marks of a join, for whoever measures it (`performance.getEntriesByName`). */
export type JoinMark = "rotunda:join-click" | "rotunda:joined" | "rotunda:first-frame";

export function mark(name: JoinMark): void {
  if (name === "rotunda:join-click") {
    for (const old of ["rotunda:joined", "rotunda:first-frame"]) performance.clearMarks(old);
    performance.clearMarks(name);
  }
  if (performance.getEntriesByName(name).length === 0) performance.mark(name);
}
