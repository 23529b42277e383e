// The public face of channels: the operations of each direction, and the function that makes a
// channel.
//
// The implementation is in internal/channel.ts. The operations are function-typed properties, not
// methods, so that the compiler checks variance: a `Chan<number>` is not a `SendChan<string |
// number>`. They must still be called on the channel, as in `values.map((v) => ch.send(v))`. If
// each channel had its operations as separate functions, it would be several times as large.

import { Channel, type Received, type TryReceived } from "./internal/channel.ts";

export type { Received, TryReceived } from "./internal/channel.ts";

export interface SendChan<T> {
  /**
   * Sends a value; waits while the channel is full, or, if it is unbuffered, until a receiver takes
   * the value. Rejects with `send on closed channel`, also when the channel is closed while the
   * send waits.
   */
  readonly send: (value: T) => Promise<void>;
  /**
   * Sends if that needs no waiting, and returns true if it did. Throws `send on closed channel`.
   */
  readonly trySend: (value: T) => boolean;
  /**
   * Closes the channel: receivers get the buffered values, then nothing. Throws `close of closed
   * channel`.
   */
  readonly close: () => void;
  /** The number of values that are buffered. */
  readonly len: number;
  /** The number of values that can be buffered. */
  readonly cap: number;
}

/** `for await (const v of ch)` is Go's `range`: it ends when the channel is closed and drained. */
export interface RecvChan<T> extends AsyncIterable<T> {
  /**
   * Receives a value; waits until there is one. If the channel is closed and drained, it resolves
   * to `undefined` at once. But if a failed stage of a pipeline closed it, each receive gets the
   * stage's error instead: `recv` rejects, `tryRecv` throws.
   */
  readonly recv: () => Promise<T | undefined>;
  /**
   * Receives a value, and tells whether it was sent: `[value, true]`, or `[undefined, false]` if
   * the channel is closed and drained.
   */
  readonly recvOk: () => Promise<Received<T>>;
  /** Receives if that needs no waiting; otherwise returns `{ ready: false }`. */
  readonly tryRecv: () => TryReceived<T>;
  readonly len: number;
  readonly cap: number;
}

/**
 * Both directions. Hand out a `SendChan` or a `RecvChan` to restrict what the receiver of it may
 * do.
 */
export interface Chan<T> extends SendChan<T>, RecvChan<T> {}

/** A value that `await` would resolve instead of passing it on. */
export interface Thenable {
  readonly then: (...args: never) => unknown;
}

/**
 * The arguments of `chan<T>`. If the element type holds a thenable, the type asks for an argument
 * that nobody can give, since an await would flatten the value. The `any` lets generic code pass:
 * the compiler takes the other branch for an open `T`.
 */
type Capacity<T> = 0 extends 1 & T
  ? [capacity?: number]
  : // oxlint-disable-next-line typescript/no-explicit-any
    [T extends Thenable ? any : never] extends [never]
    ? [capacity?: number]
    : [capacity: "an await would flatten a thenable element: send a function or an object that holds it"];

/**
 * Makes a channel that buffers `capacity` values (0 by default: a send and a receive meet). Throws
 * `makechan: size out of range` if the capacity is not a whole number from 0 to 2^32-1.
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
