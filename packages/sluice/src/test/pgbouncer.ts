// pgbouncer in front of the tests' server, in a temporary folder.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../../../scripts/postgres.ts";
import { newFolder, server } from "./database.ts";

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
}

/** Whether this machine has it. In CI it must. */
export function hasPgbouncer(): boolean {
  if (server === undefined) return false;
  try {
    execFileSync("pgbouncer", ["--version"], { stdio: "ignore" });
    return true;
  } catch (error) {
    if (process.env["CI"]) throw new Error("pgbouncer is not installed", { cause: error });
    console.warn("No pgbouncer: its tests are skipped.");
    return false;
  }
}

export async function startPooler({ mode, size, roundRobin = false }: PoolerOptions): Promise<Pooler> {
  const folder = newFolder();
  const to = new URL(server!);
  const port = await freePort();
  const login = [`user=${to.username}`, ...(to.password === "" ? [] : [`password=${decodeURIComponent(to.password)}`])];
  const ini = join(folder.path, "pgbouncer.ini");
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
  // It refuses to be root.
  const root = process.getuid?.() === 0;
  const user = root
    ? { uid: Number(execFileSync("id", ["-u", "nobody"])), gid: Number(execFileSync("id", ["-g", "nobody"])) }
    : {};
  chmodSync(folder.path, 0o755);
  const child = spawn("pgbouncer", [ini], { ...user, cwd: "/", stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const ended = once(child, "exit");
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`pgbouncer has ended: ${log}`);
    await sleep(20);
  }
  return {
    dsn: (direct) => {
      const url = new URL(direct);
      [url.hostname, url.port] = ["127.0.0.1", String(port)];
      return url.href;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
      await folder[Symbol.asyncDispose]();
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
