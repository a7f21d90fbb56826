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
}

export const EMPTY_CHAT: ChatState = { messages: [], unread: 0 };

/** A repeated message changes nothing. Others' messages count as unread unless they are seen. */
export function addMessage(chat: ChatState, message: ChatMessage, seen: boolean): ChatState {
  if (chat.messages.some(({ id }) => id === message.id)) return chat;
  return {
    messages: [...chat.messages, message],
    unread: seen || message.own ? chat.unread : chat.unread + 1,
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
