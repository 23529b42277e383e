// A method that was passed on without its object, as in `defer(wg.done)`: JavaScript has forgotten the object by then.

/** Throws, in words, if a method was called without its object; `how` is what to write instead. */
export function expectAttached(self: unknown, method: string, how: string): void {
  if (self === undefined) throw detachedError(method, how);
}

export function detachedError(method: string, how: string): TypeError {
  return new TypeError(`${method} was called without its object: pass ${how} on`);
}
