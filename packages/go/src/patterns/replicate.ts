// replicate: sends the same request to several services, and the first answer wins.

import { type Context, withCancel } from "../context.ts";
import { Channel } from "../internal/channel.ts";
import { spawn } from "../internal/launch.ts";
import { restoreAfter } from "../internal/sched.ts";
import { recv, select } from "../select.ts";

/**
 * Runs fn n times at once. Returns the first answer and cancels the others' context, without
 * waiting for them. Rejects with an AggregateError if all have failed, and with `ctx.err()` if ctx
 * is done first.
 */
export function replicate<T>(
  ctx: Context,
  n: number,
  fn: (ctx: Context, index: number) => T | PromiseLike<T>,
): Promise<T> {
  return restoreAfter(firstOf(ctx, n, fn));
}

async function firstOf<T>(
  ctx: Context,
  n: number,
  fn: (ctx: Context, index: number) => T | PromiseLike<T>,
): Promise<T> {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(`replicate: n must be at least 1, got ${n}`);
  const [running, cancel] = withCancel(ctx);
  const answers = new Channel<{ readonly value: T }>(n);
  const errors: unknown[] = [];
  const failed = new Channel<never>(0);
  const lost = (error: unknown): void => {
    if (errors.push(error) === n) failed.close();
  };
  for (let i = 0; i < n; i++) {
    const ask = async (): Promise<void> => {
      const value = await fn(running, i);
      answers.trySend({ value });
    };
    spawn(ask, [], {
      ended: (_, goexit) => goexit && lost(new Error("replicate: a function called Goexit")),
      failed: lost,
    });
  }
  const c = await select({ answer: recv(answers), failed: recv(failed), done: recv(ctx.done()) });
  cancel();
  if (c.case === "answer" && c.ok) return c.value.value;
  if (c.case === "done") throw ctx.err() as Error;
  throw new AggregateError(errors, `replicate: all ${n} failed`);
}
