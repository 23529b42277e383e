// @sluice/go/pprof: what the goroutines are doing, as Go's runtime/pprof and net/http/pprof tell it, and as metrics.
//
// Stacks are known only while `recordStacks(true)` holds; without it a goroutine is shown by its function's name.

import { monotonic } from "./internal/clock.ts";
import { block, dump, type Entry } from "./internal/dump.ts";
import { addState, countCreated, countGoroutines, current, list, type State } from "./internal/goroutine.ts";
import { observer } from "./internal/hooks.ts";
import { tellApart } from "./internal/names.ts";
import { collectSoon, isLeaked } from "./internal/proof.ts";
import { queued } from "./internal/sched.ts";
import { counter, here } from "./internal/stacks.ts";

tellApart();

export { recordStacks } from "./internal/stacks.ts";

/** The waits that have ended while stacks were recorded, and how long they took in all. */
const waits = new Map<State, { count: number; ms: number }>();
counter.waited = (state, ms) => {
  const total = waits.get(state) ?? { count: 0, ms: 0 };
  total.count++;
  total.ms += ms;
  waits.set(state, total);
};

/**
 * The goroutine profile. debug 1: `goroutine profile: total N`, then each distinct stack with its number of goroutines,
 * the most frequent first. debug 2: every goroutine as in a crash dump.
 */
export function goroutineProfile({ debug = 1 }: { readonly debug?: 1 | 2 | undefined } = {}): string {
  const entries = living();
  return debug === 2 ? dump(entries) : summary("goroutine", entries);
}

/**
 * The goroutines that nothing can wake any more, found by a full garbage collection (see `proven` of /leak; only among those
 * that began with `recordStacks` on). debug 1 as above; debug 2: all goroutines, those marked `(leaked)`.
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
 * Each distinct stack with its number of goroutines. What a goroutine waits for is part of its
 * stack, as in Go.
 */
function summary(name: string, entries: readonly Entry[]): string {
  const groups = new Map<string, { at: string; count: number }>();
  for (const { goroutine: g, state, stack } of entries) {
    // The lines of the dump between its header and its last one, the creator.
    const lines = block(g, state, stack).split("\n").slice(1, -1);
    const text = lines.filter((line) => !line.startsWith("created by")).map((line) => `#\t${line}`);
    const at = text.join("\n");
    const key = `${state}\n${at}`;
    const group = groups.get(key) ?? { at, count: 0 };
    group.count++;
    groups.set(key, group);
  }
  const sorted = [...groups].sort(([, a], [, b]) => b.count - a.count);
  const texts = sorted.map(([key, { at, count }]) => `${count} @ ${hash(key)}\n${at}\n\n`);
  return `${name} profile: total ${entries.length}\n${texts.join("")}`;
}

/** A request and a response, as far as `handler` needs them: those of node:http and of frameworks on top of it. */
export interface Request {
  readonly url?: string | undefined;
  readonly method?: string | undefined;
}
export interface Response {
  writeHead: (status: number, headers: Record<string, string>) => unknown;
  end: (body: string) => unknown;
}

/** Serves /debug/pprof/ with goroutine and goroutineleak (?debug=1|2) below it, and /metrics. GET and HEAD only. */
export function handler(request: Request, response: Response): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const answered = answer(request.method ?? "GET", url);
  if (answered instanceof Promise) void answered.then((answer) => respond(request, response, answer));
  else respond(request, response, answered);
}

type Answer = readonly [status: number, body: string];

function respond(request: Request, response: Response, [status, body]: Answer): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" });
  response.end(request.method === "HEAD" ? "" : body);
}

function answer(method: string, url: URL): Answer | Promise<Answer> {
  if (method !== "GET" && method !== "HEAD") return [405, "Method Not Allowed\n"];
  const path = url.pathname.replace(/\/$/, "");
  if (path.endsWith("/metrics")) return [200, metrics()];
  if (path.endsWith("/debug/pprof")) {
    const all = living();
    const leaked = all.filter(({ goroutine }) => isLeaked(goroutine)).length;
    const counts = `${all.length}\tgoroutine\n${leaked}\tgoroutineleak\n`;
    return [200, `/debug/pprof/\n\nTypes of profiles available:\nCount\tProfile\n${counts}`];
  }
  const name = path.slice(path.lastIndexOf("/") + 1);
  const debug = url.searchParams.get("debug") === "2" ? 2 : 1;
  if (name === "goroutine") return [200, goroutineProfile({ debug })];
  if (name !== "goroutineleak") return [404, `Unknown profile: ${name}\n`];
  return goroutineLeakProfile({ debug }).then(
    (body) => [200, body],
    (error: unknown) => [501, `${(error as Error).message}\n`],
  );
}

/**
 * In Prometheus' text format: the goroutines, how many there have been, how many are in each state, and how many the
 * scheduler lets wait for the event loop's next turn. With `recordStacks` also, for each state, the waits that have ended,
 * the seconds they took, and the longest wait that is under way.
 */
export function metrics(): string {
  const states = new Map<string, number>();
  const longest = new Map<string, number>();
  const now = monotonic();
  for (const { goroutine: g, state } of living()) {
    states.set(state, (states.get(state) ?? 0) + 1);
    const since = g.notes?.parkedSince ?? 0;
    if (g.waits > 0 && since > 0) longest.set(state, Math.max(longest.get(state) ?? 0, (now - since) / 1000));
  }
  const ended = [...waits];
  return (
    metric("go_goroutines", "gauge", "Number of goroutines that currently exist.", countGoroutines()) +
    metric("go_goroutines_created_total", "counter", "Number of goroutines that have been started.", countCreated()) +
    metric("go_goroutines_by_state", "gauge", "Number of goroutines in each state.", states) +
    metric(
      "go_goroutines_queued",
      "gauge",
      "Number of goroutines that could go on and queue for their turn.",
      queued(),
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

/** All goroutines, the one that asks as running: what is booked on it is waited for besides. */
function living(): Entry[] {
  const self = current();
  const stack = observer === undefined ? "" : here();
  return list(self).map((entry) => {
    if (entry.goroutine !== self) return entry;
    if (self.waits > 0) addState(entry.others, entry.state);
    return { ...entry, state: "running", stack };
  });
}

/** A number for a stack, in the place of Go's program counters. */
function hash(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return `0x${(h >>> 0).toString(16)}`;
}
