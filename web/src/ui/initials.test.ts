import { expect, it } from "vitest";
import { hueOf, initials } from "./initials";

it.each([
  ["Ada Lovelace", "AL"],
  ["ada", "A"],
  ["  Jean Luc  Picard ", "JP"],
  ["Élodie", "É"],
  ["李 雷", "李雷"],
  ["(bot) 7", "B7"],
  ["🙂", "?"],
])("initials of %j are %s", (name, letters) => {
  expect(initials(name)).toBe(letters);
});

it("the same name has the same colour, and names differ", () => {
  expect(hueOf("Ada")).toBe(hueOf("Ada"));
  expect(new Set(["Ada", "Bo", "Cleo", "Dan", "Eve"].map(hueOf)).size).toBeGreaterThan(2);
});
