// The two applications that use every core.
import { gosched, numGoroutine } from "@sluice/go";
import { background } from "@sluice/go/context";
import { runtimeStats } from "@sluice/go/parallel";
import { generate } from "@sluice/go/patterns";
import { afterEach, describe, expect, it } from "vitest";
import { sample, thumbnails, type Picture } from "./images.ts";
import { primesBelow } from "./primes.ts";

const ctx = background();
afterEach(async () => {
  await expect.poll(async () => (await gosched(), numGoroutine())).toBe(1);
});

describe("the prime finder", () => {
  for (const [limit, primes] of [
    [0, 0],
    [3, 1],
    [100, 25],
    [123_456, 11_601],
  ] as const) {
    it(`finds ${primes} primes below ${limit}`, async () => {
      expect(await primesBelow(limit)).toBe(primes);
    });
  }
});

describe("the image service", () => {
  it("shrinks each picture on a worker, in order, and takes the points over", async () => {
    const pictures = [...sample(12, 40)];
    const ran = (): number => runtimeStats().perProc.reduce((sum, { ran }) => sum + ran, 0);
    const before = ran();
    const got: Picture[] = [];
    const moved = pictures.map(({ points }) => points);
    for await (const picture of thumbnails(ctx, generate(ctx, pictures), 8)) got.push(picture);
    expect(ran() - before).toBe(12);
    expect(got.map(({ name, width, height }) => [name, width, height])).toEqual(
      Array.from({ length: 12 }, (_, i) => [`picture ${i + 1}`, 5, 5]),
    );
    for (const [i, { points }] of got.entries()) {
      const lightness = Math.round(0.299 * i * 8 + 0.587 * (255 - i * 8) + 0.114 * 128);
      expect([...points]).toEqual(Array(25).fill(lightness));
    }
    expect(moved.map((points) => points.length)).toEqual(Array(12).fill(0));
  });
});
