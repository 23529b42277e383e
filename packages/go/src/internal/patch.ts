// Wraps a method of a class. Diagnostics use this for operations of primitives that do not call the
// observer themselves.

/** Replaces a method. `wrap` gets the present one, which another diagnostic may have installed. */
export function around<O extends object, K extends keyof O>(prototype: O, name: K, wrap: (method: O[K]) => O[K]): void {
  const method = prototype[name];
  Object.defineProperty(prototype, name, { value: wrap(method), writable: true, configurable: true });
}
