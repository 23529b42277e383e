// A fleet whose workers are killed and frozen at random while files come in, and its rows compared
// with the files':
//
//   node --conditions=source bench/fleet.ts [--files 40] [--rows 2000] [--servers 2] [--workers 4] [--kills 10] [--workbooks 10] [--seed N]
//   node --conditions=source bench/fleet.ts --files 500 --kills 1000     the long form
//
// Files are sent until all kills are done. One in `--workbooks` of them is a workbook of three
// sheets. It uses DATABASE_URL, else a server on 127.0.0.1, else one that it starts from npm's
// binaries; with SLUICE_TEST_SERVER=own it starts one in any case. It makes a database for each run
// and drops it. It ends with 1 at the first row that is missing, there twice, or changed.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import pg from "pg";
import { chaos, type ChaosOptions, type ChaosResult } from "../packages/sluice/src/server/fleet/test/chaos.ts";
import { setup } from "../scripts/postgres.ts";
import { count } from "./run.ts";

const { values: given } = parseArgs({
  options: {
    files: { type: "string", default: "40" },
    rows: { type: "string", default: "2000" },
    servers: { type: "string", default: "2" },
    workers: { type: "string", default: "4" },
    kills: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    workbooks: { type: "string", default: "10" },
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
  await kill();
} finally {
  await teardown();
}

async function kill(): Promise<void> {
  const workers = Number(given.workers);
  const { files: sent, killed, frozen, resumed, seconds } = await run({ workers, kills: Number(given.kills) });
  console.log(
    `${count(sent)} files of ${count(rows)} rows in ${seconds.toFixed(0)} s: ${killed} workers killed and ${frozen} frozen while they had an import, ` +
      `${resumed} imports given up and let wait again. No row is missing, none is there twice, none is changed.`,
  );
}

async function run(options: Pick<ChaosOptions, "workers" | "kills">): Promise<ChaosResult> {
  const name = `sluice_bench_fleet_${process.pid}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  try {
    await admin.query(`create database ${name}`);
    const dsn = new URL(server!);
    dsn.pathname = `/${name}`;
    const print = (line: string): void => console.error(line);
    const workbooks = Number(given.workbooks);
    return await chaos({ dsn: dsn.href, folder, servers, files, rows, workbooks, seed, print, ...options });
  } finally {
    await rm(folder, { recursive: true, force: true });
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.end();
  }
}
