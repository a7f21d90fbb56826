import { expect, it } from "vitest";
import { countCharacters } from "./limits";

it("counts code points, not UTF-16 units", () => {
  expect(countCharacters("añ")).toBe(2);
  expect(countCharacters("🙂🙂")).toBe(2);
});
