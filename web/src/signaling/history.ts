import type { Events } from "./SignalingClient";

/** A page of what was said, oldest first, as `GET /api/v1/rooms/{room}/messages` answers it. */
export interface MessageList {
  messages: readonly Events["chat"][];
  /** There are older ones. */
  hasMore: boolean;
  /** False: some of this stretch may be missing. */
  complete: boolean;
}

/** Loads the newest page, or the one before a message. `guestToken` is of the answer to `join`. */
export type LoadMessages = (guestToken?: string, before?: string) => Promise<MessageList>;

/** The room's history on the server; who came with a token shows that one. */
export function messagesOf(room: string, token?: string): LoadMessages {
  return async (guestToken, before) => {
    const bearer = guestToken ?? token;
    const query = before === undefined ? "" : `?before=${encodeURIComponent(before)}`;
    const answer = await fetch(`/api/v1/rooms/${encodeURIComponent(room)}/messages${query}`, {
      headers: bearer ? { Authorization: `Bearer ${bearer}` } : {},
    });
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return (await answer.json()) as MessageList;
  };
}

/** Where there is no server to ask. */
export const noMessages: LoadMessages = () =>
  Promise.resolve({ messages: [], hasMore: false, complete: true });
