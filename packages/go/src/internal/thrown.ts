// The kinds of things that are thrown: a panic, a Goexit, or a chain of them.
//
// In Go a deferred call may panic while another panic is in progress, or recover it and panic
// again. The report shows the chain, oldest first. Of a Goexit and a panic the later one counts.
// Here, the disposal of a `using` corresponds to a deferred call. If it throws while something else
// is in progress, both arrive as a SuppressedError, with the later one as `error`. The handler of
// `recoverable` corresponds to recover.

/**
 * The value that `goexit` throws, in every copy of the library. It is not an Error, so code that
 * catches errors by class lets it pass. It is a string and not a symbol, because every host prints
 * a string if nobody catches it.
 */
export const exitSignal = "goexit outside of go and main";

/** True if the thrown value means that the goroutine called Goexit, maybe during a panic. */
export function isGoexit(thrown: unknown): boolean {
  try {
    let last = thrown;
    while (isSuppressed(last)) last = last.error;
    return last === exitSignal;
  } catch {
    return false; // a proxy that refuses to be inspected
  }
}

/** True if it is `Canceled` or `DeadlineExceeded`, of any copy of the library. */
export function isCancellation(thrown: unknown): boolean {
  return thrown instanceof Error && /^context (canceled|deadline exceeded)$/.test(thrown.message);
}

export interface Link {
  readonly value: unknown;
  /** The end of the panic, as Go prints it. */
  readonly fate: "" | " [recovered]" | " [recovered, repanicked]";
}

/** For each value that a handler threw: the value that it had been given, which may be the same. */
const recoveries = new WeakMap<object, unknown>();

/** A handler that was given `first` throws `next`. */
export function repanicked(first: unknown, next: unknown): void {
  if (typeof next === "object" && next !== null) recoveries.set(next, first);
}

/**
 * The panics that `thrown` consists of, oldest first. A Goexit among them does not count any more.
 */
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

/**
 * The check uses the name: if the engine has no SuppressedError, TypeScript's output makes an Error
 * of that name.
 */
function isSuppressed(thrown: unknown): thrown is Suppressed {
  return thrown instanceof Error && thrown.name === "SuppressedError";
}
