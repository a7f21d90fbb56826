import { describe, expect, it } from "vitest";
import { randomRoomName, roomNameProblem, toRoomName } from "./roomName";

describe("roomNameProblem", () => {
  it.each(["a", "standup", "team-7", "7", "a".repeat(63)])("accepts %s", (name) => {
    expect(roomNameProblem(name)).toBeUndefined();
  });

  it.each([
    ["", /Give the room a name/],
    ["a".repeat(64), /63.*has 64/],
    ["Stand Up", /small letters/],
    ["café", /small letters/],
    ["-a", /starts and ends/],
    ["a-", /starts and ends/],
  ])("explains what is wrong with %j", (name, message) => {
    expect(roomNameProblem(name)).toMatch(message);
  });
});

describe("toRoomName", () => {
  it.each([
    ["  Daily Stand_up ", "daily-stand-up"],
    ["Café", "cafe"],
    ["https://meet.example.org/r/quiet-dome-12?name=Ada", "quiet-dome-12"],
  ])("%j becomes %j", (typed, name) => {
    expect(toRoomName(typed)).toBe(name);
  });
});

it("random names are always valid, at both ends of the dice", () => {
  for (const value of [0, 0.31, 0.5, 0.999999]) {
    expect(roomNameProblem(randomRoomName(() => value))).toBeUndefined();
  }
});
