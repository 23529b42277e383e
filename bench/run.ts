// Programs started and timed from outside, and what their figures are printed with.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

export interface Run {
  /** Wall-clock time of the whole process, from its start to its end. */
  readonly milliseconds: number;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Stopped because it took longer than it may. */
  readonly late: boolean;
  /** The process's peak resident set as seen from outside, in bytes; 0 where there is no /proc. */
  readonly peak: number;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Seconds after which it is stopped. */
  readonly seconds?: number;
}

/** Runs a program to its end, whatever that is; rejects only when it cannot be started. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
    });
    let stdout = "";
    let stderr = "";
    let late = false;
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    let peak = 0;
    const watch = setInterval(() => {
      if (child.exitCode === null && child.pid) peak = highWater(child.pid) ?? peak;
    }, 200);
    const timer = options.seconds
      ? setTimeout(() => {
          late = true;
          child.kill("SIGKILL");
        }, options.seconds * 1000)
      : undefined;
    child.on("error", (error) => {
      clearTimeout(timer);
      clearInterval(watch);
      reject(error);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      clearInterval(watch);
      resolve({ milliseconds: performance.now() - start, code, stdout, stderr, late, peak });
    });
  });
}

/** As `run`, but an exit code that is not one of `codes` (default: 0) is an error. */
export async function mustRun(
  program: string,
  args: readonly string[],
  options: RunOptions & { readonly codes?: readonly number[] } = {},
): Promise<Run> {
  const done = await run(program, args, options);
  if (!(options.codes ?? [0]).includes(done.code ?? -1))
    throw new Error(`${program} ${args.join(" ")}\nexit ${done.code}\n${done.stderr}${done.stdout}`);
  return done;
}

/**
 * This process's peak resident set in bytes. The kernel's `ru_maxrss` is not it where there is a
 * better figure: a new process inherits that of the one that started it.
 */
export function peakMemory(): number {
  return highWater(process.pid) ?? process.resourceUsage().maxRSS * 1024;
}

function highWater(pid: number): number | undefined {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return undefined;
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(file, "utf8"))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2;
}

export const count = (value: number): string => Math.round(value).toLocaleString("en-US");
export const seconds = (milliseconds: number): string =>
  `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
export const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : 1)}×`;

/** Prints rows below a header as a Markdown table. */
export function printTable(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((title, i) => Math.max(3, title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(" | ")} |`;
  console.log(line(header));
  console.log(
    `| ${widths.map((width, i) => (i === 0 ? "-".repeat(width) : "-".repeat(width - 1) + ":")).join(" | ")} |`,
  );
  for (const row of rows) console.log(line(row));
}

export interface Goal {
  readonly what: string;
  readonly goal: string;
  readonly got: string;
  readonly met: boolean;
}

export function atMost(what: string, got: number, goal: number, show: (figure: number) => string): Goal {
  return { what, goal: `≤ ${show(goal)}`, got: show(got), met: got <= goal };
}

export function atLeast(what: string, got: number, goal: number, show: (figure: number) => string): Goal {
  return { what, goal: `≥ ${show(goal)}`, got: show(got), met: got >= goal };
}

export function printGoals(goals: readonly Goal[]): void {
  printTable(
    ["goal, at the default sizes", "is to be", "is", "met"],
    goals.map(({ what, goal, got, met }) => [what, goal, got, met ? "yes" : "no"]),
  );
}
