// @sluice/go/pprof: what the goroutines are doing, as Go's runtime/pprof and net/http/pprof tell it, and as metrics.
//
// Stacks are known only while `recordStacks(true)` holds; without it a goroutine is shown by its function's name.

import { block, dump } from "./internal/fatal.ts";
import { countGoroutines, current, list, type Goroutine, type State } from "./internal/goroutine.ts";

export { recordStacks } from "./internal/stacks.ts";

/**
 * The goroutine profile. debug 1: `goroutine profile: total N`, then each distinct stack with its number of goroutines,
 * the most frequent first. debug 2: every goroutine as in a crash dump.
 */
export function goroutineProfile({ debug = 1 }: { readonly debug?: 1 | 2 } = {}): string {
  const entries = living();
  if (debug === 2) return dump(entries);
  const groups = new Map<string, number>();
  for (const { goroutine: g, state } of entries) {
    // The lines of the dump between its header and its last one, the creator.
    const stack = block(g, state, g.notes?.parkedAt ?? "")
      .split("\n")
      .slice(1, -1);
    const text = stack.filter((line) => !line.startsWith("created by")).map((line) => `#\t${line}`);
    const at = text.join("\n");
    groups.set(at, (groups.get(at) ?? 0) + 1);
  }
  const sorted = [...groups].sort((a, b) => b[1] - a[1]);
  return (
    `goroutine profile: total ${entries.length}\n` + sorted.map(([at, n]) => `${n} @ ${hash(at)}\n${at}\n\n`).join("")
  );
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

/** Serves /debug/pprof/ and /debug/pprof/goroutine?debug=1|2, and /metrics. GET and HEAD only. */
export function handler(request: Request, response: Response): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const [status, body] = answer(request.method ?? "GET", url);
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" });
  response.end(request.method === "HEAD" ? "" : body);
}

function answer(method: string, url: URL): [status: number, body: string] {
  if (method !== "GET" && method !== "HEAD") return [405, "Method Not Allowed\n"];
  const path = url.pathname.replace(/\/$/, "");
  if (path.endsWith("/metrics")) return [200, metrics()];
  if (path.endsWith("/debug/pprof")) {
    return [200, `/debug/pprof/\n\nTypes of profiles available:\nCount\tProfile\n${living().length}\tgoroutine\n`];
  }
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name !== "goroutine") return [404, `Unknown profile: ${name}\n`];
  return [200, goroutineProfile({ debug: url.searchParams.get("debug") === "2" ? 2 : 1 })];
}

/** The number of goroutines, by state, and the longest wait of each state (with `recordStacks`), in Prometheus' text format. */
export function metrics(): string {
  const states = new Map<State, number>();
  const waits = new Map<State, number>();
  const now = Date.now();
  for (const { goroutine: g, state } of living()) {
    states.set(state, (states.get(state) ?? 0) + 1);
    const since = g.notes?.parkedSince ?? 0;
    if (g.waits > 0 && since > 0) waits.set(state, Math.max(waits.get(state) ?? 0, now - since));
  }
  return (
    "# HELP go_goroutines Number of goroutines that currently exist.\n# TYPE go_goroutines gauge\n" +
    `go_goroutines ${countGoroutines()}\n` +
    "# HELP go_goroutines_by_state Number of goroutines in each state.\n# TYPE go_goroutines_by_state gauge\n" +
    [...states].map(([state, n]) => `go_goroutines_by_state{state="${state}"} ${n}\n`).join("") +
    "# HELP go_wait_longest_seconds How long the goroutine that waits longest in each state has waited.\n" +
    "# TYPE go_wait_longest_seconds gauge\n" +
    [...waits].map(([state, ms]) => `go_wait_longest_seconds{state="${state}"} ${ms / 1000}\n`).join("")
  );
}

/** All goroutines, the one that asks as running. */
function living(): { goroutine: Goroutine; state: State }[] {
  const self = current();
  return list().map((entry) => (entry.goroutine === self ? { goroutine: self, state: "running" } : entry));
}

/** A number for a stack, in the place of Go's program counters. */
function hash(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return `0x${(h >>> 0).toString(16)}`;
}
