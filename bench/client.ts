// The importer without a server: what a value of each kind costs to check and to write, and a CSV
// that is read and encoded into a sink. See README.md.
import { parseArgs } from "node:util";
import { CellType, PLAIN, open, type RowBatch } from "@sluice/sheets";
import { Encoder } from "../packages/sluice/src/chunk/encode.ts";
import { Random } from "../packages/sluice/src/sample/random.ts";
import { table } from "../packages/sluice/src/schema/schema.ts";
import { figures, types as figureTypes } from "./figures.ts";
import { atMost, count, type Goal, printGoals, printTable, seconds } from "./run.ts";

const { values: flags } = parseArgs({
  options: {
    rows: { type: "string", default: "500000" },
    passes: { type: "string", default: "7" },
    only: { type: "string", default: "kinds,csv" },
  },
});
const parts: Record<string, () => Promise<void>> = { kinds, csv };
const goals: Goal[] = [];
const COLUMNS = 20;
const ROWS = 5_000;
const only = flags.only.split(",");
for (const part of only)
  if (!(part in parts)) throw new Error(`--only: there is no "${part}", only ${Object.keys(parts).join(", ")}`);
for (const part of only) await parts[part]!();
if (goals.length > 0) printGoals(goals);

interface Kind {
  readonly type: string;
  /** As a cell of text, as CSV has it. */
  readonly text: (random: Random) => string;
  /**
   * As the reader of a workbook gives it, if that is something else; and what kind of cell it is.
   */
  readonly cell?: readonly [type: CellType, text: (random: Random) => string];
  /** Nanoseconds that it may take. */
  readonly goal?: number;
}

function kindsOfValues(): Kind[] {
  const whole = (random: Random): string => String(random.below(2e9) - 1e9);
  const decimal = (random: Random): string => ((random.below(2e9) - 1e9) / 100).toFixed(2);
  const day = (random: Random): string =>
    new Date(Date.UTC(1990, 0, 1) + random.below(14_000) * 86_400_000).toISOString().slice(0, 10);
  const double = (random: Random): string => String((random.below(2 ** 31) / 2 ** 31) * 1000);
  return [
    { type: "text", text: (random) => `customer ${random.below(1e9)}` },
    { type: "integer", text: whole, cell: [CellType.number, whole], goal: 60 },
    {
      type: "numeric(12,2)",
      text: decimal,
      cell: [CellType.number, (random) => String((random.below(2e9) - 1e9) / 100)],
      goal: 60,
    },
    {
      type: "date",
      text: day,
      cell: [CellType.date, (random) => `${day(random)}T00:00:00.000`],
      goal: 60,
    },
    {
      type: "boolean",
      text: (random) => (random.below(2) === 1 ? "t" : "f"),
      cell: [CellType.boolean, (random) => (random.below(2) === 1 ? "true" : "false")],
      goal: 60,
    },
    { type: "double precision", text: double, cell: [CellType.number, double] },
    {
      type: "timestamp",
      text: (random) => `${day(random)} 12:34:${10 + random.below(50)}`,
      cell: [CellType.date, (random) => `${day(random)}T12:34:${10 + random.below(50)}.000`],
    },
  ];
}

/**
 * Batches of one kind in 20 columns, encoded again and again; the fastest pass counts, by processor
 * time.
 */
async function kinds(): Promise<void> {
  const printed: string[][] = [];
  for (const { type, text, cell, goal } of kindsOfValues()) {
    const plain = nanoseconds(type, CellType.string, text);
    const typed = cell && nanoseconds(type, ...cell);
    printed.push([type, plain.toFixed(0), typed?.toFixed(0) ?? ""]);
    if (goal === undefined) continue;
    goals.push(atMost(`${type} from text`, plain, goal, (figure) => `${figure.toFixed(0)} ns`));
    if (typed !== undefined)
      goals.push(atMost(`${type} from a typed cell`, typed, goal, (figure) => `${figure.toFixed(0)} ns`));
  }
  console.log("Nanoseconds to check a value and write it as COPY text\n");
  printTable(["column", "from text", "from a typed cell"], printed);
  console.log();
}

function nanoseconds(type: string, cellType: CellType, text: (random: Random) => string): number {
  const names = Array.from({ length: COLUMNS }, (_, n) => `c${n + 1}`);
  const batch = batchOf(cellType, text);
  const encoder = encoderOf(names.map((name) => [name, type]));
  const pass = (): void => {
    for (let row = 0; row < batch.rowCount;) row = encoder.fill(batch, row);
    const { chunk, rejects } = encoder.take();
    if (rejects.length > 0) throw new Error(`${type}: ${rejects[0]!.reason} (${rejects[0]!.value})`);
    chunk.release();
  };
  for (let n = 0; n < 10; n++) pass();
  let best = Infinity;
  for (let n = 0; n < Number(flags.passes); n++) {
    const before = process.cpuUsage();
    for (let again = 0; again < 4; again++) pass();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, user + system);
  }
  return (best * 1000) / (4 * ROWS * COLUMNS);
}

/** An encoder whose chunks are as large as a batch of this file. */
function encoderOf(columns: readonly (readonly [name: string, type: string])[], rows: number = ROWS): Encoder {
  const { columns: made } = table({
    name: "figures",
    columns: Object.fromEntries(columns.map(([name, type]) => [name, { type }])),
  });
  const load = made.map((column, n) => ({ column, sheetColumn: n + 1, header: column.name }));
  const plan = { file: "", sheet: "", table: "figures", columns: load, statement: "copy", step: rows } as const;
  return new Encoder(
    plan,
    load.map(({ sheetColumn }) => sheetColumn),
    "pad",
    rows,
  );
}

/** As a reader makes it: all cells of one kind. */
function batchOf(cellType: CellType, text: (random: Random) => string): RowBatch {
  const random = new Random(1);
  const texts = Array.from({ length: ROWS * COLUMNS }, () => text(random));
  const starts = new Int32Array(texts.length);
  const ends = new Int32Array(texts.length);
  let at = 0;
  for (const [n, { length }] of texts.entries()) {
    starts[n] = at;
    ends[n] = at += length;
  }
  return {
    rowCount: ROWS,
    cellCount: texts.length,
    bytes: Buffer.from(`${texts.join("")}    `),
    rowNumbers: Int32Array.from({ length: ROWS }, (_, row) => row + 2),
    widths: new Int32Array(ROWS).fill(COLUMNS),
    firstCell: Int32Array.from({ length: ROWS + 1 }, (_, row) => row * COLUMNS),
    columns: Int32Array.from({ length: texts.length }, (_, cell) => (cell % COLUMNS) + 1),
    types: new Uint8Array(texts.length).fill(cellType),
    flags: new Uint8Array(texts.length).fill(PLAIN),
    starts,
    ends,
    progress: 1,
    warnings: [],
    release: () => undefined,
  };
}

/**
 * The CSV of typed.ts, from its first byte to the last chunk, as text columns and as typed ones.
 */
async function csv(): Promise<void> {
  const rows = Number(flags.rows);
  const file = await figures(rows);
  const printed: string[][] = [];
  const ways = { "read only": undefined, "six text columns": "text", "typed columns": undefined };
  for (const [what, type] of Object.entries(ways)) {
    let best = Infinity;
    for (let n = 0; n < 3; n++) {
      const columns = figureTypes.map(([name, own]) => [name, type ?? own] as const);
      const encoder = what === "read only" ? undefined : encoderOf(columns, 20_000);
      const before = process.cpuUsage();
      await through(file, encoder);
      const { user, system } = process.cpuUsage(before);
      best = Math.min(best, (user + system) / 1000);
    }
    printed.push([what, count(rows), seconds(best), count((rows / best) * 1000)]);
  }
  console.log("A CSV of six columns, read and encoded without a server; processor time, the best of three\n");
  printTable(["", "rows", "processor time", "rows/s"], printed);
  console.log();
}

async function through(file: string, encoder: Encoder | undefined): Promise<void> {
  await using book = await open(file);
  let isHeader = true;
  for await (const batch of book.sheet().batches()) {
    for (let row = isHeader ? 1 : 0; encoder && row < batch.rowCount;) {
      row = encoder.fill(batch, row);
      if (encoder.full) encoder.take().chunk.release();
    }
    isHeader = false;
    batch.release();
  }
  if (encoder && !encoder.empty) encoder.take().chunk.release();
}
