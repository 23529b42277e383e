// Imports against rivals, on one PostgreSQL: psql's \copy of the same rows as CSV, and the guide's
// program in Go. See README.md.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { background } from "@sluice/go/context";
import { businesses, openTarget, runImport, type Method } from "sluice";
import { tableDdl } from "../packages/sluice/src/schema/schema.ts";
import { cells, compare, type Contender, type Timing } from "./compare.ts";
import { csv, root, tmp, workbook } from "./data.ts";
import { openDatabase } from "./database.ts";
import { atLeast, atMost, count, type Goal, mustRun, printGoals, type Run, seconds, times } from "./run.ts";

const { values: flags } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    runs: { type: "string", default: "3" },
    "small-rows": { type: "string", default: "10000" },
    "small-runs": { type: "string", default: "5" },
    strings: { type: "string", default: "inline" },
    only: { type: "string", default: "pk,indexed,methods,process" },
  },
});
const rows = Number(flags.rows);
const runs = Number(flags.runs);
const smallRows = Number(flags["small-rows"]);
const smallRuns = Number(flags["small-runs"]);
const strings = flags.strings === "shared" ? "shared" : "inline";
const parts: Record<string, () => Promise<void>> = { pk: primaryKeyOnly, indexed, methods, process: wholeProcess };
const only = flags.only.split(",");
for (const part of only)
  if (!(part in parts)) throw new Error(`--only: there is no "${part}", only ${Object.keys(parts).join(", ")}`);

const bareSchema = join(root, "bench", "bare.schema.ts");
const fullSchema = join(root, "examples", "data", "businesses.schema.ts");
const ddl = tableDdl(businesses);
const withIndexes = [...ddl.create, ...ddl.indexes];
const goals: Goal[] = [];

await using database = await openDatabase("bench");
const { client, to, version } = database;
console.log(`PostgreSQL ${version}, Node ${process.versions.node}; medians, the rivals of a table take turns\n`);
for (const part of only) await parts[part]!();
printGoals(goals);

async function primaryKeyOnly(): Promise<void> {
  const [file, text] = [await workbook(rows, strings), await csv(rows)];
  console.log(`${count(rows)} rows into a table with a primary key only; whole processes, ${runs} runs each\n`);
  const [psql, ours] = await compare(client, rows, runs, [
    { name: "psql \\copy of the CSV", before: ddl.create, run: () => psqlCopy(text) },
    { name: "sluice import of the .xlsx", run: () => sluice(file, ["--schema", bareSchema]) },
  ]);
  goals.push(atMost("primary key only: sluice / psql", ours! / psql!, 1, times));
}

async function indexed(): Promise<void> {
  const [file, text] = [await workbook(rows, strings), await csv(rows)];
  console.log(`${count(rows)} rows into a table with the guide's six indexes; whole processes, ${runs} runs each\n`);
  const [psql, , ours] = await compare(client, rows, runs, [
    { name: "psql \\copy, indexes there", before: withIndexes, run: () => psqlCopy(text) },
    { name: "psql \\copy, create index after", before: ddl.create, run: () => psqlCopy(text, ddl.indexes) },
    { name: "sluice import, new table", run: () => sluice(file, ["--schema", fullSchema]) },
    {
      name: "sluice import, indexes there",
      before: withIndexes,
      run: () => sluice(file, ["--schema", fullSchema, "--append"]),
    },
  ]);
  goals.push(atMost("six indexes, new table: sluice / psql", ours! / psql!, 0.5, times));
}

async function methods(): Promise<void> {
  const file = await workbook(smallRows, "shared");
  mkdirSync(tmp, { recursive: true });
  const twin = join(tmp, "go-twin");
  await mustRun("go", ["build", "-o", twin, "."], { cwd: join(root, "bench", "go-twin") });
  console.log(
    `${count(smallRows)} rows by each method, into the guide's table with its six indexes; the programs' own clocks, from\n` +
      `opening the file to the last commit, ${smallRuns} runs each. "served": in a process that has imported before\n`,
  );
  await using target = await openTarget({ to: to.href });
  const served = async (method: Method, mode: "create" | "append"): Promise<Timing> =>
    runImport(background(), { file, target, table: "businesses", schema: businesses, method, mode });
  // The Go program makes its table by AutoMigrate, before its clock starts; so ours finds one too.
  const ours = (method: Method): Contender[] => [
    { name: `sluice ${method}, served`, before: withIndexes, run: () => served(method, "append") },
    {
      name: `sluice ${method}, new process`,
      before: withIndexes,
      run: () => sluice(file, ["--schema", fullSchema, "--append", "--method", method], "own"),
    },
  ];
  for (const method of ["sequential", "concurrent", "batch"] as const) {
    await warmUp(() => served(method, "create"));
    if (method === "batch") await warmUp(() => served("copy", "create"));
    const [go, warm, , copy, , create] = await compare(client, smallRows, smallRuns, [
      { name: `Go twin, ${method}`, run: () => goTwin(twin, method, file) },
      ...ours(method),
      ...(method === "batch" ? ours("copy") : []),
      ...(method === "batch" ? [{ name: "sluice copy, served, new table", run: () => served("copy", "create") }] : []),
    ]);
    goals.push(atLeast(`${method}: times as fast as the Go twin`, go! / warm!, 1, times));
    if (copy === undefined || create === undefined) continue;
    goals.push(atLeast("copy: times as fast as the Go twin's batch", go! / copy, 10, times));
    goals.push(atLeast("copy into a new table: the same", go! / create, 10, times));
  }
}

async function wholeProcess(): Promise<void> {
  const file = join(root, "examples", "data", "businesses.xlsx");
  console.log(
    `sluice import examples/data/businesses.xlsx into a new table, start of the program to its end, ${smallRuns} runs\n`,
  );
  const [ours] = await compare(client, 10_000 - 13, smallRuns, [
    { name: "sluice import", run: () => sluice(file, []) },
  ]);
  goals.push(atMost("10,000 rows, whole process", ours!, 600, seconds));
}

async function warmUp(run: () => Promise<unknown>): Promise<void> {
  await client.query("drop table if exists businesses");
  await run();
}

/** The CSV into the table, then the indexes: two processes, as one would do it by hand. */
async function psqlCopy(file: string, indexes: readonly string[] = []): Promise<Timing> {
  const copy = await psql([`\\copy businesses (${cells}) from '${file}' with (format csv, header, escape '\\')`]);
  const after = indexes.length > 0 ? (await psql(indexes)).milliseconds : 0;
  return { milliseconds: copy.milliseconds + after };
}

function psql(statements: readonly string[]): Promise<Run> {
  const commands = statements.flatMap((statement) => ["-c", statement]);
  return mustRun("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", to.href, ...commands]);
}

/**
 * `whole`: from the start of the launcher to its end. `own`: what the program says that it took.
 */
async function sluice(file: string, args: readonly string[], clock: "whole" | "own" = "whole"): Promise<Timing> {
  const command = [join(root, "packages", "sluice", "bin", "sluice.js"), "import", file, "--to", to.href, "--json"];
  const table = ["--table", "businesses"];
  const done = await mustRun(process.execPath, [...command, ...table, ...args], { codes: [0, 3] });
  const own = (JSON.parse(done.stdout) as { milliseconds: number }).milliseconds;
  return clock === "own" ? { milliseconds: own } : { milliseconds: done.milliseconds, own };
}

async function goTwin(program: string, method: string, file: string): Promise<Timing> {
  const done = await mustRun(program, ["import", method, file], { env: { DATABASE_URL: to.href } });
  return { milliseconds: (JSON.parse(done.stdout) as { milliseconds: number }).milliseconds };
}
