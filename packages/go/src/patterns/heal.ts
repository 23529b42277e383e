// heal: a steward restarts its ward when the ward's heartbeat stops (after "Healing Unhealthy
// Goroutines" in Katherine Cox-Buday's "Concurrency in Go").
//
// A function cannot be ended from outside. So heal cancels the context of a ward that hangs, does
// not wait for it, and drops its later results.

import { type Context, withCancel } from "../context.ts";
import { Channel } from "../internal/channel.ts";
import { spawn } from "../internal/launch.ts";
import { restoreAfter } from "../internal/sched.ts";
import { recv, select, timeout } from "../select.ts";

/** The conditions under which {@link heal} restarts its ward. */
export interface HealOptions {
  /** Milliseconds without a heartbeat after which the ward counts as hanging. */
  readonly ms: number;
  /** The most restarts; any number by default. */
  readonly restarts?: number | undefined;
  /** Called before each restart, for logs; counts from 1. */
  readonly onRestart?: ((restart: number) => void) | undefined;
}

/** The error of {@link heal} if the ward has hung once more than it may be restarted. */
export class UnhealthyError extends Error {
  override readonly name = "UnhealthyError";
  readonly code = "unhealthy";

  constructor(ms: number, restarts: number) {
    super(`heal: no heartbeat for ${ms} ms, after ${restarts} restarts`);
  }
}

/**
 * A function that is watched. It calls `beat` at least every `ms` milliseconds, and ends when ctx
 * is done.
 */
export type Ward<T> = (ctx: Context, beat: () => void) => T | PromiseLike<T>;

/**
 * Runs a ward until it returns, and returns its result. Restarts it whenever it has not called
 * `beat` for `ms` milliseconds. First it cancels the context of the ward that hangs.
 *
 * Rejects with the error that the ward throws ({@link retry} of `/retry` would restart that one).
 * Also rejects with an {@link UnhealthyError}, and with `ctx.err()` when ctx is done. In the last
 * case the ward's context is done too, but it does not wait for the ward.
 */
export function heal<T>(ctx: Context, ward: Ward<T>, { ms, restarts = Infinity, onRestart }: HealOptions): Promise<T> {
  if (!(ms > 0)) throw new RangeError(`heal: ms must be above 0, got ${ms}`);
  if (!(restarts >= 0)) throw new RangeError(`heal: restarts must be at least 0, got ${restarts}`);
  return restoreAfter(steward(ctx, ward, ms, restarts, onRestart));
}

async function steward<T>(
  ctx: Context,
  ward: Ward<T>,
  ms: number,
  restarts: number,
  onRestart: ((restart: number) => void) | undefined,
): Promise<T> {
  for (let restart = 1; ; restart++) {
    const err = ctx.err();
    if (err !== undefined) throw err;
    const end = await untilSilent(ctx, ward, ms);
    if (end !== undefined) return end.value;
    if (restart > restarts) throw new UnhealthyError(ms, restarts);
    onRestart?.(restart);
  }
}

/** Runs one ward; `undefined` if its heartbeat has stopped. */
async function untilSilent<T>(ctx: Context, ward: Ward<T>, ms: number): Promise<{ readonly value: T } | undefined> {
  const [own, cancel] = withCancel(ctx);
  const ended = new Channel<{ readonly value: T }>(1);
  const beats = new Channel<undefined>(1);
  const failed = (error: unknown): void => void (ended.closed || ended.fail(error));
  const run = async (): Promise<void> => {
    ended.trySend({ value: await ward(own, () => void beats.trySend(undefined)) });
  };
  spawn(run, [], { ended: (_, goexit) => goexit && failed(new Error("heal: the ward called Goexit")), failed });
  try {
    for (;;) {
      const c = await select([recv(ended), recv(beats), recv(ctx.done()), timeout(ms)]);
      if (c.case === 2) throw ctx.err() as Error;
      if (c.case === 3) return undefined;
      if (c.case === 0 && c.ok) return c.value;
    }
  } finally {
    cancel();
  }
}
