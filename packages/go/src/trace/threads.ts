// The other threads of a program: each records into a ring in shared memory, which the first thread
// reads when it makes a trace. So a worker that is busy, or sleeps on a futex, need not be asked.
//
// Importing /trace leaves two things in the environment of the workers to come: a control word,
// which says whether anything records, and the address of this module, which a worker of /parallel
// loads. A worker looks at the word when a task begins. It sends its ring once, when it begins to
// record.

import type * as Threads from "node:worker_threads";
import { elsewhere } from "../internal/hooks.ts";
import { host } from "../internal/host.ts";
import type { Recorded } from "./chrome.ts";
import { record, stopRecording } from "./recorder.ts";
import { memoryFor, Ring } from "./ring.ts";

const library = host.process?.getBuiltinModule?.("node:worker_threads") as Partial<typeof Threads> | undefined;
/** Names the control word, and the channel over which rings come. */
const mark = "@sluice/go: trace";
const eventsOfWorker = 2 ** 16;

interface Sent {
  readonly thread: string;
  readonly memory: SharedArrayBuffer;
}
const isFirst = library?.isMainThread !== false;
const rings: Sent[] = [];
let recordings = 0;
/** 1 while something records. */
const control = isFirst ? leave() : take();
let listening = false;

/** The name of this thread in a trace. */
export const ownThread: string = isFirst ? "the main thread" : workerName();

/** Records that a recording begins (1) or has ended (-1). Workers record while there is one. */
export function recordThreads(change: 1 | -1): void {
  recordings += change;
  if (control === undefined || !isFirst) return;
  if (!listening) listen();
  Atomics.store(control, 0, recordings > 0 ? 1 : 0);
}

/** The recordings of other threads. */
export function threads(): Recorded[] {
  return rings.map(({ thread, memory }) => ({ ...new Ring(memory).read(), thread, living: new Map() }));
}

function leave(): Int32Array | undefined {
  if (library?.setEnvironmentData === undefined || typeof SharedArrayBuffer === "undefined") return undefined;
  const on = new SharedArrayBuffer(4);
  library.setEnvironmentData(mark, on);
  library.setEnvironmentData("@sluice/go: in workers", import.meta.url);
  return new Int32Array(on);
}

function listen(): void {
  if (library?.BroadcastChannel === undefined) return;
  listening = true;
  const channel = new library.BroadcastChannel(mark);
  channel.onmessage = (event) => void rings.push((event as unknown as { data: Sent }).data);
  (channel as { unref?: () => void }).unref?.();
}

function take(): Int32Array | undefined {
  const on = library?.getEnvironmentData?.(mark) as unknown;
  return on instanceof SharedArrayBuffer ? new Int32Array(on) : undefined;
}

/** The ring of a worker, after it has recorded. */
let own: Ring | undefined;
let isOn = false;

/** In a worker: begins to record, or stops, as the control word says. */
function follow(): void {
  const wanted = Atomics.load(control as Int32Array, 0) === 1;
  if (wanted === isOn) return;
  isOn = wanted;
  own ??= sent();
  if (wanted) record(own, false);
  else stopRecording(own, false);
}

function sent(): Ring {
  const memory = new SharedArrayBuffer(memoryFor(eventsOfWorker));
  const channel = new (library as typeof Threads).BroadcastChannel(mark);
  channel.postMessage({ thread: ownThread, memory } satisfies Sent);
  channel.close();
  return new Ring(memory);
}

function workerName(): string {
  const data = library?.workerData as Record<string, { proc?: number }> | undefined;
  const proc = data?.["@sluice/go/parallel"]?.proc;
  return proc === undefined ? `thread ${library?.threadId}` : `P${proc}`;
}

if (!isFirst && control !== undefined) {
  elsewhere.task = follow;
  follow();
}
