/** At most two letters that stand for a name: of its first and its last word. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word));
  const first = words[0];
  if (!first) return "?";
  const last = words.length > 1 ? words[words.length - 1] : undefined;
  return [first, last]
    .map((word) => word && /[\p{L}\p{N}]/u.exec(word)?.[0])
    .join("")
    .toUpperCase();
}

/** The hue of a person's calm colour: always the same for the same key. */
export function hueOf(key: string): number {
  let hash = 2166136261;
  for (const char of key) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16777619);
  return HUES[(hash >>> 0) % HUES.length] ?? 200;
}

/** Greens to pinks; no alarming reds or muddy yellows. */
const HUES: readonly number[] = [165, 185, 205, 225, 245, 265, 285, 310, 335];
