// Calls: a task on its way from its caller to a P, and its outcome on the way back.
//
// Invariants
// - A call holds a cell of its caller's thread from its start to its outcome. The cell contains the
//   arguments, or the number of a parcel with them. They are encoded when the call is made, so
//   later changes do not affect them.
// - If all cells are in use, a call waits in the backlog, already encoded. It starts when a cell is
//   given back.
// - A caller waits as in any other operation of this library. The caller's thread resolves the
//   promise, through its scheduler.

import { crossings } from "../internal/crossings.ts";
import { panic } from "../internal/fatal.ts";
import { create, current, enterWait, leaveWait, remove, type Goroutine } from "../internal/goroutine.ts";
import { capture, captured } from "../internal/channel.ts";
import { failed, park, resume, resumeWithError } from "../internal/sched.ts";
import {
  bytes,
  C_AWAITED,
  C_CASE,
  C_DONE,
  C_FN,
  C_FORM,
  C_LENGTH,
  C_OUTCOME,
  C_STATE,
  C_TOKEN,
  C_USE,
  CELL_WORDS,
  cellAt,
  cellOf,
  giveCell,
  INLINE_BYTES,
  referenceOf,
  self,
  takeCell,
  TASK,
  useOf,
  whenCellIsFree,
  words,
} from "./arena.ts";
import { wakeIdle } from "./bell.ts";
import { decode, encode, type Encoded } from "./codec.ts";
import { follow } from "./contexts.ts";
import { pop, push } from "./deque.ts";
import { idOf, type Known } from "./functions.ts";
import { collect, type Payload, post } from "./post.ts";

export const VALUE = 0;
export const ERROR = 1;

/** The goroutine that waits for the outcome of a task. */
interface Call {
  readonly known: Known;
  readonly g: Goroutine;
  /** `undefined` if the outcome is not awaited. */
  readonly resolve: ((value: never) => void) | undefined;
  /** Ends the work that continues for the task meanwhile. */
  ended: (() => void) | undefined;
}

const calls: (Call | undefined)[] = [];
/** The number of calls that wait for a cell. */
export let backlogged = 0;
/** The number of calls of this thread that have no outcome yet. */
export let pending = 0;

/**
 * The functions of this thread for calls: it learns of the first and the last one, and finds a
 * worker to run them.
 */
export interface Caller {
  /** Called before a call: makes sure that there are threads. */
  readonly ready: () => void;
  readonly began: () => void;
  readonly ended: () => void;
  /** Called after a task was pushed. */
  readonly pushed: () => void;
}
let caller: Caller | undefined;

export function callBy(next: Caller): void {
  caller = next;
}

/** Calls a function on any P. */
export function call(known: Known, args: readonly unknown[]): Promise<unknown> {
  let encoded: Encoded;
  try {
    encoded = prepare(known, args);
  } catch (error) {
    return failed(error);
  }
  const promise = new Promise<unknown>(capture);
  const g = current();
  begin({ known, g, resolve: captured, ended: undefined }, encoded);
  park(g, "parallel call");
  return promise;
}

/** Calls it without waiting for it. If it throws, that is a panic. */
export function callAndForget(known: Known, args: readonly unknown[]): void {
  const encoded = prepare(known, args);
  const g = create(known.fn);
  enterWait(g, "parallel call");
  begin({ known, g, resolve: undefined, ended: undefined }, encoded);
}

function prepare(known: Known, args: readonly unknown[]): Encoded {
  (caller as Caller).ready();
  return encode(args, (i) => `argument ${i + 1} of ${known.name}`, []);
}

function begin(call: Call, encoded: Encoded): void {
  if (pending++ === 0) (caller as Caller).began();
  const cell = takeCell();
  if (cell !== 0) {
    launch(cell, call, encoded);
    return;
  }
  backlogged++;
  const kept = { ...encoded, bytes: encoded.bytes.slice(0, encoded.length) };
  whenCellIsFree(() => {
    backlogged--;
    launch(takeCell(), call, kept);
  });
}

function launch(cell: number, call: Call, encoded: Encoded): void {
  const at = cellAt(cell);
  calls[cellOf(cell)] = call;
  words[at + C_STATE] = 0;
  words[at + C_FN] = idOf(call.known);
  words[at + C_DONE] = 0;
  words[at + C_CASE] = 0;
  words[at + C_TOKEN] = TASK;
  words[at + C_AWAITED] = call.resolve === undefined ? 0 : 1;
  words[at + C_USE] = (words[at + C_USE] as number) + 1;
  fill(at, encoded);
  crossings?.queued(cell, useOf(cell));
  const { contexts } = encoded;
  if (contexts !== undefined && contexts.length > 0) call.ended = follow(contexts, cell);
  push(cell);
  wakeIdle();
  (caller as Caller).pushed();
}

/** Puts an encoded value into a cell. Or posts it, and puts its number into the cell. */
export function fill(at: number, encoded: Encoded): void {
  const { length } = encoded;
  if (length <= INLINE_BYTES && encoded.extras === undefined) {
    const from = (at + CELL_WORDS) * 4;
    if (length < 32) for (let i = 0; i < length; i++) bytes[from + i] = encoded.bytes[i] as number;
    else bytes.set(encoded.bytes.subarray(0, length), from);
    words[at + C_LENGTH] = length;
    words[at + C_FORM] = 0;
  } else words[at + C_FORM] = post(encoded);
}

const scratch = new Uint8Array(INLINE_BYTES);

/** The values in a cell, if the cell contains them and not a parcel's number. */
export function read(at: number, task = 0): unknown[] {
  const from = (at + CELL_WORDS) * 4;
  const length = words[at + C_LENGTH] as number;
  if (length < 32) for (let i = 0; i < length; i++) scratch[i] = bytes[from + i] as number;
  else scratch.set(bytes.subarray(from, from + length));
  return decode(scratch, undefined, task);
}

/** Handles the outcome of a task of this thread. */
export function complete(cell: number): void {
  const at = cellAt(cell);
  const key = words[at + C_FORM] as number;
  if (key === 0) settle(cell, () => read(at));
  else collect(key, ({ bytes, extras }: Payload) => settle(cell, () => decode(bytes, extras)));
}

function settle(cell: number, values: () => unknown[]): void {
  const outcome = words[cellAt(cell) + C_OUTCOME];
  const call = calls[cellOf(cell)] as Call;
  calls[cellOf(cell)] = undefined;
  let value: unknown;
  let isError = outcome === ERROR;
  try {
    value = values()[0];
  } catch (error) {
    value = error;
    isError = true;
  }
  if (call.resolve !== undefined) crossings?.continued(cell, useOf(cell));
  giveCell(cell);
  if (--pending === 0) (caller as Caller).ended();
  call.ended?.();
  finish(call, value, isError);
}

function finish(call: Call, value: unknown, isError: boolean): void {
  const { g, resolve } = call;
  if (resolve === undefined) {
    leaveWait(g, "parallel call");
    remove(g);
    if (isError) panic(g, value);
  } else if (isError) resumeWithError(g, "parallel call", resolve, (above) => withCaller(value, above));
  else resume(g, "parallel call", resolve as (value: unknown) => void, value);
}

/**
 * Adds the caller's stack to a panic: it has its own stack and, below that, the stack of the caller
 * that awaits it.
 */
function withCaller(error: unknown, above: () => never): unknown {
  if (!(error instanceof Error)) return error;
  const here = new Error("");
  (Error as { captureStackTrace?: (error: Error, above: unknown) => void }).captureStackTrace?.(here, above);
  const frames = (here.stack ?? "").split("\n").slice(1).join("\n");
  if (frames !== "")
    Object.defineProperty(error, "stack", { value: `${error.stack}\n${frames}`, writable: true, configurable: true });
  return error;
}

/** Fails the tasks of this thread that no worker runs, because no worker will. */
export function failTasks(error: Error): void {
  while (pop() !== 0);
  failTasksOf(0, error);
}

/** Fails the tasks of this thread that a thread was running when it ended. */
export function failTasksOf(slot: number, error: Error): void {
  for (const [n, call] of calls.entries()) {
    if (call === undefined) continue;
    const cell = referenceOf(self, n);
    if (Atomics.load(words, cellAt(cell) + C_STATE) !== slot) continue;
    words[cellAt(cell) + C_OUTCOME] = ERROR;
    settle(cell, () => [error]);
  }
}
