import { useEffect, useState } from "react";
import { hasRaisedHand } from "../state/hands";
import { addNotice, showPanel, type Panel } from "../state/meetingStore";
import { Banners } from "./Banners";
import { ChatPanel } from "./ChatPanel";
import { Controls } from "./Controls";
import { PeoplePanel } from "./PeoplePanel";
import { may } from "./permissions";
import { RemoteAudio } from "./RemoteAudio";
import "./Room.css";
import { SettingsDialog } from "./SettingsDialog";
import { Stage } from "./Stage";
import { Toasts } from "./Toasts";
import { useMeeting, useSession } from "./SessionContext";
import { useShortcuts } from "./useShortcuts";

/** The call itself. */
export function Room() {
  const session = useSession();
  const { client, local, store } = session;
  const panel = useMeeting((state) => state.panel);
  const [settings, setSettings] = useState(false);
  const [soundBlocked, setSoundBlocked] = useState(false);
  useDeviceNotices();
  const toggle = (which: Panel) => showPanel(store, panel === which ? undefined : which);
  const publishing = (action: () => void) => () => {
    if (may(session, "publish")) action();
  };
  useShortcuts({
    m: publishing(() => void local.setOn("microphone", !local.state.microphone.on)),
    v: publishing(() => void local.setOn("camera", !local.state.camera.on)),
    s: publishing(() => client.toggleScreen()),
    h: () => void client.gestures.setHand(!hasRaisedHand(store.getState().self)),
    c: () => toggle("chat"),
    p: () => toggle("people"),
    escape: () => showPanel(store, undefined),
  });
  return (
    <div className="room">
      <Banners soundBlocked={soundBlocked} />
      <main className="room-middle">
        <Stage />
        {panel === "chat" && <ChatPanel />}
        {panel === "people" && <PeoplePanel />}
      </main>
      <Controls onToggle={toggle} onSettings={() => setSettings(true)} />
      <RemoteAudio onBlocked={setSoundBlocked} />
      <Toasts />
      {settings && <SettingsDialog onClose={() => setSettings(false)} />}
    </div>
  );
}

/** A device that fails during a call says so. */
function useDeviceNotices() {
  const { local, store } = useSession();
  useEffect(
    () =>
      local.store.subscribe((state, before) => {
        for (const kind of ["camera", "microphone"] as const) {
          const { problem } = state[kind];
          if (problem && problem !== before[kind].problem) addNotice(store, "problem", problem);
        }
      }),
    [local, store],
  );
}
