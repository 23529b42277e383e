// What an import holds at once, sends at once and answers is limited in bytes, whatever the rows
// are like.
import { spawn } from "node:child_process";
import { createWriteStream, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createGzip } from "node:zlib";
import { background } from "@sluice/go/context";
import { expect, test } from "vitest";
import type { LoadPlan } from "../chunk/chunk.ts";
import { Encoder } from "../chunk/encode.ts";
import { runImport } from "../import.ts";
import { rejectsOf } from "../ledger/ledger.ts";
import { FirstRejects, type Reject } from "../reject.ts";
import { table } from "../schema/schema.ts";
import { insertable } from "../database/load.ts";
import { postgresDatabase } from "../database/postgres.ts";
import { PIECE_BYTES, record } from "../database/record.ts";
import { SqlTarget } from "../database/sql.ts";
import type { Connection, Database } from "../target.ts";
import { lending } from "./faults.ts";
import { batchOfRows, type BatchCell } from "./batch.ts";
import { newDatabase, newFolder, server } from "./database.ts";
import { type ImportOptions, METHODS } from "../options.ts";

const MiB = 1024 ** 2;
const withServer = test.skipIf(server === undefined);
const schema = table({ name: "t", columns: { a: { type: "integer" }, b: {} } });

function encoderOf(most: number, mostWeight: number, isDone: (n: number) => boolean = () => false): Encoder {
  const columns = schema.columns.map((column, n) => ({ column, sheetColumn: n + 1, header: column.name }));
  const plan: LoadPlan = { file: "f", sheet: "S", table: "t", columns, statement: "copy", step: most };
  return new Encoder(plan, [1, 2], "pad", most, most, isDone, mostWeight);
}

/** The records of each chunk that a sheet becomes; passed over ones are not in it. */
function chunksOf(encoder: Encoder, rows: readonly (readonly BatchCell[])[]): string[] {
  const batch = batchOfRows(rows);
  const chunks: string[] = [];
  const take = (): void => {
    if (encoder.done) return encoder.pass();
    const { chunk, rejects } = encoder.take();
    chunks.push(`${chunk.index}: ${chunk.rowCount}+${rejects.length}`);
    chunk.release();
  };
  for (let row = 0; row < batch.rowCount;) {
    row = encoder.fill(batch, row);
    if (encoder.full) take();
  }
  if (!encoder.empty) take();
  return chunks;
}

test("a chunk ends before the record that makes it too heavy, and one that is too heavy for any is a chunk of its own", () => {
  const rows = [400, 400, 400, 3000, 10, 10, 10].map((length, n) => [n, "x".repeat(length)]);
  expect(chunksOf(encoderOf(100, 1000), rows)).toEqual(["0: 2+0", "1: 1+0", "2: 1+0", "3: 3+0"]);
  expect(chunksOf(encoderOf(3, 10_000), rows)).toEqual(["0: 3+0", "1: 3+0", "2: 1+0"]);
});

test("a rejected record weighs what it would weigh otherwise, and so does one of a chunk that is passed over", () => {
  const rows = (first: BatchCell): BatchCell[][] => Array.from({ length: 6 }, () => [first, "x".repeat(400)]);
  expect(chunksOf(encoderOf(100, 1000), rows(1))).toEqual(["0: 2+0", "1: 2+0", "2: 2+0"]);
  expect(chunksOf(encoderOf(100, 1000), rows("bad"))).toEqual(["0: 0+2", "1: 0+2", "2: 0+2"]);
  const mixed = [...rows(1).slice(0, 3), ...rows("bad").slice(0, 3)];
  expect(
    chunksOf(
      encoderOf(100, 1000, (n) => n < 2),
      mixed,
    ),
  ).toEqual(["2: 0+2"]);
});

test("columns without a value weigh something too: their NULLs are written, and a wide reject lists them", () => {
  const wide = Array.from({ length: 4 }, () => [1, ...Array.from({ length: 99 }, () => null)]);
  expect(chunksOf(encoderOf(100, 1700), wide)).toEqual(["0: 2+0", "1: 2+0"]);
});

/** A database that remembers the most bytes it was sent at once. */
function measured(database: Database): {
  database: Database;
  most: { copied: number; asked: number; answered: number };
} {
  const most = { copied: 0, asked: 0, answered: 0 };
  const sizeOf = (texts: readonly (string | null)[] = []): number =>
    texts.reduce((n, text) => n + (text?.length ?? 0), 0);
  const wrap = (connection: Connection): Connection => ({
    query: async (sql, parameters) => {
      most.asked = Math.max(most.asked, sql.length + sizeOf(parameters));
      const result = await connection.query(sql, parameters);
      most.answered = Math.max(most.answered, sizeOf(result.rows.flat()));
      return result;
    },
    copy: (into, data) => {
      most.copied = Math.max(most.copied, data.length);
      return connection.copy(into, data);
    },
  });
  return { most, database: lending(database, (connection, use) => use(wrap(connection))) };
}

const CELL = "x".repeat(30_000);
const WIDE = 270_000;

/** Rows of nine long cells, as text in gzip; every row is bad, or none. */
async function wideRows(path: string, rows: number, bad: boolean): Promise<string> {
  const lines = function* (): Generator<string> {
    yield "id,a,b,c,d,e,f,g,h,i\n";
    for (let n = 1; n <= rows; n++) yield `${bad ? "no number" : n}${`,${CELL}`.repeat(9)}\n`;
  };
  await pipeline(Readable.from(lines()), createGzip({ level: 1 }), createWriteStream(path));
  return path;
}

const wide = table({
  name: "wide",
  columns: { id: { type: "integer" }, a: {}, b: {}, c: {}, d: {}, e: {}, f: {}, g: {}, h: {}, i: {} },
});

withServer.each(
  METHODS.flatMap((method) => [
    { method, bad: false, more: {} },
    { method, bad: true, more: {} },
    ...(method === "copy"
      ? [
          { method, bad: true, more: { atomic: true } },
          { method, bad: true, more: { dryRun: true } },
        ]
      : []),
  ]),
)(
  "nothing that is sent or asked for at once is large where rows are long: $method, all bad: $bad, $more",
  async ({ method, bad, more }) => {
    const rows = 80;
    await using folder = newFolder();
    await using own = await newDatabase();
    const { database, most } = measured(postgresDatabase(own.dsn, 3));
    await using target = new SqlTarget(database, 0);
    const told: (readonly Reject[])[] = [];
    const result = await runImport(background(), {
    file: await wideRows(join(folder.path, "wide.csv.gz"), rows, bad),
    target, schema: wide, method, workers: 2, onRejects: (page) => void told.push(page), ...more,
  }); // prettier-ignore
    expect(result).toMatchObject(bad ? { total: rows, rejected: rows } : { total: rows, inserted: rows });
    expect(most.copied).toBeLessThanOrEqual(bad ? PIECE_BYTES + 1.1 * WIDE : 8 * MiB);
    expect(most.asked).toBeLessThanOrEqual(2 * MiB);
    expect(most.answered).toBeLessThanOrEqual(0.5 * MiB + 1.1 * WIDE);
    if (!bad) return;
    const all = told.flat();
    expect(all.map(({ row }) => row)).toEqual(Array.from({ length: rows }, (_, n) => n + 2));
    for (const { value, cells } of all)
      expect([value, ...cells]).toEqual(["no number", "no number", ...Array.from({ length: 9 }, () => CELL)]);
    expect(Math.max(...told.map((page) => page.length))).toBeLessThanOrEqual(3);
    expect(result.rejects.length).toBeGreaterThan(10);
    expect(result.rejects.length).toBeLessThan(20);
    expect(result.notes.join()).toContain(`only the first ${result.rejects.length} of the rejects are listed`);
  },
);

withServer("the limit is stored when an import begins, and one that began without it goes on without it", async () => {
  await using folder = newFolder();
  const chunks: unknown[] = [];
  for (const change of ["plan", "(plan::jsonb - 'bytesPerChunk')::json"]) {
    await using own = await newDatabase();
    const file = await wideRows(join(folder.path, "wide.csv.gz"), 20, false);
    const options: Omit<ImportOptions, "target"> = { file, schema: wide, method: "batch", workers: 1 };
    const failing = measured(postgresDatabase(own.dsn, 2)).database;
    // The first chunk fails: there is no such column in the table that it meets.
    await using first = new SqlTarget({ ...failing, withConnection: (use, claim) => failing.withConnection((connection) => use({
      ...connection,
      query: (sql, parameters) => sql.includes("insert into \"wide\"") ? Promise.reject(new Error("not now")) : connection.query(sql, parameters),
    }), claim) }, 0); // prettier-ignore
    await expect(runImport(background(), { ...options, target: first })).rejects.toThrow("not now");
    await own.query(`update sluice.imports set plan = ${change}`);
    await using target = new SqlTarget(postgresDatabase(own.dsn, 2), 0);
    expect(await runImport(background(), { ...options, target })).toMatchObject({ total: 20, inserted: 20 });
    chunks.push(await own.query("select rows from sluice.chunks order by n"));
  }
  expect(chunks).toEqual([[["7"], ["7"], ["6"]], [["20"]]]);
});

test("INSERTs of chunks that end at bytes have few different numbers of rows, for each is a statement that the server keeps", () => {
  const numbers = new Set<number>();
  for (let rows = 1; rows <= 7000; rows++)
    for (let left = rows; left > 0;) {
      const size = insertable(left, 7000);
      numbers.add(size);
      left -= size;
    }
  expect(insertable(7000, 7000)).toBe(7000);
  expect(insertable(99, 100)).toBe(99);
  expect(numbers.size).toBeLessThan(140);
});

withServer("a batch whose number of rows is no statement's goes in by several, in one transaction", async () => {
  await using folder = newFolder();
  await using own = await newDatabase();
  await using target = new SqlTarget(postgresDatabase(own.dsn, 2), 0);
  const path = join(folder.path, "numbers.csv.gz");
  const lines = ["id\n", ...Array.from({ length: 700 }, (_, n) => `${n === 650 ? "bad" : n}\n`)];
  await pipeline(Readable.from(lines), createGzip(), createWriteStream(path));
  const narrow = table({ name: "numbers", columns: { id: { type: "integer" } } });
  const options = { file: path, target, schema: narrow, method: "batch" as const, batchSize: 400 };
  expect(await runImport(background(), options)).toMatchObject({ total: 700, inserted: 699, rejected: 1 });
  expect(await own.query("select count(distinct id), sum(id) from numbers")).toEqual([
    ["699", String((699 * 700) / 2 - 650)],
  ]);
  expect(await own.query("select count(distinct xmin::text) from numbers")).toEqual([["2"]]);
});

test("what is recorded of a reject whose cells are kept as bytes is what JSON.stringify says of them", async () => {
  const nasty = '\0\u0001\b\t\n\f\r\u001f "quoted" \\ back\\\\slash \u007f é 日本 🎉 \u2028';
  const cells: BatchCell[][] = [
    ["bad", nasty, null, 12, true, new Date(Date.UTC(2020, 0, 31)), { error: "#N/A" }, "last"],
    ["bad"],
    ["bad", "", null, "y"],
    [nasty, nasty],
  ];
  const encoder = encoderOf(100, MiB);
  encoder.fill(batchOfRows(cells), 0);
  const { rejects } = encoder.take();
  const expected = rejects.map(({ cells }) => JSON.stringify(cells));
  const sent: string[] = [];
  const copy = (_: string, data: Buffer): Promise<number> => Promise.resolve(sent.push(data.toString()));
  const query = (): Promise<never> => Promise.resolve({ columns: [], rows: [], count: 0 } as never);
  await record({ copy, query }, rejects, "id");
  const lines = sent.join("").trimEnd().split("\n");
  const unescaped = (text: string): string =>
    text.replaceAll(/\\(.)/g, (_, c: string) => ({ t: "\t", n: "\n", r: "\r" })[c] ?? c);
  expect(lines.map((line) => unescaped(line.split("\t").at(-1)!))).toEqual(expected);
  expect(JSON.parse(expected[0]!)).toEqual([
    "bad", nasty, null, ["n", "12"], ["b", "true"], ["d", "2020-01-31T00:00:00.000"], ["e", "#N/A"], "last",
  ]); // prettier-ignore
});

test("a row that is rejected leaves nothing of its left-out columns among the cells of the next one", () => {
  const columns = [{ column: schema.columns[0]!, sheetColumn: 2, header: "a" }];
  const plan: LoadPlan = { file: "f", sheet: "S", table: "t", columns, statement: "copy", step: 10 };
  const encoder = new Encoder(plan, [1, 2], "pad", 10);
  encoder.fill(
    batchOfRows([
      ["of the first", "bad"],
      [null, 7],
      ["of the third", 8],
    ]),
    0,
  );
  const originals = encoder.take().chunk.originals.byRow();
  const texts = (row: number): string[] => originals(row).map((cell) => cell.text());
  expect([texts(0), texts(1)]).toEqual([[], ["of the third"]]);
});

withServer("rejects are read back in pages that end at bytes, also where long and short ones take turns", async () => {
  await using own = await newDatabase();
  await using target = new SqlTarget(postgresDatabase(own.dsn, 2), 0);
  await own.query("create table r (import text, row_number integer primary key, column_name text, value text, code text, reason text, cells json)"); // prettier-ignore
  await own.query(`insert into r select 'i', n * (case when n > 300 then 50 else 1 end), null, 'v', 'c', 'r', json_build_array(repeat('x', case when n % 7 = 0 then 200000 else 10 end))
                   from generate_series(1, 600) n`); // prettier-ignore
  const pages: Reject[][] = [];
  for await (const page of rejectsOf(target, "i", { file: "f", sheet: "S" }, "r")) pages.push(page);
  expect(pages.flat().map(({ row }) => row)).toEqual(
    Array.from({ length: 600 }, (_, n) => (n + 1) * (n + 1 > 300 ? 50 : 1)),
  );
  const sizes = pages.map((page) => page.reduce((sum, { cells }) => sum + (cells[0] as string).length, 0));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(0.5 * MiB + 200_010);
  expect(pages.length).toBeLessThan(100);
});

test("a result holds the first hundred rejects, or as many as are not too much, and says so", () => {
  const reject = (length: number): Reject => ({
    file: "f", sheet: "S", row: 2, column: undefined, value: undefined, code: "c", reason: "r", cells: ["x".repeat(length)],
  }); // prettier-ignore
  const kept = (length: number): [number, number] => {
    const first = new FirstRejects();
    for (let n = 0; n < 150; n++) first.add([reject(length)]);
    return [first.list.length, first.notes().length];
  };
  expect(kept(1000)).toEqual([100, 0]);
  expect(kept(MiB)).toEqual([3, 1]);
  expect(kept(5 * MiB)).toEqual([0, 1]);
});

test.skipIf(server === undefined || !existsSync("/proc/self/status"))(
  "a process that rejects 400 rows of 270 kB needs less memory than they take",
  async () => {
    await using folder = newFolder();
    await using own = await newDatabase();
    const file = await wideRows(join(folder.path, "wide.csv.gz"), 400, true);
    const program = fileURLToPath(new URL("../cli/main.ts", import.meta.url));
    const args = ["--conditions=source", program, "import", file, "--to", own.dsn, "--type", "id=integer", "--json"];
    const child = spawn(process.execPath, [...args, "--rejects", join(folder.path, "r.csv")], { stdio: "ignore" });
    let peak = 0;
    const watch = setInterval(() => {
      const status = readFileSync(`/proc/${child.pid}/status`, { encoding: "utf8", flag: "r" });
      peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024);
    }, 20);
    const code = await new Promise((resolve) => child.on("exit", resolve));
    clearInterval(watch);
    expect(code).toBe(3);
    expect(peak).toBeGreaterThan(50);
    expect(peak).toBeLessThan(400);
  },
);
