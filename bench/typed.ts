// Imports of typed columns, keys, updates and refused rows, beside psql's \copy and statements by
// hand. See README.md.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compare, type Timing } from "./compare.ts";
import { root } from "./data.ts";
import { openDatabase } from "./database.ts";
import { figures, types } from "./figures.ts";
import { METHODS } from "../packages/sluice/src/options.ts";
import { atMost, count, type Goal, median, mustRun, printGoals, printTable, seconds, times } from "./run.ts";

const { values: flags } = parseArgs({
  options: {
    rows: { type: "string", default: "500000" },
    runs: { type: "string", default: "3" },
    refused: { type: "string", default: "20000" },
    "refused-runs": { type: "string", default: "1" },
    methods: { type: "string", default: METHODS.join(",") },
    only: { type: "string", default: "columns,key,update,skip,refused" },
  },
});
const rows = Number(flags.rows);
const runs = Number(flags.runs);
const refusedRows = Number(flags.refused);
const parts: Record<string, () => Promise<void>> = { columns, key, update, skip, refused };
const only = flags.only.split(",");
for (const part of only)
  if (!(part in parts)) throw new Error(`--only: there is no "${part}", only ${Object.keys(parts).join(", ")}`);

const names = types.map(([name]) => name);
const columnList = types.map((column) => column.join(" ")).join(", ");
const table = "figures";
const typed = `create table ${table} (${columnList})`;
const untyped = `create table ${table} (${names.map((name) => `${name} text`).join(", ")})`;
const keyed = `create table ${table} (${columnList}, primary key (id))`;
const filled = { table, text: `${table}::text` };
const goals: Goal[] = [];

await using database = await openDatabase("typed");
const { client, to, version } = database;
console.log(`PostgreSQL ${version}, Node ${process.versions.node}; whole processes, medians, rivals take turns\n`);
for (const part of only) await parts[part]!();
printGoals(goals);

/** The same CSV into six columns of text, and into typed ones. */
async function columns(): Promise<void> {
  const file = await figures(rows);
  console.log(`${count(rows)} rows into a new table without a key, ${runs} runs each\n`);
  for (const [what, ddl, goal] of [
    ["six text columns", untyped, 1.2],
    ["typed columns", typed, 1.2],
  ] as const) {
    const [psql, ours] = await compare(
      client,
      rows,
      runs,
      [
        { name: `psql \\copy, ${what}`, before: [ddl], run: () => copy(file) },
        { name: `sluice import, ${what}`, before: [ddl], run: () => sluice(file) },
      ],
      filled,
    );
    goals.push(atMost(`${what}: sluice / psql`, ours! / psql!, goal, times));
  }
}

async function key(): Promise<void> {
  const file = await figures(rows);
  console.log(`${count(rows)} rows into a table with a primary key, ${runs} runs each\n`);
  const [psql, ours] = await compare(
    client,
    rows,
    runs,
    [
      { name: "psql \\copy", before: [keyed], run: () => copy(file) },
      { name: "sluice import", before: [keyed], run: () => sluice(file) },
    ],
    filled,
  );
  goals.push(atMost("primary key: sluice / psql", ours! / psql!, 1.3, times));
}

async function update(): Promise<void> {
  const set = names.slice(1).map((name) => `${name} = excluded.${name}`);
  await onConflict("update", `do update set ${set.join(", ")}`);
}

async function skip(): Promise<void> {
  await onConflict("skip", "do nothing");
}

/** All keys are in the table already, with another amount. */
async function onConflict(action: "update" | "skip", sql: string): Promise<void> {
  const file = await figures(rows);
  await client.query("drop table if exists seed");
  await client.query(`create table seed (like ${await make(keyed)})`);
  await psql([`\\copy seed from '${file}' with (format csv, header)`]);
  await client.query("update seed set amount = 0");
  const before = [keyed, `insert into ${table} select * from seed order by id`, `vacuum analyze ${table}`];
  const byHand = [
    `create temporary table staged (${columnList})`,
    `\\copy staged from '${file}' with (format csv, header)`,
    `insert into ${table} select * from staged on conflict (id) ${sql}`,
  ];
  console.log(`${count(rows)} rows whose key is in the table already, ${action}, ${runs} runs each\n`);
  const [hand, ours] = await compare(
    client,
    rows,
    runs,
    [
      { name: "\\copy into a temporary table, INSERT … ON CONFLICT", before, run: () => psql(byHand) },
      {
        name: `sluice import --on-conflict ${action}`,
        before,
        run: () => sluice(file, ["--on-conflict", action, "--key", "id"]),
      },
    ],
    filled,
  );
  await client.query("drop table seed");
  goals.push(atMost(`${action} by key: sluice / by hand`, ours! / hand!, 1.3, times));
}

/** Makes the table, and returns its name. */
async function make(ddl: string): Promise<string> {
  await client.query(`drop table if exists ${table}`);
  await client.query(ddl);
  return table;
}

/**
 * By every method: rows that all go in beside as many that are all refused, into tables that differ
 * in nothing else.
 */
async function refused(): Promise<void> {
  const file = await figures(refusedRows);
  const parents = (first: number): string[] => [
    "drop table if exists parents cascade",
    `create table parents (id integer primary key)`,
    `insert into parents select generate_series(${first + 1}, ${first + refusedRows})`,
    "analyze parents",
    `create table ${table} (${columnList}, foreign key (id) references parents)`,
  ];
  const others = (first: number): string[] => [
    keyed,
    `insert into ${table} (id) select generate_series(${first + 1}, ${first + refusedRows})`,
    `vacuum analyze ${table}`,
  ];
  const kinds = { "unique key": others, "foreign key": parents };
  console.log(`${count(refusedRows)} rows that are all refused beside as many that all go in\n`);
  const printed: string[][] = [];
  for (const [kind, before] of Object.entries(kinds)) {
    for (const method of flags.methods.split(",")) {
      const [good, bad]: [number[], number[]] = [[], []];
      // The same key lets all rows in that stand after those of the table, or before those that are
      // parents.
      const [goodFirst, badFirst] = kind === "unique key" ? [refusedRows, 0] : [0, refusedRows];
      for (let run = 0; run < Number(flags["refused-runs"]); run++) {
        good.push(await settle(before(goodFirst), file, method, 0));
        bad.push(await settle(before(badFirst), file, method, refusedRows));
      }
      const [fast, slow] = [median(good), median(bad)];
      printed.push([kind, method, seconds(fast), seconds(slow), times(slow / fast)]);
      goals.push(atMost(`${kind}, ${method}: all refused / all good`, slow / fast, 3, times));
    }
  }
  printTable(["refused by a", "method", "all good", "all refused", "refused / good"], printed);
  console.log();
}

/**
 * One import into a fresh table; returns its milliseconds.
 * @throws if it does not reject exactly so many rows
 */
async function settle(before: readonly string[], file: string, method: string, rejected: number): Promise<number> {
  await client.query(`drop table if exists ${table}`);
  for (const statement of before) await client.query(statement);
  await client.query("checkpoint");
  const done = await importWith(file, ["--method", method]);
  if (done.rejected !== rejected || done.inserted !== refusedRows - rejected)
    throw new Error(`${method}: ${done.inserted} rows inserted and ${done.rejected} rejected, not ${rejected}`);
  return done.milliseconds;
}

function copy(file: string): Promise<Timing> {
  return psql([`\\copy ${table} from '${file}' with (format csv, header)`]);
}

function psql(statements: readonly string[]): Promise<Timing> {
  const commands = statements.flatMap((statement) => ["-c", statement]);
  return mustRun("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", to.href, ...commands]);
}

async function sluice(file: string, args: readonly string[] = []): Promise<Timing> {
  const { milliseconds, own } = await importWith(file, args);
  return { milliseconds, own };
}

/** Imports with the program, from the start of its launcher to its end. */
async function importWith(
  file: string,
  args: readonly string[],
): Promise<{ milliseconds: number; own: number; inserted: number; rejected: number }> {
  const program = join(root, "packages", "sluice", "bin", "sluice.js");
  const command = [program, "import", file, "--to", to.href, "--table", table, "--append", "--json"];
  const done = await mustRun(process.execPath, [...command, ...args], { codes: [0, 3] });
  const result = JSON.parse(done.stdout) as { milliseconds: number; inserted: number; rejected: number };
  return { ...result, milliseconds: done.milliseconds, own: result.milliseconds };
}
