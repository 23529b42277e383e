// The observers of several diagnostics, combined into one, because hooks.ts has a place for only
// one.
//
// This file also makes "which goroutine runs" exact through foreign awaits, with AsyncLocalStorage.
// It gets that class through process.getBuiltinModule, so that a browser does not meet a `node:`
// import. Without the class goroutines are known as exactly as before, if no `keepBy` replaces it.

import { main, type Goroutine, type State } from "./goroutine.ts";
import { observe, type Observer } from "./hooks.ts";
import { host } from "./host.ts";

/** The events that one diagnostic needs. */
export type Part = Partial<
  Pick<
    Observer,
    "created" | "began" | "parked" | "failed" | "woken" | "resumed" | "ended" | "made" | "takes" | "stepped"
  > & {
    /** Code of goroutine g runs next, on this stack: its function, or what lets it continue. */
    readonly entered: (g: Goroutine) => void;
  }
>;

/** The storage that keeps the running goroutine through awaits. */
export interface Storage {
  run: <T>(g: Goroutine, body: () => T) => T;
  getStore: () => Goroutine | undefined;
}
interface Hooks {
  readonly AsyncLocalStorage: new () => Storage;
}

const hooks = host.process?.getBuiltinModule?.("node:async_hooks") as Hooks | undefined;
let storage: Storage | undefined = hooks === undefined ? undefined : new hooks.AsyncLocalStorage();
let parts: readonly Part[] = [];

/** Adds the part of a diagnostic, from now on. */
export function addPart(part: Part): void {
  if (!parts.includes(part)) compose([...parts, part]);
}

/** Removes it again. */
export function removePart(part: Part): void {
  compose(parts.filter((other) => other !== part));
}

/** Runs code as goroutine g: `current` is g in it, and in all code that it starts. */
export function runAs<T>(g: Goroutine, body: () => T): T {
  return storage === undefined ? body() : storage.run(g, body);
}

/** True if the running goroutine is known through foreign awaits. */
export let isExact: boolean = storage !== undefined;

/** Keeps the running goroutine in another storage from now on. */
export function keepBy(own: Storage): void {
  storage = own;
  isExact = true;
}

/**
 * The goroutine whose code runs; `undefined` if the host does not tell. Code outside of every
 * goroutine belongs to main.
 */
export function exactly(): Goroutine | undefined {
  return storage === undefined ? undefined : (storage.getStore() ?? main);
}

function compose(next: readonly Part[]): void {
  parts = next;
  if (parts.length === 0) {
    observe(undefined);
    return;
  }
  // Loops instead of `forEach`, so that the engine's frames do not appear in the stacks.
  const created = calls("created");
  const began = calls("began");
  const parked = calls("parked");
  const failed = calls("failed");
  const woken = calls("woken");
  const resumed = calls("resumed");
  const ended = calls("ended");
  const made = calls("made");
  const takes = calls("takes");
  const stepped = calls("stepped");
  const entered = calls("entered");
  observe({
    created: (g) => {
      for (const call of created) call(g);
    },
    began: (g, end) => {
      for (const call of began) call(g, end);
    },
    parked: (g, state) => {
      for (const call of parked) call(g, state);
    },
    failed: (g) => {
      for (const call of failed) call(g);
    },
    woken: (g) => {
      for (const call of woken) call(g);
    },
    resumed: (g: Goroutine, state: State) => {
      for (const call of resumed) call(g, state);
    },
    ended: (g) => {
      for (const call of ended) call(g);
    },
    made: (channel) => {
      for (const call of made) call(channel);
    },
    takes: (g, error) => {
      for (const call of takes) if (call(g, error)) return true;
      return false;
    },
    stepped: (g) => {
      for (const call of stepped) call(g);
    },
    run: (g, body) => {
      for (const call of entered) call(g);
      return runAs(g, body);
    },
    current: exactly,
  });
}

function calls<K extends keyof Part>(name: K): NonNullable<Part[K]>[] {
  return parts.flatMap((part) => part[name] ?? []);
}
