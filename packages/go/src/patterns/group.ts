// Values by key: groupBy gives a channel for each key, partition works on the keys side by side.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { Channel, type Owner } from "../internal/channel.ts";
import { monotonic } from "../internal/clock.ts";
import { recv, select, send } from "../select.ts";
import { after } from "../time.ts";
import type { Fn } from "./transform.ts";
import { stage, type Stage, type Workers } from "./stage.ts";

/** The values of one key, in the order of the input. */
export interface KeyGroup<K, T> {
  readonly key: K;
  readonly values: RecvChan<T>;
}

/** How {@link groupBy} forgets and buffers; all of it may be left out. */
export interface GroupOptions {
  /** A key without a value for so many milliseconds is forgotten: its channel ends. Never by default. */
  readonly idle?: number | undefined;
  /** How many values of a key may wait for its reader; 0 by default. */
  readonly capacity?: number | undefined;
}

/**
 * A channel for each key. A group comes when the first value of its key does, and ends with the input, or
 * when it has been idle. Leaving its loop ends a group; the next value of its key begins another one.
 *
 * Each group must be read at the same time as the others: one that nobody reads holds all back once its
 * channel is full. An error of the input comes out of the groups and of the channel of groups.
 */
export function groupBy<T, K>(
  ctx: Context,
  input: RecvChan<T>,
  keyOf: (value: T) => K,
  { idle, capacity = 0 }: GroupOptions = {},
): RecvChan<KeyGroup<K, T>> {
  if (idle !== undefined && !(idle > 0)) throw new RangeError(`groupBy: idle must be above 0, got ${idle}`);
  return stage<KeyGroup<K, T>>(ctx, [input], { name: "groupBy" }, async (s) => {
    const groups = new Groups<K, T>(idle, capacity);
    try {
      for (;;) {
        const got = await groups.nextOrIdle(s, input);
        if (got === undefined) continue;
        if (!got.ok) break;
        await groups.pass(s, keyOf(got.value), got.value);
      }
    } catch (error) {
      groups.end(s.ctx.err() === undefined ? { error } : undefined);
      throw error;
    }
    groups.end(undefined);
  });
}

/** The groups that there are, the one that has been idle longest first. */
class Groups<K, T> {
  readonly #groups = new Map<K, Group<K, T>>();
  readonly #idle: number | undefined;
  readonly #capacity: number;

  constructor(idle: number | undefined, capacity: number) {
    this.#idle = idle;
    this.#capacity = capacity;
  }

  /** The next value; `undefined` if the idle groups were looked at instead. */
  async nextOrIdle(
    s: Stage<KeyGroup<K, T>>,
    input: RecvChan<T>,
  ): Promise<{ readonly ok: true; readonly value: T } | { readonly ok: false } | undefined> {
    if (this.#idle === undefined || this.#groups.size === 0) {
      const [value, ok] = await s.next(input);
      return ok ? { ok: true, value } : { ok: false };
    }
    const c = await select([recv(s.ctx.done()), recv(input), recv(this.#nextDue(this.#idle))]);
    if (c.case === 0) throw s.ctx.err() as Error;
    if (c.case === 1) return c.ok ? { ok: true, value: c.value } : { ok: false };
    this.#forgetIdle(this.#idle);
    return undefined;
  }

  /** Hands a value to its group, which is made if there is none. */
  async pass(s: Stage<KeyGroup<K, T>>, key: K, value: T): Promise<void> {
    let group = this.#groups.get(key);
    if (group === undefined || group.left.closed) {
      group = new Group<K, T>(key, this.#capacity);
      this.#groups.delete(key);
      this.#groups.set(key, group);
      await s.emit(group);
    }
    // Its reader may have left while the group was handed out, or may leave while this value waits: then the
    // value belongs to the group that comes next.
    if (group.left.closed) return this.pass(s, key, value);
    if (!group.values.trySend(value)) {
      const c = await select([recv(s.ctx.done()), send(group.values, value), recv(group.left)]);
      if (c.case === 0) throw s.ctx.err() as Error;
      if (c.case === 2) return this.pass(s, key, value);
    }
    group.lastAt = monotonic();
    if (this.#idle === undefined) return undefined;
    this.#groups.delete(key);
    this.#groups.set(key, group);
    return undefined;
  }

  end(failure: { readonly error: unknown } | undefined): void {
    for (const { values } of this.#groups.values()) close(values, failure);
    this.#groups.clear();
  }

  #nextDue(idle: number): RecvChan<Date> {
    const [first] = this.#groups.values();
    return after(Math.max(1, (first as Group<K, T>).lastAt + idle - monotonic()));
  }

  #forgetIdle(idle: number): void {
    const now = monotonic();
    for (const [key, group] of this.#groups) {
      if (group.lastAt + idle > now) return;
      this.#groups.delete(key);
      close(group.values, undefined);
    }
  }
}

class Group<K, T> implements KeyGroup<K, T>, Owner {
  readonly key: K;
  readonly values: Channel<T>;
  /** Closed when the last reader has left its loop. */
  readonly left: Channel<never> = new Channel<never>(0);
  lastAt: number = monotonic();
  #readers = 0;

  constructor(key: K, capacity: number) {
    this.key = key;
    this.values = new Channel<T>(capacity);
    this.values.owner = this;
  }

  join(): void {
    this.#readers++;
  }

  leave(): undefined {
    if (--this.#readers === 0 && !this.left.closed) this.left.close();
    return undefined;
  }
}

function close<T>(channel: Channel<T>, failure: { readonly error: unknown } | undefined): void {
  if (channel.closed) return;
  if (failure === undefined) channel.close();
  else channel.fail(failure.error);
}

/**
 * fn of each value, by several workers, with the order of each key kept: values of one key are worked on one
 * after the other, those of different keys at the same time. Results come as they are ready.
 *
 * Values of a busy key wait, as many as there are workers at most; then no more are taken. Nothing is
 * remembered of a key without a value.
 */
export function partition<T, R>(
  ctx: Context,
  input: RecvChan<T>,
  keyOf: (value: T) => unknown,
  fn: Fn<T, R>,
  options: Workers = {},
): RecvChan<R> {
  const { workers = 1 } = options;
  /** The keys that a worker is at, and what waits for it there. */
  const busy = new Map<unknown, T[]>();
  let waiting = 0;
  const room = new Channel<undefined>(1);
  return stage<R>(ctx, [input], { name: "partition", ...options }, async (s) => {
    for (;;) {
      while (waiting >= workers) await s.next(room);
      const [value, ok] = await s.next(input);
      if (!ok) return;
      const key = keyOf(value);
      const queue = busy.get(key);
      if (queue !== undefined) {
        queue.push(value);
        waiting++;
        continue;
      }
      const mine: T[] = [];
      busy.set(key, mine);
      // oxlint-disable-next-line no-undefined-init -- the first value is the one that was received
      for (let next: { readonly value: T } | undefined = { value }; next !== undefined;) {
        await s.emit(await fn(next.value, s.ctx));
        next = mine.length === 0 ? undefined : { value: mine.shift() as T };
        if (next === undefined) continue;
        waiting--;
        room.trySend(undefined);
      }
      busy.delete(key);
    }
  });
}
