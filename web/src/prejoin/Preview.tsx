import { Mic, MicOff, Video as VideoIcon, VideoOff } from "lucide-react";
import { joinProblems, type DeviceKind } from "../media/mediaErrors";
import { useLocal, useMeeting, useSession } from "../room/SessionContext";
import { IconButton } from "../ui/Button";
import { Video } from "../ui/Video";
import { LevelMeter } from "./LevelMeter";
import "./Preview.css";

/** One's own camera as others will see it, and the two switches. */
export function Preview() {
  const camera = useLocal((state) => state.camera);
  const microphone = useLocal((state) => state.microphone);
  // The mirror stands still for the moment in which the browser is busy with the call.
  const still = useMeeting((state) => state.phase.name === "joining");
  return (
    <section className="preview" aria-label="Preview">
      {camera.on && camera.track ? (
        <Video track={camera.track} mirrored still={still} />
      ) : (
        <p className="preview-empty">
          {camera.starting && camera.on ? "Starting the camera…" : "Your camera is off"}
        </p>
      )}
      <div className="preview-problems" role="status">
        {joinProblems(camera.problem, microphone.problem).map((problem) => (
          <p key={problem}>{problem}</p>
        ))}
      </div>
      <div className="preview-bar">
        <LevelMeter track={microphone.on ? microphone.track : undefined} />
        <div className="preview-switches">
          <Switch kind="microphone" shortcut="M" />
          <Switch kind="camera" shortcut="V" />
        </div>
      </div>
    </section>
  );
}

function Switch({ kind, shortcut }: { kind: DeviceKind; shortcut: string }) {
  const { local } = useSession();
  const on = useLocal((state) => state[kind].on);
  const [On, Off] = kind === "camera" ? [VideoIcon, VideoOff] : [Mic, MicOff];
  return (
    <IconButton
      label={`Turn ${kind} ${on ? "off" : "on"}`}
      shortcut={shortcut}
      look={on ? "plain" : "off"}
      icon={on ? <On size={21} /> : <Off size={21} />}
      onClick={() => void local.setOn(kind, !on)}
    />
  );
}
