import fc from "fast-check";
import { expect, test } from "vitest";
import { grouped } from "./grouped.ts";

test("a whole number is written as English writes it", () => {
  for (const whole of [0, 9, 999, 1000, 12_345, 999_999, 1_000_000, -1, -999, -1000, Number.MAX_SAFE_INTEGER])
    expect(grouped(whole)).toBe(whole.toLocaleString("en"));
  fc.assert(fc.property(fc.maxSafeInteger(), (whole) => grouped(whole) === whole.toLocaleString("en")));
});
