// Reading a workbook and encoding its rows into a sink: on one thread, and with the reading on
// another core (@sluice/sheets/parallel). See README.md.
//
// Each figure is a process of its own; the two take turns. Both see every row, and write the same
// number of bytes.
import { parseArgs } from "node:util";
import { open } from "@sluice/sheets";
import { batches } from "@sluice/sheets/parallel";
import { Encoder } from "../packages/sluice/src/chunk/encode.ts";
import { bare } from "./bare.schema.ts";
import { workbook } from "./data.ts";
import { atLeast, count, median, mustRun, printGoals, printTable, seconds, times } from "./run.ts";

interface Figure {
  readonly rows: number;
  readonly bytes: number;
  readonly milliseconds: number;
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: "string", default: "1000000" }, runs: { type: "string", default: "3" } },
});
const [way, given] = positionals;
if (way !== undefined && given !== undefined) console.log(JSON.stringify(await measured(way, given)));
else await compare();

/** Reads the file in that way, and encodes every row below the header as COPY text. */
async function measured(way: string, file: string): Promise<Figure> {
  const columns = bare.columns.filter(({ name, generated }) => name !== "id" && !generated);
  const load = columns.map((column, i) => ({ column, sheetColumn: i + 1, header: column.name }));
  const plan = { file, sheet: "Sheet1", table: "businesses", columns: load, statement: "copy", step: 10_000 } as const;
  const encoder = new Encoder(
    plan,
    load.map((entry) => entry.sheetColumn),
    "pad",
    10_000,
  );
  const sink = { rows: 0, bytes: 0 };
  const take = (): void => {
    const { chunk } = encoder.take();
    sink.rows += chunk.rowCount;
    sink.bytes += chunk.data.length;
    chunk.release();
  };
  const start = performance.now();
  await using book = way === "one thread" ? await open(file) : undefined;
  let isHeader = true;
  for await (const batch of book?.sheet().batches() ?? batches(file)) {
    for (let row = isHeader ? 1 : 0; row < batch.rowCount;) {
      row = encoder.fill(batch, row);
      if (encoder.full) take();
    }
    isHeader = false;
    batch.release();
  }
  if (!encoder.empty) take();
  return { ...sink, milliseconds: performance.now() - start };
}

async function compare(): Promise<void> {
  const file = await workbook(Number(flags.rows), "inline");
  const ways = ["one thread", "two threads"];
  const figures = new Map<string, Figure[]>(ways.map((way) => [way, []]));
  for (let round = 0; round < Number(flags.runs); round++) {
    for (const way of ways) {
      const args = ["--conditions=source", import.meta.filename, way, file];
      const { stdout } = await mustRun(process.execPath, args);
      figures.get(way)!.push(JSON.parse(stdout) as Figure);
    }
  }
  const [one, two] = ways.map((way) => figures.get(way)!) as [Figure[], Figure[]];
  const told = new Set([...one, ...two].map(({ rows, bytes }) => `${rows} rows, ${bytes} bytes`));
  if (told.size > 1) throw new Error(`they wrote ${[...told].join(" and ")}`);
  const shown = (all: readonly Figure[]): string[] => [
    count(all[0]!.rows),
    count(all[0]!.bytes),
    seconds(median(all.map(({ milliseconds }) => milliseconds))),
  ];
  printTable(
    ["reading and encoding", "rows", "bytes", "time"],
    [
      [ways[0]!, ...shown(one)],
      [ways[1]!, ...shown(two)],
    ],
  );
  const ratio = median(one.map(({ milliseconds }, round) => milliseconds / two[round]!.milliseconds));
  console.log();
  printGoals([atLeast("two threads: times as fast as one", ratio, 1.5, times)]);
}
