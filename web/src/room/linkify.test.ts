import { expect, it } from "vitest";
import { linkify } from "./linkify";

it("leaves plain text alone", () => {
  expect(linkify("no links, just words")).toEqual([{ text: "no links, just words" }]);
});

it("finds addresses and leaves the sentence's own punctuation outside", () => {
  expect(linkify("See https://example.org/a?b=c, (http://x.test).")).toEqual([
    { text: "See " },
    { text: "https://example.org/a?b=c", href: "https://example.org/a?b=c" },
    { text: ", (" },
    { text: "http://x.test", href: "http://x.test" },
    { text: ")." },
  ]);
});

it("makes no links of other schemes", () => {
  expect(linkify("javascript:alert(1) file:///etc").every((part) => !part.href)).toBe(true);
});
