import { MonitorUp, VolumeX, WifiOff } from "lucide-react";
import type { MeetingState } from "../state/meetingStore";
import { Button } from "../ui/Button";
import "./Banners.css";
import { useLocal, useMeeting, useSession } from "./SessionContext";

/** What stays true for a while and that one should know. */
export function Banners({ soundBlocked }: { soundBlocked: boolean }) {
  const { local } = useSession();
  const trouble = useMeeting(describeTrouble);
  const sharing = useLocal((state) => state.screen !== undefined);
  return (
    <div className="banners" role="status">
      {trouble && (
        <div className="banner banner-warning" data-banner="reconnecting">
          <WifiOff size={17} aria-hidden="true" />
          {trouble}
        </div>
      )}
      {sharing && (
        <div className="banner">
          <MonitorUp size={17} aria-hidden="true" />
          You are sharing your screen
          <Button onClick={() => local.stopScreen()}>Stop sharing</Button>
        </div>
      )}
      {soundBlocked && (
        <div className="banner">
          <VolumeX size={17} aria-hidden="true" />
          Your browser is holding back the sound
          <Button>Turn on sound</Button>
        </div>
      )}
    </div>
  );
}

function describeTrouble({ phase, connection, resuming }: MeetingState): string | undefined {
  if (connection !== "connected" || resuming) {
    return "Connection to the server lost. The call goes on while we reconnect…";
  }
  if (phase.name === "pending") return phase.reason;
  return phase.name === "joining" ? "Coming back into the room…" : undefined;
}
