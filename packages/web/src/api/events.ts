// Server-sent events over fetch: EventSource cannot send a bearer token. After a lost connection it
// asks again, from the last event that came, until the import has ended.
import type { Client } from "./client.ts";
import { Problem } from "./problem.ts";
import type { Import, Progress } from "./shapes.ts";

export interface ServerEvent {
  readonly id: string | undefined;
  readonly name: string;
  readonly data: string;
}

export interface Watcher {
  readonly onProgress: (progress: Progress) => void;
  readonly onEnd: (ended: Import) => void;
  /** The connection was lost (true), or is there again (false). */
  readonly onLost: (lost: boolean) => void;
  /** Nothing more will come: the service does not know the import. */
  readonly onGone: (problem: Problem) => void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;

/** Follows an import until it ends or `signal` says so. */
export async function watch(client: Client, id: string, watcher: Watcher, signal: AbortSignal): Promise<void> {
  let last: string | undefined;
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const stream = await client.events(id, last, signal);
      watcher.onLost(false);
      if (!stream) return watcher.onEnd(await client.import(id));
      for await (const event of parseEvents(chunksOf(stream))) {
        last = event.id ?? last;
        wait = FIRST_WAIT_MS;
        if (event.name === "progress") watcher.onProgress(JSON.parse(event.data) as Progress);
        if (event.name === "end") return watcher.onEnd(JSON.parse(event.data) as Import);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && [401, 403, 404].includes(error.status)) return watcher.onGone(error);
    }
    if (signal.aborted) return;
    watcher.onLost(true);
    await pause(wait, signal);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

/**
 * Cuts a stream of text into events, by the rules of the HTML standard (9.2.6). An event that does
 * not end is dropped.
 */
export async function* parseEvents(chunks: AsyncIterable<string>): AsyncGenerator<ServerEvent> {
  let rest = "";
  let id: string | undefined;
  let name = "message";
  let data: string[] = [];
  for await (const chunk of chunks) {
    rest += chunk;
    // A CR at the end may be half of a line's end.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) yield { id, name, data: data.join("\n") };
        [name, data] = ["message", []];
        continue;
      }
      const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
      if (field === "data") data.push(value);
      else if (field === "event") name = value;
      else if (field === "id") id = value;
    }
  }
}

async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
