// The program itself as a child, to be stopped as the operating system stops it: without the launcher in between.
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
/** Jumps of the clock: the program believes that it is another day, and another one a moment later. */
const JUMPING_CLOCK = `data:text/javascript,${encodeURIComponent(`
  const { now } = Date;
  const RealDate = Date;
  let shift = 0;
  setInterval(() => (shift = (Math.random() - 0.5) * 20 * 86_400_000), 20).unref();
  globalThis.Date = class extends RealDate {
    constructor(...given) { given.length === 0 ? super(now() + shift) : super(...given); }
    static now() { return now() + shift; }
  };
`)}`;

export interface Ended {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Child {
  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  readonly ended: Promise<Ended>;
  isRunning(): boolean;
}

export interface StartOptions {
  /** How long the ledger believes that a process is alive. */
  readonly leaseMs?: number;
  readonly clockJumps?: boolean;
}

/** Starts `sluice` with these arguments. */
export function startChild(folder: string, args: readonly string[], options: StartOptions = {}): Child {
  const { DATABASE_URL: _, ...env } = process.env;
  const node = [
    "--disable-warning=ExperimentalWarning",
    "--conditions=source",
    ...(options.clockJumps ? [`--import=${JUMPING_CLOCK}`] : []),
  ];
  const child = spawn(process.execPath, [...node, MAIN, ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...env,
      NODE_COMPILE_CACHE: join(tmpdir(), `sluice-compile-cache-${process.getuid?.() ?? 0}`),
      ...(options.leaseMs === undefined ? {} : { SLUICE_LEASE_MS: String(options.leaseMs) }),
    },
  });
  let stdout = "";
  let stderr = "";
  let running = true;
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      running = false;
      resolve({ code, stdout, stderr });
    });
  });
  return { signal: (name) => void child.kill(name), ended, isRunning: () => running };
}
