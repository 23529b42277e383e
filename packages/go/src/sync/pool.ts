// Pool: values for reuse, at the collector's mercy (after Go's sync/pool.go).
//
// Invariants: a value is handed out once for each time it is put back. Values survive one garbage collection (as victims)
// and are gone after the second, so a pool holds no more than its recent use.

export interface Pool<T> {
  /** Any value of the pool, taken out of it; where it has none, a new one. */
  get(): T;
  /** Puts a value in; `undefined` and `null` are ignored. Nobody may use it afterwards but the one who gets it. */
  put(value: T): void;
}

class PoolImpl<T> implements Pool<T | undefined> {
  readonly #make: (() => T) | undefined;
  #items: T[] = [];
  #victims: T[] = [];
  #watching = false;

  constructor(make?: () => T) {
    this.#make = make;
  }

  get(): T | undefined {
    if (this.#items.length > 0) return this.#items.pop();
    if (this.#victims.length > 0) return this.#victims.pop();
    return this.#make?.();
  }

  put(value: T | undefined): void {
    if (value === undefined || value === null) return;
    this.#items.push(value);
    if (this.#watching) return;
    this.#watching = true;
    watch(new WeakRef(this));
  }

  /** A garbage collection took place. Tells whether to go on watching. */
  collected(): boolean {
    this.#victims = this.#items;
    this.#items = [];
    this.#watching = this.#victims.length > 0;
    return this.#watching;
  }
}

/** `make` gives a value where the pool has none; without it `get` gives `undefined` then. */
export const Pool: {
  new <T>(make: () => T): Pool<T>;
  new <T>(make?: undefined): Pool<T | undefined>;
} = PoolImpl;

// An object nobody holds is gone with the next collection, which is how a collection is noticed.
const collections: FinalizationRegistry<WeakRef<PoolImpl<unknown>>> = new FinalizationRegistry((pool) => {
  if (pool.deref()?.collected() === true) watch(pool);
});

function watch(pool: WeakRef<PoolImpl<unknown>>): void {
  collections.register({}, pool);
}
