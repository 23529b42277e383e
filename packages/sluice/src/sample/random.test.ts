import { expect, test } from "vitest";
import { Random } from "./random.ts";

test("Random gives the same numbers for a seed, others for another seed or stream", () => {
  const first = (random: Random): number[] => Array.from({ length: 4 }, () => random.next());
  expect(first(new Random(1))).toEqual(first(new Random(1)));
  const distinct = [new Random(1), new Random(2), new Random(1, 1), new Random(1 + 2 ** 32)].map((r) =>
    first(r).join(),
  );
  expect(new Set(distinct).size).toBe(4);
});

test("Random.below() reaches every number below its bound and no other", () => {
  const random = new Random(1);
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 10_000; i++) counts[random.below(10)]!++;
  expect(counts).toHaveLength(10);
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(200);
});

test("Random.digits() keeps leading zeros", () => {
  const random = new Random(1);
  const made = Array.from({ length: 100 }, () => random.digits(3));
  expect(made.every((digits) => /^\d{3}$/.test(digits))).toBe(true);
  expect(made.some((digits) => digits.startsWith("0"))).toBe(true);
});
