// What a run of the stages says of how far it came, and when an import of which all is refused
// stops: without a database.
import { expect, test } from "vitest";
import { background, withCancel } from "@sluice/go/context";
import { sleep } from "@sluice/go/time";
import type { ImportOptions } from "../options.ts";
import type { Plan } from "../plan/plan.ts";
import { table } from "../schema/schema.ts";
import { batchOfRows } from "../test/batch.ts";
import { watchRefusals } from "./all-refused.ts";
import { runPipeline } from "./pipeline.ts";
import { Tally } from "./progress.ts";

const { columns } = table({ name: "t", columns: { n: { type: "text" } } });
const PLAN: Plan = {
  method: "copy",
  table: "t",
  created: false,
  load: [{ column: columns[0]!, sheetColumn: 1, header: "n" }],
  headers: [{ sheetColumn: 1, text: "n" }],
  firstRow: 2,
  width: "pad",
  ordered: false,
  conflict: undefined,
  atomic: false,
  replace: false,
  csv: undefined,
  firstRows: 1,
  rowsPerChunk: 1,
  step: 1,
};

const LOADING = { plan: PLAN, names: { file: "f", sheet: "s" } };

test.each([
  [0, 3, true],
  [1, 1, false],
  [3, 3, true],
])("cancelled in commit %i of three, it has done %i, and is complete: %s", async (cancelIn, done, complete) => {
  const [ctx, cancel] = withCancel(background());
  const batches = [batchOfRows([["a"], ["b"], ["c"]], 2)];
  let commits = 0;
  const outcome = await runPipeline(
    { ...LOADING, ctx, rows: { next: async () => batches.shift() } },
    {
      loaders: 1,
      isDone: () => false,
      commit: async () => {
        commits++;
        // The stages before have sent by then what they can.
        await sleep(5);
        if (commits === cancelIn) cancel();
      },
    },
  );
  expect([commits, outcome.complete]).toEqual([done, complete]);
  cancel();
});

test("two chunks that were sent, of which one is left when it is cancelled, are not all", async () => {
  const [ctx, cancel] = withCancel(background());
  const batches = [batchOfRows([["a"], ["b"]], 2)];
  let commits = 0;
  const outcome = await runPipeline(
    { ...LOADING, ctx, rows: { next: async () => batches.shift() } },
    {
      loaders: 1,
      isDone: () => false,
      commit: async () => {
        commits++;
        await sleep(5);
        cancel();
      },
    },
  );
  expect([commits, outcome.complete]).toEqual([1, false]);
});

test("chunks that together weigh more than may be on their way come through, one after the other", async () => {
  const heavy = "x".repeat(20 * 1024 ** 2);
  const batches = [batchOfRows([[heavy], [heavy], [heavy]], 2)];
  let [commits, at, most] = [0, 0, 0];
  const outcome = await runPipeline(
    { ...LOADING, ctx: background(), rows: { next: async () => batches.shift() } },
    {
      loaders: 3,
      isDone: () => false,
      commit: async () => {
        commits++;
        most = Math.max(most, ++at);
        await sleep(1);
        at--;
      },
    },
  );
  expect([commits, outcome.complete, most]).toEqual([3, true, 1]);
});

test("each step of a chunk adds what it brought since the one before it", () => {
  const seen: unknown[] = [];
  const options = { onProgress: (progress: unknown) => seen.push(progress) } as unknown as ImportOptions;
  const tally = new Tally(0, () => 0.5, options, { total: 4, inserted: 1, updated: 1, skipped: 1, rejected: 1 });
  const first = { rows: 10, done: 5, inserted: 1, updated: 2, skipped: 3, rejected: 4 };
  const second = { rows: 10, done: 10, inserted: 10, updated: 20, skipped: 30, rejected: 40 };
  tally.add(first, undefined);
  tally.add(second, first);
  expect(tally.totals).toEqual({ total: 104, inserted: 11, updated: 21, skipped: 31, rejected: 41 });
  expect(seen).toMatchObject([
    { phase: "rows", fraction: 0.5, inserted: 2, updated: 3, skipped: 4, rejected: 5 },
    { phase: "rows", fraction: 0.5, inserted: 11, updated: 21, skipped: 31, rejected: 41 },
  ]);
});

test.each<[counts: Partial<Tally>, stops: boolean]>([
  [{ rejected: 10_000 }, true],
  [{ rejected: 9_999 }, false],
  [{ rejected: 10_000, inserted: 1 }, false],
  [{ rejected: 10_000, updated: 1 }, false],
  [{ rejected: 10_000, skipped: 1 }, false],
])("with %j the database that says the same of each row stops the import: %s", async (counts, stops) => {
  const tally = { inserted: 0, updated: 0, skipped: 0, rejected: 0, ...counts } as Tally;
  const asked = {
    query: async () => ({ columns: [], rows: [["check_violation", "n", "no", "10000"]], count: 1 }),
  };
  const failure = await watchRefusals({ plan: PLAN, tally, options: {} as never }, asked, "r", "id")();
  expect(failure?.code).toBe(stops ? "all_refused" : undefined);
});
