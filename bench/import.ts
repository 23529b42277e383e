// Imports against rivals, on one PostgreSQL: psql's \copy of the same rows as CSV, and the guide's program in Go. The two of a
// pair take turns, each into a fresh table, and what is in the table is counted after every run. See README.md.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { businesses } from "../packages/sluice/src/businesses.ts";
import { tableDdl } from "../packages/sluice/src/schema.ts";
import { csv, root, tmp, workbook } from "./data.ts";
import { count, median, mustRun, printTable, type Run, seconds, times } from "./run.ts";

const { values: flags } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    runs: { type: "string", default: "3" },
    "small-rows": { type: "string", default: "10000" },
    "small-runs": { type: "string", default: "5" },
    strings: { type: "string", default: "inline" },
    only: { type: "string", default: "bare,indexed,methods,whole" },
  },
});
const rows = Number(flags.rows);
const runs = Number(flags.runs);
const smallRows = Number(flags["small-rows"]);
const smallRuns = Number(flags["small-runs"]);
const strings = flags.strings === "shared" ? "shared" : "inline";
const only = new Set(flags.only.split(","));

const bareSchema = join(root, "bench", "bare.schema.ts");
const fullSchema = join(root, "examples", "data", "businesses.schema.ts");
const ddl = tableDdl(businesses);
const cells = "name, category, phone, email, address, city, country, website, description";

const server = new URL(process.env["DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/postgres");
const database = `sluice_bench_${process.pid}`;
const target = new URL(server);
target.pathname = `/${database}`;

/** One way to fill the table `businesses`. */
interface Contender {
  readonly name: string;
  /** Makes the table, where the contender does not make it itself. */
  readonly before?: readonly string[];
  /** Fills it, and says how long that took in milliseconds. */
  readonly run: () => Promise<number>;
}

const admin = new pg.Client({ connectionString: server.href });
await admin.connect();
await admin.query(`create database ${database}`);
const client = new pg.Client({ connectionString: target.href });
try {
  await client.connect();
  await client.query("set client_min_messages = warning");
  const version = (await client.query<{ server_version: string }>("show server_version")).rows[0]!.server_version;
  console.log(`PostgreSQL ${version}, Node ${process.versions.node}; medians, the rivals of a table take turns\n`);
  if (only.has("bare")) await bare();
  if (only.has("indexed")) await indexed();
  if (only.has("methods")) await methods();
  if (only.has("whole")) await whole();
} finally {
  await client.end();
  await admin.query(`drop database if exists ${database} with (force)`);
  await admin.end();
}

async function bare(): Promise<void> {
  const [file, text] = [await workbook(rows, strings), await csv(rows)];
  console.log(`${count(rows)} rows into a table with a primary key only; whole processes, ${runs} runs each\n`);
  await compare(rows, runs, [
    { name: "psql \\copy of the CSV", before: [ddl.create], run: () => psqlCopy(text) },
    { name: "sluice import of the .xlsx", run: () => sluice(file, ["--schema", bareSchema]) },
  ]);
}

async function indexed(): Promise<void> {
  const [file, text] = [await workbook(rows, strings), await csv(rows)];
  console.log(`${count(rows)} rows into a table with the guide's six indexes; whole processes, ${runs} runs each\n`);
  await compare(rows, runs, [
    { name: "psql \\copy, indexes there", before: [ddl.create, ...ddl.indexes], run: () => psqlCopy(text) },
    {
      name: "psql \\copy, create index after",
      before: [ddl.create],
      run: async () => (await psqlCopy(text)) + (await psql(ddl.indexes)).milliseconds,
    },
    { name: "sluice import, new table", run: () => sluice(file, ["--schema", fullSchema]) },
    {
      name: "sluice import, indexes there",
      before: [ddl.create, ...ddl.indexes],
      run: () => sluice(file, ["--schema", fullSchema, "--append"]),
    },
  ]);
}

async function methods(): Promise<void> {
  const file = await workbook(smallRows, "shared");
  mkdirSync(tmp, { recursive: true });
  const twin = join(tmp, "go-twin");
  await mustRun("go", ["build", "-o", twin, "."], { cwd: join(root, "bench", "go-twin") });
  console.log(
    `${count(smallRows)} rows into an existing table with the guide's six indexes; the programs' own clocks, from opening the\n` +
      `file to the last commit, ${smallRuns} runs each\n`,
  );
  // The Go program makes the same table by AutoMigrate, before its clock starts.
  const there = [ddl.create, ...ddl.indexes];
  const ours = (method: string): Contender => ({
    name: `sluice, ${method}`,
    before: there,
    run: () => sluice(file, ["--schema", fullSchema, "--append", "--method", method], "own"),
  });
  for (const method of ["sequential", "concurrent", "batch"]) {
    await compare(smallRows, smallRuns, [
      { name: `Go twin, ${method}`, run: () => goTwin(twin, method, file) },
      ours(method),
      ...(method === "batch" ? [ours("copy")] : []),
    ]);
  }
}

async function whole(): Promise<void> {
  const file = join(root, "examples", "data", "businesses.xlsx");
  console.log(
    `sluice import examples/data/businesses.xlsx into a new table, start of the program to its end, ${smallRuns} runs\n`,
  );
  await compare(10_000 - 13, smallRuns, [{ name: "sluice import", run: () => sluice(file, []) }]);
}

/** Lets the contenders take turns, the first being what the others are measured by. */
async function compare(rows: number, runs: number, contenders: readonly Contender[]): Promise<void> {
  const figures = contenders.map((): number[] => []);
  for (let i = 0; i < runs; i++) {
    for (const [k, { name, before = [], run }] of contenders.entries()) {
      await client.query("drop table if exists businesses");
      for (const statement of before) await client.query(statement);
      await client.query("checkpoint"); // nobody pays for what the one before left to write
      figures[k]!.push(await run());
      const inside = (await client.query<{ n: string }>("select count(*) as n from businesses")).rows[0]!.n;
      if (Number(inside) !== rows) throw new Error(`${name} left ${inside} rows in the table, not ${rows}`);
    }
  }
  const base = median(figures[0]!);
  printTable(
    ["", "median", "from", "to", "rows/s", `time / ${contenders[0]!.name}`],
    contenders.map(({ name }, k) => {
      const mid = median(figures[k]!);
      const [low, high] = [Math.min(...figures[k]!), Math.max(...figures[k]!)];
      return [name, seconds(mid), seconds(low), seconds(high), count((rows / mid) * 1000), times(mid / base)];
    }),
  );
  console.log();
}

function psql(statements: readonly string[]): Promise<Run> {
  const commands = statements.flatMap((statement) => ["-c", statement]);
  return mustRun("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", target.href, ...commands]);
}

async function psqlCopy(file: string): Promise<number> {
  return (await psql([`\\copy businesses (${cells}) from '${file}' with (format csv, header)`])).milliseconds;
}

/** `whole`: from the start of the process to its end. `own`: what the program says that it took. */
async function sluice(file: string, args: readonly string[], clock: "whole" | "own" = "whole"): Promise<number> {
  const command = [join(root, "packages", "sluice", "bin", "sluice.js"), "import", file, "--to", target.href, "--json"];
  const table = ["--table", "businesses"];
  const done = await mustRun(process.execPath, [...command, ...table, ...args], { codes: [0, 3] });
  return clock === "own" ? (JSON.parse(done.stdout) as { milliseconds: number }).milliseconds : done.milliseconds;
}

async function goTwin(program: string, method: string, file: string): Promise<number> {
  const done = await mustRun(program, ["import", method, file], { env: { DATABASE_URL: target.href } });
  return (JSON.parse(done.stdout) as { milliseconds: number }).milliseconds;
}
