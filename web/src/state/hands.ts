import type { MeetingState } from "./meetingStore";
import type { Attributes } from "./roomState";

/** The attribute that has the time at which somebody raised their hand. */
export const HAND = "hand";

export function hasRaisedHand(one: { attributes: Attributes } | undefined): boolean {
  return one?.attributes[HAND] !== undefined;
}

/** Whose hands are raised, oneself included, in the order in which they were. */
export function raisedHands({ people, self }: Pick<MeetingState, "people" | "self">): string[] {
  const everybody = [...Object.values(people.participants), ...(self ? [self] : [])];
  return everybody
    .filter(hasRaisedHand)
    .map(({ participantId, attributes }) => ({ participantId, at: timeOf(attributes[HAND]) }))
    .sort((one, other) =>
      one.at === other.at
        ? one.participantId.localeCompare(other.participantId)
        : one.at - other.at,
    )
    .map(({ participantId }) => participantId);
}

/** Clients write the time themselves: what is none comes last. */
function timeOf(value = ""): number {
  const at = Date.parse(value);
  return Number.isNaN(at) ? Number.MAX_VALUE : at;
}
