import { expect, test } from "vitest";
import { mayBeBlank } from "./blank.ts";

test("every character that trim takes away may be blank, but for those that no sheet has alone", () => {
  const missed: string[] = [];
  for (let code = 0; code < 0x1_0000; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const text = String.fromCharCode(code);
    if (text.trim() === "" && !mayBeBlank(Buffer.from(`${text}.`), 0)) missed.push(code.toString(16));
  }
  // The space of Ogham, and the mark at the begin of a file, which the reader takes away.
  expect(missed).toEqual(["1680", "feff"]);
});

test.each(["a", "é", "か", "カ", "한", "漢", "â", "€", "😀", "\u0085"])("%j begins no blank text", (text) => {
  expect(mayBeBlank(Buffer.from(text), 0)).toBe(false);
});
