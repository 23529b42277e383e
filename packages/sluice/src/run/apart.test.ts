// Chunks that are loaded at the same time share no number in the columns that tell them apart.
// SEED=<n> gives a failure's run back.
import { gosched } from "@sluice/go";
import { background, withCancel } from "@sluice/go/context";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Chunk } from "../chunk/chunk.ts";
import { Encoder } from "../chunk/encode.ts";
import { table } from "../schema/schema.ts";
import { batchOfRows } from "../test/batch.ts";
import { Apart, rangeIn } from "./apart.ts";

const schema = table({ name: "t", columns: { a: {}, n: { type: "bigint" }, m: { type: "bigint" } } });
const columns = schema.columns.map((column, n) => ({ column, sheetColumn: n + 1, header: column.name }));
const plan = { file: "f", sheet: "s", table: "t", columns, statement: "copy", step: 100 } as const;

/** Chunks of rows, each row of the numbers of `n` and `m`. */
function chunksOf(chunks: readonly (readonly (readonly [n: string, m: string])[])[]): Chunk[] {
  return chunks.map((rows, index) => {
    const encoder = new Encoder(plan, [1, 2, 3], "pad", 100);
    const cells = rows.map(([n, m]) => [`text ${n}`, n, m]);
    encoder.fill(batchOfRows(cells), 0);
    return { ...encoder.take().chunk, index };
  });
}

test.each([
  [["5"], { least: 5, most: 5 }],
  [["5", "-7", "0", "007"], { least: -7, most: 7 }],
  [["999999999999999", "-999999999999999"], { least: -999999999999999, most: 999999999999999 }],
  [["5", "1000000000000000"], undefined],
  [["5", ""], undefined],
])("the numbers %j lie between %j", (numbers, range) => {
  const [chunk] = chunksOf([numbers.map((n) => [n, "1"])]);
  expect([rangeIn(chunk!, 1), rangeIn(chunk!, 2)]).toEqual([range, { least: 1, most: 1 }]);
});

test("a text is no range", () => {
  const [chunk] = chunksOf([[["1", "1"]]]);
  expect(rangeIn(chunk!, 0)).toBeUndefined();
});

test("a chunk waits for those that it shares a number with, in any of the columns", async () => {
  const ctx = background();
  const [one, beside, both] = chunksOf([[["1", "10"], ["3", "11"]], [["4", "12"]], [["5", "11"]]]); // prettier-ignore
  const apart = new Apart(plan, ["n", "m"]);
  expect([await apart.enter(ctx, one!), await apart.enter(ctx, beside!)]).toEqual([true, true]);
  const seen: string[] = [];
  const third = apart.enter(ctx, both!).then(() => seen.push("in"));
  for (let n = 0; n < 20; n++) await gosched();
  apart.leave(beside!.index);
  for (let n = 0; n < 20; n++) await gosched();
  seen.push("the first one is in");
  apart.leave(one!.index);
  await third;
  expect(seen).toEqual(["the first one is in", "in"]);
});

test("a chunk whose numbers are not known is loaded alone, and one without rows beside any", async () => {
  const ctx = background();
  const [unknown, other] = chunksOf([[["", "1"]], [["9", "9"]]]);
  const empty = { ...other!, index: 2, rowCount: 0 };
  const apart = new Apart(plan, ["n"]);
  expect([await apart.enter(ctx, unknown!), await apart.enter(ctx, empty)]).toEqual([true, true]);
  const [stop, cancel] = withCancel(ctx);
  const waiting = apart.enter(stop, other!);
  cancel();
  expect(await waiting).toBe(false);
});

const seed = process.env["SEED"];

test("no two chunks on their way share a number, whatever they hold and in whichever order they leave", async () => {
  const number = fc.oneof({ weight: 12, arbitrary: fc.integer({ min: -20, max: 20 }).map(String) }, fc.constant(""));
  const rows = fc.array(fc.tuple(number, number), { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(rows, { minLength: 1, maxLength: 8 }),
      fc.infiniteStream(fc.nat()),
      async (all, random) => {
        const chunks = chunksOf(all);
        const apart = new Apart(plan, ["n", "m"]);
        const onWay: number[] = [];
        const leaveOne = (): void => {
          const [index] = onWay.splice((random.next().value as number) % onWay.length, 1);
          apart.leave(index!);
        };
        for (const chunk of chunks) {
          let isIn = false;
          const entering = apart.enter(background(), chunk).then(() => (isIn = true));
          for (let n = 0; n < 10; n++) await gosched();
          while (!isIn) {
            leaveOne();
            for (let n = 0; n < 10; n++) await gosched();
          }
          await entering;
          for (const index of onWay) {
            for (const column of [0, 1]) {
              const here = new Set(all[chunk.index]!.map((row) => row[column]!));
              expect(all[index]!.filter((row) => here.has(row[column]!))).toEqual([]);
            }
          }
          onWay.push(chunk.index);
          if (onWay.length === 3) leaveOne();
        }
      },
    ),
    { numRuns: 200, ...(seed === undefined ? {} : { seed: Number(seed) }) },
  );
});
