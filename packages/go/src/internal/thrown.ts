// What was thrown: a panic, a Goexit, or a chain of them.
//
// In Go a deferred call may panic while a panic is on its way, or recover it and panic again; the report shows the chain,
// oldest first. Of a Goexit and a panic the later one counts. What is like a deferred call here is the disposal of a
// `using`: when it throws while something else is on its way, both arrive as a SuppressedError, the later one as `error`.
// What is like recover is the handler of `recoverable`.

/**
 * What `goexit` throws, in every copy of the library. Not an Error: code that catches errors by class lets it pass. A
 * string, and not a symbol: that is what every host prints where nobody catches it.
 */
export const exitSignal = "goexit outside of go and main";

/** Whether what a goroutine threw means that it called Goexit, maybe while a panic was on its way. */
export function isGoexit(thrown: unknown): boolean {
  try {
    let last = thrown;
    while (isSuppressed(last)) last = last.error;
    return last === exitSignal;
  } catch {
    return false; // a proxy that does not let itself be looked at
  }
}

/** Whether it is `Canceled` or `DeadlineExceeded`, of any copy of the library. */
export function isCancellation(thrown: unknown): boolean {
  return thrown instanceof Error && /^context (canceled|deadline exceeded)$/.test(thrown.message);
}

export interface Link {
  readonly value: unknown;
  /** What became of it, as Go prints it. */
  readonly fate: "" | " [recovered]" | " [recovered, repanicked]";
}

/** What each handler threw after it had been given something else, or the same again. */
const recoveries = new WeakMap<object, unknown>();

/** A handler that was given `first` throws `next`. */
export function repanicked(first: unknown, next: unknown): void {
  if (typeof next === "object" && next !== null) recoveries.set(next, first);
}

/** The panics that `thrown` is made of, oldest first. A Goexit among them is over and done with. */
export function chain(thrown: unknown, seen: Set<unknown> = new Set()): Link[] {
  if (thrown === exitSignal) return [];
  const again = seen.has(thrown);
  seen.add(thrown);
  if (!again && isSuppressed(thrown)) return [...chain(thrown.suppressed, seen), ...chain(thrown.error, seen)];
  if (again || !recoveries.has(thrown as object)) return [{ value: thrown, fate: "" }];
  const first = recoveries.get(thrown as object);
  if (first === thrown) return [{ value: thrown, fate: " [recovered, repanicked]" }];
  const before = chain(first, seen).map((link) => ({ ...link, fate: link.fate || (" [recovered]" as const) }));
  return [...before, { value: thrown, fate: "" }];
}

interface Suppressed {
  readonly error: unknown;
  readonly suppressed: unknown;
}

/** By name: where the engine has no SuppressedError, TypeScript's output makes an Error of that name. */
function isSuppressed(thrown: unknown): thrown is Suppressed {
  return thrown instanceof Error && thrown.name === "SuppressedError";
}
