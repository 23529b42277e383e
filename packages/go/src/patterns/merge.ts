// Operators that join and split channels: merge, bridge, fanOut, tee, buffer, orDone, or, take.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { recv, select, send } from "../select.ts";
import { type Port, Stage, stage, type StageOptions } from "./stage.ts";

/**
 * Fan-in: the values of all channels in the order of their arrival, until all channels are closed.
 */
export function merge<T>(ctx: Context, ...inputs: readonly RecvChan<T>[]): RecvChan<T> {
  let next = 0;
  return stage<T>(ctx, inputs, { name: "merge", workers: Math.max(inputs.length, 1) }, async (s) => {
    const input = inputs[next++];
    if (input !== undefined) await forward(s, input);
  });
}

/** The values of the channels that come from a channel, one channel after the other. */
export function bridge<T>(ctx: Context, inputs: RecvChan<RecvChan<T>>): RecvChan<T> {
  return stage<T>(ctx, [inputs], { name: "bridge" }, async (s) => {
    for (;;) {
      const [input, ok] = await s.next(inputs);
      if (!ok) return;
      await s.relay(input);
    }
  });
}

/**
 * Fan-out: n channels that share the input; each value goes to the one that takes it first. If a
 * channel is left, the others get its share.
 */
export function fanOut<T>(ctx: Context, input: RecvChan<T>, n: number): RecvChan<T>[] {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`fanOut: n must be at least 1, got ${n}`);
  let next = 0;
  return split(ctx, input, { name: "fanOut", outputs: n }, (s, value) => {
    // A reader that waits needs no select. The search begins after the last one, so none starves.
    for (let i = 0; i < n; i++) {
      const at = (next + i) % n;
      if (!(s.ports[at] as Port<T>).channel.trySend(value)) continue;
      next = at + 1;
      return undefined;
    }
    return offer(s, value, new Set(s.ports));
  });
}

/**
 * Two channels that both get every value. Both must be read, or left. The next value comes when
 * both have the last one. To leave one, break out of its `for await`, or cancel the context of the
 * stage that reads it. If your code only calls `recv`, use `orDone(ctx, side)` as such a stage.
 */
export function tee<T>(ctx: Context, input: RecvChan<T>): [RecvChan<T>, RecvChan<T>] {
  const [one, other] = split(ctx, input, { name: "tee", outputs: 2 }, async (s, value) => {
    const waiting = new Set(s.ports);
    for (let taker; (taker = await offer(s, value, waiting)) !== undefined;) waiting.delete(taker);
  });
  return [one as RecvChan<T>, other as RecvChan<T>];
}

/**
 * A stage of several outputs, which hands out each value before it takes the next one. `handOut`
 * returns `undefined` if it need not wait.
 */
function split<T>(
  ctx: Context,
  input: RecvChan<T>,
  options: StageOptions,
  handOut: (s: Stage<T>, value: T) => Promise<unknown> | undefined,
): RecvChan<T>[] {
  const { ports } = new Stage<T>(ctx, [input], options, async (s) => {
    for (;;) {
      const [value, ok] = await s.next(input);
      if (!ok) return;
      const handed = handOut(s, value);
      if (handed !== undefined) await handed;
    }
  });
  return ports.map((port) => port.channel);
}

/**
 * Waits until one of the outputs takes the value, and returns that one; `undefined` if all of them
 * have been left. Removes the left ones from `waiting`.
 */
async function offer<T>(s: Stage<T>, value: T, waiting: Set<Port<T>>): Promise<Port<T> | undefined> {
  for (;;) {
    for (const port of waiting) if (port.isLeft) waiting.delete(port);
    if (waiting.size === 0) return undefined;
    const ports = [...waiting];
    const c = await select([
      recv(s.ctx.done()),
      ...ports.map((port) => send(port.channel, value)),
      ...ports.map((port) => recv(port.left)),
    ]);
    if (c.case === 0) throw s.ctx.err() as Error;
    if (c.case <= ports.length) return ports[c.case - 1];
  }
}

/** The options of {@link buffer}. Every option may be omitted. */
export interface BufferOptions<T> {
  /**
   * The treatment of a value if the buffer is full. `wait` (the default): the source waits.
   * `dropOldest`: the value that has waited longest is dropped. `dropNewest`: the new value is
   * dropped. With the last two the source never waits.
   */
  readonly full?: "wait" | "dropOldest" | "dropNewest" | undefined;
  /** Called with each value that is dropped. */
  readonly onDrop?: ((value: T) => void) | undefined;
}

/** The same values, with up to n of them waiting: lets a fast stage run ahead of a slow one. */
export function buffer<T>(
  ctx: Context,
  input: RecvChan<T>,
  n: number,
  { full = "wait", onDrop }: BufferOptions<T> = {},
): RecvChan<T> {
  if (full === "wait") return stage<T>(ctx, [input], { name: "buffer", capacity: n }, (s) => forward(s, input));
  if (!(n >= 1)) throw new RangeError(`buffer: n must be at least 1 to drop values, got ${n}`);
  return stage<T>(ctx, [input], { name: "buffer", capacity: n }, async (s) => {
    for (;;) {
      const [value, ok] = await s.next(input);
      if (!ok) return;
      if (s.output.trySend(value)) continue;
      if (full === "dropNewest") onDrop?.(value);
      else {
        const oldest = s.output.recvNow() as T;
        s.output.trySend(value);
        onDrop?.(oldest);
      }
    }
  });
}

/**
 * The same values, until the input is closed or ctx is done: for a `for await` over a channel that
 * may never be closed.
 */
export function orDone<T>(ctx: Context, input: RecvChan<T>): RecvChan<T> {
  return stage<T>(ctx, [input], { name: "orDone" }, (s) => forward(s, input));
}

/**
 * Closed as soon as one of the channels is closed or gives a value, or ctx is done. Never gives a
 * value itself.
 */
export function or(ctx: Context, ...inputs: readonly RecvChan<unknown>[]): RecvChan<never> {
  return stage<never>(ctx, inputs, { name: "or" }, async (s) => {
    await select([recv(s.ctx.done()), ...inputs.map((input) => recv(input))]);
  });
}

/** The first n values. Then the stages before are stopped. */
export function take<T>(ctx: Context, input: RecvChan<T>, n: number): RecvChan<T> {
  if (!(n >= 0 && Math.floor(n) === n)) throw new RangeError(`take: n must be a whole number from 0 on, got ${n}`);
  return stage<T>(ctx, [input], { name: "take" }, async (s) => {
    for (let i = 0; i < n; i++) {
      const [value, ok] = await s.next(input);
      if (!ok) return;
      await s.emit(value);
    }
  });
}

async function forward<T>(s: Stage<T>, input: RecvChan<T>): Promise<void> {
  for (;;) {
    const [value, ok] = await s.next(input);
    if (!ok) return;
    await s.emit(value);
  }
}
