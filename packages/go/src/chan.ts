// Channels as their users see them: what each direction can do, and how one is made.
//
// What makes a channel work stands in internal/channel.ts. The operations are function-typed properties, not methods, so
// that the compiler checks variance: a `Chan<number>` is no `SendChan<string | number>`. They are called on the channel all the
// same, as in `values.map((v) => ch.send(v))`: functions of its own would make each channel several times as large.

import { Channel, type Received, type TryReceived } from "./internal/channel.ts";

export type { Received, TryReceived } from "./internal/channel.ts";

export interface SendChan<T> {
  /**
   * Sends a value; waits while the channel is full, or, if it is unbuffered, until a receiver takes the value. Rejects
   * with `send on closed channel`, also when the channel is closed while the send waits.
   */
  readonly send: (value: T) => Promise<void>;
  /** Sends if that needs no waiting, and tells whether it did. Throws `send on closed channel`. */
  readonly trySend: (value: T) => boolean;
  /** No more values: receivers get what is buffered, then nothing. Throws `close of closed channel`. */
  readonly close: () => void;
  /** How many values are buffered. */
  readonly len: number;
  /** How many values can be buffered. */
  readonly cap: number;
}

/** `for await (const v of ch)` is Go's `range`: it ends when the channel is closed and drained. */
export interface RecvChan<T> extends AsyncIterable<T> {
  /**
   * Receives a value; waits while there is none. On a channel that is closed and drained: `undefined`, at once. Where it was
   * a failed stage of a pipeline that closed it, each receive gets the stage's error instead: `recv` rejects, `tryRecv` throws.
   */
  readonly recv: () => Promise<T | undefined>;
  /** The same, and whether the value was sent: `[value, true]`, or `[undefined, false]` when closed and drained. */
  readonly recvOk: () => Promise<Received<T>>;
  /** Receives if that needs no waiting: `{ ready: false }` when it would. */
  readonly tryRecv: () => TryReceived<T>;
  readonly len: number;
  readonly cap: number;
}

/** Both directions. Hand out a `SendChan` or a `RecvChan` to say who may do what. */
export interface Chan<T> extends SendChan<T>, RecvChan<T> {}

/** What `await` would look into, rather than hand it over. */
interface Thenable {
  readonly then: (...args: never) => unknown;
}

/**
 * The arguments of `chan<T>`: an element type that holds a thenable asks for one that nobody can give, since an await
 * would flatten it. The `any` is what lets generic code pass: the compiler takes the other branch for an open `T`.
 */
type Capacity<T> = 0 extends 1 & T
  ? [capacity?: number]
  : // oxlint-disable-next-line typescript/no-explicit-any
    [T extends Thenable ? any : never] extends [never]
    ? [capacity?: number]
    : [capacity: "an await would flatten a thenable element: send a function or an object that holds it"];

/**
 * Makes a channel that buffers `capacity` values (0 by default: a send and a receive meet). Throws
 * `makechan: size out of range` for a capacity that is no whole number from 0 to 2^32-1.
 *
 * @example
 * ```ts
 * const ch = chan<number>(2);
 * await ch.send(1);
 * await ch.send(2);
 * ch.close();
 * const got: number[] = [];
 * for await (const v of ch) got.push(v);
 * got; // => [1, 2]
 * ```
 */
export function chan<T>(...capacity: Capacity<T>): Chan<T> {
  return new Channel<T>((capacity as [number?])[0] ?? 0);
}
