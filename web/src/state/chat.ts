/** One line of the conversation. `to` is there when it is between two people alone. */
export interface ChatMessage {
  id: string;
  from: string;
  displayName: string;
  text: string;
  to?: string | undefined;
  /** The other end's name, for a private message of one's own. */
  toName?: string | undefined;
  /** RFC 3339. */
  sentAt: string;
  own: boolean;
}

export interface ChatState {
  messages: readonly ChatMessage[];
  unread: number;
  /** The server has older messages. */
  hasMore: boolean;
  /** Some of what was said before may be missing. */
  incomplete: boolean;
}

export const EMPTY_CHAT: ChatState = {
  messages: [],
  unread: 0,
  hasMore: false,
  incomplete: false,
};

/** A repeated message changes nothing. Others' messages count as unread unless they are seen. */
export function addMessage(chat: ChatState, message: ChatMessage, seen: boolean): ChatState {
  if (chat.messages.some(({ id }) => id === message.id)) return chat;
  return {
    ...chat,
    messages: [...chat.messages, message],
    unread: seen || message.own ? chat.unread : chat.unread + 1,
  };
}

/**
 * What the server kept takes its place among what is known, by time; nothing of it is unread.
 * `hasMore` is about what comes before the oldest message of all, so a newer page does not change it.
 */
export function addHistory(
  chat: ChatState,
  page: { messages: readonly ChatMessage[]; hasMore: boolean; complete: boolean },
): ChatState {
  const known = new Set(chat.messages.map(({ id }) => id));
  const added = page.messages.filter(({ id }) => !known.has(id));
  const messages = [...added, ...chat.messages].sort(
    (one, other) => Date.parse(one.sentAt) - Date.parse(other.sentAt),
  );
  const oldest = page.messages[0]?.id;
  return {
    messages,
    unread: chat.unread,
    hasMore: oldest === messages[0]?.id ? page.hasMore : chat.hasMore,
    incomplete: chat.incomplete || !page.complete,
  };
}

/** Whether a message is shown under the one before it without saying again who speaks. */
export function continues(before: ChatMessage | undefined, message: ChatMessage): boolean {
  return (
    before?.from === message.from &&
    before.to === message.to &&
    Date.parse(message.sentAt) - Date.parse(before.sentAt) < 3 * 60_000
  );
}
