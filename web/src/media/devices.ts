import { InsecureContextError, type DeviceKind } from "./mediaErrors";

export interface DeviceOption {
  value: string;
  label: string;
}

export interface DeviceLists {
  microphones: DeviceOption[];
  cameras: DeviceOption[];
  speakers: DeviceOption[];
}

/** The size that gives three simulcast layers and still suits most cameras. */
const CAMERA: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30 },
};

const MICROPHONE: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
};

/** Opens one device; one that is not there any more falls back to the system's choice. */
export async function openDevice(kind: DeviceKind, deviceId: string): Promise<MediaStreamTrack> {
  const open = async (id: string) => {
    const constraints = { ...(kind === "camera" ? CAMERA : MICROPHONE), ...exactly(id) };
    const stream = await devices().getUserMedia(
      kind === "camera" ? { video: constraints } : { audio: constraints },
    );
    const [track] = stream.getTracks();
    if (!track) throw new Error("The browser gave no track.");
    return track;
  };
  try {
    return await open(deviceId);
  } catch (error) {
    if (deviceId && error instanceof Error && error.name === "OverconstrainedError") {
      return open("");
    }
    throw error;
  }
}

/** Both with one question to the person, where the browser asks. */
export async function openBoth(
  microphoneId: string,
  cameraId: string,
): Promise<{ microphone: MediaStreamTrack | undefined; camera: MediaStreamTrack | undefined }> {
  const stream = await devices().getUserMedia({
    audio: { ...MICROPHONE, ...exactly(microphoneId) },
    video: { ...CAMERA, ...exactly(cameraId) },
  });
  return { microphone: stream.getAudioTracks()[0], camera: stream.getVideoTracks()[0] };
}

export async function openScreen(): Promise<MediaStream> {
  if (!("mediaDevices" in navigator)) throw new InsecureContextError();
  return navigator.mediaDevices.getDisplayMedia({
    video: { frameRate: { ideal: 15, max: 30 } },
    audio: true,
  });
}

/** Names are blank until the person has allowed a device; then they are numbered. */
export async function listDevices(): Promise<DeviceLists> {
  const found = await devices().enumerateDevices();
  const of = (kind: MediaDeviceKind, word: string) =>
    found
      .filter((device) => device.kind === kind && device.deviceId !== "")
      .map((device, index) => ({
        value: device.deviceId,
        label: device.label || `${word} ${index + 1}`,
      }));
  return {
    microphones: of("audioinput", "Microphone"),
    cameras: of("videoinput", "Camera"),
    speakers: canChooseSpeaker() ? of("audiooutput", "Speaker") : [],
  };
}

function canChooseSpeaker(): boolean {
  return "setSinkId" in HTMLMediaElement.prototype;
}

export function canShareScreen(): boolean {
  return "mediaDevices" in navigator && "getDisplayMedia" in navigator.mediaDevices;
}

function devices(): MediaDevices {
  if (!("mediaDevices" in navigator)) throw new InsecureContextError();
  return navigator.mediaDevices;
}

function exactly(deviceId: string): MediaTrackConstraints {
  return deviceId ? { deviceId: { exact: deviceId } } : {};
}
