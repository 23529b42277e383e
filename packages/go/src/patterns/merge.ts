// merge: fan-in.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { stage } from "./stage.ts";

/** The values of all channels as they come, until all are closed. */
export function merge<T>(ctx: Context, ...inputs: readonly RecvChan<T>[]): RecvChan<T> {
  let next = 0;
  return stage<T>(ctx, inputs, { name: "merge", workers: Math.max(inputs.length, 1) }, async (s) => {
    const input = inputs[next++];
    if (input === undefined) return;
    for (;;) {
      const [value, ok] = await s.next(input);
      if (!ok) return;
      await s.emit(value);
    }
  });
}
