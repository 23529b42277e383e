// transfer: confinement. A value that is handed over belongs only to the receiver.

const moved = new WeakSet<object>();

/**
 * Hands a value over: returns a new value with all of its contents, and makes the caller's
 * reference unusable. Buffers are moved and not copied: the caller's buffers have length 0
 * afterwards. A plain object or array that was handed over throws at each use of its contents. Send
 * the result: `await ch.send(transfer(bytes))`. Numbers, strings and the like are returned
 * unchanged.
 */
export function transfer<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  const found: Found = { buffers: [], containers: [], seen: new Set() };
  search(value, found);
  const copy = structuredClone(value, { transfer: found.buffers as never });
  const copied: Found = { buffers: [], containers: [], seen: new Set() };
  search(copy, copied);
  for (const buffer of copied.buffers) moved.add(buffer);
  for (const container of found.containers) kill(container);
  return copy;
}

/** True if a buffer came from `transfer`, so that sending it moves it. */
export function isTransferred(buffer: object): boolean {
  return moved.has(buffer);
}

interface Found {
  readonly buffers: object[];
  readonly containers: object[];
  readonly seen: Set<object>;
}

function search(value: unknown, found: Found): void {
  if (typeof value !== "object" || value === null || found.seen.has(value)) return;
  found.seen.add(value);
  if (ArrayBuffer.isView(value)) search(value.buffer, found);
  else if (value instanceof ArrayBuffer || isPort(value)) found.buffers.push(value);
  else if (value instanceof Map)
    for (const pair of value as Map<unknown, unknown>) pair.forEach((v) => search(v, found));
  else if (value instanceof Set) for (const member of value as Set<unknown>) search(member, found);
  else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) {
    found.containers.push(value);
    for (const each of Object.values(value)) search(each, found);
  }
}

/** True for the host's classes whose objects can be moved and not copied. */
export function isPort(value: object): boolean {
  return /^(MessagePort|ReadableStream|WritableStream|TransformStream)$/.test(value.constructor?.name ?? "");
}

/** Makes each further use of the container throw. */
function kill(container: object): void {
  for (const key of Object.keys(container)) {
    const used = (): never => {
      throw new Error(`.${key} was used after transfer: the value belongs to its receiver now`);
    };
    Reflect.defineProperty(container, key, { get: used, set: used, enumerable: true, configurable: false });
  }
}
