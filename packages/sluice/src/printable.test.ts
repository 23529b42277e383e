import { expect, test } from "vitest";
import { inLines, inOneLine } from "./printable.ts";

const HOSTILE = "a\n\tb\r\u001B[2J\u0085\u009B31m\u007F\u2028\u202Ec\u2066";
const ESCAPED = String.raw`\u000d\u001b[2J\u0085\u009b31m\u007f\u2028\u202ec\u2066`;

test("inOneLine() leaves nothing that begins a line or steers a terminal", () => {
  expect(inOneLine(HOSTILE)).toBe(String.raw`a\u000a\u0009b` + ESCAPED);
  expect(inOneLine("Ünïcode, עברית, 日本語 “–” 😀")).toBe("Ünïcode, עברית, 日本語 “–” 😀");
});

test("inLines() leaves the lines that there are", () => {
  expect(inLines(HOSTILE)).toBe("a\n\tb" + ESCAPED);
});

test("inLines() leaves what a line of JSON says as it is", () => {
  const value = { [HOSTILE]: HOSTILE };
  expect(JSON.parse(inLines(JSON.stringify(value)))).toEqual(value);
});
