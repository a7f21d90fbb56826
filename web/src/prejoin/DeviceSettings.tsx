import { Mic, Video, Volume2 } from "lucide-react";
import type { DeviceOption } from "../media/devices";
import { useLocal, useSession } from "../room/SessionContext";
import { SelectField } from "../ui/Field";
import "./DeviceSettings.css";

/** Which microphone, camera and speaker to use; the same before and during a call. */
export function DeviceSettings() {
  const { local } = useSession();
  const { devices, microphone, camera, speakerId } = useLocal((state) => state);
  return (
    <div className="device-settings">
      <SelectField
        label="Microphone"
        icon={<Mic size={17} />}
        options={orNone(devices.microphones, microphone.problem)}
        value={current(devices.microphones, microphone.deviceId, microphone.track)}
        disabled={devices.microphones.length === 0}
        onChange={(event) => void local.choose("microphone", event.target.value)}
      />
      <SelectField
        label="Camera"
        icon={<Video size={17} />}
        options={orNone(devices.cameras, camera.problem)}
        value={current(devices.cameras, camera.deviceId, camera.track)}
        disabled={devices.cameras.length === 0}
        onChange={(event) => void local.choose("camera", event.target.value)}
      />
      {devices.speakers.length > 0 && (
        <SelectField
          label="Speaker"
          icon={<Volume2 size={17} />}
          options={devices.speakers}
          value={current(devices.speakers, speakerId, undefined)}
          onChange={(event) => local.chooseSpeaker(event.target.value)}
        />
      )}
    </div>
  );
}

/** The device in use, else the chosen one, else the first. */
function current(
  options: readonly DeviceOption[],
  chosen: string,
  track: MediaStreamTrack | undefined,
): string {
  const inUse = track?.readyState === "live" ? track.getSettings().deviceId : undefined;
  for (const id of [inUse, chosen]) {
    if (id && options.some(({ value }) => value === id)) return id;
  }
  return options[0]?.value ?? "";
}

function orNone(options: DeviceOption[], problem: string | undefined): DeviceOption[] {
  if (options.length > 0) return options;
  return [{ value: "", label: problem?.includes("blocked") ? "Access is blocked" : "None found" }];
}
