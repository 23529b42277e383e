// @sluice/go/trace: a picture of the activity of every goroutine over time (after Go's
// runtime/trace).
//
// A trace is Chrome's trace-event JSON: https://ui.perfetto.dev opens it, and `npx @sluice/go trace
// FILE` makes one HTML file of it. It shows a track for each goroutine and for each thread, what
// each waited for, and arrows from who woke whom.
//
// Importing this costs nothing until a recording starts. While one is on the current goroutine is
// exact.

import { type Context, type TypedKey, key, withValue } from "../context.ts";
import { current, list } from "../internal/goroutine.ts";
import { type ChromeTrace, chromeTrace, type Recorded } from "./chrome.ts";
import { codeOf, LOG, REGION, REGION_END, TASK, TASK_END } from "./events.ts";
import { add, addTexts, isRecording, nameShown, record, stopRecording, timeNow } from "./recorder.ts";
import { memoryFor, Ring } from "./ring.ts";
import { ownThread, recordThreads, threads } from "./threads.ts";

export type { ChromeEvent, ChromeTrace } from "./chrome.ts";

export interface StartOptions {
  /** The number of newest events that are kept; 262,144 by default, which take 12 MB. */
  readonly maxEvents?: number | undefined;
  /** True if the place of each wait is recorded. That takes 1 to 3 µs for each wait. */
  readonly stacks?: boolean | undefined;
}

/** Bytes of an event in memory. */
const eventBytes = 48;

/** A recording of all threads. */
class Recording {
  readonly #ring: Ring;
  readonly #stacks: boolean;
  readonly #since = timeNow();

  constructor(maxEvents: number, stacks: boolean) {
    if (!(Number.isInteger(maxEvents) && maxEvents > 0 && maxEvents <= 2 ** 24)) {
      throw new RangeError(`trace: expected maxEvents to be a whole number from 1 to 16777216, got ${maxEvents}`);
    }
    this.#ring = new Ring(new ArrayBuffer(memoryFor(maxEvents)));
    this.#stacks = stacks;
    record(this.#ring, stacks);
    recordThreads(1);
  }

  stop(): void {
    stopRecording(this.#ring, this.#stacks);
    recordThreads(-1);
  }

  /** The recording so far, without events older than `age` milliseconds. */
  trace(age = Infinity): ChromeTrace {
    const living = new Map(list(current()).map(({ goroutine: g, state }) => [g.id, { name: nameShown(g), state }]));
    const own: Recorded = { ...this.#ring.read(), thread: ownThread, living };
    const now = timeNow();
    const from = Math.max(this.#since, now - age);
    return chromeTrace([own, ...threads()], from, now);
  }
}

let running: Recording | undefined;

/**
 * Starts to record. Throws `execution tracer already enabled` if `start` was called before and not
 * `stop`.
 */
export function start({ maxEvents = 2 ** 18, stacks = false }: StartOptions = {}): void {
  if (running !== undefined) throw new Error("execution tracer already enabled");
  running = new Recording(maxEvents, stacks);
}

/** Stops, and returns the trace as JSON text. Throws if no recording was started. */
export function stop(): string {
  if (running === undefined) throw new Error("execution tracer not enabled: call start() before stop()");
  const trace = running.trace();
  running.stop();
  running = undefined;
  return JSON.stringify(trace);
}

/** True if anything records. */
export function isEnabled(): boolean {
  return isRecording();
}

export interface FlightRecorderConfig {
  /** The greatest age of events, in milliseconds; 10,000 by default. */
  readonly minAge?: number | undefined;
  /** The most memory for the events; 10 MiB by default. */
  readonly maxBytes?: number | undefined;
  /** The same option as that of `start`. */
  readonly stacks?: boolean | undefined;
}

let active: FlightRecorder | undefined;

/**
 * Records all the time and keeps the newest events, to be looked at when something has gone wrong.
 * Only one can be active.
 */
export class FlightRecorder {
  readonly #minAge: number;
  readonly #events: number;
  readonly #stacks: boolean;
  #recording: Recording | undefined;

  constructor({ minAge = 10_000, maxBytes = 10 * 2 ** 20, stacks = false }: FlightRecorderConfig = {}) {
    if (!(minAge > 0)) throw new RangeError(`trace: expected minAge to be above 0 milliseconds, got ${minAge}`);
    if (!(maxBytes >= 2 ** 16)) throw new RangeError(`trace: expected maxBytes to be 65536 or more, got ${maxBytes}`);
    this.#minAge = minAge;
    this.#stacks = stacks;
    // A power of two, so that the memory is not exceeded.
    this.#events = 2 ** Math.floor(Math.log2(maxBytes / eventBytes));
  }

  /** Throws `flight recorder already enabled` if one is active. */
  start(): void {
    if (active !== undefined) throw new Error("flight recorder already enabled");
    this.#recording = new Recording(this.#events, this.#stacks);
    // oxlint-disable-next-line typescript/no-this-alias -- kept until it is stopped, no alias
    active = this;
  }

  /** Stops, and discards the recording. */
  stop(): void {
    if (this.#recording === undefined) return;
    this.#recording.stop();
    this.#recording = undefined;
    active = undefined;
  }

  enabled(): boolean {
    return this.#recording !== undefined;
  }

  /** The last `minAge` milliseconds as JSON text. Throws if it is not active. */
  snapshot(): string {
    if (this.#recording === undefined) throw new Error("cannot snapshot a disabled flight recorder");
    return JSON.stringify(this.#recording.trace(this.#minAge));
  }

  /**
   * Writes the snapshot, for example to the stream of a file or a response. Resolves when it is
   * written.
   */
  writeTo(to: { write: (text: string, done: (error?: Error | null) => void) => unknown }): Promise<void> {
    const text = this.snapshot();
    return new Promise((resolve, reject) => {
      to.write(text, (error) => (error ? reject(error) : resolve()));
    });
  }
}

const taskKey: TypedKey<Task> = key<Task>("trace task");
let lastId = 0;

/**
 * An operation of the program on which several goroutines may work. With `using` it ends at the end
 * of the block.
 */
export class Task implements Disposable {
  /** @internal */
  readonly id: number = ++lastId;
  #ended = false;

  /** Ends the task; further calls do nothing. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (isRecording()) add(codeOf(TASK_END), current().id, this.id);
  }

  [Symbol.dispose](): void {
    this.end();
  }
}

/**
 * Begins a task, as a part of the context's task if there is one. The returned context carries it.
 */
export function newTask(ctx: Context, name: string): [Context, Task] {
  const task = new Task();
  if (isRecording()) add(codeOf(TASK, undefined, ctx.value(taskKey)?.id), current().id, task.id, name);
  return [withValue(ctx, taskKey, task), task];
}

/** A part of one goroutine's work. With `using` it ends at the end of the block. */
export class Region implements Disposable {
  readonly #id = ++lastId;
  #ended = false;

  /** @internal */
  constructor(ctx: Context, name: string) {
    if (isRecording()) add(codeOf(REGION, undefined, ctx.value(taskKey)?.id), current().id, this.#id, name);
  }

  /** Ends the region; further calls do nothing. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (isRecording()) add(codeOf(REGION_END), current().id, this.#id);
  }

  [Symbol.dispose](): void {
    this.end();
  }
}

/** Begins a region of the current goroutine, in the context's task if it has one. */
export function startRegion(ctx: Context, name: string): Region {
  return new Region(ctx, name);
}

/**
 * Runs fn as a region, which ends when fn has returned, or its promise has settled. Gives what fn
 * gives.
 */
export function withRegion<T>(ctx: Context, name: string, fn: () => T): T {
  const region = startRegion(ctx, name);
  let result: T | undefined;
  try {
    result = fn();
    return result;
  } finally {
    const then = (result as PromiseLike<unknown> | undefined)?.then;
    if (typeof then === "function") {
      const end = (): void => region.end();
      then.call(result, end, end);
    } else region.end();
  }
}

/** Records a message on the current goroutine's track, in the context's task if it has one. */
export function log(ctx: Context, category: string, message: string): void {
  if (isRecording()) addTexts(codeOf(LOG, undefined, ctx.value(taskKey)?.id), current().id, category, message);
}
