// Functions that every thread knows, by the module that makes them parallel and by their index
// there.
//
// A worker imports the module, and the module's top level makes the same calls in the same order.
// The names of functions are compared too, so that a call outside of the top level is noticed. In
// the shared memory a function is a number: the place of its entry in a list that only grows. A
// thread adds an entry when it first calls the function. Two threads may add one each, and the two
// mean the same.

import { TABLE_END, TABLE_WORDS, tableAt, words } from "./arena.ts";

type Fn = (...args: never[]) => unknown;

export interface Known {
  readonly module: string;
  /** The function's index among those of its module, from 0 on. */
  readonly ordinal: number;
  readonly fn: Fn;
  /** The name in messages. */
  readonly name: string;
  /** The function's number in the shared memory; 0 as long as this thread has not called it. */
  id: number;
}

const modules = new Map<string, Known[]>();
/** Entries by number. */
const byId = new Map<number, Entry>();

interface Entry {
  readonly module: string;
  readonly ordinal: number;
  readonly name: string;
  known: Known | undefined;
}

/** Adds a function of a module that is being evaluated. */
export function enterFunction(module: string, fn: Fn): Known {
  let list = modules.get(module);
  if (list === undefined) modules.set(module, (list = []));
  const known = { module, ordinal: list.length, fn, name: fn.name || `function ${list.length + 1}`, id: 0 };
  list.push(known);
  return known;
}

/** A function's number in the shared memory. */
export function idOf(known: Known): number {
  if (known.id !== 0) return known.id;
  const { module, ordinal, name } = known;
  const text = new TextEncoder().encode(JSON.stringify({ module, ordinal, name }));
  const size = 2 + Math.ceil(text.length / 4);
  const at = Atomics.add(words, TABLE_END, size);
  if (at + size > TABLE_WORDS) throw new Error("parallel: too many functions");
  words[tableAt + at + 1] = text.length;
  new Uint8Array(words.buffer, (tableAt + at + 2) * 4, text.length).set(text);
  Atomics.store(words, tableAt + at, 1);
  known.id = at + 1;
  return known.id;
}

/** The entry that a number means. */
export function entryOf(id: number): Entry {
  let entry = byId.get(id);
  if (entry === undefined) {
    const at = tableAt + id - 1;
    const length = Atomics.load(words, at + 1);
    const text = new Uint8Array(words.buffer, (at + 2) * 4, length).slice();
    entry = { ...(JSON.parse(new TextDecoder().decode(text)) as Omit<Entry, "known">), known: undefined };
    byId.set(id, entry);
  }
  return entry;
}

/** The function itself, if its module has been imported. */
export function functionOf(entry: Entry): Fn | undefined {
  return (entry.known ??= loaded.has(entry.module) ? found(entry) : undefined)?.fn;
}

function found({ module, ordinal, name }: Entry): Known {
  const list = modules.get(module) ?? [];
  const known = list[ordinal];
  if (known?.name === name) return known;
  throw new Error(
    `parallel: ${name} of ${module} is not there in a worker: it imported the module, whose top level called parallel ` +
      `${list.length === 1 ? "once" : `${list.length} times`}. Call parallel(import.meta.url, fn) at the top level of a ` +
      "module that can be imported on its own, not inside a function and not behind a condition",
  );
}

const loaded = new Set<string>();
const loading = new Map<string, Promise<void>>();
let mainReached: (() => void) | undefined;
/**
 * In a bundle: the module with which the worker itself begins, and whether that module has called
 * `main`.
 */
let entry: string | undefined;
let entryReached = false;

/** Records that this worker begins with a module that may have functions. */
export function beginWith(module: string): void {
  entry = module;
}

/** True if a module is being evaluated for its functions. */
export function isLoading(): boolean {
  return loading.size > 0;
}

/**
 * Imports a module in a worker. The code after a call of `main` belongs to the program, and a
 * worker does not run it. So a module that awaits `main` counts as imported when it calls `main`.
 */
export function load(module: string): Promise<void> {
  let promise = loading.get(module);
  if (promise !== undefined) return promise;
  const reached = new Promise<void>((resolve) => {
    if (module === entry && entryReached) resolve();
    else mainReached = resolve;
  });
  const imported = import(/* webpackIgnore: true */ /* @vite-ignore */ module) as Promise<unknown>;
  const called = reached.then(turnLater);
  promise = Promise.race([imported, called]).then(
    () => {
      loaded.add(module);
      loading.delete(module);
      return undefined;
    },
    (error: unknown) => {
      loading.delete(module);
      throw new Error(
        `parallel: a worker could not import ${module}: ${(error as Error)?.message ?? String(error)}. Each worker ` +
          "imports the module of the function that it runs: it must be a file, and its top level must work in a worker",
        { cause: error },
      );
    },
  );
  loading.set(module, promise);
  return promise;
}

/** For a module that does not await `main`. The timer does not count as a wait of the worker. */
function turnLater(): Promise<void> {
  return new Promise((resolve) => {
    const timer: unknown = setTimeout(resolve);
    (timer as { unref?: () => void }).unref?.();
  });
}

/** Called when a worker's module calls `main`. */
export function mainCalled(): Promise<never> {
  if (loading.size === 0) entryReached = true;
  mainReached?.();
  return new Promise<never>(() => undefined);
}

/**
 * A module's address from the argument of `parallel`: import.meta.url, or __filename in a CommonJS
 * module.
 */
export function moduleOf(given: unknown): string {
  const text = given instanceof URL ? given.href : given;
  if (typeof text === "string" && /^[a-z][a-z0-9+.-]+:/i.test(text) && !/^[a-z]:[\\/]/i.test(text)) return text;
  if (typeof text === "string" && /^(\/|[a-z]:[\\/])/i.test(text)) return fileAddress(text);
  throw new TypeError(
    `parallel: expected the module's address as the first argument, import.meta.url (__filename in a CommonJS module), got ${typeof text === "string" ? JSON.stringify(text) : String(text)}`,
  );
}

function fileAddress(path: string): string {
  const url = new URL("file:///");
  url.pathname = path.replaceAll("\\", "/").replaceAll("%", "%25");
  return url.href;
}
