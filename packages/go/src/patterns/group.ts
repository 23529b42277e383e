// Values by key: groupBy gives a channel for each key, and partition works on several keys at the
// same time.

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

/** The options of {@link groupBy}. Every option may be omitted. */
export interface GroupOptions {
  /**
   * The milliseconds after which a key without a value is forgotten, and its channel ends. By
   * default that never happens.
   */
  readonly idle?: number | undefined;
  /** The number of values of a key that may wait for its reader; 0 by default. */
  readonly capacity?: number | undefined;
}

/**
 * A channel for each key. A group appears when the first value of its key comes. It ends with the
 * input, or after it has been idle. Leaving its loop ends a group, and the next value of its key
 * begins another one.
 *
 * All groups must be read at the same time. If one is not read, it holds back all others once its
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

/** The present groups, the one that has been idle longest first. */
class Groups<K, T> {
  readonly #groups = new Map<K, Group<K, T>>();
  readonly #idle: number | undefined;
  readonly #capacity: number;

  constructor(idle: number | undefined, capacity: number) {
    this.#idle = idle;
    this.#capacity = capacity;
  }

  /** The next value; `undefined` if it checked the idle groups instead. */
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

  /** Hands a value to its group, and makes the group if there is none. */
  async pass(s: Stage<KeyGroup<K, T>>, key: K, value: T): Promise<void> {
    let group = this.#groups.get(key);
    if (group === undefined || group.left.closed) {
      group = new Group<K, T>(key, this.#capacity);
      this.#groups.delete(key);
      this.#groups.set(key, group);
      await s.emit(group);
    }
    // The group's reader may have left while the group was handed out, or may leave while this
    // value waits. Then the value belongs to the next group of its key.
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
 * Calls fn for each value, by several workers, and keeps the order of each key. Values of one key
 * are processed one after the other, and those of different keys at the same time. Results come as
 * soon as they are ready.
 *
 * Values of a busy key wait. If as many wait as there are workers, no more values are taken. A key
 * without a value takes no memory.
 */
export function partition<T, R>(
  ctx: Context,
  input: RecvChan<T>,
  keyOf: (value: T) => unknown,
  fn: Fn<T, R>,
  options: Workers = {},
): RecvChan<R> {
  const { workers = 1 } = options;
  /** The keys that a worker is processing, and the values that wait for it there. */
  const busy = new Map<unknown, T[]>();
  let waiting = 0;
  const fewerWait = new Channel<undefined>(1);
  return stage<R>(ctx, [input], { name: "partition", ...options }, async (s) => {
    for (;;) {
      while (waiting >= workers) await s.next(fewerWait);
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
        fewerWait.trySend(undefined);
      }
      busy.delete(key);
    }
  });
}
