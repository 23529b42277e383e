// What a stage does that takes values in while its reader has not taken the last ones: it waits for
// whatever comes first, a value, a moment, room in the output, or its stop.

import type { RecvChan } from "../chan.ts";
import { completedWith } from "../internal/sched.ts";
import { recv, select, send } from "../select.ts";
import type { Stage } from "./stage.ts";

/** What came first. */
export type Happened<T> = { readonly what: "value"; readonly value: T } | { readonly what: "end" | "due" | "sent" };

/** What to wait for besides the stage's stop; nothing of `undefined`. */
export interface Awaited<T, R> {
  readonly input: RecvChan<T> | undefined;
  /** A moment: any receive from it. */
  readonly due?: RecvChan<unknown> | undefined;
  /** A result to send. */
  readonly offer?: { readonly value: R } | undefined;
}

/** Waits for the first of these. Rejects when the stage is to stop, and with the input's error. */
export async function exchange<T, R>(s: Stage<R>, { input, due, offer }: Awaited<T, R>): Promise<Happened<T>> {
  if (offer === undefined && input !== undefined) {
    // A value that is there already needs no select. What is due goes first, or a busy input would hold it up.
    if (due?.tryRecv().ready === true) return completedWith({ what: "due" });
    const taken = s.tryNext(input);
    if (taken !== undefined) return completedWith(taken[1] ? { what: "value", value: taken[0] } : { what: "end" });
  }
  const c = await select([
    recv(s.ctx.done()),
    recv(input),
    recv(due),
    send(offer === undefined ? undefined : s.output, offer?.value as R),
  ]);
  if (c.case === 0) throw s.ctx.err() as Error;
  if (c.case === 1) return c.ok ? { what: "value", value: c.value } : { what: "end" };
  return { what: c.case === 2 ? "due" : "sent" };
}

/** Runs `take` until it returns; `flush` then sends what is left, also if the input failed. */
export async function untilEnd<R>(s: Stage<R>, take: () => Promise<void>, flush: () => Promise<void>): Promise<void> {
  try {
    await take();
  } catch (error) {
    // The input failed: its values so far are worth as much as before.
    if (s.ctx.err() === undefined) await flush();
    throw error;
  }
  await flush();
}
