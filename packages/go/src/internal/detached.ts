// A method that was passed on without its object, as in `defer(wg.done)`: JavaScript has forgotten the object by then.

/** Throws, in words, if a method was called without its object; `method` is as in `wg.done`. */
export function expectAttached(self: unknown, method: string): void {
  if (self === undefined) {
    throw new TypeError(`${method} was called without its object: pass (...v) => ${method}(...v) on`);
  }
}
