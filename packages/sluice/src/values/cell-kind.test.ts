// The kind that the bytes of a text tell is the kind that its characters tell: that of `12.50` is
// that of `12.50 `. A blank around a number or a day means nothing, but only the characters tell.
// fast-check prints the seed of a failure; SEED=<n> gives it back.
import { CellType } from "@sluice/sheets";
import fc from "fast-check";
import { expect, test } from "vitest";
import { kindOf } from "./cell-kind.ts";

const seed = process.env["SEED"];
const PARAMETERS = { numRuns: 20_000, ...(seed === undefined ? {} : { seed: Number(seed) }) };

function kind(text: string): string {
  const bytes = Buffer.from(`x${text}x`);
  return kindOf(bytes, 1, bytes.length - 1, CellType.string);
}

test("kindOf() tells numbers and days by their bytes as by their text", () => {
  const digits = fc.oneof(fc.stringMatching(/^0{0,2}\d{0,4}$/), fc.stringMatching(/^\d{5,70}$/));
  const fraction = fc.oneof(digits, fc.stringMatching(/^\d{3}$/));
  const two = fc.stringMatching(/^[0-3]\d$/);
  const texts = fc.oneof(
    fc.tuple(fc.constantFrom("", "-", "+", "--"), digits).map((parts) => parts.join("")),
    fc
      .tuple(fc.constantFrom("", "-", "+"), digits, fc.constantFrom(".", ",", ".."), fraction)
      .map((all) => all.join("")),
    fc.tuple(fc.stringMatching(/^[0-2]\d{2,4}$/), fc.constantFrom("-", "/"), two, two).map(([y, s, m, d]) => y + s + m + s + d), // prettier-ignore
    fc.stringMatching(/^[-.0-9]{1,12}$/),
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect(kind(text)).toBe(kind(`${text} `));
    }),
    PARAMETERS,
  );
});

test.each([
  ["0", "integer"],
  ["-0", "text"],
  ["999999999", "integer"],
  ["1234567890", "digits 10"],
  ["007", "code"],
  ["12.50", "amount none dd--dd- 0  "],
  ["1.234", "amount none ddi-dd- 4  "],
  ["-0.5", "amount none dd--dd- 0  "],
  [`0.${"3".repeat(70)}`, "amount none dd--dd- 0  "],
  ["2024-02-29", "iso date"],
  ["2023-02-29", "text"],
  // Words are told by their letters, unless a sign says that they may be something else.
  ["fifteen letters", "text"],
  ["sixteen letters at least", "text"],
  ["   not applicable   ", "mark not applicable"],
  ["   NÃO DISPONÍVEL   ", "mark NÃO DISPONÍVEL"],
  ["September 28, 2024 10:30 p.m.", "date MMM DD, YYYY hh:mm A"],
  ["abcdefabcdefabcdef@example.com", "email"],
  ["https://abcdefghijklmnopqrst.example", "url"],
  ["HTTPS://ABCDEFGHIJKLMNOPQRST.EXAMPLE", "url"],
  ["abcdefab-abcd-abcd-abcd-abcdefabcdef", "uuid"],
  [' {"abcdefghijklm": "nopqrstuvwxyz"}', "json"],
  [' ["abcdefghijklm", "nopqrstuvwxyz"]', "json"],
  ["more than sixteen letters, {and a brace}", "text"],
  // So are those of other scripts, but a unit and blanks are no letters.
  ["长安街27号7层", "text"],
  ["12 лв.", "amount other iiiiiii 0 лв. "],
  ["12 руб.", "amount other iiiiiii 0 руб. "],
  ["\u3000\u3000\u3000\u300012\u3000", "integer"],
  ["\u2009\u2009\u2009\u200912", "integer"],
  ["https://müller.example", "url"],
  ["https://müller.example/ 2", "text"],
  ["müller@example.com", "email"],
  ["müller@example.com\u00a0", "text"],
  ["a@b@example.com", "text"],
  ["https://a@b.example", "email"],
  ["https://a@b", "url"],
  ["+30 212 684 2530", "text"],
])("the kind of %s is %s", (text, expected) => {
  expect(kind(text)).toBe(expected);
});
