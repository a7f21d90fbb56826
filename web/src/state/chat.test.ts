import { expect, it } from "vitest";
import { addHistory, addMessage, continues, EMPTY_CHAT, type ChatMessage } from "./chat";

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

it("puts what the server kept before what is new, each message once", () => {
  const at = (id: string, minute: number) =>
    message({ id, sentAt: `2026-01-01T10:0${minute}:00.000Z` });
  let chat = addMessage(EMPTY_CHAT, at("m3", 3), true);
  chat = addMessage(chat, at("m4", 4), false);
  const newest = { messages: [at("m2", 2), at("m3", 3)], hasMore: true, complete: true };
  chat = addHistory(chat, newest);
  expect(chat.messages.map(({ id }) => id)).toEqual(["m2", "m3", "m4"]);
  expect(chat).toMatchObject({ unread: 1, hasMore: true, incomplete: false });
  chat = addHistory(chat, { messages: [at("m1", 1)], hasMore: false, complete: false });
  expect(chat.messages.map(({ id }) => id)).toEqual(["m1", "m2", "m3", "m4"]);
  expect(chat).toMatchObject({ hasMore: false, incomplete: true });
  expect(addHistory(chat, newest).hasMore).toBe(false);
});

it("has no more where nothing was kept", () => {
  const chat = addHistory(EMPTY_CHAT, { messages: [], hasMore: false, complete: true });
  expect(chat).toEqual(EMPTY_CHAT);
});
