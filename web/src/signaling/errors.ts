import type { ErrorBody } from "../contract/signaling";

/** What the server answers with, and what the client itself may run into. */
export type SignalingErrorCode = ErrorBody["code"] | "timeout" | "disconnected";

/** A request that failed. The message is for people. */
export class SignalingError extends Error {
  override readonly name = "SignalingError";

  constructor(
    readonly code: SignalingErrorCode,
    message: string,
    /** How long to wait before the same may succeed, in milliseconds. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
