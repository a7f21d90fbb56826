import type { SignalingError } from "./errors";
import type {
  Answers,
  ConnectionState,
  EventName,
  Events,
  RequestName,
  Requests,
  Signaling,
} from "./SignalingClient";

type Answerer = (payload: unknown) => unknown;

/** Signaling without a socket: it records what is asked, and answers what it was told to. */
export class FakeSignaling implements Signaling {
  refusal: SignalingError | undefined;
  readonly asked: { name: RequestName; payload: Record<string, unknown> }[] = [];
  readonly #answerers = new Map<RequestName, Answerer>();
  readonly #listeners = new Map<string, Set<(payload: never) => void>>();
  readonly #connectionListeners = new Set<(state: ConnectionState) => void>();

  /** How a request is answered from now on: by a value, a promise of one, or what it throws. */
  answer<N extends RequestName>(
    name: N,
    answerer: (payload: Requests[N]) => Answers[N] | Promise<Answers[N]>,
  ): void {
    this.#answerers.set(name, answerer as Answerer);
  }

  refuse(name: RequestName, error: SignalingError): void {
    this.#answerers.set(name, () => Promise.reject(error));
  }

  emit<N extends EventName>(name: N, payload: Events[N]): void {
    for (const listener of this.#listeners.get(name) ?? []) listener(payload as never);
  }

  setConnection(state: ConnectionState): void {
    for (const listener of this.#connectionListeners) listener(state);
  }

  /** The names of what was asked so far. */
  names(): RequestName[] {
    return this.asked.map(({ name }) => name);
  }

  payloads(name: RequestName): Record<string, unknown>[] {
    return this.asked.filter((one) => one.name === name).map(({ payload }) => payload);
  }

  async request<N extends RequestName>(name: N, payload: Requests[N]): Promise<Answers[N]> {
    this.asked.push({ name, payload: payload as Record<string, unknown> });
    return (await this.#answerers.get(name)?.(payload)) as Answers[N];
  }

  notify<N extends RequestName>(name: N, payload: Requests[N]): void {
    void this.request(name, payload);
  }

  on<N extends EventName>(name: N, listener: (payload: Events[N]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  onConnection(listener: (state: ConnectionState) => void): () => void {
    this.#connectionListeners.add(listener);
    return () => this.#connectionListeners.delete(listener);
  }

  whenConnected(): Promise<void> {
    return Promise.resolve();
  }

  cut(): void {
    this.setConnection("disconnected");
  }

  reopen(): void {
    this.setConnection("connected");
  }

  close(): void {
    this.#connectionListeners.clear();
  }
}
