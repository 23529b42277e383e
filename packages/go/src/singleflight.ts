// @sluice/go/singleflight: one execution for all callers that ask for the same thing at the same
// time (after x/sync/singleflight).
//
// Invariants: nothing is kept after an execution has ended. An execution that was forgotten
// continues for the callers that joined it, and does not affect the one that followed it.

import { chan, type Chan, type RecvChan } from "./chan.ts";
import { spawn } from "./internal/launch.ts";
import { restoreAfter } from "./internal/sched.ts";
import { isGoexit } from "./internal/thrown.ts";
import { WaitGroup } from "./sync/waitgroup.ts";

export interface Result<V> {
  readonly value?: V;
  readonly err?: unknown;
  /** True if more than one caller got it. */
  readonly shared: boolean;
}

type Outcome<V> = { readonly value: V } | { readonly error: unknown };

interface Call<V> {
  readonly ended: WaitGroup;
  readonly channels: Chan<Result<V>>[];
  joined: number;
  outcome: Outcome<V> | undefined;
}

export class Group<K, V> {
  readonly #calls = new Map<K, Call<V>>();

  /**
   * Runs fn, or joins the execution for this key that is in progress. If fn throws, all callers get
   * its error.
   */
  do(key: K, fn: () => V | PromiseLike<V>): Promise<{ readonly value: V; readonly shared: boolean }> {
    const running = this.#calls.get(key);
    if (running !== undefined) {
      running.joined++;
      return restoreAfter(follow(running));
    }
    return restoreAfter(this.#lead(key, this.#begin(key), fn));
  }

  /**
   * Like `do`, but the result comes through a channel, which gets exactly one value and is never
   * closed.
   */
  doChan(key: K, fn: () => V | PromiseLike<V>): RecvChan<Result<V>> {
    const channel = chan<Result<V>>(1);
    const running = this.#calls.get(key);
    if (running !== undefined) {
      running.joined++;
      running.channels.push(channel);
      return channel;
    }
    const call = this.#begin(key);
    call.channels.push(channel);
    spawn(() => this.#run(key, call, fn), []);
    return channel;
  }

  /** Makes the next call for this key run its function, even if an execution is in progress. */
  forget(key: K): void {
    this.#calls.delete(key);
  }

  #begin(key: K): Call<V> {
    const call: Call<V> = { ended: new WaitGroup(), channels: [], joined: 0, outcome: undefined };
    call.ended.add(1);
    this.#calls.set(key, call);
    return call;
  }

  async #lead(key: K, call: Call<V>, fn: () => V | PromiseLike<V>): Promise<{ value: V; shared: boolean }> {
    await this.#run(key, call, fn);
    return unwrap(call, call.joined > 0);
  }

  async #run(key: K, call: Call<V>, fn: () => V | PromiseLike<V>): Promise<void> {
    try {
      call.outcome = { value: await fn() };
    } catch (error) {
      call.outcome = { error };
    }
    if (this.#calls.get(key) === call) this.#calls.delete(key);
    const shared = call.joined > 0;
    call.ended.done();
    // As in Go, a Goexit in fn leaves callers that wait on channels without a result.
    if ("error" in call.outcome && isGoexit(call.outcome.error)) return;
    const result =
      "error" in call.outcome ? { err: call.outcome.error, shared } : { value: call.outcome.value, shared };
    for (const channel of call.channels) channel.trySend(result);
  }
}

async function follow<V>(call: Call<V>): Promise<{ value: V; shared: boolean }> {
  await call.ended.wait();
  return unwrap(call, true);
}

function unwrap<V>(call: Call<V>, shared: boolean): { value: V; shared: boolean } {
  const outcome = call.outcome as Outcome<V>;
  if ("error" in outcome) throw outcome.error;
  return { value: outcome.value, shared };
}
