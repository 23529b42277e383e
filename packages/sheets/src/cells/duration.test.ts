import { expect, test } from "vitest";
import { Duration, durationText, millisecondsOf, readDuration } from "./duration.ts";

test.each([
  [0, "00:00:00"],
  [1.5625, "37:30:00"],
  [-0.0625, "-01:30:00"],
  [2, "48:00:00"],
  [1 / 86_400, "00:00:01"],
  [1.5 / 86_400_000, "00:00:00.002"],
  [1000, "24000:00:00"],
])("%d days are %s", (days, text) => {
  expect(durationText(millisecondsOf(days))).toBe(text);
  expect(readDuration(text)).toEqual(new Duration(millisecondsOf(days)));
});

test("a duration is as long for its sign, and prints as its text", () => {
  expect(millisecondsOf(-1.5 / 86_400_000)).toBe(-millisecondsOf(1.5 / 86_400_000));
  expect(String(new Duration(135_000_000))).toBe("37:30:00");
  expect(JSON.stringify([new Duration(1500)])).toBe("[1500]");
});

test("more milliseconds than can be counted are no duration", () => {
  expect(durationText(millisecondsOf(1e300))).toBeUndefined();
  expect(durationText(Number.NaN)).toBeUndefined();
});
