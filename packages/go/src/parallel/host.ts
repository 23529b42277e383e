// Threads as their host has them: Node's, Deno's and Bun's worker_threads, else the web's workers.
//
// `node:worker_threads` is got through process.getBuiltinModule, so that no import of Node's stands
// in the way of a browser.

import type * as Threads from "node:worker_threads";
import { host } from "../internal/host.ts";

/** The data that a worker gets at its start. */
export interface Start {
  readonly arena: SharedArrayBuffer;
  readonly slot: number;
  readonly proc: number;
  /** The module that the worker begins with. */
  readonly entry: string;
}

/** A worker, as the thread that made it sees it. */
export interface Thread {
  readonly post: (message: unknown, moved: readonly unknown[]) => void;
  /** Ends it at once. */
  readonly end: () => void;
}
export interface ThreadEvents {
  readonly message: (message: unknown) => void;
  /** Called when the worker has ended. `error` says why, if that is known. */
  readonly ended: (code: number, error: Error | undefined) => void;
}

interface WebWorker {
  onmessage: (event: { data: unknown }) => void;
  onerror: (event: { message?: string; preventDefault: () => void }) => void;
  postMessage: (message: unknown, moved: readonly unknown[]) => void;
  terminate: () => void;
}
interface Web {
  readonly Worker?: new (url: string | URL, options: { type: "module"; name: string }) => WebWorker;
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: { readonly hardwareConcurrency?: number };
  readonly name?: string;
  onmessage?: ((event: { data: unknown }) => void) | null;
  postMessage?: (message: unknown, moved: readonly unknown[]) => void;
  addEventListener?: (type: "message", listener: (event: { data: unknown }) => void) => void;
  removeEventListener?: (type: "message", listener: (event: { data: unknown }) => void) => void;
}
const web = globalThis as unknown as Web;

/** The mark by which a worker of this library knows itself. */
const mark = "@sluice/go/parallel";

export const threads: typeof Threads | undefined = host.process?.getBuiltinModule?.("node:worker_threads") as
  | typeof Threads
  | undefined;

interface NodeProcess {
  readonly execArgv: readonly string[];
  readonly getActiveResourcesInfo?: () => string[];
}
const nodeProcess = host.process as unknown as NodeProcess | undefined;

/**
 * The library runs from its sources: then workers must find those by the package's name as well.
 */
const fromSource = import.meta.url.endsWith(".ts");

/** How many cores this process may use. */
export function cores(): number {
  const os = host.process?.getBuiltinModule?.("node:os") as { availableParallelism?: () => number } | undefined;
  return Math.max(1, os?.availableParallelism?.() ?? web.navigator?.hardwareConcurrency ?? 1);
}

/** The data with which this thread was started, if it is a worker thread of this library. */
const started: Start | undefined = startOf();

function startOf(): Start | undefined {
  const data = threads?.workerData as Record<string, Start> | null | undefined;
  return typeof data === "object" && data !== null ? data[mark] : undefined;
}

/** Whether this thread is a worker of this library. */
export const isWorker: boolean =
  started !== undefined ||
  (threads === undefined && "WorkerGlobalScope" in globalThis && web.name?.startsWith(mark) === true);

/**
 * In a worker: calls back with what it is started with: at once, or in a web worker with its first
 * message.
 */
export function whenStarted(begin: (start: Start) => void): void {
  if (started !== undefined) begin(started);
  else {
    const first = ({ data }: { data: unknown }): void => {
      web.removeEventListener?.("message", first);
      begin((data as Record<string, Start>)[mark] as Start);
    };
    web.addEventListener?.("message", first);
  }
}

/** Throws, in words, if there can be no threads. */
export function expectThreads(): void {
  if (threads?.Worker !== undefined) return;
  if (web.Worker === undefined) throw new Error("parallel: this host has no worker threads");
  if (web.crossOriginIsolated !== true) {
    throw new Error(
      "parallel: the page is not cross-origin isolated, so threads cannot share memory; serve it with the headers " +
        "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
    );
  }
  if ((Atomics as { waitAsync?: unknown }).waitAsync === undefined) {
    throw new Error("parallel: this browser has no Atomics.waitAsync, by which a page waits for its threads");
  }
}

/** Starts a worker from a module. It does not keep the process alive. */
export function startThread(entry: URL, start: Start, events: ThreadEvents): Thread {
  const name = `P ${start.proc}`;
  if (threads?.Worker !== undefined) return startNodeThread(threads, entry, start, name, events);
  const worker = new (web.Worker as NonNullable<Web["Worker"]>)(entry, { type: "module", name: `${mark} ${name}` });
  worker.onmessage = ({ data }) => events.message(data);
  worker.onerror = (event) => {
    event.preventDefault();
    events.ended(1, new Error(event.message ?? `the module ${entry.href} could not be loaded`));
  };
  worker.postMessage({ [mark]: start }, []);
  return { post: (message, moved) => worker.postMessage(message, moved), end: () => worker.terminate() };
}

function startNodeThread(
  { Worker }: typeof Threads,
  entry: URL,
  start: Start,
  name: string,
  events: ThreadEvents,
): Thread {
  const options = { name, workerData: { [mark]: start } };
  const worker = fromSource
    ? new Worker(entry, { ...options, execArgv: [...loading(), "--conditions=source"] })
    : new Worker(entry, options);
  let why: Error | undefined;
  worker.on("message", events.message);
  worker.on("error", (error: Error) => {
    why = error;
  });
  worker.on("exit", (code) => events.ended(code, why));
  worker.unref();
  return {
    post: (message, moved) => worker.postMessage(message, moved as never),
    end: () => void worker.terminate(),
  };
}

/**
 * The options of this process that say how modules are loaded: conditions, and modules that come
 * first. A worker may be given no other option of the process.
 */
function loading(): string[] {
  const args = nodeProcess?.execArgv ?? [];
  return args.flatMap((arg, i) => {
    if (/^--(?:conditions|import)=/.test(arg)) return [arg];
    const name = arg === "-C" ? "--conditions" : arg;
    return ["--conditions", "--import"].includes(name) ? [`${name}=${args[i + 1] ?? ""}`] : [];
  });
}

/** In a worker: how it hears from the thread that made it, and tells it something. */
export function listenToParent(
  heard: (message: unknown) => void,
): (message: unknown, moved: readonly unknown[]) => void {
  const port = threads?.parentPort;
  if (port) {
    port.on("message", heard);
    return (message, moved) => port.postMessage(message, moved as never);
  }
  web.addEventListener?.("message", ({ data }) => heard(data));
  return (message, moved) => web.postMessage?.(message, moved);
}

/**
 * The resources that keep this thread's event loop running. Deno tells of timers only, and Bun of
 * nothing: both count as not knowing.
 */
const resources: (() => string[]) | undefined =
  host.Deno === undefined && host.Bun === undefined
    ? nodeProcess?.getActiveResourcesInfo?.bind(nodeProcess)
    : undefined;

/** How many resources keep this thread's event loop at work; not a number where nobody can tell. */
export function activeResources(): number {
  return resources?.().length ?? Number.NaN;
}

/** Whether something is to run in the next turn of the event loop. */
export function hasImmediate(): boolean {
  return resources?.().includes("Immediate") === true;
}

/** Whether a thread that is no worker may block for a moment. */
export const mayBlock: boolean = threads?.Worker !== undefined;

const { setImmediate } = host;
const nextTick = host.process?.nextTick?.bind(host.process);

/** Calls back when all microtasks have run, those that they queue included. */
export function afterMicrotasks(fn: () => void): void {
  if (nextTick !== undefined) queueMicrotask(() => nextTick(fn));
  else afterTurn(fn);
}

let channel: { ask: () => void; queue: (() => void)[] } | undefined;

/** Calls back when timers and I/O have had their turn. */
export function afterTurn(fn: () => void): void {
  if (setImmediate !== undefined) {
    setImmediate(fn);
    return;
  }
  channel ??= makeChannel();
  channel.queue.push(fn);
  channel.ask();
}

function makeChannel(): NonNullable<typeof channel> {
  const queue: (() => void)[] = [];
  const { port1, port2 } = new (host.MessageChannel as NonNullable<typeof host.MessageChannel>)();
  port1.onmessage = () => queue.shift()?.();
  return { queue, ask: () => port2.postMessage(undefined) };
}
