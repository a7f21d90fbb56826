import { expect, it } from "vitest";
import { addMessage, continues, EMPTY_CHAT, type ChatMessage } from "./chat";

function message(change: Partial<ChatMessage> = {}): ChatMessage {
  return {
    id: "m1",
    from: "p1",
    displayName: "Ada",
    text: "hello",
    sentAt: "2026-01-01T10:00:00.000Z",
    own: false,
    ...change,
  };
}

it("counts what others say while nobody looks", () => {
  let chat = addMessage(EMPTY_CHAT, message(), false);
  chat = addMessage(chat, message({ id: "m2", own: true }), false);
  chat = addMessage(chat, message({ id: "m3" }), true);
  expect(chat.messages.map(({ id }) => id)).toEqual(["m1", "m2", "m3"]);
  expect(chat.unread).toBe(1);
});

it("takes a repeated message once", () => {
  const chat = addMessage(EMPTY_CHAT, message(), false);
  expect(addMessage(chat, message(), false)).toBe(chat);
});

it("joins lines of one speaker to the same people within three minutes", () => {
  const first = message();
  expect(continues(undefined, first)).toBe(false);
  expect(continues(first, message({ sentAt: "2026-01-01T10:02:59.000Z" }))).toBe(true);
  expect(continues(first, message({ sentAt: "2026-01-01T10:03:00.000Z" }))).toBe(false);
  expect(continues(first, message({ from: "p2" }))).toBe(false);
  expect(continues(first, message({ to: "p2" }))).toBe(false);
});
