import fc from "fast-check";
import { expect, test } from "vitest";
import { Texts } from "./texts.ts";

/** Texts one behind the other, as in a batch, with nothing behind the last one. */
function laidOut(texts: readonly string[]): { bytes: Buffer; ranges: readonly (readonly [number, number])[] } {
  const parts = texts.map((text) => Buffer.from(text));
  let at = 0;
  return { bytes: Buffer.concat(parts), ranges: parts.map(({ length }) => [at, (at += length)] as const) };
}

test("a text is what its bytes say, however often it comes and whatever came before it", () => {
  const short = fc.string({ unit: fc.constantFrom("a", "b", "\0", "é", "成", "😀"), minLength: 1, maxLength: 14 });
  fc.assert(
    fc.property(fc.array(fc.array(fc.oneof(short, fc.string({ minLength: 1 })), { minLength: 1 })), (batches) => {
      const texts = new Texts();
      for (const batch of [...batches, ...batches]) {
        const wanted = [...batch, ...batch, ...batch];
        const { bytes, ranges } = laidOut(wanted);
        expect(ranges.map(([start, end]) => texts.text(bytes, start, end))).toEqual(
          wanted.map((text) => text.toWellFormed()),
        );
      }
    }),
  );
});

test("more different texts than the table has slots keep apart", () => {
  const texts = new Texts();
  const wanted = Array.from({ length: 20_000 }, (_, i) => `${i % 10_000}`);
  const { bytes, ranges } = laidOut(wanted);
  for (let round = 0; round < 2; round++)
    expect(ranges.map(([start, end]) => texts.text(bytes, start, end))).toEqual(wanted);
});
