// What this library listens to of its process: one set of listeners, however many copies of the
// library are loaded. For example, a development server evaluates its bundle anew at each change.
//
// Invariants: the copy that came last listens and tells the others, after itself. It holds them
// weakly, and the process holds nothing of a copy but the last: the copies find each other by a
// global symbol.

import { host } from "./host.ts";

/** What a copy of the library does at events of the process. */
export type Copy = Readonly<Record<string, (told: unknown) => void>>;

interface Registry {
  /** The last one first. */
  copies: WeakRef<Copy>[];
  release?: () => void;
}
const key: unique symbol = Symbol.for("@sluice/go: process, 1") as never;
const shared = globalThis as { [key]?: Registry };

/**
 * Listens from now on, in the place of the copies that are loaded already. `copy` must be held by
 * its caller.
 */
export function listen(copy: Copy): void {
  const registry = (shared[key] ??= { copies: [] });
  registry.release?.();
  const alive = registry.copies.filter((ref) => ref.deref());
  registry.copies = [new WeakRef(copy), ...alive];
  const change: (() => void)[] = [];
  for (const event in copy) {
    const tell = (told?: unknown): void => registry.copies.forEach((ref) => ref.deref()?.[event]?.(told));
    host.process?.on?.(event, tell);
    change.push(() => host.process?.off?.(event, tell));
  }
  registry.release = () => change.forEach((off) => off());
}
