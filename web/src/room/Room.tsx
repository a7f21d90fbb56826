import { useEffect, useState } from "react";
import { addNotice, showPanel, type Panel } from "../state/meetingStore";
import { Banners } from "./Banners";
import { ChatPanel } from "./ChatPanel";
import { Controls } from "./Controls";
import { PeoplePanel } from "./PeoplePanel";
import { RemoteAudio } from "./RemoteAudio";
import "./Room.css";
import { SettingsDialog } from "./SettingsDialog";
import { Stage } from "./Stage";
import { Toasts } from "./Toasts";
import { useMeeting, useSession } from "./SessionContext";
import { useShortcuts } from "./useShortcuts";

/** The call itself. */
export function Room() {
  const { client, local, store } = useSession();
  const panel = useMeeting((state) => state.panel);
  const [settings, setSettings] = useState(false);
  const [soundBlocked, setSoundBlocked] = useState(false);
  useDeviceNotices();
  const toggle = (which: Panel) => showPanel(store, panel === which ? undefined : which);
  useShortcuts({
    m: () => void local.setOn("microphone", !local.state.microphone.on),
    v: () => void local.setOn("camera", !local.state.camera.on),
    s: () => client.toggleScreen(),
    h: () => client.media.gestures.setHand(!store.getState().handRaised),
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
