/** What is remembered on this device between visits. */
export interface Preferences {
  name: string;
  microphoneOn: boolean;
  cameraOn: boolean;
  microphoneId: string;
  cameraId: string;
  speakerId: string;
}

const KEY = "rotunda.preferences";
const DEFAULTS: Preferences = {
  name: "",
  microphoneOn: true,
  cameraOn: true,
  microphoneId: "",
  cameraId: "",
  speakerId: "",
};

export function loadPreferences(): Preferences {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Preferences>;
    return { ...DEFAULTS, ...stored };
  } catch {
    return DEFAULTS;
  }
}

export function savePreferences(change: Partial<Preferences>): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...loadPreferences(), ...change }));
  } catch {
    // Storage may be full or forbidden; then nothing is remembered, and that is all.
  }
}
