// The check for a method that was passed on without its object, as in `defer(wg.done)`. JavaScript
// has lost the object by then.

/**
 * Throws an error in words if a method was called without its object. `method` is the method's
 * name, as in `wg.done`.
 */
export function expectAttached(self: unknown, method: string): void {
  if (self === undefined) detached(method);
}

/** The error in words. A method that takes a few nanoseconds makes the comparison itself. */
export function detached(method: string): never {
  throw new TypeError(`${method} was called without its object: pass (...v) => ${method}(...v) on`);
}
