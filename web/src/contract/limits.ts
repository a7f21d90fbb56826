/** Limits of the contract that the app tells about before the server would. */
export const MAX_DISPLAY_NAME = 128;
export const MAX_CHAT_TEXT = 4_096;

/** Characters as the contract counts them: code points, of which an emoji is one. */
export function countCharacters(text: string): number {
  return Array.from(text).length;
}
