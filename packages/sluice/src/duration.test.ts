import { expect, test } from "vitest";
import { goDuration } from "./duration.ts";

test.each([
  [0, "0s"],
  [0.0421, "42.1µs"],
  [0.9996, "1ms"],
  [1, "1ms"],
  [12.345, "12.3ms"],
  [812, "812ms"],
  [999.4, "999ms"],
  [999.6, "1s"],
  [1000, "1s"],
  [3100, "3.1s"],
  [3141.59, "3.14s"],
  [45_210, "45.2s"],
  [59_940, "59.9s"],
  [59_960, "1m0s"],
  [64_000, "1m4s"],
  [64_499, "1m4s"],
  [623_400, "10m23s"],
  [3_599_600, "1h0m0s"],
  [3_723_000, "1h2m0s"],
  [90_000_000, "25h0m0s"],
])("goDuration(%s) is %s", (milliseconds, text) => {
  expect(goDuration(milliseconds)).toBe(text);
});
