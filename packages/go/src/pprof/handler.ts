// /debug/pprof/ over HTTP, with the paths and parameters of Go's net/http/pprof, and /metrics.

import { host } from "../internal/host.ts";
import { isEnabled, start, stop } from "../trace/index.ts";
import { blockProfile, contentionCounts, mutexProfile } from "./contention.ts";
import { startCPUProfile, stopCPUProfile } from "./cpu.ts";
import { goroutineCounts, goroutineLeakProfile, goroutineProfile, metrics } from "./goroutines.ts";
import { heapKind, type HeapKind, heapProfile, startHeapProfile, stopHeapProfile } from "./heap.ts";

/**
 * A request and a response, as far as `handler` needs them: those of node:http and of frameworks on
 * top of it.
 */
export interface Request {
  readonly url?: string | undefined;
  readonly method?: string | undefined;
}
export interface Response {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: string | Uint8Array): unknown;
}

interface Answer {
  readonly status: number;
  readonly body: string | Uint8Array;
  /** Plain text by default. */
  readonly type?: string;
  /** The name of the file in which to save it. */
  readonly file?: string;
}

/**
 * The answer of a path below /debug/pprof/. Throws a Refusal, or another error if it is not
 * available.
 */
interface Page {
  readonly about: string;
  /** The number of its entries, if there is such a number. */
  readonly count?: () => number;
  readonly answer: (parameters: Parameters) => Answer | Promise<Answer>;
}

/**
 * Serves /debug/pprof/, an index of the profiles below it, and /metrics, wherever in the path these
 * stand. GET and HEAD only. Who can ask can slow the program down and read its code: never let
 * strangers.
 */
export function handler(request: Request, response: Response): void {
  const respond = ({ status, body, type, file }: Answer): void => {
    response.writeHead(status, {
      "content-type": type ?? "text/plain; charset=utf-8",
      "x-content-type-options": "nosniff",
      ...(file !== undefined && { "content-disposition": `attachment; filename="${file}"` }),
    });
    response.end(request.method === "HEAD" ? "" : body);
  };
  const refuse = (error: unknown): void => {
    const status = error instanceof Refusal ? error.status : 501;
    respond({ status, body: `${(error as Error).message}\n` });
  };
  try {
    const answered = answer(request.method ?? "GET", new URL(request.url ?? "/", "http://localhost"));
    if (answered instanceof Promise) void answered.then(respond, refuse);
    else respond(answered);
  } catch (error) {
    refuse(error);
  }
}

/** The reason why a request is not answered. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function answer(method: string, url: URL): Answer | Promise<Answer> {
  if (method !== "GET" && method !== "HEAD") throw new Refusal(405, "Method Not Allowed");
  const path = url.pathname.replace(/\/$/, "");
  if (path.endsWith("/metrics")) return { status: 200, body: metrics() };
  if (path.endsWith("/debug/pprof")) return index();
  const name = path.slice(path.lastIndexOf("/") + 1);
  const page = Object.hasOwn(pages, name) ? pages[name] : undefined;
  if (page === undefined) throw new Refusal(404, `Unknown profile: ${name}`);
  return page.answer(new Parameters(url.searchParams));
}

/** The parameters of a request. */
class Parameters {
  readonly #given: URLSearchParams;

  constructor(given: URLSearchParams) {
    this.#given = given;
  }

  /** A parameter that is one of some allowed whole numbers. */
  choice<const N extends number>(name: string, allowed: readonly N[], otherwise: N): N {
    const text = this.#given.get(name);
    if (text === null) return otherwise;
    const found = allowed.find((value) => String(value) === text);
    if (found === undefined) throw new Refusal(400, `${name}: expected ${allowed.join(" or ")}, got "${text}"`);
    return found;
  }

  /** A number of seconds above 0, at most an hour, as milliseconds. */
  seconds(otherwise: number): number {
    const text = this.#given.get("seconds") ?? String(otherwise);
    const seconds = Number(text);
    if (!(seconds > 0 && seconds <= 3600) || text.trim() === "") {
      throw new Refusal(400, `seconds: expected a number above 0 and up to 3600, got "${text}"`);
    }
    return seconds * 1000;
  }

  has(name: string): boolean {
    return this.#given.has(name);
  }
}

function text(body: string): Answer {
  return { status: 200, body };
}

function binary(file: string, body: Uint8Array): Answer {
  return { status: 200, body, type: "application/octet-stream", file };
}

const pages: Readonly<Record<string, Page>> = {
  allocs: {
    about: "A sample of all allocations of some seconds (?seconds=10). Only while /debug/pprof/heap does not sample.",
    answer: (parameters) => sampled("allocs", parameters),
  },
  block: {
    about: "Where goroutines waited for each other, from setBlockProfileRate on.",
    count: () => contentionCounts().block,
    answer: (parameters) => contention("block", parameters, blockProfile, () => blockProfile({ debug: 1 })),
  },
  cmdline: {
    about: "The command line of this program; a NUL stands between its parts.",
    answer: () => text(((host.process as { argv?: readonly string[] } | undefined)?.argv ?? []).join("\0")),
  },
  goroutine: {
    about: "All goroutines. debug=1 counts equal stacks, debug=2 is the format of a crash.",
    count: () => goroutineCounts().all,
    answer: (parameters) => {
      const debug = parameters.choice("debug", [0, 1, 2], 1);
      return debug === 0 ? binary("goroutine", goroutineProfile({ debug: 0 })) : text(goroutineProfile({ debug }));
    },
  },
  goroutineleak: {
    about: "The goroutines that nothing can wake any more. Collects all garbage for that.",
    count: () => goroutineCounts().leaked,
    answer: async (parameters) => text(await goroutineLeakProfile({ debug: parameters.choice("debug", [1, 2], 1) })),
  },
  heap: {
    about:
      "A sample of the objects that live. Without startHeapProfile, of those that some seconds allocate (?seconds=10). " +
      "gc=1 collects garbage before.",
    answer: (parameters) => sampled("heap", parameters),
  },
  mutex: {
    about: "Where locks were held that others waited for, from setMutexProfileFraction on.",
    count: () => contentionCounts().mutex,
    answer: (parameters) => contention("mutex", parameters, mutexProfile, () => mutexProfile({ debug: 1 })),
  },
  profile: {
    about: "Where the processor's time goes (?seconds=30). format=cpuprofile is for the tools of browsers and editors.",
    answer: cpu,
  },
  symbol: {
    about: "For go tool pprof: profiles have the names of their functions already.",
    answer: () => text("num_symbols: 0\n"),
  },
  trace: {
    about: "What every goroutine does (?seconds=1), as JSON for ui.perfetto.dev, or for `npx @sluice/go trace FILE`.",
    answer: traced,
  },
};

function contention(name: string, parameters: Parameters, encoded: () => Uint8Array, asText: () => string): Answer {
  return parameters.choice("debug", [0, 1], 0) === 1 ? text(asText()) : binary(name, encoded());
}

async function cpu(parameters: Parameters): Promise<Answer> {
  const ms = parameters.seconds(30);
  try {
    await startCPUProfile();
  } catch (error) {
    throw new Refusal(500, `Could not enable CPU profiling: ${(error as Error).message}`);
  }
  await passed(ms);
  const profile = await stopCPUProfile();
  return parameters.has("format")
    ? { status: 200, body: profile.cpuprofile(), type: "application/json", file: "profile.cpuprofile" }
    : binary("profile", profile.pprof());
}

async function sampled(kind: HeapKind, parameters: Parameters): Promise<Answer> {
  const gc = parameters.choice("gc", [0, 1], 0) === 1;
  if (heapKind() === kind && !parameters.has("seconds")) return binary(kind, (await heapProfile({ gc })).pprof());
  const ms = parameters.seconds(10);
  try {
    await startHeapProfile({ kind });
  } catch (error) {
    throw new Refusal(500, `Could not enable heap profiling: ${(error as Error).message}`);
  }
  await passed(ms);
  try {
    return binary(kind, (await heapProfile({ gc })).pprof());
  } finally {
    await stopHeapProfile();
  }
}

async function traced(parameters: Parameters): Promise<Answer> {
  const ms = parameters.seconds(1);
  if (isEnabled()) throw new Refusal(500, "Could not enable tracing: execution tracer already enabled");
  start();
  await passed(ms);
  return { status: 200, body: stop(), type: "application/json", file: "trace.json" };
}

// The host's own function: a bubble of /synctest, or a test's fake timers, must not delay the
// client.
const { setTimeout } = globalThis;

/** Waits without a wait of this library, which would appear in the profile. */
function passed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function index(): Answer {
  const rows = Object.entries(pages).map(([name, { about, count }]) => {
    const query =
      name === "goroutine" || name === "goroutineleak" || name === "block" || name === "mutex" ? "?debug=1" : "";
    return `<tr><td>${count?.() ?? ""}</td><td><a href="${name}${query}">${name}</a></td><td>${about}</td></tr>`;
  });
  const body = `<!doctype html>
<meta charset="utf-8"><title>/debug/pprof/</title>
<style>body { font: 14px sans-serif } td { padding: 2px 10px; vertical-align: top } td:first-child { text-align: right }</style>
<h1>/debug/pprof/</h1>
<p>Set debug=1 as a query parameter to get text.</p>
<table><thead><tr><td>Count</td><td>Profile</td><td></td></tr></thead>
${rows.join("\n")}
</table>
<p><a href="goroutine?debug=2">full goroutine stack dump</a></p>
`;
  return { status: 200, body, type: "text/html; charset=utf-8" };
}
