// @sluice/go/pubsub: one topic, many subscribers. Each subscriber has a bounded buffer, and a
// policy for a full one.
//
// Invariants
//
// - All subscribers see the values in the same order: that in which they were published.
// - A subscription ends when its context is done, when its loop is left, and when the topic is
//   closed. In the last case its reader first gets the buffered values. The topic keeps nothing of
//   it.
// - A slow subscriber costs the others nothing unless its policy is to wait.

import type { RecvChan } from "./chan.ts";
import type { Context } from "./context.ts";
import { background } from "./context.ts";
import { Channel } from "./internal/channel.ts";
import { restoreAfter } from "./internal/sched.ts";
import { Stage } from "./patterns/stage.ts";
import { recv, select, send } from "./select.ts";
import { Weighted } from "./semaphore.ts";

/**
 * The treatment of a value if a subscriber's buffer is full.
 *
 * - `wait`: the publisher waits until the buffer has space.
 * - `dropOldest`: the value that has waited longest is dropped, and the new one is buffered.
 * - `dropNewest`: the new value is dropped.
 * - `disconnect`: the subscription ends with a {@link SlowSubscriberError}, after the buffered
 *   values.
 */
export type SlowPolicy = "wait" | "dropOldest" | "dropNewest" | "disconnect";

/** The buffering of a subscription. Every option may be omitted. */
export interface SubscribeOptions<T> {
  /**
   * The number of values that may wait for the subscriber; 16 by default, and no fewer than the
   * topic replays.
   */
  readonly buffer?: number | undefined;
  /** The policy when the buffer is full; `wait` by default. */
  readonly slow?: SlowPolicy | undefined;
  /**
   * Called with each value that is dropped. With `disconnect`, that is the value that did not fit.
   */
  readonly onDrop?: ((value: T) => void) | undefined;
}

/** The error that the reader gets if its subscription was ended because it was too slow. */
export class SlowSubscriberError extends Error {
  override readonly name = "SlowSubscriberError";
  readonly code = "slow_subscriber";

  constructor(buffer: number) {
    super(`pubsub: the subscriber was too slow: ${buffer} values waited for it when another one came`);
  }
}

/**
 * A topic.
 *
 * @example
 * ```ts
 * import { background } from "@sluice/go/context";
 * import { Topic } from "@sluice/go/pubsub";
 *
 * const news = new Topic<string>({ replay: 1 });
 * await news.publish("first");
 * const mine = news.subscribe(background()); // begins with the last value
 * await news.publish("second");
 * news.close();
 * const got: string[] = [];
 * for await (const value of mine) got.push(value);
 * got; // => ["first", "second"]
 * ```
 */
export class Topic<T> {
  readonly #replay: number;
  readonly #last: T[] = [];
  readonly #subscribers = new Set<Subscriber<T>>();
  /**
   * A publisher that waits for a subscriber holds back the next publishers, so that all values have
   * one order.
   */
  readonly #turn = new Weighted(1);
  #closed = false;

  /**
   * @param options.replay the number of last values that a new subscriber gets first; 0 by default
   */
  constructor({ replay = 0 }: { readonly replay?: number | undefined } = {}) {
    if (!Number.isInteger(replay) || replay < 0) {
      throw new RangeError(`pubsub: replay must be a whole number from 0 on, got ${replay}`);
    }
    this.#replay = replay;
  }

  /** The number of subscribers. */
  get subscribers(): number {
    return this.#subscribers.size;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Gives a value to all subscribers. Waits for those whose buffer is full and whose policy is to
   * wait. Rejects with `ctx.err()` if ctx is done first (some may have the value then), and with
   * `publish on closed topic`.
   */
  publish(value: T, ctx: Context = background()): Promise<void> {
    return restoreAfter(this.#publish(value, ctx));
  }

  /** A channel of the values from now on, after the last ones that the topic keeps. */
  subscribe(ctx: Context, { buffer = 16, slow = "wait", onDrop }: SubscribeOptions<T> = {}): RecvChan<T> {
    if (!POLICIES.has(slow)) {
      throw new TypeError(`pubsub: slow must be one of ${[...POLICIES].join(", ")}, got ${slow as string}`);
    }
    const least = slow === "wait" || slow === "disconnect" ? 0 : 1;
    if (!Number.isInteger(buffer) || buffer < least) {
      throw new RangeError(`pubsub: buffer must be a whole number from ${least} on for ${slow}, got ${buffer}`);
    }
    const subscriber = new Subscriber<T>(ctx, buffer, slow, onDrop, this.#last, (ended) => {
      this.#subscribers.delete(ended);
    });
    if (this.#closed) subscriber.close();
    else this.#subscribers.add(subscriber);
    return subscriber.output;
  }

  /**
   * Closes the topic: subscribers get the buffered values, then their channels end. A second call
   * does nothing.
   */
  close(): void {
    this.#closed = true;
    for (const subscriber of this.#subscribers) subscriber.close();
  }

  async #publish(value: T, ctx: Context): Promise<void> {
    await this.#turn.acquire(ctx, 1);
    try {
      if (this.#closed) throw new Error("publish on closed topic");
      if (this.#replay > 0) {
        this.#last.push(value);
        if (this.#last.length > this.#replay) this.#last.shift();
      }
      // A subscriber that joins during this wait already gets the value from the last ones.
      const slow: Promise<void>[] = [];
      for (const subscriber of this.#subscribers) {
        const wait = subscriber.put(value, ctx);
        if (wait !== undefined) slow.push(wait);
      }
      if (slow.length > 0) await Promise.all(slow);
    } finally {
      this.#turn.release(1);
    }
  }
}

const POLICIES: ReadonlySet<string> = new Set<SlowPolicy>(["wait", "dropOldest", "dropNewest", "disconnect"]);

class Subscriber<T> {
  readonly output: Channel<T>;
  readonly #stage: Stage<T>;
  readonly #buffer: number;
  readonly #slow: SlowPolicy;
  readonly #onDrop: ((value: T) => void) | undefined;
  /** Closed when there are no more values; fails when the subscriber is disconnected. */
  readonly #ended = new Channel<never>(0);
  /** The publisher that waits for space in the buffer. */
  #waiting: Promise<void> | undefined;

  constructor(
    ctx: Context,
    buffer: number,
    slow: SlowPolicy,
    onDrop: ((value: T) => void) | undefined,
    last: readonly T[],
    ended: (subscriber: Subscriber<T>) => void,
  ) {
    // The values that the topic has kept are in the new buffer from the start.
    this.#buffer = Math.max(buffer, last.length);
    this.#slow = slow;
    this.#onDrop = onDrop;
    const options = { name: "subscribe", capacity: this.#buffer };
    this.#stage = new Stage<T>(ctx, [], options, async (s) => {
      try {
        await s.next(this.#ended);
      } finally {
        ended(this);
      }
    });
    this.output = this.#stage.output;
    for (const value of last) this.output.trySend(value);
  }

  /**
   * Puts a value into the buffer, or does what the policy says. Returns a promise if that takes a
   * wait.
   */
  put(value: T, ctx: Context): Promise<void> | undefined {
    if (this.#isOver || this.output.trySend(value)) return undefined;
    switch (this.#slow) {
      case "wait":
        this.#waiting = this.#send(value, ctx).finally(() => (this.#waiting = undefined));
        return this.#waiting;
      case "dropOldest": {
        const oldest = this.output.recvNow() as T;
        this.output.trySend(value);
        this.#onDrop?.(oldest);
        break;
      }
      case "dropNewest":
        this.#onDrop?.(value);
        break;
      case "disconnect":
        this.#ended.fail(new SlowSubscriberError(this.#buffer));
        this.#onDrop?.(value);
    }
    return undefined;
  }

  /** Ends the subscription. A value that a publisher waits to give still comes. */
  close(): void {
    if (this.#isOver) return;
    if (this.#waiting === undefined) this.#ended.close();
    else void this.#waiting.then(() => this.close()).catch(() => this.close());
  }

  get #isOver(): boolean {
    return this.#ended.closed || this.#stage.ctx.err() !== undefined;
  }

  async #send(value: T, ctx: Context): Promise<void> {
    const gone = this.#stage.ctx.done();
    const c = await select([send(this.output, value), recv(gone), recv(ctx.done())]);
    if (c.case === 2) throw ctx.err() as Error;
  }
}
