// hedge: another request when the first one is slow (after "The Tail at Scale", Dean and Barroso,
// 2013).

import { type Context, withCancel } from "../context.ts";
import { Channel } from "../internal/channel.ts";
import { spawn } from "../internal/launch.ts";
import { restoreAfter } from "../internal/sched.ts";
import { recv, select } from "../select.ts";
import { after } from "../time.ts";

/** The options of {@link hedge}. */
export interface HedgeOptions {
  /** Milliseconds without an answer until the next request starts. */
  readonly ms: number;
  /** The most requests; 2 by default. */
  readonly requests?: number | undefined;
}

type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/**
 * Calls fn, and calls it once more whenever `ms` milliseconds have passed without an answer, and at
 * once if a call has failed. Returns the first answer and cancels the others' context, without
 * waiting for them. So use it only for calls that may safely happen twice. Rejects with an
 * AggregateError if all have failed, and with `ctx.err()` if ctx is done first. `attempt` counts
 * from 1.
 */
export function hedge<T>(
  ctx: Context,
  fn: (ctx: Context, attempt: number) => T | PromiseLike<T>,
  { ms, requests = 2 }: HedgeOptions,
): Promise<T> {
  if (!(ms >= 0)) throw new RangeError(`hedge: ms must be at least 0, got ${ms}`);
  if (!Number.isInteger(requests) || requests < 1) {
    throw new RangeError(`hedge: requests must be a whole number from 1 on, got ${requests}`);
  }
  return restoreAfter(firstOf(ctx, fn, ms, requests));
}

async function firstOf<T>(
  ctx: Context,
  fn: (ctx: Context, attempt: number) => T | PromiseLike<T>,
  ms: number,
  requests: number,
): Promise<T> {
  const [running, cancel] = withCancel(ctx);
  const answers = new Channel<Answer<T>>(requests);
  const errors: unknown[] = [];
  let started = 0;
  const start = (): void => {
    const attempt = ++started;
    const ask = async (): Promise<void> => {
      answers.trySend({ ok: true, value: await fn(running, attempt) });
    };
    const lost = (error: unknown): void => void answers.trySend({ ok: false, error });
    spawn(ask, [], {
      ended: (_, goexit) => goexit && lost(new Error("hedge: a function called Goexit")),
      failed: lost,
    });
  };
  try {
    const err = ctx.err();
    if (err !== undefined) throw err;
    for (start(); ;) {
      const slow = started < requests ? after(ms) : undefined;
      const c = await select([recv(answers), recv(slow), recv(ctx.done())]);
      if (c.case === 2) throw ctx.err() as Error;
      if (c.case === 0 && c.ok) {
        if (c.value.ok) return c.value.value;
        errors.push(c.value.error);
        if (errors.length === requests) throw new AggregateError(errors, `hedge: all ${requests} failed`);
      }
      if (started < requests) start();
    }
  } finally {
    cancel();
  }
}
