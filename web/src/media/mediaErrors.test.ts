import { expect, it } from "vitest";
import { describeDeviceError, describeScreenError, joinProblems } from "./mediaErrors";

function named(name: string): Error {
  return Object.assign(new Error("details that nobody reads"), { name });
}

it.each([
  [
    "NotAllowedError",
    "Camera access is blocked. Allow it in the browser's address bar and try again.",
  ],
  ["NotFoundError", "No camera was found. Connect one, or go on without."],
  ["NotReadableError", "The camera is in use by another app. Close that app and try again."],
  ["SomethingError", "The camera could not be started (SomethingError)."],
])("%s is told in plain words", (name, words) => {
  expect(describeDeviceError("camera", named(name))).toBe(words);
});

it("says once what is wrong with both devices, and twice what differs", () => {
  const problem = (kind: "camera" | "microphone", name: string) =>
    describeDeviceError(kind, named(name));
  expect(
    joinProblems(problem("camera", "NotAllowedError"), problem("microphone", "NotAllowedError")),
  ).toEqual([
    "Camera and microphone access is blocked. Allow it in the browser's address bar and try again.",
  ]);
  expect(
    joinProblems(problem("camera", "NotFoundError"), problem("microphone", "NotFoundError")),
  ).toEqual(["No camera or microphone was found. Connect one, or go on without."]);
  expect(
    joinProblems(problem("camera", "NotFoundError"), problem("microphone", "NotAllowedError")),
  ).toHaveLength(2);
  expect(joinProblems(undefined, undefined)).toEqual([]);
});

it("closing the screen picker is no problem", () => {
  expect(describeScreenError(named("NotAllowedError"))).toBeUndefined();
  expect(describeScreenError(named("NotReadableError"))).toMatch(/screen/);
});
