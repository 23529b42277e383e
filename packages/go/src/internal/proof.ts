// Proof by garbage collection that nothing can wake a goroutine any more (after the goroutine leak profile of Go 1.26).
//
// What ends a goroutine is held by the reactions of its promise alone, and these by its suspended function, which only
// what may resume it can reach: a channel's queue, a timer, a host's callback. Once a full collection has taken it, the
// goroutine waits for ever, whatever it waits on. The proof is never wrong; it is not complete: what a global, a living
// closure or a goroutine that can still go on holds is not accused, even if nobody will ever use it. (All closures made in
// one scope hold all of its variables that any of them uses.)
//
// Known only of goroutines that began while stacks were recorded. Nothing here costs a program that does not ask.

import { capture } from "./channel.ts";
import type { Goroutine } from "./goroutine.ts";
import { nameAll } from "./names.ts";

/** Whether the last collection has proved that nothing can resume the goroutine. */
export function isLeaked(g: Goroutine): boolean {
  const life = g.notes?.life;
  return life !== undefined && life.deref() === undefined;
}

/** Collects all garbage. What was seen through a weak reference in this turn of the event loop stays until its end. */
export function collect(): void {
  // The promise that was captured last is still held; a new one takes its place.
  void new Promise<void>(capture);
  nameAll(true);
  collector()();
}

/** The same in a turn of its own. */
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

/** The engine's collector. Throws where it cannot be called; in Node, Deno and Bun it always can. */
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
