// The service under load: many uploads at once into PostgreSQL, beside clients that drip, hang up,
// or never read.
//
//   DATABASE_URL=postgres://… node --conditions=source bench/service.ts [--uploads 50] [--rows 10000] [--hostile 200] [--go PROGRAM]
//
// It makes a database for itself and drops it. PROGRAM is the guide's service in Go: cd
// bench/go-twin && go build -o ../tmp/go-twin .
import { spawn, type ChildProcess } from "node:child_process";
import { openAsBlob, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import pg from "pg";
import { root, workbook } from "./data.ts";

const { values: given } = parseArgs({
  options: {
    uploads: { type: "string", default: "50" },
    rows: { type: "string", default: "10000" },
    hostile: { type: "string", default: "200" },
    go: { type: "string" },
  },
});
const [uploads, rows, hostile] = [Number(given.uploads), Number(given.rows), Number(given.hostile)];
const server = process.env["DATABASE_URL"] ?? "postgres://root@127.0.0.1:5432/test";
const file = await workbook(rows, "shared");

/**
 * Our service: the API, in the background. It is longer than 60 lines because it is one
 * measurement, from the start of the server to its end.
 */
async function ours(enemies: number): Promise<void> {
  await using database = await newDatabase();
  const folder = await mkdtemp(join(tmpdir(), "sluice-bench-"));
  const args = [
    "serve",
    "--port",
    "0",
    "--to",
    database.dsn,
    "--upload-dir",
    folder,
    "--user-header",
    "x-client",
    "--allow",
    "*",
  ];
  const program = spawn(
    process.execPath,
    ["--conditions=source", join(root, "packages/sluice/bin/sluice.js"), ...args],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  try {
    const url = await listening(program, /Listening on (http:\S+)/);
    const me = { "x-client": "me" };
    const before = memoryOf(program);
    const enemy = enemies === 0 ? undefined : attack(url, enemies);
    if (enemy) await sleep(500);
    const health = new Health(url);
    const start = performance.now();
    const answers = await Promise.all(
      Array.from({ length: uploads }, async (_, n) => {
        const body = new FormData();
        body.append("table", `upload_${n}`);
        body.append("file", await openAsBlob(file), "businesses.xlsx");
        const answer = await fetch(`${url}/imports`, { method: "POST", body, headers: me });
        return { status: answer.status, id: ((await answer.json()) as { readonly id?: string }).id };
      }),
    );
    const accepted = answers.filter(({ status }) => status === 202);
    const states = await Promise.all(accepted.map(({ id }) => ended(`${url}/imports/${id}`, me)));
    const milliseconds = performance.now() - start;
    enemy?.end();
    const metrics = await (await fetch(`${url}/metrics`, { headers: me })).text();
    const inTables = await database.count(accepted.length);
    say(enemies === 0 ? "sluice" : "sluice, beside hostile clients", {
      accepted: accepted.length,
      "refused with 429": answers.filter(({ status }) => status === 429).length,
      "other answers": answers.filter(({ status }) => status !== 202 && status !== 429).length,
      finished: states.filter((state) => state === "finished").length,
      lost: accepted.length * rows - inTables,
      "rows a second": Math.round((inTables * 1000) / milliseconds),
      "event loop, p99 ms": Math.round(1000 * metric(metrics, "nodejs_eventloop_lag_p99_seconds")),
      "GET /health, p99 ms": Math.round(await health.end()),
      "memory before, MiB": before,
      "memory at most, MiB": peakOf(program),
    });
  } finally {
    await end(program);
    await rm(folder, { recursive: true, force: true });
  }
}

/** The guide's service: each client waits for its import. All rows go into one table. */
async function theirs(path: string): Promise<void> {
  await using database = await newDatabase();
  const program = spawn(path, ["serve"], {
    stdio: "ignore",
    env: { ...process.env, DATABASE_URL: database.dsn, GIN_MODE: "release" },
  });
  try {
    const url = "http://127.0.0.1:8080";
    for (let tries = 0; tries < 100 && !(await fetch(`${url}/health`).catch(() => undefined)); tries++)
      await sleep(100);
    const before = memoryOf(program);
    const health = new Health(url);
    const start = performance.now();
    const statuses = await Promise.all(
      Array.from({ length: uploads }, async () => {
        const body = new FormData();
        body.append("file", await openAsBlob(file), "businesses.xlsx");
        const answer = await fetch(`${url}/upload?method=batch`, { method: "POST", body }).catch(() => undefined);
        await answer?.text();
        return answer?.status;
      }),
    );
    const milliseconds = performance.now() - start;
    const inTable = await database.total("businesses");
    say("the guide's service in Go", {
      "answered with 200": statuses.filter((status) => status === 200).length,
      "other answers": statuses.filter((status) => status !== 200).length,
      lost: statuses.filter((status) => status === 200).length * rows - inTable,
      "rows a second": Math.round((inTable * 1000) / milliseconds),
      "GET /health, p99 ms": Math.round(await health.end()),
      "memory before, MiB": before,
      "memory at most, MiB": peakOf(program),
    });
  } finally {
    await end(program);
  }
}

/** Clients that drip, hang up half-way, and follow events without reading them. */
function attack(url: string, each: number): { end(): void } {
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  const open = (text: string): Socket => {
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    socket.write(text);
    sockets.push(socket);
    return socket;
  };
  const head = (client: string): string =>
    `POST /imports HTTP/1.1\r\nhost: localhost\r\nx-client: ${client}\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: 1000000\r\n\r\n--x\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n`;
  const drips = Array.from({ length: each }, () => open(head("dripping")));
  const timer = setInterval(() => {
    for (const socket of drips) if (socket.writable) socket.write("a");
  }, 1000);
  for (let n = 0; n < each; n++) {
    const socket = open(`${head("leaving")}a,b\n1,2\n`);
    setTimeout(() => socket.destroy(), 300 + n);
    open(`GET /imports/nobody/events HTTP/1.1\r\nhost: localhost\r\nx-client: deaf\r\n\r\n`).pause();
  }
  return {
    end: () => {
      clearInterval(timer);
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Asks for the health all the while: what others feel of the load. */
class Health {
  readonly #times: number[] = [];
  readonly #done: Promise<void>;
  #ended = false;

  constructor(url: string) {
    this.#done = this.#ask(url);
  }

  async #ask(url: string): Promise<void> {
    while (!this.#ended) {
      const start = performance.now();
      await (await fetch(`${url}/health`)).text();
      this.#times.push(performance.now() - start);
      await sleep(50);
    }
  }

  /** The time that 99 of 100 answers took at most, in milliseconds. */
  async end(): Promise<number> {
    this.#ended = true;
    await this.#done;
    const sorted = this.#times.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  }
}

async function ended(url: string, headers: Readonly<Record<string, string>>): Promise<string> {
  for (;;) {
    const { state } = (await (await fetch(url, { headers })).json()) as { readonly state: string };
    if (state !== "queued" && state !== "running") return state;
    await sleep(500);
  }
}

async function listening(program: ChildProcess, pattern: RegExp): Promise<string> {
  let text = "";
  for await (const piece of program.stdout!.setEncoding("utf8")) {
    text += String(piece);
    const [, url] = pattern.exec(text) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`the service ended: ${text}`);
}

async function end(program: ChildProcess): Promise<void> {
  const closed = new Promise((resolve) => program.once("close", resolve));
  program.kill();
  await closed;
}

interface Database extends AsyncDisposable {
  readonly dsn: string;
  total(table: string): Promise<number>;
  /** The rows of the tables of so many uploads. */
  count(tables: number): Promise<number>;
}

async function newDatabase(): Promise<Database> {
  const name = `sluice_bench_${process.pid}_${Date.now()}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const own = new pg.Client({ connectionString: url.href });
  await own.connect();
  const total = async (table: string): Promise<number> =>
    Number((await own.query<{ n: string }>(`select count(*) as n from ${table}`)).rows[0]!.n);
  return {
    dsn: url.href,
    total,
    count: async () => {
      const tables = await own.query<{ name: string }>(
        "select tablename as name from pg_tables where tablename like 'upload_%'",
      );
      let sum = 0;
      for (const table of tables.rows) sum += await total(table.name);
      return sum;
    },
    [Symbol.asyncDispose]: async () => {
      await own.end();
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

function metric(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
}

function memoryOf(program: ChildProcess): number {
  return statusOf(program, "VmRSS");
}

function peakOf(program: ChildProcess): number {
  return statusOf(program, "VmHWM");
}

/**
 * A value of /proc for the program, not for its launcher, in MiB; NaN if the system has no /proc.
 */
function statusOf(program: ChildProcess, name: string): number {
  try {
    const [child] = readFileSync(`/proc/${program.pid}/task/${program.pid}/children`, "utf8").split(" ");
    const pid = child || program.pid;
    const [, kib] = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Math.round(Number(kib) / 1024);
  } catch {
    return Number.NaN;
  }
}

function say(what: string, figures: Readonly<Record<string, number>>): void {
  console.log(`\n${what}`);
  for (const [name, value] of Object.entries(figures))
    console.log(`  ${name.padEnd(22)} ${value.toLocaleString("en")}`);
}

console.log(`${uploads} uploads of ${rows} rows at once; ${hostile} hostile clients of each kind`);
await ours(0);
if (hostile > 0) await ours(hostile);
if (given.go !== undefined) await theirs(given.go);
