import { addNotice, addReaction, type MeetingStore } from "../state/meetingStore";
import { HAND } from "../state/hands";
import { REACTIONS, type ReactionName } from "../state/reactions";
import { messageOf, SignalingError } from "./errors";
import type { Events, Signaling } from "./SignalingClient";

/** Raised hands, which are an attribute of who raises one, and reactions, which are kept nowhere. */
export class Gestures {
  constructor(
    private readonly signaling: Signaling,
    private readonly store: MeetingStore,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** Shown to oneself once it is on its way to the others. Never fails: the person is told. */
  async react(name: ReactionName): Promise<void> {
    const { self } = this.store.getState();
    if (!self) return;
    try {
      await this.signaling.request("react", { name });
      addReaction(this.store, self.participantId, name);
    } catch (error) {
      const text = isRateLimited(error)
        ? "Too many reactions just now. Try again in a moment."
        : messageOf(error);
      addNotice(this.store, "problem", text);
    }
  }

  /** Anybody may send anything: only what is on the list is shown. */
  reacted({ participantId, name }: Events["reaction"]): void {
    const reaction = REACTIONS.find((known) => known === name);
    if (reaction) addReaction(this.store, participantId, reaction);
  }

  /** The hand is up or down once the server says so, to oneself as to the others. Never fails either. */
  async setHand(raised: boolean): Promise<void> {
    const hand = raised ? this.now().toISOString() : null;
    try {
      await this.signaling.request("setAttributes", { attributes: { [HAND]: hand } });
    } catch (error) {
      addNotice(this.store, "problem", messageOf(error));
    }
  }
}

function isRateLimited(error: unknown): boolean {
  return error instanceof SignalingError && error.code === "rate_limited";
}
