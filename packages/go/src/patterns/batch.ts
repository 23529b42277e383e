// batch and unbatch: values in groups, by number or by time, and single again.

import type { Received, RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { recv, select } from "../select.ts";
import { after } from "../time.ts";
import type { Taken } from "./waiter.ts";
import { stage, type Stage } from "./stage.ts";

/**
 * Arrays of `size` values. With `ms`, an array is sent that many milliseconds after its first value
 * even if it is not full. When the input ends (or fails), the remaining values are sent too. An
 * empty array is never sent.
 */
export function batch<T>(ctx: Context, input: RecvChan<T>, size: number, ms?: number): RecvChan<T[]> {
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`batch: size must be at least 1, got ${size}`);
  if (ms !== undefined && !(ms > 0)) throw new RangeError(`batch: ms must be above 0, got ${ms}`);
  return stage<T[]>(ctx, [input], { name: "batch" }, async (s) => {
    let group: T[] = [];
    let due: RecvChan<Date> | undefined;
    try {
      for (;;) {
        const next = await nextOrDue(s, input, due);
        if (next !== undefined && !next[1]) break;
        if (next !== undefined) {
          group.push(next[0]);
          if (ms !== undefined && group.length === 1) due = after(ms);
          if (group.length < size) continue;
        }
        const full = group;
        group = [];
        due = undefined;
        await s.emit(full);
      }
    } catch (error) {
      // The input failed, but its values so far are still valid. (If the stage stops, emit rejects
      // too.)
      if (group.length > 0 && s.ctx.err() === undefined) await s.emit(group);
      throw error;
    }
    if (group.length > 0) await s.emit(group);
  });
}

/** The members of each group, one at a time. */
export function unbatch<T>(ctx: Context, input: RecvChan<Iterable<T>>): RecvChan<T> {
  return stage<T>(ctx, [input], { name: "unbatch" }, async (s) => {
    for (;;) {
      const [group, ok] = await s.next(input);
      if (!ok) return;
      for (const value of group) await s.emit(value);
    }
  });
}

/** The next value; `undefined` if the group is due first. */
async function nextOrDue<T>(
  s: Stage<T[]>,
  input: RecvChan<T>,
  due: RecvChan<Date> | undefined,
): Promise<Received<T> | Taken<T> | undefined> {
  if (due === undefined) return s.next(input);
  const c = await select([recv(input), recv(due), recv(s.ctx.done())]);
  if (c.case === 2) throw s.ctx.err() as Error;
  if (c.case === 1) return undefined;
  return c.ok ? [c.value, true] : [undefined, false];
}
