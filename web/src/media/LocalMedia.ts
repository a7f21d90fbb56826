import { createStore, type StoreApi } from "zustand/vanilla";
import { loadPreferences, savePreferences } from "../state/preferences";
import { listDevices, openBoth, openDevice, openScreen, type DeviceLists } from "./devices";
import { describeDeviceError, describeScreenError, type DeviceKind } from "./mediaErrors";

/** A microphone or a camera: wanted or not, and its track once the browser has given it. */
export interface LocalDevice {
  on: boolean;
  starting: boolean;
  deviceId: string;
  track?: MediaStreamTrack | undefined;
  problem?: string | undefined;
}

export interface LocalMediaState {
  microphone: LocalDevice;
  camera: LocalDevice;
  screen?: { video: MediaStreamTrack; audio?: MediaStreamTrack | undefined } | undefined;
  speakerId: string;
  devices: DeviceLists;
}

/**
 * What this page captures. It owns the tracks: it alone opens and stops them. A muted microphone
 * stays open, so that unmuting is instant; a camera that is off is released, so that its light is.
 */
export class LocalMedia {
  readonly store: StoreApi<LocalMediaState>;

  constructor(initial: { microphone: boolean; camera: boolean }) {
    const { microphoneId, cameraId, speakerId } = loadPreferences();
    const device = (on: boolean, deviceId: string) => ({ on, starting: false, deviceId });
    this.store = createStore(() => ({
      microphone: device(initial.microphone, microphoneId),
      camera: device(initial.camera, cameraId),
      speakerId,
      devices: { microphones: [], cameras: [], speakers: [] },
    }));
  }

  get state(): LocalMediaState {
    return this.store.getState();
  }

  /** Opens what is wanted. Never fails: what is wrong with a device stands in its `problem`. */
  async start(): Promise<void> {
    const { microphone, camera } = this.state;
    if (microphone.on && camera.on) await this.#startBoth();
    else await Promise.all(KINDS.map((kind) => this.#start(kind)));
    await this.refreshDevices();
  }

  async setOn(kind: DeviceKind, on: boolean, remember = true): Promise<void> {
    if (remember) savePreferences(kind === "camera" ? { cameraOn: on } : { microphoneOn: on });
    this.#change(kind, { on, problem: undefined });
    if (on) {
      await this.#start(kind);
      await this.refreshDevices();
    } else if (kind === "camera") {
      this.#release(kind);
    } else {
      this.#syncEnabled();
    }
  }

  async choose(kind: DeviceKind, deviceId: string): Promise<void> {
    savePreferences(kind === "camera" ? { cameraId: deviceId } : { microphoneId: deviceId });
    this.#change(kind, { deviceId, problem: undefined });
    const before = this.state[kind].track;
    if (!before && !this.state[kind].on) return;
    // Phones give one camera at a time, so the old one goes first.
    if (kind === "camera") this.#release(kind);
    await this.#open(kind);
    if (this.state[kind].track !== before) before?.stop();
  }

  chooseSpeaker(speakerId: string): void {
    savePreferences({ speakerId });
    this.store.setState({ speakerId });
  }

  /** Publishes a track of the caller's own in place of the device's. */
  useTrack(kind: DeviceKind, track: MediaStreamTrack): void {
    this.#release(kind);
    this.#adopt(kind, track);
    this.#change(kind, { on: true, problem: undefined });
    this.#syncEnabled();
  }

  /** Answers what went wrong, in plain words, or undefined. */
  async shareScreen(): Promise<string | undefined> {
    try {
      const stream = await openScreen();
      const [video] = stream.getVideoTracks();
      if (!video) return "The browser gave no picture of the screen.";
      video.contentHint = "detail";
      video.addEventListener("ended", () => {
        if (this.state.screen?.video === video) this.stopScreen();
      });
      this.stopScreen();
      this.store.setState({ screen: { video, audio: stream.getAudioTracks()[0] } });
      return undefined;
    } catch (error) {
      return describeScreenError(error);
    }
  }

  stopScreen(): void {
    const { screen } = this.state;
    screen?.video.stop();
    screen?.audio?.stop();
    this.store.setState({ screen: undefined });
  }

  async refreshDevices(): Promise<void> {
    try {
      this.store.setState({ devices: await listDevices() });
    } catch {
      // No devices to list on an insecure page; the device's own problem says so.
    }
  }

  /** Calls back for as long as devices come and go; returns the way to stop. */
  watchDevices(): () => void {
    if (!("mediaDevices" in navigator)) return () => undefined;
    const listener = () => void this.refreshDevices();
    navigator.mediaDevices.addEventListener("devicechange", listener);
    return () => navigator.mediaDevices.removeEventListener("devicechange", listener);
  }

  stop(): void {
    for (const kind of KINDS) this.#release(kind);
    this.stopScreen();
  }

  async #startBoth(): Promise<void> {
    const { microphone, camera } = this.state;
    for (const kind of KINDS) this.#change(kind, { starting: true });
    try {
      const opened = await openBoth(microphone.deviceId, camera.deviceId);
      for (const kind of KINDS) this.#adopt(kind, opened[kind]);
    } catch {
      // One of them is at fault: alone, each can say what is wrong with it.
      await Promise.all(KINDS.map((kind) => this.#open(kind)));
    }
    for (const kind of KINDS) this.#change(kind, { starting: false });
    this.#syncEnabled();
  }

  async #start(kind: DeviceKind): Promise<void> {
    const { on, track, starting } = this.state[kind];
    if (on && !track && !starting) await this.#open(kind);
    this.#syncEnabled();
  }

  async #open(kind: DeviceKind): Promise<void> {
    this.#change(kind, { starting: true });
    try {
      this.#adopt(kind, await openDevice(kind, this.state[kind].deviceId));
      this.#change(kind, { starting: false });
      // It may have been switched off while the browser was still asking.
      if (!this.state[kind].on && kind === "camera") this.#release(kind);
    } catch (error) {
      const problem = describeDeviceError(kind, error);
      this.#change(kind, { starting: false, on: false, track: undefined, problem });
    }
    this.#syncEnabled();
  }

  #adopt(kind: DeviceKind, track: MediaStreamTrack | undefined): void {
    track?.addEventListener("ended", () => {
      if (this.state[kind].track !== track) return;
      const problem = `The ${kind} was disconnected.`;
      this.#change(kind, { track: undefined, on: false, problem });
    });
    this.#change(kind, { track });
  }

  #release(kind: DeviceKind): void {
    this.state[kind].track?.stop();
    this.#change(kind, { track: undefined });
  }

  #syncEnabled(): void {
    const { on, track } = this.state.microphone;
    if (track) track.enabled = on;
  }

  #change(kind: DeviceKind, change: Partial<LocalDevice>): void {
    const device = { ...this.state[kind], ...change };
    this.store.setState(kind === "camera" ? { camera: device } : { microphone: device });
  }
}

const KINDS: readonly DeviceKind[] = ["microphone", "camera"];
