// A fleet of real processes whose workers are killed and frozen at random while files come in. In
// the end the table's rows are compared with the files'. The short form is chaos.test.ts, the long
// one bench/fleet.ts.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { Random } from "../../../sample/random.ts";
import { writeWorkbook } from "../../../test/workbook.ts";
import type { Import } from "../../jobs/import.ts";

export interface ChaosOptions {
  /** A database of its own, which is empty. */
  readonly dsn: string;
  /** A folder that is empty. */
  readonly folder: string;
  readonly servers: number;
  readonly workers: number;
  /** Files that are sent; more, if it takes more until all `kills` are done. */
  readonly files: number;
  readonly rows: number;
  /** One in so many files is a workbook of three sheets; none by default. */
  readonly workbooks?: number;
  /** Workers that are killed or frozen while they have an import. */
  readonly kills: number;
  readonly seed: number;
  readonly print: (line: string) => void;
}

export interface ChaosResult {
  /** Files that were sent. */
  readonly files: number;
  readonly killed: number;
  readonly frozen: number;
  /** Imports that lost too many workers in a row, and were let wait again. */
  readonly resumed: number;
  readonly seconds: number;
}

const MAIN = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));
/** The ledger believes for so long that a frozen worker lives. */
const LEASE_MS = 3000;
/** A frozen worker wakes up after that: another one has its import then. */
const FROZEN_MS = 20_000;
const CHUNK_ROWS = 100;
/** The clocks of the processes are wrong by this, one after the other, in milliseconds. */
const SKEWS = [0, 7 * 60_000, -7 * 60_000];
/** Imports that wait or run at the same time, if files are sent until all kills are done. */
const OPEN = 500;
/** A line is printed after so many kills. */
const SAID_KILLS = 50;

/** A server or a worker. */
export interface Program {
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
    let [sent, killed, woken, resumed] = [0, 0, 0, 0];
    let open = true;
    const over = (async (): Promise<void> => {
      const ids: string[] = [];
      try {
        while (sent < files || killed + woken < options.kills) {
          const isBook = sent % (options.workbooks ?? Infinity) === 1;
          const file = isBook ? await workbookOf(options, sent) : fileOf(sent, rows);
          ids.push(...(await send(urls[sent % urls.length]!, file, CHUNK_ROWS)));
          sent++;
          while (ids.length >= OPEN) resumed += await finished(urls, ids.shift()!);
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
        const wake = async (): Promise<void> => {
          await sleep(FROZEN_MS);
          victim.child.kill("SIGCONT");
          crew.push(victim);
        };
        frozen.add(wake());
      } else {
        killed++;
        victim.child.kill("SIGKILL");
      }
      crew = crew.filter((one) => one !== victim);
      // One that has come back makes up for one that is gone.
      if (crew.length < workers) crew.push(startWorker(options, running));
      if ((killed + woken) % SAID_KILLS === 0)
        print(`${killed} killed, ${woken} frozen, ${sent} files sent, ${(performance.now() - since).toFixed(0)} ms`);
    }
    await over;
    const seconds = (performance.now() - since) / 1000;
    // Those that wake up late find that others have done their work.
    await Promise.all(frozen);
    await compare(database, sent, rows);
    return { files: sent, killed, frozen: woken, resumed, seconds };
  } finally {
    await endAll(running);
    await database.end();
  }
}

/** Kills those that still run, and waits for their ends. */
export async function endAll(running: readonly Program[]): Promise<void> {
  await Promise.all(
    running.map(async ({ child }) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "close");
    }),
  );
}

type Place = Pick<ChaosOptions, "dsn" | "folder">;

function start({ dsn, folder }: Place, running: Program[], args: readonly string[]): Program {
  const node = ["--disable-warning=ExperimentalWarning", "--conditions=source"];
  const wrongClock = skewed(SKEWS[running.length % SKEWS.length]!);
  const child = spawn(process.execPath, [...node, wrongClock, MAIN, ...args, "--to", dsn, "--upload-dir", folder], {
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

/** The option for a clock that is so far ahead. */
function skewed(milliseconds: number): string {
  const code = `const Right = Date;
    globalThis.Date = class extends Right {
      constructor(...parts) { super(...(parts.length > 0 ? parts : [Date.now()])); }
      static now() { return Right.now() + ${milliseconds}; }
    };`;
  return `--import=data:text/javascript,${encodeURIComponent(code)}`;
}

/** Starts a worker, which says when it works. */
export function startWorker(place: Place, running: Program[], ...args: readonly string[]): Program {
  return start(place, running, ["worker", "--files", place.folder, "--workers", "1", ...args]);
}

/**
 * Starts a server, of a fleet unless other options are given. Returns its address.
 */
export async function startServer(
  place: Place,
  running: Program[],
  options: readonly string[] = ["--fleet", "--files", place.folder],
): Promise<string> {
  const limits = ["--max-client-imports", "100000", "--max-client-rate", "1000000"];
  const server = start(place, running, ["serve", "--port", "0", "--allow", "*", ...limits, ...options]);
  return (await until(server, /Listening on (http:\S+)/))[1]!;
}

/** Waits until a program has said something. */
export async function until({ child, output }: Program, what: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const found = what.exec(output());
    if (found) return found;
    if (child.exitCode !== null) throw new Error(`a program ended: ${output()}`);
    await sleep(50);
  }
}

const personOf = (file: number, row: number): readonly [name: string, age: number] => [`f${file} r${row}`, row % 90];

/** A file as it is sent. */
interface Sent {
  readonly name: string;
  readonly content: Blob;
}

/** A file of so many rows. */
export function fileOf(file: number, rows: number): Sent {
  const lines = Array.from({ length: rows }, (_, row) => `${personOf(file, row).join(",")}\n`);
  return { name: `people${file}.csv`, content: new Blob([`name,age\n${lines.join("")}`]) };
}

/** The same rows in three sheets. */
async function workbookOf({ folder, rows }: ChaosOptions, file: number): Promise<Sent> {
  const name = `people${file}.xlsx`;
  const path = join(folder, name);
  const third = Math.ceil(rows / 3);
  const sheet = (n: number): [string, number][] =>
    Array.from({ length: Math.min(third, rows - n * third) }, (_, row) => [...personOf(file, n * third + row)]);
  const head = ["name", "age"];
  await writeWorkbook(path, { A: [head, ...sheet(0)], B: [head, ...sheet(1)], C: [head, ...sheet(2)] });
  const content = new Blob([await readFile(path)]);
  await rm(path);
  return { name, content };
}

/** Sends a file. Returns the ids of its imports, one a sheet. */
export async function send(url: string, { name, content }: Sent, chunkRows?: number): Promise<readonly string[]> {
  const form = new FormData();
  form.append("table", "people");
  if (name.endsWith(".xlsx")) form.append("sheet", "all");
  if (chunkRows !== undefined) form.append("chunkRows", String(chunkRows));
  form.append("file", content, name);
  const answer = await fetch(`${url}/imports`, { method: "POST", body: form });
  if (answer.status !== 202) throw new Error(`POST /imports answered ${answer.status}: ${await answer.text()}`);
  const { id, imports = [id] } = (await answer.json()) as Import;
  return imports;
}

/**
 * Waits for the end of an import. One that was given up is let wait again. Returns how often it
 * was.
 */
export async function finished(urls: readonly string[], id: string): Promise<number> {
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

/**
 * Compares the table with the files, row by row, and the ledger with both. Of the rows it keeps a
 * byte each, since a long run has many millions.
 */
export async function compare(database: pg.Client, files: number, rows: number): Promise<void> {
  const seen = new Uint8Array(files * rows);
  await database.query("begin");
  await database.query("declare people_rows no scroll cursor for select name, age from people");
  for (;;) {
    const found = await database.query<{ name: string; age: number }>("fetch 50000 from people_rows");
    if (found.rows.length === 0) break;
    for (const { name, age } of found.rows) {
      const [, file, row] = /^f(\d+) r(\d+)$/.exec(name)?.map(Number) ?? [];
      const isOurs = file! < files && row! < rows && personOf(file!, row!)[1] === age;
      const place = file! * rows + row!;
      if (!isOurs || seen[place] !== 0)
        throw new Error(`the row ${JSON.stringify(name)}, ${age} is there twice, or changed`);
      seen[place] = 1;
    }
  }
  await database.query("commit");
  const gap = seen.indexOf(0);
  if (gap >= 0) {
    const [name] = personOf(Math.floor(gap / rows), gap % rows);
    throw new Error(`${seen.filter((one) => one === 0).length} rows are missing, such as ${name}`);
  }
  const ledger = await database.query("select state, sum(inserted)::text as inserted from sluice.imports group by 1");
  const said = JSON.stringify(ledger.rows);
  if (said !== JSON.stringify([{ state: "finished", inserted: String(files * rows) }]))
    throw new Error(`the ledger says ${said}, and the files have ${files * rows} rows`);
}
