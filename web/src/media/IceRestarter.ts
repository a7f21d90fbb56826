import type { types } from "mediasoup-client";
import { SignalingError } from "../signaling/errors";

/** A short break often mends itself: only after this long is ICE started anew. */
const PATIENCE_MS = 1_500;
const BACKOFF_MS = 1_000;
const BACKOFF_MAX_MS = 8_000;

export interface IceRestartHooks {
  /** Asks the server for new credentials and gives them to the transport. */
  restart: () => Promise<void>;
  /** The server has lost the transport: there is nothing to restart. */
  gone: () => void;
}

/** Restarts ICE for as long as a transport is not connected, with growing pauses. */
export class IceRestarter {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #wasConnected = false;
  #broken = false;

  constructor(private readonly hooks: IceRestartHooks) {}

  /** Tells the state of the connection, each time that it changes. */
  stateChanged(state: types.ConnectionState): void {
    if (state === "connected" || state === "closed") {
      this.#wasConnected ||= state === "connected";
      this.#attempts = 0;
      this.stop();
    } else if (state === "failed") {
      this.#begin(0);
    } else if (state === "disconnected" && this.#wasConnected) {
      this.#begin(PATIENCE_MS);
    }
  }

  stop(): void {
    this.#broken = false;
    clearTimeout(this.#timer);
  }

  #begin(delay: number): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#schedule(delay);
  }

  #schedule(delay: number): void {
    this.#timer = setTimeout(() => void this.#restart(), delay);
  }

  async #restart(): Promise<void> {
    this.#attempts += 1;
    try {
      await this.hooks.restart();
    } catch (error) {
      if (error instanceof SignalingError && error.code === "not_found") {
        this.stop();
        this.hooks.gone();
        return;
      }
    }
    // Only a change to connected ends it; until then, again.
    if (this.#broken) this.#schedule(this.#backoff());
  }

  #backoff(): number {
    return Math.min(BACKOFF_MS * 2 ** this.#attempts, BACKOFF_MAX_MS);
  }
}
