/** Resolves after so many milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Runs out so long after it was last started. */
export class Countdown {
  /** Resolves when it has run out. */
  readonly over: Promise<void>;
  #runOut: () => void = () => undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.over = new Promise((resolve) => (this.#runOut = resolve));
  }

  start(milliseconds: number): void {
    this.stop();
    this.#timer = setTimeout(this.#runOut, milliseconds);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
