// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from "vitest";
import { readToken, takeToken } from "./token";

function base64url(text: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function tokenOf(payload: unknown): string {
  return `e30.${base64url(JSON.stringify(payload))}.c2ln`;
}

describe("takeToken", () => {
  beforeEach(() => sessionStorage.clear());

  it("takes it out of the address and keeps it for reloads of the tab", () => {
    window.history.replaceState(null, "", "/r/standup?cam=0#token=abc");
    expect(takeToken("standup")).toBe("abc");
    expect(window.location.href).toMatch(/\/r\/standup\?cam=0$/);
    expect(takeToken("standup")).toBe("abc");
    expect(takeToken("other")).toBeUndefined();
  });

  it("prefers a newer link, and never reads what a server has seen", () => {
    sessionStorage.setItem("rotunda.token", JSON.stringify({ room: "standup", token: "old" }));
    window.history.replaceState(null, "", "/r/standup?token=leaked");
    expect(takeToken("standup")).toBe("old");
    window.history.replaceState(null, "", "/r/standup#token=new");
    expect(takeToken("standup")).toBe("new");
  });

  it("survives a store that somebody else wrote to", () => {
    sessionStorage.setItem("rotunda.token", "{");
    window.history.replaceState(null, "", "/r/standup");
    expect(takeToken("standup")).toBeUndefined();
  });
});

describe("readToken", () => {
  it("reads what it says, in any script", () => {
    const claims = { room: "standup", identity: "ž", name: "Zoë 你好", grants: ["chat"], exp: 5 };
    expect(readToken(tokenOf(claims))).toEqual(claims);
  });

  it.each([undefined, "", "abc", "a.b.c", tokenOf(5), tokenOf({ room: 1 }), tokenOf(null)])(
    "%j says nothing",
    (token) => expect(readToken(token)).toBeUndefined(),
  );
});
