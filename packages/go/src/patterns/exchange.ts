// The wait of a stage that takes values although its reader has not taken the last results. It
// waits for the first of these: a value, a moment, space in the output, or the stage's stop.

import type { RecvChan } from "../chan.ts";
import { completedWith } from "../internal/sched.ts";
import { recv, select, send } from "../select.ts";
import type { Stage } from "./stage.ts";

/** The event that came first. */
export type Happened<T> = { readonly what: "value"; readonly value: T } | { readonly what: "end" | "due" | "sent" };

/**
 * The events to wait for in addition to the stage's stop. The stage does not wait for those that
 * are `undefined`.
 */
export interface Awaited<T, R> {
  readonly input: RecvChan<T> | undefined;
  /** A moment: any receive from it. */
  readonly due?: RecvChan<unknown> | undefined;
  /** A result to send. */
  readonly offer?: { readonly value: R } | undefined;
}

/** Waits for the first of these. Rejects when the stage has to stop, and with the input's error. */
export async function exchange<T, R>(s: Stage<R>, { input, due, offer }: Awaited<T, R>): Promise<Happened<T>> {
  if (offer === undefined && input !== undefined) {
    // A value that is already there needs no select. An event that is due goes first, or a busy
    // input would delay it.
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

/**
 * Runs `take` until it returns. Then `flush` sends the remaining values, also if the input failed.
 */
export async function untilEnd<R>(s: Stage<R>, take: () => Promise<void>, flush: () => Promise<void>): Promise<void> {
  try {
    await take();
  } catch (error) {
    // The input failed, but its values so far are still valid.
    if (s.ctx.err() === undefined) await flush();
    throw error;
  }
  await flush();
}
