import { producerFrom, type RemoteParticipant, type RoomState } from "../state/roomState";

/** A picture on the stage: somebody's, or a screen that somebody shares. */
export interface StageItem {
  key: string;
  participantId: string;
  kind: "self" | "person" | "screen";
}

export const SELF_KEY = "self";

/** What stands on the stage, in a steady order: screens first, then people as they came. */
export function stageItems(room: RoomState, selfId: string): StageItem[] {
  const others = Object.values(room.participants);
  const screens = others.filter((one) => producerFrom(one, "screen"));
  return [
    ...screens.map(({ participantId }) => ({
      key: screenKey(participantId),
      participantId,
      kind: "screen" as const,
    })),
    { key: SELF_KEY, participantId: selfId, kind: "self" as const },
    ...others.map(({ participantId }) => ({
      key: participantId,
      participantId,
      kind: "person" as const,
    })),
  ];
}

/** What the person has made large, or put back among the others. */
export interface Choice {
  pinned?: string | undefined;
  dismissed?: string | undefined;
}

/** What is large, and what floats: a pinned picture, else a screen; a lone guest has it all. */
export function emphasis(
  items: readonly StageItem[],
  { pinned, dismissed }: Choice,
): { spotlight?: string; floating?: string } {
  if (pinned !== undefined && items.some(({ key }) => key === pinned)) return { spotlight: pinned };
  const screen = items.find(({ key, kind }) => kind === "screen" && key !== dismissed);
  if (screen) return { spotlight: screen.key };
  return items.length === 2 ? { floating: SELF_KEY } : {};
}

export function screenKey(participantId: string): string {
  return `${participantId}/screen`;
}

/** Whether somebody cannot be heard: no microphone, or one that is off. */
export function isMuted(one: RemoteParticipant): boolean {
  return producerFrom(one, "microphone")?.paused ?? true;
}
