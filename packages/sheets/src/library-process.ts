// The child process in which the library reads a file (library-child.ts), as the program sees it.
//
// It may take so much memory and so much processor time, both looked at from outside; past them it is killed. What becomes of
// it, a crash of the JavaScript engine included, is an error of its file and of nothing else. It gets the file's bytes over a
// pipe and has nothing besides: no environment, no file but the code, no way to start anything (if the host knows Node's
// permission model). It ends when its input does, so it outlives no program.
//
// A thread instead does not do: V8 ends the whole process if a thread cannot get out of its memory limit in time, and the
// limit counts objects only. A thread that watches inside of the child does not do either: the permission model does
// not hold in threads.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Writable } from "node:stream";
import { dirname, parse } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { frame, frames, openAnswer, type Question, type Task } from "./library-protocol.ts";

/** Memory in bytes, processor time and time by the clock in milliseconds. */
export interface Bounds {
  readonly memoryBytes: number;
  readonly milliseconds: number;
  readonly clockMilliseconds: number;
}

/** Memory in bytes, at its highest if the system tells; processor time in milliseconds, if it tells. */
export interface Usage {
  readonly bytes: number;
  readonly milliseconds: number | undefined;
}

/**
 * What ended a process: one of its bounds (memory, processor time, time by the clock); somebody else, such as a system that is
 * short of memory; itself (a crash, or an answer that is none); or it never began.
 */
export type End = "memory" | "time" | "clock" | "killed" | "crashed" | "unstarted";

/** Why a process is not there any more. */
export class Ended extends Error {
  readonly end: End;

  constructor(end: End, message: string) {
    super(message);
    this.end = end;
  }
}

/** How often memory and time are looked at, in milliseconds: by a file of the system, and by a program that has to be asked. */
const LOOK_MS = 20;
const ASK_MS = 250;
/** What the process needs besides the heap of objects. */
const BESIDES_MIB = 64;

/** Those that run, to be ended with this program. */
const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export class LibraryProcess {
  readonly #child: ChildProcess;
  /** None if the system had no file descriptors left for it. */
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
    const module = import.meta.url.endsWith(".ts") ? "./library-child.ts" : "./library-child.js";
    const program = fileURLToPath(new URL(module, import.meta.url));
    const child = spawn(process.execPath, [...flags(program, library, bounds), program], {
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
    // What cannot be written any more is told by the end of the process.
    this.#input?.on("error", () => {});
    this.#hold(false);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it had taken when it was looked at last. */
  get seen(): Usage | undefined {
    return (this.#why === undefined ? this.#look() : undefined) ?? this.#seen;
  }

  /** Hands over a task and its file. @throws what `kill` was told, or Ended, if the process ends before it answers */
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

  /** @throws what `kill` was told, or Ended, if the process ends before it answers */
  ask(question: Question): Promise<{ answer: unknown; rest: Buffer }> {
    return this.#exchange(() => this.#write(...frame(Buffer.from(JSON.stringify({ question })))));
  }

  /** Ends the process at once; calls that wait for an answer, and later ones, get the reason. */
  kill(reason: unknown): void {
    this.#why ??= reason;
    this.#child.kill("SIGKILL");
  }

  /** Ends it, and waits until it is gone. */
  async close(reason: unknown): Promise<void> {
    this.kill(reason);
    this.#child.ref();
    await this.#ended;
  }

  /** One exchange at a time, in the order in which they are asked for. */
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

  /** Looks at memory and time while an answer is due. */
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
      // Where the system does not tell the processor's time, the clock's is taken for it.
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

  /** V8 aborts if its heap is full. Its own bounds have said so already when they kill it. */
  #whyEnded(code: number | null, signal: NodeJS.Signals | null): Ended {
    if (signal === "SIGABRT" || signal === "SIGTRAP" || code === 134) return this.#tooMuchMemory();
    if (signal === "SIGKILL" || signal === "SIGTERM") return new Ended("killed", signal);
    return new Ended("crashed", "the program that reads it has crashed");
  }

  /** Keeps the program running while an answer is due, and only then. */
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
  // After the name in brackets, which may hold anything: user and system time are the 12th and 13th, in hundredths of a second.
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { bytes: Number(peak) * 1024, milliseconds: 10 * (Number(fields[11]) + Number(fields[12])) };
}

/** What the host is told: how large its heap may become, and that the code is all that there is to read. */
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

/** Nothing of this program's environment but what a host cannot start without. */
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
