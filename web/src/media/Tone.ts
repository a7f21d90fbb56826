import type { LocalMedia } from "./LocalMedia";

/** A steady tone in place of the microphone, for trying out rooms without anybody speaking. */
export class Tone {
  #context: AudioContext | undefined;
  #gain: GainNode | undefined;
  #oscillator: OscillatorNode | undefined;

  constructor(private readonly local: LocalMedia) {}

  async set(level: number, hertz = 440): Promise<void> {
    if (!this.#context) this.#start(hertz);
    if (this.#oscillator) this.#oscillator.frequency.value = hertz;
    if (this.#gain) this.#gain.gain.value = level;
    await this.#context?.resume();
  }

  #start(hertz: number): void {
    const context = new AudioContext();
    const out = context.createMediaStreamDestination();
    this.#gain = context.createGain();
    this.#oscillator = context.createOscillator();
    this.#oscillator.frequency.value = hertz;
    this.#oscillator.connect(this.#gain).connect(out);
    this.#oscillator.start();
    this.#context = context;
    const [track] = out.stream.getAudioTracks();
    if (track) this.local.useTrack("microphone", track);
  }
}
