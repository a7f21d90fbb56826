import { exposeAutomation } from "../automation";
import { LocalMedia } from "../media/LocalMedia";
import { MeetingClient } from "../media/MeetingClient";
import { messagesOf } from "../signaling/history";
import { SignalingClient } from "../signaling/SignalingClient";
import { readToken, takeToken, type TokenClaims } from "../signaling/token";
import { createMeetingStore, type MeetingStore } from "../state/meetingStore";
import { loadPreferences } from "../state/preferences";

/** What a link to a room may say beyond its name. */
export interface EntryOptions {
  name: string;
  /** Join at once, without the pre-join page. */
  join: boolean;
  microphone: boolean;
  camera: boolean;
  token: string | undefined;
  /** What the token says of whom it lets in. */
  claims: TokenClaims | undefined;
}

/** `?name=Ada&join=1&mic=0&cam=0#token=…`; what is absent comes from the token or what is remembered. */
function entryOptions(search: string, token: string | undefined): EntryOptions {
  const query = new URLSearchParams(search);
  const remembered = loadPreferences();
  const flag = (key: string, otherwise: boolean) => {
    const value = query.get(key);
    return value === null ? otherwise : value !== "0" && value !== "false";
  };
  const claims = readToken(token);
  // Who may only watch is not asked for a camera.
  const publishes = claims?.grants.includes("publish") ?? true;
  return {
    name: (claims?.name ?? query.get("name") ?? remembered.name).trim(),
    join: flag("join", false),
    microphone: publishes && flag("mic", remembered.microphoneOn),
    camera: publishes && flag("cam", remembered.cameraOn),
    token,
    claims,
  };
}

/** Everything that lives as long as a room's page does. */
export interface Session {
  room: string;
  entry: EntryOptions;
  local: LocalMedia;
  store: MeetingStore;
  client: MeetingClient;
}

export function createSession(room: string): Session {
  const entry = entryOptions(window.location.search, takeToken(room));
  const local = new LocalMedia(entry);
  const store = createMeetingStore();
  const signaling = new SignalingClient(window.location.origin, entry.token);
  const load = messagesOf(room, entry.token);
  const client = new MeetingClient(room, signaling, local, store, undefined, load);
  return { room, entry, local, store, client };
}

/** Starts what the page needs; returns the way to end it. */
export function runSession({ client, local, entry }: Session): () => void {
  const hide = exposeAutomation(client);
  const unwatch = local.watchDevices();
  // A page that goes away says so, or its last picture would stand for half a minute.
  const leave = () => client.leave();
  window.addEventListener("pagehide", leave);
  // Another link to the same room changes nothing but what is behind the `#`.
  const enterAnew = () => window.location.hash.includes("token=") && window.location.reload();
  window.addEventListener("hashchange", enterAnew);
  const started = local.start();
  if (entry.join && entry.name) {
    void started;
    void client.join(entry.name);
  }
  return () => {
    window.removeEventListener("pagehide", leave);
    window.removeEventListener("hashchange", enterAnew);
    unwatch();
    hide();
    client.dispose();
  };
}
