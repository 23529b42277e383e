// The program itself as a child, to be stopped as the operating system stops it: without the
// launcher in between.
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
/** No import of these tests takes so long, and none may hang. */
const LONGEST_MS = 120_000;
/**
 * Jumps of the clock: the program believes that it is another day, and another one a moment later.
 */
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

/**
 * A program that runs. It is killed where it is let go of, so that nobody waits for what was
 * stopped.
 */
export interface Child extends AsyncDisposable {
  signal(name: "SIGKILL" | "SIGSTOP" | "SIGCONT"): void;
  /** Rejects if it does not end by itself. */
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
    const bound = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`sluice ${args.join(" ")} hangs, and has said: ${stdout}${stderr}`));
    }, LONGEST_MS);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(bound);
      running = false;
      resolve({ code, stdout, stderr });
    });
  });
  // Who stopped it may look at its end much later.
  ended.catch(() => undefined);
  const dispose = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended.catch(() => undefined);
  };
  return { signal: (name) => void child.kill(name), ended, isRunning: () => running, [Symbol.asyncDispose]: dispose };
}
