// Programs started and timed from outside, and what their figures are printed with.
import { spawn } from "node:child_process";

export interface Run {
  /** Wall-clock time of the whole process, from its start to its end. */
  readonly milliseconds: number;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Stopped because it took longer than it may. */
  readonly late: boolean;
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
    const timer = options.seconds
      ? setTimeout(() => {
          late = true;
          child.kill("SIGKILL");
        }, options.seconds * 1000)
      : undefined;
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ milliseconds: performance.now() - start, code, stdout, stderr, late });
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
