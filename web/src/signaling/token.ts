/** The token that a link carries behind its `#`, which browsers send to no server. */

export interface TokenClaims {
  room: string;
  identity: string;
  name?: string | undefined;
  grants: readonly string[];
  /** Seconds since 1970. */
  exp: number;
}

interface KeptToken {
  room: string;
  token: string;
}

const KEY = "rotunda.token";

/**
 * The token for a room: from the address, out of which it is taken so that nobody copies or shows it,
 * else the one that this tab was opened with, so that a reload keeps it.
 */
export function takeToken(room: string): string | undefined {
  const token = new URLSearchParams(window.location.hash.slice(1)).get("token");
  if (!token) return keptToken(room);
  const { pathname, search } = window.location;
  window.history.replaceState(window.history.state, "", pathname + search);
  const kept: KeptToken = { room, token };
  sessionStorage.setItem(KEY, JSON.stringify(kept));
  return token;
}

/** What a token says. Only the server can tell whether it is true. */
export function readToken(token: string | undefined): TokenClaims | undefined {
  try {
    const payload = token?.split(".")[1];
    if (payload === undefined) return undefined;
    const base64 = payload.replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const { room, identity, name, grants, exp } = JSON.parse(
      new TextDecoder().decode(bytes),
    ) as Partial<TokenClaims>;
    if (typeof room !== "string" || typeof exp !== "number" || !Array.isArray(grants)) {
      return undefined;
    }
    return { room, identity: String(identity), name, grants: grants as string[], exp };
  } catch {
    return undefined;
  }
}

function keptToken(room: string): string | undefined {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as KeptToken | null;
    return kept?.room === room ? kept.token : undefined;
  } catch {
    return undefined;
  }
}
