export interface TextPart {
  text: string;
  href?: string;
}

const LINK = /https?:\/\/[^\s<>"]+/g;
/** Punctuation that ends a sentence rather than a link. */
const TAIL = /[.,;:!?)\]}'…]+$/;

/** Splits a text so that its web addresses can be shown as links. */
export function linkify(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const href = match[0].replace(TAIL, "");
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    parts.push({ text: href, href });
    from = match.index + href.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}
