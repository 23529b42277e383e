// A fleet whose workers are killed and frozen at random while files come in, and its rows compared
// with the files':
//
//   node --conditions=source bench/fleet.ts [--files 40] [--rows 2000] [--servers 2] [--workers 4] [--kills 10] [--seed N]
//   node --conditions=source bench/fleet.ts --files 500 --kills 1000 --rows 20000     the long form
//   node --conditions=source bench/fleet.ts --scale 1,2,4 [--runs 3]                  rows a second by the number of workers, no kills
//
// It uses DATABASE_URL, else a server on 127.0.0.1, else one that it starts from npm's binaries. It
// makes a database for each run and drops it. It ends with 1 at the first row that is missing,
// there twice, or changed.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { chaos, type ChaosOptions, type ChaosResult } from "../packages/sluice/src/server/fleet/test/chaos.ts";
import { setup } from "../scripts/postgres.ts";
import { count, median, printTable } from "./run.ts";

const { values: given } = parseArgs({
  options: {
    files: { type: "string", default: "40" },
    rows: { type: "string", default: "2000" },
    servers: { type: "string", default: "2" },
    workers: { type: "string", default: "4" },
    kills: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    scale: { type: "string" },
    runs: { type: "string", default: "3" },
  },
});
const [files, rows, servers, seed] = [given.files, given.rows, given.servers, given.seed].map(Number) as [
  number,
  number,
  number,
  number,
];

const teardown = await setup();
const server = process.env["SLUICE_TEST_POSTGRES"];
if (server === undefined) throw new Error("no PostgreSQL is found, and none can be started");
try {
  if (given.scale === undefined) await kill();
  else await scale(given.scale.split(",").map(Number));
} finally {
  await teardown();
}

async function kill(): Promise<void> {
  const workers = Number(given.workers);
  const { killed, frozen, resumed, seconds } = await run({ workers, kills: Number(given.kills) });
  console.log(
    `${files} files of ${count(rows)} rows in ${seconds.toFixed(0)} s: ${killed} workers killed and ${frozen} frozen while they had an import, ` +
      `${resumed} imports given up and let wait again. No row is missing, none is there twice, none is changed.`,
  );
}

/**
 * The numbers of workers take turns, so that a machine that changes its speed meanwhile shows in
 * the range.
 */
async function scale(numbers: readonly number[]): Promise<void> {
  const rates = new Map(numbers.map((workers) => [workers, [] as number[]]));
  for (let n = 0; n < Number(given.runs); n++)
    for (const workers of numbers)
      rates.get(workers)!.push((files * rows) / (await run({ workers, kills: 0 })).seconds);
  const { waited } = await run({ workers: 1, kills: 0, oneByOne: true });
  const first = median(rates.get(numbers[0]!)!);
  const table = [...rates].map(([workers, found]) => [
    String(workers),
    count(median(found)),
    count(Math.min(...found)),
    count(Math.max(...found)),
    `${(median(found) / first).toFixed(2)}×`,
  ]);
  printTable(["workers", "rows/s", "from", "to", ""], table);
  console.log(`From POST /imports to the worker's claim, on an idle fleet: ${waited} ms (median of ${files}).`);
}

async function run(
  options: Pick<ChaosOptions, "workers" | "kills"> & Partial<Pick<ChaosOptions, "oneByOne">>,
): Promise<ChaosResult> {
  const name = `sluice_bench_fleet_${process.pid}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  try {
    await admin.query(`create database ${name}`);
    const dsn = new URL(server!);
    dsn.pathname = `/${name}`;
    const print = (line: string): void => console.error(line);
    return await chaos({ dsn: dsn.href, folder, servers, files, rows, seed, print, ...options });
  } finally {
    await rm(folder, { recursive: true, force: true });
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.end();
  }
}
