// A stage: goroutines that fill one output channel. Every pattern is one.
//
// Words: a stage has *inputs*, which it reads, and one *output*. Its *body* runs in each of its
// workers. It *stops* when its context is cancelled, when a body throws, or when nobody reads its
// output any more. It has *ended* when all its workers have.
//
// Invariants
//
// - The output is closed only after every worker has ended and every input was left. So when a
//   stage has ended, no part of it runs. The only exception are workers that have not ended when
//   the grace after the stop is over: the stage abandons them. It never does that in silence: a
//   warning of the process names them, and dumps show them.
// - The cleanup of a source is never abandoned: a stage waits for it, however long it takes. A
//   source that must first end a call, such as a generator in the middle of its `next`, counts as a
//   worker until then.
// - The first error closes the output. The reader gets all earlier results, then the error. Errors
//   of bodies after the stop are consequences of the stop, so they are dropped: a cancelled stage
//   just ends.
// - Leaving an output (`break` in its `for await`) stops the stage as soon as its last reader has
//   left. The stages before it stop too.
// - If the cleanup of a source throws when the stage stops, that error is not lost: the loop that
//   was left throws it. If the stage was cancelled, it is the error of the output. It never
//   replaces an earlier error.

import type { RecvChan } from "../chan.ts";
import { type Context, withCancel } from "../context.ts";
import { Channel, type Decision, type Owner, type Source, Waiter } from "../internal/channel.ts";
import { type Alarm, alarmIn } from "../internal/clock.ts";
import { dump } from "../internal/dump.ts";
import { abandoned, create, daemons, type Goroutine, list, main } from "../internal/goroutine.ts";
import { host } from "../internal/host.ts";
import { launch } from "../internal/launch.ts";
import { completedWith } from "../internal/sched.ts";
import { iterate } from "./iterate.ts";
import { Waiters, type Taken } from "./waiter.ts";

export interface Workers {
  /** The number of goroutines that do a stage's work; 1 by default. */
  readonly workers?: number | undefined;
  /**
   * The milliseconds that a stage waits after its stop for workers that do not end, such as one in
   * a call that ignores cancellation. The default is 1000; with `Infinity` the stage waits for
   * ever. After that time its reader continues without them. A warning of the process names them,
   * and dumps and leak checks show them as `abandoned`. Their later errors are dropped.
   */
  readonly grace?: number | undefined;
}

export interface StageOptions {
  /** The name in messages. */
  readonly name: string;
  readonly workers?: number | undefined;
  readonly grace?: number | undefined;
  /** The number of results that the output buffers; 0 by default. */
  readonly capacity?: number | undefined;
  /** The number of outputs; 1 by default. */
  readonly outputs?: number | undefined;
  /**
   * True if the result counts only as a whole. Then a stage that was cancelled fails with
   * `ctx.err()`.
   */
  readonly whole?: boolean | undefined;
  /** A source that takes part in the (first) output. */
  readonly source?: StageSource | undefined;
}

export interface StageSource extends Source {
  /** Called when the stage has to stop, or has ended. */
  readonly stop: () => void;
}

/** The default of `grace`, in milliseconds. */
const GRACE_MS = 1000;

/** Starts a stage. `body` runs once in each worker. */
export function stage<R>(
  ctx: Context,
  inputs: readonly RecvChan<unknown>[],
  options: StageOptions,
  body: (stage: Stage<R>) => Promise<void>,
): RecvChan<R> {
  return new Stage<R>(ctx, inputs, options, body).output;
}

export class Stage<R> {
  /** Done when the stage has to stop. */
  readonly ctx: Context;
  readonly ports: readonly Port<R>[];
  readonly output: Channel<R>;
  readonly #cancel: () => void;
  readonly #inputs: Set<RecvChan<unknown>>;
  readonly #ended = new Channel<never>(0);
  readonly #whole: boolean;
  readonly #waiters = new Waiters();
  #running: number;
  readonly #workers = new Set<Goroutine>();
  readonly #name: string;
  readonly #grace: number;
  /** The alarm at which workers that have not ended are abandoned. */
  #alarm: Alarm | undefined;
  /** The number of cleanups of sources that are in progress. */
  #cleaning = 0;
  #failure: { readonly error: unknown } | undefined;
  /** The error of the cleanup of a source, of this stage or of one before it. */
  #cleanup: { readonly error: unknown } | undefined;

  constructor(
    parent: Context,
    inputs: readonly RecvChan<unknown>[],
    { name, workers = 1, grace = GRACE_MS, capacity = 0, outputs = 1, whole = false, source }: StageOptions,
    body?: (stage: Stage<R>) => Promise<void>,
  ) {
    if (!Number.isInteger(workers) || workers < 1) {
      throw new RangeError(`${name}: workers must be at least 1, got ${workers}`);
    }
    if (!(grace >= 0)) {
      throw new RangeError(`${name}: grace must be a number of milliseconds, 0 or above, got ${grace}`);
    }
    for (const input of inputs) expectChannel(input, name);
    [this.ctx, this.#cancel] = withCancel(parent);
    const decide = (): void => {
      this.#waiters.interrupt(this.ctx.err());
      source?.stop();
      if (this.#running > 0) this.#beginGrace();
    };
    const stop: Decision = { decide, fail: () => undefined };
    (this.ctx.done() as Channel<never>).enqueue(new Waiter(0, undefined, main, () => undefined, stop));
    this.ports = Array.from({ length: outputs }, () => new Port(this, capacity, source));
    this.output = (this.ports[0] as Port<R>).channel;
    this.#whole = whole;
    this.#name = name;
    this.#grace = grace;
    this.#running = workers;
    this.#inputs = new Set(inputs);
    for (const input of this.#inputs) ownerOf(input)?.join();
    if (body === undefined) return;
    const named = { [name]: () => body(this) }[name] as () => Promise<void>;
    for (let i = 0; i < workers; i++) {
      const g = create(named);
      this.#workers.add(g);
      const over = (): unknown => this.#workers.delete(g);
      launch(g, named, [], {
        ended: () => (over(), this.workerEnded()),
        failed: (error) => (over(), this.workerFailed(error)),
      });
    }
  }

  /**
   * Sends a result to the (first) output; rejects when the stage has to stop. Returns `undefined`
   * if it was sent at once: then a reader waited for it, or the output had space. In this case the
   * worker may continue without an await.
   */
  emit(value: R): Promise<void> | undefined {
    const err = this.ctx.err();
    if (err !== undefined) return Promise.reject(err);
    return this.output.trySend(value) ? undefined : this.#waiters.take().send(this.output, value);
  }

  /** Emits all values of an iterable or a stream. */
  async emitAll(values: Iterable<R> | AsyncIterable<R> | ReadableStream<R>): Promise<void> {
    // A plain iterable needs no await for each value.
    if (typeof (values as Iterable<R>)[Symbol.iterator] === "function") {
      for (const value of values as Iterable<R>) {
        const sent = this.emit(value);
        if (sent !== undefined) await sent;
      }
    } else await iterate(this, values as AsyncIterable<R> | ReadableStream<R>);
  }

  /** Receives from an input. Rejects when the stage has to stop or the input failed. */
  next<T>(input: RecvChan<T>): Promise<Taken<T>> {
    const taken = this.tryNext(input);
    return taken === undefined ? this.waitForNext(input) : completedWith(taken);
  }

  /** Receives if that needs no waiting. Throws when the stage has to stop or the input failed. */
  tryNext<T>(input: RecvChan<T>): Taken<T> | undefined {
    const err = this.ctx.err();
    if (err !== undefined) throw err;
    const got = input.tryRecv();
    return got.ready ? ([got.value, got.ok, got.ok ? this.#waiters.received++ : -1] as Taken<T>) : undefined;
  }

  /** Receives if `tryNext` has found nothing. */
  waitForNext<T>(input: RecvChan<T>): Promise<Taken<T>> {
    return this.#waiters.take().receive(input as unknown as Channel<T>);
  }

  /** Sends on all values of an input that was not among those at the start. */
  async relay(input: RecvChan<R>): Promise<void> {
    expectChannel(input, "bridge");
    ownerOf(input)?.join();
    this.#inputs.add(input);
    for (;;) {
      const [value, ok] = await this.next(input);
      if (!ok) break;
      await this.emit(value);
    }
    // A closed input has ended, so there is nothing to leave.
    this.#inputs.delete(input);
  }

  /** The number of values that were received. */
  get received(): number {
    return this.#waiters.received;
  }

  /** True if an error ended it. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Called when an output has lost its last reader. The result is that of `Owner.leave`. */
  portLeft(): Promise<void> | undefined {
    // Its workers may have ended while the stages before it have not.
    if (this.#ended.closed || this.ports.some((port) => !port.isLeft)) return undefined;
    this.#cancel();
    return this.#ended.recv();
  }

  /**
   * Called when a worker threw. Only the first error counts, and only before the stage was stopped.
   */
  workerFailed(error: unknown): void {
    if (this.ctx.err() === undefined) {
      this.#failure = { error };
      this.#cancel();
    }
    this.workerEnded();
  }

  /** Cleans a source up after the stop: the stage waits for that. It never throws. */
  async cleanUp(run: () => unknown): Promise<void> {
    this.#cleaning++;
    try {
      await run();
    } catch (error) {
      this.#cleanup ??= { error };
    }
    // The alarm has rung meanwhile, and found a cleanup in progress.
    if (--this.#cleaning === 0 && this.#alarm === undefined && !this.#ended.closed) this.#beginGrace();
  }

  /** Called when a worker's work is over. */
  workerEnded(): void {
    if (--this.#running > 0 || this.#ended.closed) return;
    this.#alarm?.cancel();
    const err = this.ctx.err();
    if (this.#whole && err !== undefined) this.#failure ??= { error: err };
    this.#cancel();
    const leaving: Promise<void>[] = [];
    for (const input of this.#inputs) {
      const left = ownerOf(input)?.leave();
      if (left !== undefined) leaving.push(left);
    }
    if (leaving.length === 0) this.#end();
    else {
      const noted = leaving.map((left) => left.catch((error: unknown) => void (this.#cleanup ??= { error })));
      void Promise.all(noted).then(() => this.#end());
    }
  }

  /**
   * Abandons workers that have not ended when the grace is over. The grace begins again after the
   * last cleanup.
   */
  #beginGrace(): void {
    if (this.#grace === Infinity) return;
    this.#alarm = alarmIn(this.#grace, () => {
      this.#alarm = undefined;
      if (this.#cleaning === 0) this.#abandon();
    });
  }

  /** Ends without the workers that have not ended, and without waiting for the stages before it. */
  #abandon(): void {
    for (const g of this.#workers) {
      daemons.add(g);
      abandoned.add(g);
    }
    warn(
      `${this.#name}: ${this.#workers.size} of its workers did not end within ${this.#grace} ms after the stage was to stop, ` +
        "and its reader goes on without them. Hand the context of the worker to what it calls, or wait longer: { grace: ms }",
      dump(list().filter(({ goroutine }) => this.#workers.has(goroutine))),
    );
    // Nobody waits for those stages any more, or gets their errors.
    for (const input of this.#inputs)
      ownerOf(input)
        ?.leave()
        ?.catch(() => undefined);
    this.#inputs.clear();
    const err = this.ctx.err();
    if (this.#whole && err !== undefined) this.#failure ??= { error: err };
    this.#end();
  }

  #end(): void {
    if (this.#ended.closed) return;
    const failure = this.#failure ?? this.#cleanup;
    for (const { channel } of this.ports) {
      if (failure === undefined) channel.close();
      else channel.fail(failure.error);
    }
    // The loop that was left waits for this.
    if (this.#cleanup === undefined || this.#failure !== undefined) this.#ended.close();
    else this.#ended.fail(this.#cleanup.error);
  }
}

/** An output of a stage, and the number of its readers. */
export class Port<R> implements Owner {
  readonly channel: Channel<R>;
  /** Closed when the last reader has left. */
  readonly left: Channel<never> = new Channel<never>(0);
  readonly #stage: Stage<R>;
  #readers = 0;

  constructor(stage: Stage<R>, capacity: number, source: Source | undefined) {
    this.#stage = stage;
    this.channel = new Channel<R>(capacity, source);
    this.channel.owner = this;
  }

  get isLeft(): boolean {
    return this.left.closed;
  }

  join(): void {
    this.#readers++;
  }

  leave(): Promise<void> | undefined {
    if (--this.#readers > 0) return undefined;
    if (!this.isLeft) this.left.close();
    return this.#stage.portLeft();
  }
}

/** Throws if the input is not a channel of this library. */
export function expectChannel(input: unknown, name: string): void {
  if (input instanceof Channel) return;
  throw new TypeError(
    `${name}: expected a channel of this copy of the library as input, got ${kindOf(input)}: ` +
      "generate(ctx, iterable) makes one",
  );
}

/** The kind of a value, for messages: `Array`, `Null`. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function ownerOf(input: RecvChan<unknown>): Owner | undefined {
  return (input as unknown as Channel<unknown>).owner;
}

/**
 * Warns through the process, which prints the warning unless it listens to "warning"; otherwise on
 * the console.
 */
function warn(message: string, detail: string): void {
  if (host.process?.emitWarning === undefined) host.console.warn(`${message}\n\n${detail}`);
  else host.process.emitWarning(message, { type: "AbandonedGoroutine", detail });
}
