/** The contract's reasons, in words for people. */

export function describeRemoved(reason: string): string {
  switch (reason) {
    case "taken_over":
      return "You joined this room from another tab or window.";
    case "moderator":
      return "A moderator has removed you from this room.";
    default:
      return "You were removed from this room.";
  }
}

export function describeClosed(reason: string): string {
  switch (reason) {
    case "closed":
      return "A moderator has closed it for everyone.";
    case "deleted":
      return "The room was deleted.";
    default:
      return "It is over for everyone.";
  }
}

/** What is told to somebody whose message could not be stored. */
export const NOT_STORED =
  "Your message is out, but who comes later may not see it: it could not be stored.";

/** Of a message that has not reached everybody. */
export function describeDelayed(people: number): string {
  const who = people === 1 ? "One person gets" : `${people} people get`;
  return `${who} your message later: the servers do not reach each other just now.`;
}
