// A stage: goroutines that fill one output channel. Every pattern is one.
//
// Words: a stage has *inputs*, which it reads, and one *output*; its
// *body* runs in each of its workers; it *stops* when
// its context is cancelled, when a body throws, or when nobody reads its output any more; it has *ended* when all its
// workers have.
//
// Invariants
// - The output is closed only after every worker has ended and every input was left, so whoever sees the end of a stage
//   may be sure that nothing of it runs; but for workers that a stage with a `grace` has abandoned.
// - The first error closes the output; who reads it gets what was sent before, then the error. What bodies throw after the
//   stage was stopped is a consequence of that and is dropped: a cancelled stage just ends.
// - Leaving an output (`break` in its `for await`) stops the stage as soon as its last reader has left, and with it the
//   stages before it.
// - What the cleanup of a source throws when the stage stops is not lost: it is thrown where the loop was left, and is the
//   error of the output if the stage was cancelled. It never takes the place of an earlier error.

import type { RecvChan } from "../chan.ts";
import { type Context, withCancel } from "../context.ts";
import { Channel, type Decision, type Owner, type Source, Waiter } from "../internal/channel.ts";
import { type Alarm, alarmIn } from "../internal/clock.ts";
import { abandoned, create, daemons, type Goroutine, main } from "../internal/goroutine.ts";
import { launch } from "../internal/launch.ts";
import { completedWith } from "../internal/sched.ts";
import { pull } from "./pull.ts";
import { Seats, type Taken } from "./seat.ts";

export interface Workers {
  /** How many goroutines do a stage's work; 1 by default. */
  readonly workers?: number | undefined;
  /**
   * How many milliseconds a stage that is to stop waits for workers that do not end, such as one in
   * a call that knows no cancellation. Then the reader goes on without them; dumps and leak checks
   * show them as `abandoned`. For ever by default.
   */
  readonly grace?: number | undefined;
}

export interface StageOptions {
  /** For messages. */
  readonly name: string;
  readonly workers?: number | undefined;
  readonly grace?: number | undefined;
  /** How many results the output buffers; 0 by default. */
  readonly capacity?: number | undefined;
  /** How many outputs there are; 1 by default. */
  readonly outputs?: number | undefined;
  /** Whether its result counts only as a whole: then a stage that was cancelled fails with `ctx.err()`. */
  readonly whole?: boolean | undefined;
  /** Has a hand in the (first) output. */
  readonly source?: StageSource | undefined;
}

export interface StageSource extends Source {
  /** The stage is to stop, or has ended. */
  readonly stop: () => void;
}

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
  /** Done when the stage is to stop. */
  readonly ctx: Context;
  readonly ports: readonly Port<R>[];
  readonly output: Channel<R>;
  readonly #cancel: () => void;
  readonly #inputs: Set<RecvChan<unknown>>;
  readonly #ended = new Channel<never>(0);
  readonly #whole: boolean;
  readonly #seats = new Seats();
  #running: number;
  readonly #workers = new Set<Goroutine>();
  /** When those that have not ended are abandoned. */
  #alarm: Alarm | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** What went wrong when a source before this stage, or of it, was cleaned up. */
  #cleanup: { readonly error: unknown } | undefined;

  constructor(
    parent: Context,
    inputs: readonly RecvChan<unknown>[],
    { name, workers = 1, grace, capacity = 0, outputs = 1, whole = false, source }: StageOptions,
    body?: (stage: Stage<R>) => Promise<void>,
  ) {
    if (!Number.isInteger(workers) || workers < 1) {
      throw new RangeError(`${name}: workers must be at least 1, got ${workers}`);
    }
    if (grace !== undefined && !(grace >= 0)) {
      throw new RangeError(`${name}: grace must be a number of milliseconds, 0 or above, got ${grace}`);
    }
    for (const input of inputs) expectChannel(input, name);
    [this.ctx, this.#cancel] = withCancel(parent);
    const decide = (): void => {
      this.#seats.interrupt(this.ctx.err());
      source?.stop();
      if (grace !== undefined && this.#running > 0) this.#alarm = alarmIn(grace, () => this.#abandon());
    };
    const stop: Decision = { decide, fail: () => undefined };
    (this.ctx.done() as Channel<never>).enqueue(new Waiter(0, undefined, main, () => undefined, stop));
    this.ports = Array.from({ length: outputs }, () => new Port(this, capacity, source));
    this.output = (this.ports[0] as Port<R>).channel;
    this.#whole = whole;
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
   * Sends a result to the (first) output; rejects when the stage is to stop. `undefined` when it was sent at once: then
   * somebody waited for it, or there was room, and the worker may go on without an await.
   */
  emit(value: R): Promise<void> | undefined {
    const err = this.ctx.err();
    if (err !== undefined) return Promise.reject(err);
    return this.output.trySend(value) ? undefined : this.#seats.take().send(this.output, value);
  }

  /** Emits all values of an iterable or a stream. */
  async emitAll(values: Iterable<R> | AsyncIterable<R> | ReadableStream<R>): Promise<void> {
    // A plain iterable needs no await for each value.
    if (typeof (values as Iterable<R>)[Symbol.iterator] === "function") {
      for (const value of values as Iterable<R>) {
        const sent = this.emit(value);
        if (sent !== undefined) await sent;
      }
    } else await pull(this, values as AsyncIterable<R> | ReadableStream<R>);
  }

  /** Receives from an input; rejects when the stage is to stop or the input failed. */
  next<T>(input: RecvChan<T>): Promise<Taken<T>> {
    const taken = this.tryNext(input);
    return taken === undefined ? this.waitForNext(input) : completedWith(taken);
  }

  /** Receives if that needs no waiting; throws when the stage is to stop or the input failed. */
  tryNext<T>(input: RecvChan<T>): Taken<T> | undefined {
    const err = this.ctx.err();
    if (err !== undefined) throw err;
    const got = input.tryRecv();
    return got.ready ? ([got.value, got.ok, got.ok ? this.#seats.received++ : -1] as Taken<T>) : undefined;
  }

  /** Receives what `tryNext` has not found. */
  waitForNext<T>(input: RecvChan<T>): Promise<Taken<T>> {
    return this.#seats.take().receive(input as unknown as Channel<T>);
  }

  /** Sends on all that comes from an input that was not among those of the start. */
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

  /** How many values were received. */
  get received(): number {
    return this.#seats.received;
  }

  /** Whether an error ended it. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** An output has lost its last reader. The result is as `Owner.leave` wants it. */
  portLeft(): Promise<void> | undefined {
    // Its workers may have ended while the stages before it have not.
    if (this.#ended.closed || this.ports.some((port) => !port.isLeft)) return undefined;
    this.#cancel();
    return this.#ended.recv();
  }

  /** A worker threw. Only the first error counts, and none once the stage was stopped. */
  workerFailed(error: unknown): void {
    if (this.ctx.err() === undefined) {
      this.#failure = { error };
      this.#cancel();
    }
    this.workerEnded();
  }

  /** A source could not be cleaned up after the stop. */
  cleanupFailed(error: unknown): void {
    this.#cleanup ??= { error };
  }

  /** A worker's work is over. */
  workerEnded(): void {
    if (--this.#running > 0 || this.#ended.closed) return;
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
      const noted = leaving.map((left) => left.catch((error: unknown) => this.cleanupFailed(error)));
      void Promise.all(noted).then(() => this.#end());
    }
  }

  /** Ends without the workers that have not ended, and without waiting for the stages before it. */
  #abandon(): void {
    for (const g of this.#workers) {
      daemons.add(g);
      abandoned.add(g);
    }
    // Nobody waits for those any more, nor hears how they end.
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
    this.#alarm?.cancel();
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

/** One output of a stage, and how many read it. */
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

/** Throws for what is no channel of ours. */
export function expectChannel(input: unknown, name: string): void {
  if (input instanceof Channel) return;
  const got = Object.prototype.toString.call(input).slice("[object ".length, -1);
  throw new TypeError(
    `${name}: expected a channel of this copy of the library as input, got ${got}: generate(ctx, iterable) makes one`,
  );
}

function ownerOf(input: RecvChan<unknown>): Owner | undefined {
  return (input as unknown as Channel<unknown>).owner;
}
