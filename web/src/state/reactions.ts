/** What can be said without words; the names go over the wire, the pictures are ours. */
export const REACTIONS = ["thumbs-up", "heart", "laugh", "party", "idea", "coffee"] as const;
export type ReactionName = (typeof REACTIONS)[number];
