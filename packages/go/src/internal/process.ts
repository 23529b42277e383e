// The listeners of this library to its process: one set, even if several copies of the library are
// loaded. For example, a development server loads its bundle again at each change.
//
// Invariants: the copy that was loaded last listens, and tells the others after itself. It holds
// them weakly, and the process holds only the last copy. The copies find each other by a global
// symbol.

import { host } from "./host.ts";

/** The reactions of a copy of the library to events of the process. */
export type Copy = Readonly<Record<string, (told: unknown) => void>>;

interface Registry {
  /** The copy that was loaded last comes first. */
  copies: WeakRef<Copy>[];
  release?: () => void;
}
const key: unique symbol = Symbol.for("@sluice/go: process, 1") as never;
const shared = host as { [key]?: Registry };

/**
 * Listens from now on, as a replacement for the copies that are loaded already. The caller must
 * hold `copy`.
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
