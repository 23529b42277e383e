// How a fleet's speed grows with its workers, until the server's own COPY limit; what dispatching a
// job costs; and how it does with many files that wait.
//
//   node --conditions=source bench/fleet-scale.ts [--workers 1,2,4,8] [--files 16] [--rows 50000] [--runs 2] [--svg FILE]
//   node --conditions=source bench/fleet-scale.ts --dispatch 100 [--rows 10000]    a file at a time, and the same by one process
//   node --conditions=source bench/fleet-scale.ts --queued 10000 [--rows 10] [--workers 4]
//   node --conditions=source bench/fleet-scale.ts --depth 100,1000,10000    how long a claim takes when so many imports wait
//   node --conditions=source bench/fleet-scale.ts --book 4 [--rows 50000] [--workers 1,2]    one workbook of so many sheets
//
// It looks for a server as bench/fleet.ts does. The limit is that of psql's \copy of the same rows,
// over as many connections as there are workers.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { svgPlot } from "../packages/sluice/src/cli/plot.ts";
import {
  endAll,
  fileOf,
  send,
  startServer,
  startWorker,
  until,
  type Program,
} from "../packages/sluice/src/server/fleet/test/chaos.ts";
import { Claims } from "../packages/sluice/src/server/fleet/claims.ts";
import { FleetDatabase } from "../packages/sluice/src/server/fleet/database.ts";
import { sweep } from "../packages/sluice/src/server/fleet/dispatcher.ts";
import type { Import } from "../packages/sluice/src/server/jobs/import.ts";
import { writeWorkbook } from "../packages/sluice/src/test/workbook.ts";
import { setup } from "../scripts/postgres.ts";
import { count, median, printTable } from "./run.ts";

const { values: given } = parseArgs({
  options: {
    workers: { type: "string" },
    files: { type: "string", default: "16" },
    rows: { type: "string" },
    runs: { type: "string", default: "2" },
    svg: { type: "string" },
    dispatch: { type: "string" },
    queued: { type: "string" },
    depth: { type: "string" },
    book: { type: "string" },
  },
});
const runs = Number(given.runs);
const workers = (given.workers ?? (given.book === undefined ? "1,2,4,8" : "1,2")).split(",").map(Number);

const teardown = await setup();
const server = process.env["SLUICE_TEST_POSTGRES"];
if (server === undefined) throw new Error("no PostgreSQL is found, and none can be started");
try {
  if (given.dispatch !== undefined) await dispatch(Number(given.dispatch), Number(given.rows ?? 10_000));
  else if (given.queued !== undefined) await queued(Number(given.queued), Number(given.rows ?? 10));
  else if (given.depth !== undefined) await depth(given.depth.split(",").map(Number));
  else if (given.book !== undefined) await book(Number(given.book), Number(given.rows ?? 50_000));
  else await scale(Number(given.files), Number(given.rows ?? 50_000));
} finally {
  await teardown();
}

/** A fleet with a database of its own. */
interface Fleet {
  readonly url: string;
  readonly database: pg.Client;
  readonly dsn: string;
  readonly folder: string;
  readonly running: Program[];
  /**
   * Keeps workers from taking imports until it is called: they ask under this lock if there is a
   * limit.
   */
  hold(): Promise<() => Promise<void>>;
}

async function withFleet<Found>(crew: number, use: (fleet: Fleet) => Promise<Found>): Promise<Found> {
  const name = `sluice_bench_scale_${process.pid}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  const running: Program[] = [];
  await admin.query(`create database ${name}`);
  const dsn = new URL(server!);
  dsn.pathname = `/${name}`;
  const database = new pg.Client({ connectionString: dsn.href });
  await database.connect();
  try {
    await database.query("create table people (name text, age integer)");
    const place = { dsn: dsn.href, folder };
    const url = await startServer(place, running);
    const all = Array.from({ length: crew }, () => startWorker(place, running, "--max-fleet-imports", "1000"));
    await Promise.all(all.map((worker) => until(worker, /Working as/)));
    const lock = "hashtextextended('sluice fleet limits', 0)";
    const hold = async (): Promise<() => Promise<void>> => {
      await database.query(`select pg_advisory_lock(${lock})`);
      return async () => void (await database.query(`select pg_advisory_unlock(${lock})`));
    };
    return await use({ url, database, dsn: dsn.href, folder, running, hold });
  } finally {
    await endAll(running);
    await database.end();
    await rm(folder, { recursive: true, force: true });
    await admin.query(`drop database if exists ${name} with (force)`);
    await admin.end();
  }
}

/** Waits until no import waits or runs, and expects that all have finished. */
async function allFinished({ database }: Fleet): Promise<void> {
  for (;;) {
    const { rows } = await database.query<{ open: number; failed: number }>(
      `select count(*) filter (where state in ('queued', 'running'))::integer as open,
              count(*) filter (where state not in ('queued', 'running', 'finished'))::integer as failed
       from sluice_fleet.imports`,
    );
    if (rows[0]!.failed > 0) throw new Error("an import has failed");
    if (rows[0]!.open === 0) return;
    await sleep(20);
  }
}

async function scale(files: number, rows: number): Promise<void> {
  const ours = new Map(workers.map((crew) => [crew, [] as number[]]));
  const limits = new Map(workers.map((crew) => [crew, [] as number[]]));
  const all = files * rows;
  // They take turns, so that a machine that changes its speed meanwhile shows in the range.
  for (let n = 0; n < runs; n++)
    for (const crew of workers) {
      const [mine, limit] = await withFleet(crew, async (fleet) => {
        const release = await fleet.hold();
        for (let file = 0; file < files; file++) await send(fleet.url, fileOf(file, rows));
        const since = performance.now();
        await release();
        await allFinished(fleet);
        const seconds = (performance.now() - since) / 1000;
        return [all / seconds, all / (await copied(fleet, crew, files, rows))] as const;
      });
      ours.get(crew)!.push(mine);
      limits.get(crew)!.push(limit);
      console.error(`${crew} workers: ${count(mine)} rows/s, psql ${count(limit)}`);
    }
  const first = median(ours.get(workers[0]!)!);
  const best = Math.max(...[...limits.values()].map(median));
  const range = (found: number[]): string => `${count(Math.min(...found))} to ${count(Math.max(...found))}`;
  printTable(
    ["workers", "rows/s", "range", "", "psql, as many connections", "of the best psql"],
    workers.map((crew) => {
      const found = ours.get(crew)!;
      const times = `${(median(found) / first).toFixed(2)}×`;
      const share = `${((median(found) / best) * 100).toFixed(0)} %`;
      return [String(crew), count(median(found)), range(found), times, count(median(limits.get(crew)!)), share];
    }),
  );
  const points = (found: ReadonlyMap<number, number[]>) => workers.map((x) => ({ x, y: median(found.get(x)!) }));
  if (given.svg !== undefined)
    await writeFile(
      given.svg,
      svgPlot({
        title: "Rows a second by the number of workers",
        x: "workers, or connections of psql",
        y: "rows a second",
        series: [
          { name: "fleet", points: points(ours) },
          { name: "psql \\copy", points: points(limits) },
        ],
      }),
    );
}

/** Copies the files with psql over so many connections. Returns the seconds. */
async function copied(
  { dsn, database, folder }: Fleet,
  connections: number,
  files: number,
  rows: number,
): Promise<number> {
  await database.query("create table copied (name text, age integer)");
  for (let file = 0; file < files; file++)
    await writeFile(join(folder, fileOf(file, rows).name), await fileOf(file, rows).content.bytes());
  const since = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async (_, n) => {
      const own = Array.from({ length: files }, (__, file) => file).filter((file) => file % connections === n);
      if (own.length === 0) return;
      const commands = own.flatMap((file) => [
        "-c",
        `\\copy copied from '${join(folder, fileOf(file, 0).name)}' csv header`,
      ]);
      const psql = spawn("psql", ["-X", "-q", "-v", "ON_ERROR_STOP=1", dsn, ...commands], {
        stdio: ["ignore", "inherit", "inherit"],
      });
      const [code] = (await once(psql, "close")) as [number | null];
      if (code !== 0) throw new Error(`psql ended with ${code}`);
    }),
  );
  const seconds = (performance.now() - since) / 1000;
  const found = await database.query<{ count: string }>("select count(*) from copied");
  if (Number(found.rows[0]!.count) !== files * rows) throw new Error(`psql has copied ${found.rows[0]!.count} rows`);
  return seconds;
}

/** A file at a time to one worker, and the same files to one process that imports them itself. */
async function dispatch(files: number, rows: number): Promise<void> {
  const waited: number[] = [];
  const [inFleet, alone] = await withFleet(1, async (fleet) => {
    const running: Program[] = [];
    try {
      const own = await startServer({ dsn: fleet.dsn, folder: fleet.folder }, running, []);
      const took: [number[], number[]] = [[], []];
      for (let file = 0; file < files * 2; file++) {
        const which = file % 2 === 0 ? 0 : 1;
        const url = which === 0 ? fleet.url : own;
        const content = fileOf(file, rows);
        const [id] = await send(url, content);
        await (await fetch(`${url}/imports/${id}/events`)).text();
        const found = (await (await fetch(`${url}/imports/${id}`)).json()) as Import;
        if (found.state !== "finished") throw new Error(`import ${id} is ${found.state}`);
        took[which].push(Date.parse(found.finishedAt!) - Date.parse(found.createdAt));
        if (which === 0) {
          const at = await fleet.database.query<{ ms: number }>(
            `select extract(epoch from (job ->> 'startedAt')::timestamptz - created_at)::float8 * 1000 as ms from sluice_fleet.imports where id = $1`,
            [id],
          );
          waited.push(at.rows[0]!.ms);
        }
      }
      return took;
    } finally {
      await endAll(running);
    }
  });
  const at = (found: readonly number[], share: number): string =>
    `${found.toSorted((a, b) => a - b)[Math.floor((found.length - 1) * share)]!.toFixed(1)} ms`;
  printTable(
    [`${files} files of ${count(rows)} rows, one at a time`, "p50", "p95"],
    [
      ["from acceptance to the worker's claim", at(waited, 0.5), at(waited, 0.95)],
      ["from acceptance to the end, fleet of one worker", at(inFleet, 0.5), at(inFleet, 0.95)],
      ["from acceptance to the end, one process", at(alone, 0.5), at(alone, 0.95)],
    ],
  );
}

/** So many files wait; then workers take them. */
async function queued(files: number, rows: number): Promise<void> {
  const crew = workers.length === 4 ? 4 : workers[0]!;
  await withFleet(crew, async (fleet) => {
    const release = await fleet.hold();
    const started = performance.now();
    const lanes = Array.from({ length: 8 }, (_, n) => n);
    await Promise.all(
      lanes.map(async (lane) => {
        for (let file = lane; file < files; file += lanes.length) await send(fleet.url, fileOf(file, rows));
      }),
    );
    const taking = (performance.now() - started) / 1000;
    const since = performance.now();
    await release();
    await allFinished(fleet);
    const seconds = (performance.now() - since) / 1000;
    const { rows: pace } = await fleet.database.query<{ decile: number; seconds: number }>(
      `select decile, extract(epoch from max(at) - min(at))::float8 as seconds
       from (select (job ->> 'finishedAt')::timestamptz as at, ntile(10) over (order by job ->> 'finishedAt') as decile
             from sluice_fleet.imports) t group by 1 order by 1`,
    );
    const { rows: found } = await fleet.database.query<{ count: string }>("select count(*) from people");
    if (Number(found[0]!.count) !== files * rows) throw new Error(`the table has ${found[0]!.count} rows`);
    console.log(`${count(files)} files of ${rows} rows: accepted in ${taking.toFixed(1)} s (${(files / taking).toFixed(0)} a second), all in after ${seconds.toFixed(1)} s more (${(files / seconds).toFixed(0)} a second, ${crew} workers).`); // prettier-ignore
    printTable(
      ["tenth of the files, by their ends", "files a second"],
      pace.map(({ decile, seconds: took }) => [String(decile), (files / 10 / took).toFixed(0)]),
    );
  });
}

/** Times claims in a queue that is so deep. Nothing is imported: each claim is given back. */
async function depth(depths: readonly number[]): Promise<void> {
  const table: string[][] = [];
  for (const waiting of depths)
    await withFleet(0, async (fleet) => {
      const [id] = await send(fleet.url, fileOf(0, 1));
      await fleet.database.query(
        `insert into sluice_fleet.imports (id, job, rules, hash, searched, request, part, turn, low, created_at)
         select 'copy' || n, job || jsonb_build_object('id', 'copy' || n), rules, hash, searched, 'copy' || n, 0, turn + n, low, created_at
         from sluice_fleet.imports, generate_series(2, $2::integer) n where id = $1`,
        [id, waiting],
      );
      await using own = new FleetDatabase({ dsn: fleet.dsn, connections: 2, role: "worker", log: console.error });
      await own.start();
      const jobs = async (): Promise<number> => {
        const { rows } = await fleet.database.query<{ count: string }>(
          "select count(*) from sluice_fleet.job where name = 'imports' and state < 'active'",
        );
        return Number(rows[0]!.count);
      };
      while ((await jobs()) < waiting) await sweep(own);
      const limits = { maxFleetImports: undefined, maxClientRunning: undefined };
      const claims = new Claims(own, "a worker that only claims", limits, async () => 0);
      const took: number[] = [];
      for (let n = 0; n < 100; n++) {
        const since = performance.now();
        const taken = await claims.take();
        took.push(performance.now() - since);
        if (!taken || !("claim" in taken)) throw new Error("there was nothing to claim");
        await claims.release(taken.claim);
      }
      table.push([count(waiting), `${median(took).toFixed(1)} ms`, `${Math.max(...took).toFixed(1)} ms`]);
    });
  printTable(["imports that wait", "a claim takes", "at most"], table);
}

/** One workbook whose sheets have a table each. */
async function book(sheets: number, rows: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  const path = join(folder, "book.xlsx");
  await writeWorkbook(
    path,
    Object.fromEntries(
      Array.from({ length: sheets }, (_, sheet) => [
        `Sheet ${sheet}`,
        [["name", `age${sheet}`], ...Array.from({ length: rows }, (__, row) => [`s${sheet} r${row}`, row % 90])],
      ]),
    ),
  );
  const content = new Blob([await readFile(path)]);
  await rm(folder, { recursive: true });
  const times = new Map(workers.map((crew) => [crew, [] as number[]]));
  for (let n = 0; n < runs; n++)
    for (const crew of workers)
      await withFleet(crew, async (fleet) => {
        const form = new FormData();
        form.append("sheet", "all");
        form.append("file", content, "book.xlsx");
        const release = await fleet.hold();
        const answer = await fetch(`${fleet.url}/imports`, { method: "POST", body: form });
        if (answer.status !== 202) throw new Error(await answer.text());
        const since = performance.now();
        await release();
        await allFinished(fleet);
        times.get(crew)!.push((performance.now() - since) / 1000);
        const { rows: found } = await fleet.database.query<{ total: string }>(
          "select sum(inserted)::text as total from sluice.imports where state = 'finished'",
        );
        if (found[0]!.total !== String(sheets * rows)) throw new Error(`the tables have ${found[0]!.total} rows`);
      });
  const first = median(times.get(workers[0]!)!);
  printTable(
    ["workers", `seconds for ${sheets} sheets of ${count(rows)} rows`, "range", ""],
    workers.map((crew) => {
      const found = times.get(crew)!;
      const range = `${Math.min(...found).toFixed(2)} to ${Math.max(...found).toFixed(2)}`;
      return [String(crew), median(found).toFixed(2), range, `${(first / median(found)).toFixed(2)}×`];
    }),
  );
}
