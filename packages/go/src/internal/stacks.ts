// Diagnostics' observer: notes where each goroutine was made and where it parks, how long it waits and whether anything can
// still resume it, and makes "which goroutine runs" exact through foreign awaits. Costs a stack (1 to 3 µs) for each `go`
// and each wait, so it is on only where it was asked for.
//
// AsyncLocalStorage is got through process.getBuiltinModule, so that no `node:` import stands on the way of a browser;
// without it goroutines are known as exactly as ever.

import { monotonic } from "./clock.ts";
import { frames } from "./dump.ts";
import { main, type Goroutine, type Notes, type State } from "./goroutine.ts";
import { observe, observer } from "./hooks.ts";
import { tellApart } from "./names.ts";

interface Storage {
  run: <T>(g: Goroutine, body: () => T) => T;
  getStore: () => Goroutine | undefined;
}
interface Host {
  process?: { getBuiltinModule?: (id: string) => { AsyncLocalStorage: new () => Storage } | undefined };
}

/**
 * The folder of this library, as stacks may name it: its own frames are left out of them. In a bundle nobody can tell them from the
 * others.
 */
const homes: readonly string[] = /^.*\/(?=internal\/stacks\.[jt]s$)/.exec(import.meta.url)?.flatMap(spellings) ?? [];

/** Who counts the waits that end while stacks are recorded (/pprof). */
export const counter: { waited?: (state: State, ms: number) => void } = {};

/** Switches the observer on or off. Goroutines that began while it was off stay as little known as they were. */
export function recordStacks(on: boolean): void {
  tellApart();
  if (!on) {
    observe(undefined);
    return;
  }
  if (observer !== undefined) return;
  const hooks = (globalThis as Host).process?.getBuiltinModule?.("node:async_hooks");
  const storage = hooks === undefined ? undefined : new hooks.AsyncLocalStorage();
  observe({
    created: (g) => {
      g.notes = new Noted(here());
    },
    began: (g, end) => {
      if (g.notes !== undefined) g.notes.life = new WeakRef(end);
    },
    parked: (g) => {
      g.notes ??= new Noted("");
      g.notes.parkedAt = here();
      g.notes.parkedSince = monotonic();
    },
    failed: (g) => {
      g.notes ??= new Noted("");
      g.notes.parkedAt = here();
    },
    resumed: (g, state) => {
      if (g.notes?.parkedSince) counter.waited?.(state, monotonic() - g.notes.parkedSince);
    },
    run: (g, body) => (storage === undefined ? body() : storage.run(g, body)),
    // Outside of every goroutine is main.
    current: () => (storage === undefined ? undefined : (storage.getStore() ?? main)),
  });
}

class Noted implements Notes {
  readonly createdAt: string;
  readonly place: string;
  parkedAt = "";
  parkedSince = 0;
  life: WeakRef<object> | undefined;

  constructor(createdAt: string) {
    this.createdAt = createdAt;
    this.place = /\n(\t.*\n)/.exec(createdAt)?.[1] ?? "";
  }

  waited(g: Goroutine): string {
    const minutes = g.waits > 0 && this.parkedSince > 0 ? Math.floor((monotonic() - this.parkedSince) / 60_000) : 0;
    return minutes > 0 ? `, ${minutes} minutes` : "";
  }
}

/** The stack here, without the library's own frames. */
export function here(): string {
  const limited = Error as { stackTraceLimit?: number };
  const limit = limited.stackTraceLimit;
  limited.stackTraceLimit = 50;
  const lines = frames(new Error()).split("\n");
  if (limit !== undefined) limited.stackTraceLimit = limit;
  let text = "";
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const place = lines[i + 1] as string;
    if (!isOwn(place)) text += `${lines[i]}\n${place}\n`;
  }
  return text;
}

function isOwn(place: string): boolean {
  const at = place.trim();
  return homes.some((home) => at.startsWith(home)) && !/\.test\.[jt]s:/.test(place);
}

/** An address, and the path that it means. */
function spellings(url: string): string[] {
  return [url, decodeURIComponent(url.replace("file://", ""))];
}
