// Proof by garbage collection that nothing can wake a goroutine any more (after the goroutine leak
// profile of Go 1.26).
//
// Only the reactions of a goroutine's promise hold the function that ends it. Only the suspended
// goroutine holds these reactions. And it is reachable only from things that may resume it: a
// channel's queue, a timer, a callback of the host. If a full collection has taken that function,
// the goroutine waits for ever, whatever it waits on.
//
// The proof is never wrong, but it is not complete. A goroutine is not accused if a global, a
// living closure or a goroutine that can still continue holds it. That is so even if they will
// never use it. (All closures made in one scope hold every variable that any of them uses.)
//
// The proof works only for goroutines that began while stacks were recorded. It costs a program
// nothing unless it asks for it.

import { capture } from "./channel.ts";
import type { Goroutine } from "./goroutine.ts";
import { nameAll } from "./names.ts";

/** True if the last collection has proved that nothing can resume the goroutine. */
export function isLeaked(g: Goroutine): boolean {
  const life = g.notes?.life;
  return life !== undefined && life.deref() === undefined;
}

/**
 * Collects all garbage. An object that was read through a weak reference in this turn of the event
 * loop stays until its end.
 */
export function collect(): void {
  // The last promise that was captured is still held. A new one replaces it.
  void new Promise<void>(capture);
  nameAll(true);
  collector()();
}

/** Collects all garbage in a separate turn of the event loop. */
export async function collectSoon(): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, 0);
  });
  collect();
}

interface Host {
  gc?: () => void;
  Bun?: { gc: (full: boolean) => void };
  process?: { getBuiltinModule?: (id: string) => unknown };
}

/** The engine's collector. Throws if it cannot be called. In Node, Deno and Bun it always can. */
function collector(): () => void {
  const { gc, Bun, process } = globalThis as Host;
  if (gc !== undefined) return gc;
  if (Bun !== undefined) return () => Bun.gc(true);
  const v8 = process?.getBuiltinModule?.("node:v8") as { setFlagsFromString: (flags: string) => void } | undefined;
  const vm = process?.getBuiltinModule?.("node:vm") as { runInNewContext: (code: string) => unknown } | undefined;
  if (v8 === undefined || vm === undefined) {
    throw new Error(
      "leak: a proof needs the garbage collector, which cannot be called here: start the engine with --expose-gc",
    );
  }
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc") as () => void;
}
