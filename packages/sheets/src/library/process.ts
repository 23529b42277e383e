// The child process in which the library reads a file (child.ts), as the program sees it.
//
// Its memory and its processor time are limited. The program looks at both from outside, and kills
// the process if it exceeds a limit. On Linux the system itself refuses it more memory
// (memory-limit.ts). If the process fails, that is an error of its file and of nothing else. A
// crash of the JavaScript engine is such a failure too. The process gets the file's bytes over a
// pipe and has nothing else. It has no environment, no file but the code, and no way to start
// anything (if the host has Node's permission model). It ends when its input does, so it does not
// outlive the program.
//
// A thread would not be enough. V8 ends the whole process if a thread cannot leave its memory limit
// in time, and that limit counts only objects. A watching thread inside the child would not be
// enough either: the permission model does not apply to threads.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import { dirname, parse } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { withMemoryLimit } from "./memory-limit.ts";
import { frame, frames, openAnswer, type Question, type Task } from "./protocol.ts";

/** Memory in bytes, processor time and elapsed time in milliseconds. */
export interface Bounds {
  readonly memoryBytes: number;
  readonly milliseconds: number;
  readonly clockMilliseconds: number;
}

/**
 * The peak of memory in bytes if the system tells it; processor time in milliseconds, if the system
 * tells it.
 */
export interface Usage {
  readonly bytes: number;
  readonly milliseconds: number | undefined;
}

/**
 * The cause of a process's end. It is one of the bounds: `memory`, `time` (of the processor) or
 * `clock` (elapsed time). Or it is something outside, such as a system that is short of memory:
 * `killed`. Or it is the process itself, through a crash or an invalid answer: `crashed`.
 * `unstarted` means that it never began.
 */
export type End = "memory" | "time" | "clock" | "killed" | "crashed" | "unstarted";

/** The reason why a process has ended. */
export class Ended extends Error {
  readonly end: End;

  constructor(end: End, message: string) {
    super(message);
    this.end = end;
  }
}

/**
 * The intervals between looks at memory and time, in milliseconds: through a file of the system,
 * and through another program.
 */
const LOOK_MS = 20;
const ASK_MS = 250;
/** The memory that the process needs in addition to the heap of objects. */
const BESIDES_MIB = 64;

/** The running processes, which end together with this program. */
const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export class LibraryProcess {
  readonly #child: ChildProcess;
  /** Undefined if the system had no file descriptors left for it. */
  readonly #input: Writable | undefined;
  readonly #answers: AsyncGenerator<Buffer, void, undefined>;
  readonly #bounds: Bounds;
  readonly #ended: Promise<void>;
  #turn: Promise<unknown> = Promise.resolve();
  #why: unknown;
  #seen: Usage | undefined;

  /** @param library the file of the library's module */
  constructor(library: string, bounds: Bounds) {
    this.#bounds = bounds;
    // Published, this module is a part of another file, in a folder of its own.
    const module = import.meta.url.endsWith(".ts") ? "./child.ts" : "../library/child.js";
    const program = fileURLToPath(new URL(module, import.meta.url));
    const args = [...flags(program, library, bounds), program];
    const child = spawn(...withMemoryLimit(process.execPath, args, bounds.memoryBytes), {
      stdio: ["pipe", "pipe", "ignore"],
      env: environment(),
      cwd: parse(program).root,
      windowsHide: true,
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.on("error", (error) => {
        alive.delete(child);
        this.#why ??= new Ended("unstarted", error.message);
        resolve();
      });
      child.on("exit", (code, signal) => {
        alive.delete(child);
        this.#why ??= this.#whyEnded(code, signal);
        resolve();
      });
    });
    alive.add(child);
    this.#input = child.stdin ?? undefined;
    this.#answers = frames(child.stdout ?? []);
    // If writing is not possible any more, the end of the process tells the reason.
    this.#input?.on("error", () => {});
    this.#hold(false);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The usage at the last look. */
  get seen(): Usage | undefined {
    return (this.#why === undefined ? this.#look() : undefined) ?? this.#seen;
  }

  /**
   * Hands over a task and its file. @throws the reason given to `kill`, or Ended, if the process
   * ends before it answers
   */
  open(task: Task, pieces: AsyncIterable<Uint8Array>): Promise<{ answer: unknown; rest: Buffer }> {
    return this.#exchange(async () => {
      await this.#write(...frame(Buffer.from(JSON.stringify({ task }))));
      for await (const piece of pieces) {
        if (this.#why !== undefined) return;
        if (piece.length > 0) await this.#write(...frame(piece));
      }
      await this.#write(...frame());
    });
  }

  /**
   * Asks a question. @throws the reason given to `kill`, or Ended, if the process ends before it
   * answers
   */
  ask(question: Question): Promise<{ answer: unknown; rest: Buffer }> {
    return this.#exchange(() => this.#write(...frame(Buffer.from(JSON.stringify({ question })))));
  }

  /**
   * Ends the process at once. Calls that wait for an answer get the reason, and later calls too.
   */
  kill(reason: unknown): void {
    this.#why ??= reason;
    this.#child.kill("SIGKILL");
  }

  /** Ends the process, and waits until it is gone. */
  async close(reason: unknown): Promise<void> {
    this.kill(reason);
    this.#child.ref();
    await this.#ended;
  }

  /** Runs one exchange at a time, in the order of the calls. */
  #exchange(send: () => Promise<void>): Promise<{ answer: unknown; rest: Buffer }> {
    const mine = this.#turn.then(async () => {
      if (this.#why !== undefined) throw this.#why;
      this.#hold(true);
      const watch = new AbortController();
      void this.#watch(watch.signal);
      try {
        await send();
        const { value } = await this.#answers.next().catch((error: unknown) => {
          this.kill(new Ended("crashed", (error as Error).message));
          return { value: undefined };
        });
        if (value) return openAnswer(value);
        await this.#ended;
        throw this.#why;
      } finally {
        watch.abort();
        this.#hold(false);
      }
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  #write(...parts: readonly Uint8Array[]): Promise<void> {
    return parts.reduce(
      (before, part) =>
        before.then(() => new Promise((resolve) => this.#input?.write(part, () => resolve()) ?? resolve())),
      Promise.resolve(),
    );
  }

  /** Looks at memory and time while an answer is expected. */
  async #watch(done: AbortSignal): Promise<void> {
    const { memoryBytes, milliseconds, clockMilliseconds } = this.#bounds;
    const began = performance.now();
    const before = (await this.#usage())?.milliseconds ?? 0;
    const pause = process.platform === "linux" ? LOOK_MS : ASK_MS;
    while (!done.aborted && this.#why === undefined) {
      await pauseFor(pause, done);
      const usage = await this.#usage();
      if (done.aborted) return;
      const clock = performance.now() - began;
      // If the system does not tell the processor's time, elapsed time is used instead.
      const spent = usage?.milliseconds === undefined ? clock : usage.milliseconds - before;
      if (usage && usage.bytes > memoryBytes) this.kill(this.#tooMuchMemory());
      else if (spent > milliseconds) this.kill(new Ended("time", `more than ${milliseconds / 1000} s`));
      else if (clock > clockMilliseconds) this.kill(new Ended("clock", `more than ${clockMilliseconds / 1000} s`));
    }
  }

  async #usage(): Promise<Usage | undefined> {
    const { pid } = this.#child;
    if (pid === undefined || process.platform === "win32") return undefined;
    if (process.platform === "linux") return (this.#seen = this.#look() ?? this.#seen);
    try {
      const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
      return { bytes: Number(stdout) * 1024, milliseconds: undefined };
    } catch {
      return undefined;
    }
  }

  #look(): Usage | undefined {
    try {
      return process.platform === "linux" && this.pid !== undefined ? usageOnLinux(this.pid) : undefined;
    } catch {
      return undefined;
    }
  }

  #tooMuchMemory(): Ended {
    return new Ended("memory", `more than ${Math.round(this.#bounds.memoryBytes / 2 ** 20)} MiB of memory`);
  }

  /**
   * The reason of the end. V8 aborts if its heap is full. If a bound has killed the process, that
   * reason is known already.
   */
  #whyEnded(code: number | null, signal: NodeJS.Signals | null): Ended {
    if (signal === "SIGABRT" || signal === "SIGTRAP" || code === 134) return this.#tooMuchMemory();
    if (signal === "SIGKILL" || signal === "SIGTERM") return new Ended("killed", signal);
    return new Ended("crashed", "the program that reads it has crashed");
  }

  /** Keeps the program running while an answer is expected, and only then. */
  #hold(held: boolean): void {
    for (const one of [this.#child, this.#child.stdin, this.#child.stdout] as (
      | { ref?(): void; unref?(): void }
      | undefined
    )[])
      if (held) one?.ref?.();
      else one?.unref?.();
  }
}

/** Peak memory, and processor time so far. */
function usageOnLinux(pid: number): Usage | undefined {
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (peak === undefined) return undefined;
  // The name in brackets may contain anything. After it, user and system time are the 12th and 13th
  // fields, in hundredths of a second.
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { bytes: Number(peak) * 1024, milliseconds: 10 * (Number(fields[11]) + Number(fields[12])) };
}

/**
 * The options of the host: the size of its heap, and the code as the only file that it may read.
 */
function flags(program: string, library: string, { memoryBytes }: Bounds): string[] {
  if (process.versions["bun"] !== undefined) return [];
  const heap = Math.max(16, Math.floor(memoryBytes / 2 ** 20) - BESIDES_MIB);
  const readable = [dirname(dirname(program)), dirname(library)];
  if (process.versions["deno"] !== undefined)
    return [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-remote",
      `--allow-read=${readable.join(",")}`,
      "--allow-env",
      `--v8-flags=--max-old-space-size=${heap}`,
    ];
  const permission = ["--permission", "--experimental-permission"].find((flag) =>
    process.allowedNodeEnvironmentFlags.has(flag),
  );
  return [
    `--max-old-space-size=${heap}`,
    "--max-semi-space-size=8",
    "--no-warnings",
    ...(permission === undefined ? [] : [permission, ...readable.map((path) => `--allow-fs-read=${path}`)]),
  ];
}

/** Only those variables of this program's environment without which a host cannot start. */
function environment(): NodeJS.ProcessEnv {
  const needed = ["SystemRoot", ...(process.versions["deno"] === undefined ? [] : ["HOME", "DENO_DIR"])];
  return Object.fromEntries(needed.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

async function pauseFor(milliseconds: number, done: AbortSignal): Promise<void> {
  if (done.aborted) return;
  const timer = new AbortController();
  const timeout = setTimeout(() => timer.abort(), milliseconds);
  const stop = (): void => timer.abort();
  done.addEventListener("abort", stop);
  await once(timer.signal, "abort");
  clearTimeout(timeout);
  done.removeEventListener("abort", stop);
}
