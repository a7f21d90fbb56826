import type { types } from "mediasoup-client";
import type { MeetingStore } from "../state/meetingStore";
import { addReaction } from "../state/meetingStore";
import { REACTIONS, type ReactionName } from "../state/reactions";
import { opened, type DataLinks } from "./DataLinks";

const REACTIONS_LABEL = "reactions";
/** A raised hand is a data channel with this label: who comes later sees it in the snapshot. */
export const HAND_LABEL = "hand";

/** Raised hands and reactions, over ordered data channels. */
export class Gestures {
  #reactions: Promise<types.DataProducer> | undefined;
  #hand: Promise<types.DataProducer> | undefined;
  readonly #listening = new Set<string>();
  #ready = false;
  readonly #unsubscribe: () => void;

  constructor(
    private readonly links: DataLinks,
    private readonly store: MeetingStore,
  ) {
    this.#unsubscribe = store.subscribe((state, before) => {
      if (state.people.participants !== before.people.participants) this.#listen();
    });
  }

  /** Opens the channels. Called once pictures are there: they come first. */
  start(): void {
    this.#ready = true;
    this.#openReactions().catch(ignore);
    this.#listen();
    if (this.store.getState().handRaised) this.#raise();
  }

  /** The transports are gone, and the channels with them. */
  reset(): void {
    this.#ready = false;
    this.#reactions = this.#hand = undefined;
    this.#listening.clear();
  }

  close(): void {
    this.#unsubscribe();
    this.reset();
  }

  async react(reaction: ReactionName): Promise<void> {
    const self = this.store.getState().self;
    if (!self) return;
    addReaction(this.store, self.participantId, reaction);
    try {
      const channel = await this.#openReactions();
      await opened(channel);
      channel.send(reaction);
    } catch {
      // A reaction that cannot be sent is not worth a word.
    }
  }

  setHand(raised: boolean): void {
    if (raised === this.store.getState().handRaised) return;
    this.store.setState({ handRaised: raised });
    if (raised) {
      this.#raise();
      return;
    }
    void this.#hand?.then((hand) => this.links.closeProducer(hand.id)).catch(ignore);
    this.#hand = undefined;
  }

  #raise(): void {
    this.#hand ??= this.links.produce({ label: HAND_LABEL });
    this.#hand.catch(() => {
      this.#hand = undefined;
      this.store.setState({ handRaised: false });
    });
  }

  #openReactions(): Promise<types.DataProducer> {
    this.#reactions ??= this.links.produce({ label: REACTIONS_LABEL });
    this.#reactions.catch(() => (this.#reactions = undefined));
    return this.#reactions;
  }

  #listen(): void {
    if (!this.#ready) return;
    for (const one of Object.values(this.store.getState().people.participants)) {
      for (const { dataProducerId, label } of Object.values(one.dataProducers)) {
        if (label !== REACTIONS_LABEL || this.#listening.has(dataProducerId)) continue;
        this.#listening.add(dataProducerId);
        this.links
          .consume(dataProducerId, (message) => {
            // Anybody may send anything: only what is on the list is shown.
            const reaction = REACTIONS.find((known) => known === message);
            if (reaction) addReaction(this.store, one.participantId, reaction);
          })
          .catch(() => this.#listening.delete(dataProducerId));
      }
    }
  }
}

function ignore(): void {
  // Without the channel there is nothing to send or to close; the next use tries again.
}
