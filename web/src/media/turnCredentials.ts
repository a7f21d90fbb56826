import type { types } from "mediasoup-client";

type IceServers = types.TransportOptions["iceServers"];

/**
 * Milliseconds until the first of the credentials opens no relay any more: a time-limited username
 * begins with that time, in seconds since 1970. Nothing where none is limited.
 */
export function millisecondsLeft(iceServers: IceServers, now: number): number | undefined {
  const ends = (iceServers ?? []).flatMap(({ username }) => {
    const seconds = /^(\d+):/.exec(username ?? "")?.[1];
    return seconds ? [Number(seconds) * 1000] : [];
  });
  return ends.length ? Math.min(...ends) - now : undefined;
}
