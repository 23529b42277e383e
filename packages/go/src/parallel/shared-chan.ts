// sharedChan: a channel whose ends may be on any threads. It is Go's channel (runtime/chan.go) in
// shared memory: a ring of values and two queues of waiters, all protected by one guard.
//
// Invariants, as for the channel of one thread
//
// - Buffered values and waiting receivers never coexist; neither do free slots and waiting senders.
// - A value is handed only to a waiter whose wait was claimed. So no value is lost or given twice.
// - Values of up to 208 bytes are in the ring or in the waiter's cell. Larger ones, and those
//   without bytes, go over a port.

import { type Chan, type Received, type TryReceived } from "../chan.ts";
import { type Across, Channel, closedError, isThenable, thenableError } from "../internal/channel.ts";
import { crossings } from "../internal/crossings.ts";
import { completed, completedWith, failed, misuse, resumeWithError } from "../internal/sched.ts";
import {
  bytes as arenaBytes,
  C_FORM,
  C_LENGTH,
  CELL_WORDS,
  cellAt,
  INLINE_BYTES,
  NEXT_OBJECT,
  whenCellIsFree,
  words as arena,
} from "./arena.ts";
import { decode, encode, registerAmbassador } from "./codec.ts";
import { enter, leave } from "./guard.ts";
import { askAhead, collect, drop, isHere, type Payload, post } from "./post.ts";
import { GUARD, ID } from "./shared-object.ts";
import {
  append,
  claimFirst,
  endAll,
  expectMemory,
  makeToken,
  parkHere,
  resumeWaiting,
  sendOutcome,
  takeOutcome,
  tokenOf,
  type Waiting,
} from "./waits.ts";

const CAP = 2;
const COUNT = 3;
export const HEAD = 4;
const CLOSED = 5;
export const RECVQ = 6;
export const SENDQ = 8;
const RING = 16;
const SLOT = 64;
/** The greatest size: a larger ring would be larger than a buffer may be. */
const most = 1 << 22;

// Outcomes of attempts, and of waits.
export const NOT_READY = 0;
export const DONE = 1;
export const IS_CLOSED = 2;

/** A replacement for the library's own codec. */
export interface Codec<T> {
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
}

/** A Chan whose two ends may be on different threads. */
export interface SharedChan<T> extends Chan<T> {
  /** True, which distinguishes it from a Chan of one thread. */
  readonly isShared: true;
}

let across: Across | undefined;

/**
 * Sets the function for a select over shared channels. That function uses this class, so this file
 * cannot import it.
 */
export function selectBy(select: Across): void {
  across = select;
}

/**
 * The form of a whole number of 32 bits, which is stored instead of a length. Other forms are 0, or
 * a parcel's number.
 */
const INTEGER = -1;

/** An encoded value on its way into a channel. */
export interface Packed {
  readonly form: number;
  readonly length: number;
  readonly bytes: Uint8Array;
}

const noBytes = new Uint8Array(0);

/** The value that an attempt to receive has taken. It is valid until the next attempt. */
const taken = new Uint8Array(INLINE_BYTES);
let takenForm = 0;
let takenLength = 0;

export class SharedChannel<T> extends Channel<T> implements SharedChan<T> {
  readonly isShared = true;
  readonly memory: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #codec: Codec<T> | undefined;

  constructor(from: SharedArrayBuffer | number, codec: Codec<T> | undefined) {
    super(typeof from === "number" ? from : (new Int32Array(from)[CAP] as number));
    if (this.size > most) throw new RangeError("makechan: size out of range");
    expectMemory();
    if (typeof from === "number") {
      this.memory = new Int32Array(new SharedArrayBuffer((RING + from * SLOT) * 4));
      this.memory[ID] = Atomics.add(arena, NEXT_OBJECT, 1);
      this.memory[CAP] = from;
    } else this.memory = new Int32Array(from);
    this.#bytes = new Uint8Array(this.memory.buffer);
    this.#codec = codec;
  }

  override get len(): number {
    return Atomics.load(this.memory, COUNT);
  }

  override get cap(): number {
    return this.size;
  }

  override get across(): Across | undefined {
    return across;
  }

  /** Encodes a value. If it becomes a parcel, it is posted already. */
  pack(value: T): Packed {
    if (typeof value === "number" && this.#codec === undefined && (value | 0) === value && !Object.is(value, -0)) {
      return { form: INTEGER, length: value, bytes: noBytes };
    }
    if (isThenable(value)) throw thenableError();
    const what = (): string => "a value sent to a sharedChan";
    const encoded = encode([this.#codec === undefined ? value : this.#codec.encode(value)], what);
    const { length, bytes, extras } = encoded;
    if (length <= INLINE_BYTES && extras === undefined) return { form: 0, length, bytes };
    return { form: post(encoded), length: 0, bytes };
  }

  /** Sends if that needs no waiting. The caller holds the guard. */
  attemptSend(packed: Packed, self = 0): number {
    const { memory } = this;
    if (memory[CLOSED] === 1) return IS_CLOSED;
    const w = claimFirst(memory, RECVQ, self);
    if (w !== 0) {
      crossings?.claimed(tokenOf(w));
      putIntoCell(tokenOf(w), packed);
      sendOutcome(w, DONE);
      return DONE;
    }
    const count = memory[COUNT] as number;
    if (count >= this.size) return NOT_READY;
    const at = this.#slot(count);
    memory[at] = packed.form;
    memory[at + 1] = packed.length;
    if (packed.form === 0) copy(packed.bytes, 0, this.#bytes, (at + 2) * 4, packed.length);
    Atomics.store(memory, COUNT, count + 1);
    return DONE;
  }

  /** Takes a value, for `received`, if that needs no waiting. The caller holds the guard. */
  attemptRecv(self = 0): number {
    const { memory } = this;
    const count = memory[COUNT] as number;
    if (count === 0) {
      const w = claimFirst(memory, SENDQ, self);
      if (w === 0) return memory[CLOSED] === 1 ? IS_CLOSED : NOT_READY;
      crossings?.claimed(tokenOf(w));
      const at = cellAt(w);
      take(arena[at + C_FORM] as number, arena[at + C_LENGTH] as number, arenaBytes, (at + CELL_WORDS) * 4);
      sendOutcome(w, DONE);
      return DONE;
    }
    const at = this.#slot(0);
    take(memory[at] as number, memory[at + 1] as number, this.#bytes, (at + 2) * 4);
    memory[HEAD] = ((memory[HEAD] as number) + 1) % this.size;
    // If a sender waits, the ring was full: the sender's value goes to the end.
    const w = claimFirst(memory, SENDQ, self);
    if (w === 0) Atomics.store(memory, COUNT, count - 1);
    else {
      const from = cellAt(w);
      const to = this.#slot(count - 1);
      const length = arena[from + C_LENGTH] as number;
      memory[to] = arena[from + C_FORM] as number;
      memory[to + 1] = length;
      if (memory[to] === 0) copy(arenaBytes, (from + CELL_WORDS) * 4, this.#bytes, (to + 2) * 4, length);
      crossings?.claimed(tokenOf(w));
      sendOutcome(w, DONE);
    }
    return DONE;
  }

  /**
   * The value that an attempt has just taken. If it has not arrived yet, `later` is called with it.
   */
  received(later: (value: T) => void): { readonly value: T } | undefined {
    if (takenForm === INTEGER) return { value: takenLength as T };
    if (takenForm === 0) return { value: this.#decoded(decode(taken)) };
    let now: { readonly value: T } | undefined;
    let isLate = false;
    collect(takenForm, ({ bytes, extras }: Payload) => {
      const value = this.#decoded(decode(bytes, extras));
      if (isLate) later(value);
      else now = { value };
    });
    isLate = true;
    return now;
  }

  #decoded(values: unknown[]): T {
    return this.#codec === undefined ? (values[0] as T) : this.#codec.decode(values[0] as Uint8Array);
  }

  #slot(n: number): number {
    return RING + (((this.memory[HEAD] as number) + n) % this.size) * SLOT;
  }

  override send(value: T): Promise<void> {
    let packed: Packed;
    try {
      packed = this.pack(value);
    } catch (error) {
      return failed(error);
    }
    enter(this.memory, GUARD);
    const outcome = this.attemptSend(packed);
    if (outcome === NOT_READY) return this.#queueToSend(packed);
    leave(this.memory, GUARD);
    if (outcome === DONE) return completed();
    discard(packed);
    return failed(closedError(this.send));
  }

  /** Queues a send. The caller holds the guard, and this function leaves it. */
  #queueToSend(packed: Packed): Promise<void> {
    let waiting: Waiting<void> | undefined;
    this.#joinSenders(packed, (outcome) => {
      const { g, resolve } = waiting as Waiting<void>;
      if (outcome === IS_CLOSED) resumeWithError(g, "chan send", resolve, closedError);
      else resumeWaiting(waiting as Waiting<void>, "chan send", undefined);
    });
    waiting = parkHere<void>("chan send");
    return waiting.promise;
  }

  /**
   * Joins the senders' queue. The caller holds the guard, and this function leaves it. `ended` is
   * called with the outcome.
   */
  #joinSenders(packed: Packed, ended: (outcome: number) => void): void {
    const { memory } = this;
    const token = makeToken((token) => ended(takeOutcome(token)));
    if (token !== 0) {
      putIntoCell(token, packed);
      append(memory, SENDQ, token);
    }
    leave(memory, GUARD);
    if (token !== 0) return;
    const kept = { ...packed, bytes: packed.bytes.slice(0, packed.length) };
    whenCellIsFree(() => {
      enter(memory, GUARD);
      const outcome = this.attemptSend(kept);
      if (outcome === NOT_READY) this.#joinSenders(kept, ended);
      else {
        leave(memory, GUARD);
        ended(outcome);
      }
    });
  }

  override trySend(value: T): boolean {
    const packed = this.pack(value);
    enter(this.memory, GUARD);
    const outcome = this.attemptSend(packed);
    leave(this.memory, GUARD);
    if (outcome === DONE) return true;
    discard(packed);
    if (outcome === IS_CLOSED) throw closedError(this.trySend);
    return false;
  }

  override recv(): Promise<T | undefined> {
    return this.#receive(valueOf<T>);
  }

  override recvOk(): Promise<Received<T>> {
    return this.#receive(pairOf<T>);
  }

  override next(): Promise<IteratorResult<T, undefined>> {
    return this.#receive(stepOf<T>);
  }

  #receive<R>(shape: (value: T | undefined, ok: boolean) => R): Promise<R> {
    const { memory } = this;
    enter(memory, GUARD);
    const outcome = this.attemptRecv();
    if (outcome === NOT_READY) return this.#queueToReceive(shape);
    leave(memory, GUARD);
    if (outcome === IS_CLOSED) return completedWith(shape(undefined, false));
    if (takenForm === INTEGER) return completedWith(shape(takenLength as T, true));
    let waiting: Waiting<R> | undefined;
    const now = this.received((value) => resumeWaiting(waiting as Waiting<R>, "chan receive", shape(value, true)));
    if (now !== undefined) return completedWith(shape(now.value, true));
    waiting = parkHere<R>("chan receive");
    return waiting.promise;
  }

  /** Queues a receive. The caller holds the guard, and this function leaves it. */
  #queueToReceive<R>(shape: (value: T | undefined, ok: boolean) => R): Promise<R> {
    let waiting: Waiting<R> | undefined;
    this.#joinReceivers((value, ok) => resumeWaiting(waiting as Waiting<R>, "chan receive", shape(value, ok)));
    waiting = parkHere<R>("chan receive");
    return waiting.promise;
  }

  /** Joins the receivers' queue. The caller holds the guard, and this function leaves it. */
  #joinReceivers(ended: (value: T | undefined, ok: boolean) => void): void {
    const { memory } = this;
    const token = makeToken((token) => this.#gotInCell(token, ended));
    if (token !== 0) append(memory, RECVQ, token);
    leave(memory, GUARD);
    if (token !== 0) return;
    whenCellIsFree(() => {
      enter(memory, GUARD);
      const outcome = this.attemptRecv();
      if (outcome === NOT_READY) {
        this.#joinReceivers(ended);
        return;
      }
      leave(memory, GUARD);
      if (outcome === IS_CLOSED) {
        ended(undefined, false);
        return;
      }
      const now = this.received((value) => ended(value, true));
      if (now !== undefined) ended(now.value, true);
    });
  }

  #gotInCell(token: number, ended: (value: T | undefined, ok: boolean) => void): void {
    if (takeFromCell(token) === IS_CLOSED) {
      ended(undefined, false);
      return;
    }
    const now = this.received((value) => ended(value, true));
    if (now !== undefined) ended(now.value, true);
  }

  /**
   * Receives if that needs no waiting. A value may travel over a port, because it is larger than
   * 208 bytes or contains shared memory. Such a value counts as not ready until it has arrived on
   * this thread. The first call that finds one asks for it, and a later call gets it. The exception
   * is a value that was given to `transfer`: receive it by `recv` or `select`.
   */
  override tryRecv(): TryReceived<T> {
    const { memory } = this;
    enter(memory, GUARD);
    const outcome = this.#isTakeable() ? this.attemptRecv() : NOT_READY;
    leave(memory, GUARD);
    if (outcome === NOT_READY) return { ready: false };
    if (outcome === IS_CLOSED) return { ready: true, value: undefined, ok: false };
    const now = this.received(() => undefined) as { readonly value: T };
    return { ready: true, value: now.value, ok: true };
  }

  /** True if the first value is available on this thread. */
  #isTakeable(): boolean {
    const { memory } = this;
    const first = memory[SENDQ] as number;
    const form = memory[COUNT] !== 0 ? memory[this.#slot(0)] : first === 0 ? 0 : arena[cellAt(first) + C_FORM];
    if ((form as number) <= 0 || isHere(form as number)) return true;
    askAhead(form as number);
    return false;
  }

  override close(): void {
    const { memory } = this;
    enter(memory, GUARD);
    const wasClosed = memory[CLOSED] === 1;
    if (!wasClosed) {
      Atomics.store(memory, CLOSED, 1);
      endAll(memory, RECVQ, IS_CLOSED);
      endAll(memory, SENDQ, IS_CLOSED);
    }
    leave(memory, GUARD);
    if (wasClosed) throw misuse("close of closed channel", this.close);
  }

  override [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    let isLeft = false;
    return {
      next: () => (isLeft ? completedWith({ value: undefined, done: true as const }) : this.next()),
      return: () => {
        isLeft = true;
        return completedWith({ value: undefined, done: true as const });
      },
    };
  }
}

function valueOf<T>(value: T | undefined): T | undefined {
  return value;
}

function pairOf<T>(value: T | undefined, ok: boolean): Received<T> {
  return [value, ok] as Received<T>;
}

function stepOf<T>(value: T | undefined, ok: boolean): IteratorResult<T, undefined> {
  return { value, done: !ok } as IteratorResult<T, undefined>;
}

/** Takes the outcome of a token, and gives its cell back. */
export function takeFromCell(token: number): number {
  const at = cellAt(token);
  take(arena[at + C_FORM] as number, arena[at + C_LENGTH] as number, arenaBytes, (at + CELL_WORDS) * 4);
  return takeOutcome(token);
}

/** Discards an encoded value that was not sent. */
export function discard({ form }: Packed): void {
  if (form > 0) drop(form);
}

export function putIntoCell(cell: number, { form, length, bytes }: Packed): void {
  const at = cellAt(cell);
  arena[at + C_FORM] = form;
  arena[at + C_LENGTH] = length;
  if (form === 0) copy(bytes, 0, arenaBytes, (at + CELL_WORDS) * 4, length);
}

function take(form: number, length: number, from: Uint8Array, at: number): void {
  takenForm = form;
  takenLength = length;
  if (form === 0) copy(from, at, taken, 0, Math.min(length, INLINE_BYTES));
}

function copy(from: Uint8Array, at: number, to: Uint8Array, into: number, length: number): void {
  if (length > 48) to.set(from.subarray(at, at + length), into);
  else for (let i = 0; i < length; i++) to[into + i] = from[at + i] as number;
}

/**
 * Makes a channel that buffers `capacity` values and whose ends may be on any threads. Give it to a
 * parallel function, or send it over another such channel. It works as `chan` does, also in
 * `select`, but it copies values. `codec` writes values as bytes instead of the library's own
 * codec. The codec stays on its thread: the ends on other threads receive and send bytes.
 */
export function sharedChan<T>(capacity = 0, codec?: Codec<T>): SharedChan<T> {
  return new SharedChannel<T>(capacity, codec);
}

registerAmbassador({
  name: "SharedChan",
  matches: (value) => value instanceof SharedChannel,
  send: (channel: SharedChannel<unknown>) => channel.memory.buffer,
  receive: (memory: SharedArrayBuffer) => new SharedChannel(memory, undefined),
});
