import { io, type Socket } from "socket.io-client";
import type { ErrorAnswer, SignalingContract } from "../contract/signaling";
import { SignalingError } from "./errors";

export type Requests = SignalingContract["requests"];
export type Answers = SignalingContract["answers"];
export type Events = SignalingContract["events"];
export type RequestName = keyof Requests;
export type EventName = keyof Events;
export type ConnectionState = "connecting" | "connected" | "disconnected";

const TIMEOUT_MS = 10_000;
/** `join`, and what is sent right behind it, waits for a node that is still coming up. */
export const JOIN_TIMEOUT_MS = 40_000;

const RECONNECT_DELAY_MS = 400;
const RECONNECT_DELAY_MAX_MS = 4_000;

/** What the rest of the app needs of signaling; FakeSignaling is the other one. */
export type Signaling = Pick<
  SignalingClient,
  | "refusal"
  | "request"
  | "notify"
  | "on"
  | "onConnection"
  | "whenConnected"
  | "cut"
  | "reopen"
  | "close"
>;

/** One socket to signaling, typed by the contract. Requests take effect in the order they are sent. */
export class SignalingClient {
  readonly #socket: Socket;
  #connection: ConnectionState = "connecting";
  #connectionListeners = new Set<(state: ConnectionState) => void>();
  #token: string | undefined;
  #wasConnected = false;
  /** Why the server refused this socket, if it did. */
  refusal: SignalingError | undefined;

  constructor(url: string, token?: string) {
    this.#token = token;
    this.#socket = io(url, {
      transports: ["websocket"],
      auth: (tell) => tell(this.#token ? { token: this.#token } : {}),
      reconnectionDelay: RECONNECT_DELAY_MS,
      reconnectionDelayMax: RECONNECT_DELAY_MAX_MS,
      // Pages do not share a socket: each one is somebody else.
      forceNew: true,
    });
    this.#socket.on("connect", () => {
      this.#wasConnected = true;
      this.#setConnection("connected");
    });
    this.#socket.on("disconnect", (reason) => {
      this.#setConnection("disconnected");
      // socket.io does not come back by itself when the server closed the socket in good order.
      if (reason === "io server disconnect" && this.#socket.io.reconnection()) {
        this.#socket.connect();
      }
    });
    this.#socket.on("connect_error", (error: Error & { data?: { code?: string } }) => {
      if (error.data?.code === "unauthorized") {
        this.#refused(error.message);
        return;
      }
      this.#setConnection("disconnected");
      // Nor when it refused the socket for now.
      if (!this.#socket.active) setTimeout(() => this.#socket.connect(), RECONNECT_DELAY_MAX_MS);
    });
  }

  get connection(): ConnectionState {
    return this.#connection;
  }

  onConnection(listener: (state: ConnectionState) => void): () => void {
    this.#connectionListeners.add(listener);
    return () => this.#connectionListeners.delete(listener);
  }

  on<N extends EventName>(name: N, listener: (payload: Events[N]) => void): () => void {
    const untyped = listener as (payload: unknown) => void;
    this.#socket.on<string>(name, untyped);
    return () => this.#socket.off<string>(name, untyped);
  }

  /** Resolves once there is a socket; rejects where the server refuses one. */
  whenConnected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (this.refusal) reject(this.refusal);
        else if (this.#connection === "connected") resolve();
        else return false;
        return true;
      };
      if (look()) return;
      const stop = this.onConnection(() => {
        if (look()) stop();
      });
    });
  }

  /** Rejects with SignalingError: the server's own, `timeout`, or `disconnected` without a socket. */
  async request<N extends RequestName>(
    name: N,
    payload: Requests[N],
    timeoutMs = TIMEOUT_MS,
  ): Promise<Answers[N]> {
    if (!this.#socket.connected) throw disconnected();
    const answer = await this.#emit(name, payload, timeoutMs);
    if (isErrorAnswer(answer)) {
      const { code, message, retryAfterMs } = answer.error;
      throw new SignalingError(code, message, retryAfterMs);
    }
    return answer as Answers[N];
  }

  /** Sends a request whose failure changes nothing for the caller. */
  notify<N extends RequestName>(name: N, payload: Requests[N]): void {
    this.request(name, payload).catch((error: unknown) => {
      console.debug(`rotunda: ${name} failed:`, error);
    });
  }

  /** Cuts the connection as a broken network would, and stays away until `reopen`. */
  cut(): void {
    this.#socket.io.reconnection(false);
    this.#socket.io.engine.close();
  }

  /** Comes back after `cut`, or at once instead of waiting for the next attempt. */
  reopen(): void {
    this.#socket.io.reconnection(true);
    if (!this.#socket.connected) this.#socket.connect();
  }

  close(): void {
    this.#socket.disconnect();
    this.#connectionListeners.clear();
  }

  #refused(message: string): void {
    if (this.#token !== undefined && this.#wasConnected) {
      // It has expired since: whoever was let in with it has a seat, which needs none.
      this.#token = undefined;
      this.#socket.connect();
      return;
    }
    this.refusal = new SignalingError("unauthorized", message);
    this.#setConnection("disconnected");
  }

  async #emit(name: string, payload: unknown, timeoutMs: number): Promise<unknown> {
    try {
      return await this.#socket.timeout(timeoutMs).emitWithAck(name, payload);
    } catch {
      throw this.#socket.connected
        ? new SignalingError("timeout", "The server did not answer in time.")
        : disconnected();
    }
  }

  #setConnection(state: ConnectionState): void {
    if (state === this.#connection && !this.refusal) return;
    this.#connection = state;
    for (const listener of this.#connectionListeners) listener(state);
  }
}

function disconnected(): SignalingError {
  return new SignalingError("disconnected", "Not connected to the server just now.");
}

function isErrorAnswer(answer: unknown): answer is ErrorAnswer {
  return typeof answer === "object" && answer !== null && "error" in answer;
}
