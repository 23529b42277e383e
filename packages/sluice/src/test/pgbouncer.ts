// pgbouncer in front of a server, in a temporary folder.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../../../scripts/postgres.ts";

export interface PoolerOptions {
  readonly mode: "session" | "transaction" | "statement";
  /** Connections to the server for each database, at most. */
  readonly size: number;
  /** The connection that has rested the longest comes first, not the one that was used last. */
  readonly roundRobin?: boolean;
}

export interface Pooler extends AsyncDisposable {
  /** The address of a database of the server by way of the pooler. */
  dsn(direct: string): string;
  /** Kills it with all of its connections. */
  stop(): Promise<void>;
  /** Starts it, on the port that it had. */
  start(): Promise<void>;
}

/** Whether this machine has it. In CI it must. */
export function hasPgbouncer(): boolean {
  try {
    execFileSync("pgbouncer", ["--version"], { stdio: "ignore" });
    return true;
  } catch (error) {
    if (process.env["CI"]) throw new Error("pgbouncer is not installed", { cause: error });
    console.warn("No pgbouncer: its tests are skipped.");
    return false;
  }
}

/** @param server the address of the server's superuser */
export async function startPooler(server: string, { mode, size, roundRobin = false }: PoolerOptions): Promise<Pooler> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-pgbouncer-"));
  const to = new URL(server);
  const port = await freePort();
  const login = [`user=${to.username}`, ...(to.password === "" ? [] : [`password=${decodeURIComponent(to.password)}`])];
  const ini = join(folder, "pgbouncer.ini");
  writeFileSync(
    ini,
    `[databases]
* = host=${to.hostname} port=${to.port || "5432"} ${login.join(" ")}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${size}
server_round_robin = ${roundRobin ? 1 : 0}
`,
  );
  chmodSync(folder, 0o755);
  let stop = async (): Promise<void> => {};
  const start = async (): Promise<void> => void (stop = await run(ini, port));
  await start();
  return {
    dsn: (direct) => {
      const url = new URL(direct);
      [url.hostname, url.port] = ["127.0.0.1", String(port)];
      return url.href;
    },
    start,
    stop: () => stop(),
    [Symbol.asyncDispose]: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** @returns what kills it */
async function run(ini: string, port: number): Promise<() => Promise<void>> {
  // It refuses to be root.
  const root = process.getuid?.() === 0;
  const user = root
    ? { uid: Number(execFileSync("id", ["-u", "nobody"])), gid: Number(execFileSync("id", ["-g", "nobody"])) }
    : {};
  const child = spawn("pgbouncer", [ini], { ...user, cwd: "/", stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const ended = once(child, "exit");
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`pgbouncer has ended: ${log}`);
    await sleep(20);
  }
  return async () => {
    child.kill("SIGKILL");
    await ended;
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
