import { describe as group, expect, it } from "vitest";
import type { SignalingErrorCode } from "../signaling/errors";
import type { TokenClaims } from "../signaling/token";
import type { Phase } from "../state/meetingStore";
import { describe } from "./Ending";

const CLAIMS: TokenClaims = {
  room: "standup",
  identity: "ada",
  grants: ["publish"],
  exp: Date.now() / 1000 + 3600,
};
const NO_LINK = { token: undefined, claims: undefined };
const LINK = { token: "t", claims: CLAIMS };

function failed(code: SignalingErrorCode, message = "the token is bad"): Phase {
  return { name: "failed", code, message };
}

group("what the end of a call says", () => {
  it.each([
    ["removed", { name: "removed", reason: "…", code: "moderator" }, NO_LINK, "You were removed"],
    ["refused as removed", failed("forbidden"), LINK, "You were removed"],
    ["no link", failed("unauthorized"), NO_LINK, "This room needs a link with a token"],
    [
      "expired",
      failed("unauthorized"),
      { token: "t", claims: { ...CLAIMS, exp: 1 } },
      "This link has expired",
    ],
    [
      "expired by the server's clock",
      failed("unauthorized", "the token has expired at 2026-01-01"),
      LINK,
      "This link has expired",
    ],
    [
      "another room",
      failed("forbidden"),
      { token: "t", claims: { ...CLAIMS, room: "other" } },
      "This link is for another room",
    ],
    ["a worthless link", failed("unauthorized"), LINK, "This link does not open the room"],
  ] as const)("%s", (_, phase, entry, title) => {
    const told = describe(phase, "standup", entry);
    expect(told.title).toBe(title);
    expect(told.again).toBeUndefined();
  });

  it("shows what the server says of a worthless link as a sentence", () => {
    expect(describe(failed("unauthorized"), "standup", LINK).text).toBe("The token is bad.");
  });

  it("leads back in from where another tab has taken the seat", () => {
    const phase: Phase = { name: "removed", reason: "elsewhere", code: "taken_over" };
    expect(describe(phase, "standup", NO_LINK).again).toBe("Join here again");
  });
});
