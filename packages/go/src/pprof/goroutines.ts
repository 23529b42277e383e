// The present state of the goroutines, in the form of Go's runtime/pprof, and as metrics.
//
// Stacks are known only while `recordStacks(true)` holds; without it a goroutine is shown by its
// function's name.

import { monotonic } from "../internal/clock.ts";
import { block, dump, type Entry } from "../internal/dump.ts";
import {
  addState,
  countCreated,
  current,
  type Goroutine,
  list,
  main,
  nameOf,
  type State,
} from "../internal/goroutine.ts";
import { observer } from "../internal/hooks.ts";
import { tellApart } from "../internal/names.ts";
import { collectSoon, isLeaked } from "../internal/proof.ts";
import { queued } from "../internal/sched.ts";
import { counter, here } from "../internal/stacks.ts";
import { goroutineLabels } from "./labels.ts";
import { encodeProfile, framesOf, type Sample } from "./profile.ts";

tellApart();

/** The waits that have ended while stacks were recorded, and their total time. */
const waits = new Map<State, { count: number; ms: number }>();
counter.waited = (state, ms) => {
  const total = waits.get(state) ?? { count: 0, ms: 0 };
  total.count++;
  total.ms += ms;
  waits.set(state, total);
};

/**
 * The goroutine profile. debug 1: `goroutine profile: total N`, then each distinct stack with its
 * number of goroutines, the most frequent first, and their labels. debug 2: every goroutine as in a
 * crash dump. debug 0: gzipped protobuf, for `go tool pprof`.
 */
export function goroutineProfile(options: { readonly debug: 0 }): Uint8Array;
export function goroutineProfile(options?: { readonly debug?: 1 | 2 | undefined }): string;
export function goroutineProfile({ debug = 1 }: { readonly debug?: 0 | 1 | 2 | undefined } = {}): string | Uint8Array {
  const entries = living();
  if (debug === 0) return encodeProfile({ types: [["goroutine", "count"]], samples: entries.map(sampleOf), ...period });
  return debug === 2 ? dump(entries) : summary("goroutine", entries);
}

const period = { periodType: ["goroutine", "count"], period: 1 } as const;

function sampleOf({ goroutine: g, state, stack }: Entry): Sample {
  const frames = framesOf(block(g, state, stack).replace(/^created by [^]*/m, ""));
  const own = frames.length > 0 ? frames : [{ name: g === main ? "main.main" : nameOf(g), file: "", line: 0 }];
  // The wait is the innermost frame, as Go's runtime.gopark is.
  return { stack: [{ name: `[${state}]`, file: "", line: 0 }, ...own], values: [1], labels: goroutineLabels(g) };
}

/**
 * How many goroutines there are, and how many of them the last collection has proved to be leaked.
 */
export function goroutineCounts(): { readonly all: number; readonly leaked: number } {
  const all = living();
  return { all: all.length, leaked: all.filter(({ goroutine }) => isLeaked(goroutine)).length };
}

/**
 * The goroutines that nothing can wake any more, found by a full garbage collection (see `proven`
 * of /leak; only among those that began with `recordStacks` on). debug 1 as above; debug 2: all
 * goroutines, those marked `(leaked)`.
 */
export async function goroutineLeakProfile({
  debug = 1,
}: { readonly debug?: 1 | 2 | undefined } = {}): Promise<string> {
  await collectSoon();
  const entries = living();
  if (debug === 1)
    return summary(
      "goroutineleak",
      entries.filter(({ goroutine }) => isLeaked(goroutine)),
    );
  return dump(
    entries.map((entry) => (isLeaked(entry.goroutine) ? { ...entry, state: `${entry.state} (leaked)` } : entry)),
  );
}

/**
 * Each distinct stack with its number of goroutines. A goroutine's wait is part of its stack, as in
 * Go.
 */
function summary(name: string, entries: readonly Entry[]): string {
  const groups = new Map<string, { at: string; count: number }>();
  for (const { goroutine: g, state, stack } of entries) {
    // The lines of the dump between its header and its last line, which names the creator.
    const lines = block(g, state, stack).split("\n").slice(1, -1);
    const text = lines.filter((line) => !line.startsWith("created by")).map((line) => `#\t${line}`);
    const at = text.join("\n");
    const labels = labelsText(g);
    const key = `${state}\n${labels}${at}`;
    const group = groups.get(key) ?? { at: labels + at, count: 0 };
    group.count++;
    groups.set(key, group);
  }
  const sorted = [...groups].sort(([, a], [, b]) => b.count - a.count);
  const texts = sorted.map(([key, { at, count }]) => `${count} @ ${hash(key)}\n${at}\n\n`);
  return `${name} profile: total ${entries.length}\n${texts.join("")}`;
}

/**
 * In Prometheus' text format: the goroutines, how many there have been, how many are in each state,
 * and how many the scheduler lets wait for the event loop's next turn. With `recordStacks` also,
 * for each state, the waits that have ended, the seconds they took, and the longest wait that is
 * under way.
 */
export function metrics(): string {
  const states = new Map<string, number>();
  const longest = new Map<string, number>();
  const now = monotonic();
  const all = living();
  for (const { goroutine: g, state } of all) {
    states.set(state, (states.get(state) ?? 0) + 1);
    const since = g.notes?.parkedSince ?? 0;
    if (g.waits > 0 && since > 0) longest.set(state, Math.max(longest.get(state) ?? 0, (now - since) / 1000));
  }
  const ended = [...waits];
  return (
    metric("go_goroutines", "gauge", "Number of goroutines that currently exist.", all.length) +
    metric("go_goroutines_created_total", "counter", "Number of goroutines that have been started.", countCreated()) +
    metric("go_goroutines_by_state", "gauge", "Number of goroutines in each state.", states) +
    metric(
      "go_goroutines_queued",
      "gauge",
      "Number of goroutines that could go on and queue for their turn.",
      queued().length,
    ) +
    metric(
      "go_waits_total",
      "counter",
      "Number of waits that have ended, by what was waited for.",
      new Map(ended.map(([state, { count }]) => [state, count])),
    ) +
    metric(
      "go_wait_seconds_total",
      "counter",
      "Time spent in those waits.",
      new Map(ended.map(([state, { ms }]) => [state, ms / 1000])),
    ) +
    metric(
      "go_wait_longest_seconds",
      "gauge",
      "How long the goroutine that waits longest in each state has waited.",
      longest,
    )
  );
}

function metric(name: string, type: string, help: string, values: number | ReadonlyMap<string, number>): string {
  const lines =
    typeof values === "number"
      ? `${name} ${values}\n`
      : [...values].map(([state, value]) => `${name}{state="${state}"} ${value}\n`).join("");
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines}`;
}

/**
 * All goroutines. The calling one counts as running, and waits booked on it count as additional
 * waits.
 */
function living(): Entry[] {
  const self = current();
  const stack = observer === undefined ? "" : here();
  return list(self).map((entry) => {
    if (entry.goroutine !== self) return entry;
    if (self.waits > 0) addState(entry.others, entry.state);
    return { ...entry, state: "running", stack };
  });
}

/** Go's line of a goroutine's labels; empty if it has no labels. */
function labelsText(g: Goroutine): string {
  const labels = goroutineLabels(g);
  if (labels === undefined) return "";
  const sorted = [...labels].sort(([a], [b]) => (a < b ? -1 : 1));
  return `# labels: {${sorted.map((pair) => pair.map((text) => JSON.stringify(text)).join(":")).join(", ")}}\n`;
}

/** A number for a stack, as a replacement for Go's program counters. */
function hash(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return `0x${(h >>> 0).toString(16)}`;
}
