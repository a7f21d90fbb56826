import type { JoinAnswer } from "../contract/signaling";
import { useMeeting, useSession } from "./SessionContext";
import type { Session } from "./session";

export type Permission = JoinAnswer["permissions"][number];

/** What one may do in an Open room without a token. */
const OF_GUESTS: readonly Permission[] = ["publish", "subscribe", "chat"];

/** Before the server has told, the token does; nobody but the server decides. */
export function may({ store, entry }: Session, permission: Permission): boolean {
  const told = store.getState().self?.permissions ?? entry.claims?.grants ?? OF_GUESTS;
  return told.includes(permission);
}

export function useMay(permission: Permission): boolean {
  const session = useSession();
  // Read in the selector, so that an answer that changes it is seen.
  return useMeeting(() => may(session, permission));
}
