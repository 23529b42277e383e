// SyncMap: Go's sync.Map. With one thread it needs no lock. It adds to Map the compound operations,
// and a `range` that allows any change while it runs.

export class SyncMap<K, V> {
  readonly #map = new Map<K, V>();

  /** `[value, true]`, or `[undefined, false]` if the key is absent. */
  load(key: K): [value: V, ok: true] | [value: undefined, ok: false] {
    if (!this.#map.has(key)) return [undefined, false];
    const value = this.#map.get(key) as V;
    return [value, true];
  }

  store(key: K, value: V): void {
    this.#map.set(key, value);
  }

  /**
   * Returns the present value and `true`. If the key is absent, stores the given value and returns
   * it with `false`.
   */
  loadOrStore(key: K, value: V): [actual: V, loaded: boolean] {
    const found = this.load(key);
    if (found[1]) return found;
    this.#map.set(key, value);
    return [value, false];
  }

  /** Removes the key and returns its value. */
  loadAndDelete(key: K): [value: V, loaded: true] | [value: undefined, loaded: false] {
    const found = this.load(key);
    this.#map.delete(key);
    return found;
  }

  delete(key: K): void {
    this.#map.delete(key);
  }

  /** Stores the value and returns the previous one. */
  swap(key: K, value: V): [previous: V, loaded: true] | [previous: undefined, loaded: false] {
    const found = this.load(key);
    this.#map.set(key, value);
    return found;
  }

  /** Stores `next` if the key has the value `old` (by ===). */
  compareAndSwap(key: K, old: V, next: V): boolean {
    const same = this.#holds(key, old);
    if (same) this.#map.set(key, next);
    return same;
  }

  /** Removes the key if it has the value `old` (by ===). */
  compareAndDelete(key: K, old: V): boolean {
    return this.#holds(key, old) && this.#map.delete(key);
  }

  /**
   * Calls fn for each key that is there when its turn comes, at most once, until fn returns
   * `false`. fn may change the map.
   */
  range(fn: (key: K, value: V) => boolean | void): void {
    // A plain iteration would visit a key twice if fn deletes it and then stores it again.
    for (const key of Array.from(this.#map.keys())) {
      if (this.#map.has(key) && fn(key, this.#map.get(key) as V) === false) return;
    }
  }

  clear(): void {
    this.#map.clear();
  }

  #holds(key: K, value: V): boolean {
    return this.#map.has(key) && this.#map.get(key) === value;
  }
}
