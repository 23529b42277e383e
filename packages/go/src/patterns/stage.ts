// A stage: goroutines that fill one output channel. Every pattern is one.
//
// Words: a stage has *inputs*, which it reads, and one *output*; its *body* runs in each of its workers; it *stops* when
// its context is cancelled, when a body throws, or when nobody reads its output any more; it has *ended* when all its
// workers have.
//
// Invariants
// - The output is closed only after every worker has ended and every input was left, so whoever sees the end of a stage
//   may be sure that nothing of it runs.
// - The first error closes the output; who reads it gets what was sent before, then the error. What bodies throw after the
//   stage was stopped is a consequence of that and is dropped: a cancelled stage just ends.
// - Leaving an output (`break` in its `for await`) stops the stage as soon as its last reader has left, and with it the
//   stages before it.

import type { Received, RecvChan } from "../chan.ts";
import { type Context, withCancel } from "../context.ts";
import { Channel, type Owner } from "../internal/channel.ts";
import { spawn } from "../internal/launch.ts";
import { completed } from "../internal/sched.ts";
import { recv, select, send } from "../select.ts";

/** How many goroutines do a stage's work; 1 by default. */
export interface Workers {
  readonly workers?: number;
}

export interface StageOptions {
  /** For messages. */
  readonly name: string;
  readonly workers?: number | undefined;
  /** How many results the output buffers; 0 by default. */
  readonly capacity?: number;
  /** Whether its result counts only as a whole: then a stage that was cancelled fails with `ctx.err()`. */
  readonly whole?: boolean;
}

/** Starts a stage. `body` runs once in each worker; `ctx` is done when the stage is to stop. */
export function stage<R>(
  ctx: Context,
  inputs: readonly RecvChan<unknown>[],
  options: StageOptions,
  body: (stage: Stage<R>) => Promise<void>,
): RecvChan<R> {
  return new Stage<R>(ctx, inputs, options, body).output;
}

export class Stage<R> implements Owner {
  readonly ctx: Context;
  readonly output: Channel<R>;
  readonly #cancel: () => void;
  readonly #inputs: readonly RecvChan<unknown>[];
  readonly #ended = new Channel<never>(0);
  readonly #whole: boolean;
  #running: number;
  #readers = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    parent: Context,
    inputs: readonly RecvChan<unknown>[],
    { name, workers = 1, capacity = 0, whole = false }: StageOptions,
    body: (stage: Stage<R>) => Promise<void>,
  ) {
    if (!Number.isInteger(workers) || workers < 1) {
      throw new RangeError(`${name}: workers must be at least 1, got ${workers}`);
    }
    [this.ctx, this.#cancel] = withCancel(parent);
    this.#inputs = inputs;
    this.#whole = whole;
    this.output = new Channel<R>(capacity);
    this.output.owner = this;
    this.#running = workers;
    for (const input of inputs) ownerOf(input)?.join();
    const named = { [name]: () => body(this) }[name] as () => Promise<void>;
    for (let i = 0; i < workers; i++) {
      spawn(
        named,
        [],
        () => this.#workerEnded(),
        (error) => this.#workerFailed(error),
      );
    }
  }

  /** Sends a result; rejects when the stage is to stop. */
  emit(value: R): Promise<void> {
    const err = this.ctx.err();
    if (err !== undefined) return Promise.reject(err);
    return this.output.trySend(value) ? completed() : this.#emitLater(value);
  }

  /** Receives from an input; rejects when the stage is to stop or the input failed. */
  next<T>(input: RecvChan<T>): Promise<Received<T>> {
    const err = this.ctx.err();
    if (err !== undefined) return Promise.reject(err);
    return (input as unknown as Channel<T>).canRecv() ? input.recvOk() : this.#nextLater(input);
  }

  /** All that comes from an input until it is closed, as `for await` over it, but ending with the stage. */
  async *each<T>(input: RecvChan<T>): AsyncGenerator<T, void> {
    for (;;) {
      const [value, ok] = await this.next(input);
      if (!ok) return;
      yield value;
    }
  }

  join(): void {
    this.#readers++;
  }

  leave(): Promise<void> | undefined {
    if (--this.#readers > 0 || this.#running === 0) return undefined;
    this.#cancel();
    return this.#ended.recv();
  }

  async #emitLater(value: R): Promise<void> {
    const c = await select({ sent: send(this.output, value), done: recv(this.ctx.done()) });
    if (c.case === "done") throw this.ctx.err() as Error;
  }

  async #nextLater<T>(input: RecvChan<T>): Promise<Received<T>> {
    const c = await select([recv(input), recv(this.ctx.done())]);
    if (c.case === 1) throw this.ctx.err() as Error;
    return c.ok ? [c.value, true] : [undefined, false];
  }

  #workerFailed(error: unknown): void {
    if (this.ctx.err() === undefined) {
      this.#failure = { error };
      this.#cancel();
    }
    this.#workerEnded();
  }

  #workerEnded(): void {
    if (--this.#running > 0) return;
    const err = this.ctx.err();
    if (this.#whole && err !== undefined) this.#failure ??= { error: err };
    this.#cancel();
    const leaving: Promise<void>[] = [];
    for (const input of this.#inputs) {
      const left = ownerOf(input)?.leave();
      if (left !== undefined) leaving.push(left);
    }
    if (leaving.length === 0) this.#end();
    else void Promise.all(leaving).then(() => this.#end());
  }

  #end(): void {
    if (this.#failure === undefined) this.output.close();
    else this.output.fail(this.#failure.error);
    this.#ended.close();
  }
}

function ownerOf(input: RecvChan<unknown>): Owner | undefined {
  return (input as unknown as Channel<unknown>).owner;
}
