// A fleet of real processes whose workers are killed and frozen at random while files come in. In
// the end the table's rows are compared with the files'. The short form is chaos.test.ts, the long
// one bench/fleet.ts.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { Random } from "../../../sample/random.ts";
import type { Import } from "../../jobs/import.ts";

export interface ChaosOptions {
  /** A database of its own, which is empty. */
  readonly dsn: string;
  /** A folder that is empty. */
  readonly folder: string;
  readonly servers: number;
  readonly workers: number;
  readonly files: number;
  readonly rows: number;
  /** Workers that are killed or frozen while they have an import. */
  readonly kills: number;
  /** A file is sent when the import of the one before has ended. */
  readonly oneByOne?: boolean;
  readonly seed: number;
  readonly print: (line: string) => void;
}

export interface ChaosResult {
  readonly killed: number;
  readonly frozen: number;
  /** Imports that lost too many workers in a row, and were let wait again. */
  readonly resumed: number;
  readonly seconds: number;
  /**
   * From the time at which an import was accepted to its claim, of the median one, in milliseconds.
   */
  readonly waited: number;
}

const MAIN = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));
/** The ledger believes for so long that a frozen worker lives. */
const LEASE_MS = 3000;
/** A frozen worker wakes up after that: another one has its import then. */
const FROZEN_MS = 20_000;
const CHUNK_ROWS = 100;

interface Program {
  readonly child: ChildProcess;
  readonly output: () => string;
}

/** Runs it. @throws Error if a row is missing, there twice, or changed, or a count is wrong */
export async function chaos(options: ChaosOptions): Promise<ChaosResult> {
  const { dsn, servers, workers, files, rows, seed, print } = options;
  const random = new Random(seed, 0);
  const running: Program[] = [];
  const frozen = new Set<Promise<void>>();
  const database = new pg.Client({ connectionString: dsn });
  await database.connect();
  try {
    await database.query("create table people (name text, age integer)");
    const urls = await Promise.all(Array.from({ length: servers }, () => startServer(options, running)));
    let crew = Array.from({ length: workers }, () => startWorker(options, running));
    await Promise.all(crew.map((worker) => until(worker, /Working as/)));
    const since = performance.now();
    print(`${servers} servers and ${workers} workers run; seed ${seed}`);
    let [killed, woken, resumed] = [0, 0, 0];
    let open = true;
    const over = (async (): Promise<void> => {
      try {
        const ids: string[] = [];
        for (let file = 0; file < files; file++) {
          const id = await send(urls[file % urls.length]!, file, rows);
          if (options.oneByOne === true) await finished(urls, id);
          else ids.push(id);
        }
        for (const id of ids) resumed += await finished(urls, id);
      } finally {
        open = false;
      }
    })();
    over.catch(() => undefined);
    while (open) {
      await Promise.race([over, sleep(50 + random.below(300))]);
      if (!open || killed + woken >= options.kills) continue;
      const busy = (await pidsAtWork(database)).filter((pid) => crew.some(({ child }) => child.pid === pid));
      if (busy.length === 0) continue;
      const victim = crew.find(({ child }) => child.pid === random.pick(busy)) ?? crew[0]!;
      if (random.below(5) === 0) {
        woken++;
        victim.child.kill("SIGSTOP");
        frozen.add(sleep(FROZEN_MS).then(() => void victim.child.kill("SIGCONT")));
      } else {
        killed++;
        victim.child.kill("SIGKILL");
      }
      crew = [...crew.filter((one) => one !== victim), startWorker(options, running)];
    }
    await over;
    const seconds = (performance.now() - since) / 1000;
    // Those that wake up late find that others have done their work.
    await Promise.all(frozen);
    await compare(database, files, rows);
    const { rows: waits } = await database.query<{ waited: number }>(
      `select percentile_cont(0.5) within group (order by extract(epoch from (job ->> 'startedAt')::timestamptz - created_at) * 1000) as waited
       from sluice_fleet.imports`,
    );
    return { killed, frozen: woken, resumed, seconds, waited: Math.round(waits[0]!.waited) };
  } finally {
    await Promise.all(
      running.map(async ({ child }) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill("SIGKILL");
        await once(child, "close");
      }),
    );
    await database.end();
  }
}

function start({ dsn, folder }: ChaosOptions, running: Program[], args: readonly string[]): Program {
  const node = ["--disable-warning=ExperimentalWarning", "--conditions=source", MAIN];
  const child = spawn(process.execPath, [...node, ...args, "--to", dsn, "--files", folder, "--upload-dir", folder], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, SLUICE_LEASE_MS: String(LEASE_MS) },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const program = { child, output: () => said };
  running.push(program);
  return program;
}

const startWorker = (options: ChaosOptions, running: Program[]): Program =>
  start(options, running, ["worker", "--workers", "1"]);

async function startServer(options: ChaosOptions, running: Program[]): Promise<string> {
  const limits = ["--max-client-imports", "100000", "--max-client-rate", "1000000"];
  const server = start(options, running, ["serve", "--fleet", "--port", "0", "--allow", "*", ...limits]);
  return (await until(server, /Listening on (http:\S+)/))[1]!;
}

/** Waits until a program has said something. */
async function until({ child, output }: Program, what: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = what.exec(output());
    if (found) return found;
    if (child.exitCode !== null) throw new Error(`a program ended: ${output()}`);
    await sleep(50);
  }
}

const personOf = (file: number, row: number): readonly [name: string, age: number] => [`f${file} r${row}`, row % 90];

/** Sends a file. Returns the id of its import. */
async function send(url: string, file: number, rows: number): Promise<string> {
  const lines = Array.from({ length: rows }, (_, row) => `${personOf(file, row).join(",")}\n`);
  const form = new FormData();
  form.append("table", "people");
  form.append("chunkRows", String(CHUNK_ROWS));
  form.append("file", new Blob([`name,age\n${lines.join("")}`]), `people${file}.csv`);
  const answer = await fetch(`${url}/imports`, { method: "POST", body: form });
  if (answer.status !== 202) throw new Error(`POST /imports answered ${answer.status}: ${await answer.text()}`);
  return ((await answer.json()) as Import).id;
}

/**
 * Waits for the end of an import. One that was given up is let wait again. Returns how often it
 * was.
 */
async function finished(urls: readonly string[], id: string): Promise<number> {
  for (let resumed = 0, n = 0; ; n++) {
    const url = urls[n % urls.length]!;
    const found = (await (await fetch(`${url}/imports/${id}`)).json()) as Import;
    if (found.state === "finished") return resumed;
    if (found.state === "failed") {
      if (found.error?.code !== "worker_lost") throw new Error(`import ${id} failed: ${found.error?.message}`);
      resumed++;
      await fetch(`${url}/imports/${id}/resume`, { method: "POST" });
    }
    await sleep(200);
  }
}

/**
 * The processes that have an import. A worker's name in the records is its machine, its process and
 * a mark.
 */
async function pidsAtWork(database: pg.Client): Promise<number[]> {
  const { rows } = await database.query<{ worker: string }>(
    "select worker from sluice_fleet.imports where state = 'running' and worker is not null",
  );
  return rows.map(({ worker }) => Number(worker.split(" ").at(-2)));
}

/** Compares the table with the files, row by row, and the ledger with both. */
async function compare(database: pg.Client, files: number, rows: number): Promise<void> {
  const found = await database.query<{ name: string; age: number }>("select name, age from people");
  const expected = new Map<string, number>();
  for (let file = 0; file < files; file++) for (let row = 0; row < rows; row++) expected.set(...personOf(file, row));
  for (const { name, age } of found.rows) {
    if (expected.get(name) !== age)
      throw new Error(`the row ${JSON.stringify(name)}, ${age} is there twice, or changed`);
    expected.delete(name);
  }
  if (expected.size > 0) throw new Error(`${expected.size} rows are missing, such as ${[...expected.keys()][0]}`);
  const ledger = await database.query("select state, sum(inserted)::text as inserted from sluice.imports group by 1");
  const said = JSON.stringify(ledger.rows);
  if (said !== JSON.stringify([{ state: "finished", inserted: String(files * rows) }]))
    throw new Error(`the ledger says ${said}, and the files have ${files * rows} rows`);
}
