// Peak memory of imports: of a full sheet against a small one, and of sheets in which every row is bad. See README.md.
import { join } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { writeSample } from "../packages/sluice/src/sample/sample.ts";
import { kept, root, tmp, workbook } from "./data.ts";
import { atMost, count, mustRun, printGoals, printTable, seconds } from "./run.ts";

const { values: flags } = parseArgs({
  options: {
    small: { type: "string", default: "10000" },
    large: { type: "string", default: "1048575" },
    "small-bad": { type: "string", default: "100000" },
    bad: { type: "string", default: "1000000" },
  },
});
const server = new URL(process.env["DATABASE_URL"] ?? "postgres://postgres@127.0.0.1:5432/postgres");
const database = `sluice_memory_${process.pid}`;
const to = new URL(server);
to.pathname = `/${database}`;
const megabytes = (bytes: number): string => `${count(bytes / 1024 ** 2)} MB`;
const rows: string[][] = [];

/** A workbook in which every row is bad. */
function allBad(rows: number): Promise<string> {
  return kept(`${rows}-bad.xlsx`, (out) => writeSample(out, { rows, bad: rows, strings: "inline" }));
}

/** Imports with the program itself, not its launcher; returns the peak of its resident set in bytes. */
async function measure(what: string, file: string, ...more: string[]): Promise<number> {
  const program = join(root, "packages", "sluice", "src", "cli", "main.ts");
  const schema = join(root, "examples", "data", "businesses.schema.ts");
  const args = ["--disable-warning=ExperimentalWarning", "--conditions=source", program, "import", file];
  const place = ["--to", to.href, "--schema", schema, "--table", `t${rows.length}`, "--json"];
  const done = await mustRun(process.execPath, [...args, ...place, ...more], { codes: [0, 3] });
  const result = JSON.parse(done.stdout) as { inserted: number; rejected: number };
  rows.push([what, count(result.inserted), count(result.rejected), seconds(done.milliseconds), megabytes(done.peak)]);
  return done.peak;
}

const admin = new pg.Client({ connectionString: server.href });
await admin.connect();
await admin.query(`create database ${database}`);
try {
  const bad = await allBad(Number(flags.bad));
  const small = await measure("a small sheet", await workbook(Number(flags.small), "inline"));
  const large = await measure("a full sheet", await workbook(Number(flags.large), "inline"));
  const toCsv = ["--rejects", join(tmp, "rejects.csv")];
  const fewBad = await measure("every row bad, rejects as CSV", await allBad(Number(flags["small-bad"])), ...toCsv);
  const csv = await measure("every row bad, rejects as CSV", bad, ...toCsv);
  const xlsx = await measure("every row bad, rejects as a workbook", bad, "--rejects", join(tmp, "rejects.xlsx"));
  printTable(["import", "rows in", "rejected", "time", "peak memory"], rows);
  console.log();
  const times = (ratio: number): string => `${ratio.toFixed(2)}×`;
  printGoals([
    atMost("a full sheet / a small one", large / small, 1.3, times),
    atMost("every row bad, CSV / ten times fewer", csv / fewBad, 1.3, times),
    atMost("every row bad, a workbook / ten times fewer", xlsx / fewBad, 1.3, times),
  ]);
} finally {
  await admin.query(`drop database if exists ${database} with (force)`);
  await admin.end();
}
