// A program that runs the stages of an import under many schedules, and prints what was found. Its
// first argument is a fault to plant in pipeline.ts while that loads: [text, its replacement] as
// JSON.
import { registerHooks } from "node:module";
import { gosched } from "@sluice/go";
import { background } from "@sluice/go/context";
import { explore } from "@sluice/go/synctest";
import { CellType, PLAIN, type RowBatch } from "@sluice/sheets";

const [from, to] = JSON.parse(process.argv[2] ?? "[]") as string[];
registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context);
    if (from === undefined || !url.endsWith("/run/pipeline.ts")) return loaded;
    const text = new TextDecoder().decode(loaded.source as Uint8Array);
    if (text.split(from).length !== 2) throw new Error(`pipeline.ts does not have this once: ${from}`);
    return { ...loaded, source: text.replace(from, () => to ?? "") };
  },
});
const { runPipeline } = await import("../pipeline.ts");
const { table } = await import("../../schema/schema.ts");

// The last chunk is not full.
const rows = 11;
const rowsPerBatch = 5;
const rowsPerChunk = 2;
const loaders = 2;

/** Rows of one column, as a reader gives them. */
function batchOf(first: number, count: number, release: () => void): RowBatch {
  const texts = Array.from({ length: count }, (_, i) => Buffer.from(`row ${first + i}`));
  const ends = texts.map((_, i) => texts.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0));
  return {
    rowCount: count,
    cellCount: count,
    bytes: Buffer.concat(texts),
    rowNumbers: Int32Array.from(texts, (_, i) => first + i),
    widths: new Int32Array(count).fill(1),
    firstCell: Int32Array.from({ length: count + 1 }, (_, i) => i),
    columns: new Int32Array(count).fill(1),
    types: new Uint8Array(count).fill(CellType.string),
    flags: new Uint8Array(count).fill(PLAIN),
    starts: Int32Array.from(ends, (end, i) => end - (texts[i] as Buffer).length),
    ends: Int32Array.from(ends),
    progress: 1,
    warnings: [],
    release,
  };
}

const { columns } = table({ name: "t", columns: { a: {} } });
const load = columns.map((column) => ({ column, sheetColumn: 1, header: "a" }));
const plan = {
  method: "copy",
  table: "t",
  load,
  headers: [{ sheetColumn: 1, text: "a" }],
  width: "pad",
  firstRows: rowsPerChunk,
  rowsPerChunk,
  step: 100,
  conflict: undefined,
};

/**
 * Runs all rows through the stages, and throws if what the pipeline says is not so when it says it.
 */
async function importOnce(): Promise<void> {
  let read = 0;
  let committed = 0;
  let committing = 0;
  let [batches, released] = [0, 0];
  const source = {
    next: async (): Promise<RowBatch | undefined> => {
      await gosched();
      if (read === rows) return undefined;
      const count = Math.min(rowsPerBatch, rows - read);
      read += count;
      batches++;
      return batchOf(read - count + 1, count, () => released++);
    },
  };
  const sink = {
    loaders,
    isDone: () => false,
    commit: async ({ chunk }: { readonly chunk: { readonly rowCount: number } }): Promise<void> => {
      if (++committing > loaders) throw new Error(`${committing} commits at once, with ${loaders} loaders`);
      await gosched();
      committing--;
      committed += chunk.rowCount;
    },
  };
  const { complete } = await runPipeline(
    { ctx: background(), rows: source, plan: plan as never, names: { file: "f", sheet: "s" } },
    sink,
  );
  if (!complete) throw new Error("it is not complete, and nobody stopped it");
  if (committed !== rows) throw new Error(`it is complete, and ${committed} of ${rows} rows are committed`);
  if (released !== batches) throw new Error(`it is complete, and ${released} of ${batches} batches are released`);
}

const found = await explore(importOnce, { seeds: 100 }).then(
  ({ schedules }) => `${schedules} schedules are right`,
  (error: Error) => error.message.split("\n")[0],
);
console.log(found);
process.exit(0);
