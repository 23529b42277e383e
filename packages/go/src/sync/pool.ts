// Pool: values for reuse, which the garbage collector may take (after Go's sync/pool.go).
//
// Invariants: each value that is put in is handed out at most once. Values survive one garbage
// collection (as victims) and are gone after the second, so a pool holds no more than it has used
// recently.

export interface Pool<T> {
  /** Takes any value out of the pool. If the pool is empty, it returns a new one. */
  get(): T;
  /**
   * Puts a value in; `undefined` and `null` are ignored. After this call only the goroutine that
   * gets the value may use it.
   */
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
    return this.#items.pop() ?? this.#victims.pop() ?? this.#make?.();
  }

  put(value: T | undefined): void {
    if (value === undefined || value === null) return;
    this.#items.push(value);
    if (this.#watching) return;
    this.#watching = true;
    watch(new WeakRef(this));
  }

  /** Called after a garbage collection. Returns true to continue watching. */
  collected(): boolean {
    this.#victims = this.#items;
    this.#items = [];
    this.#watching = this.#victims.length > 0;
    return this.#watching;
  }
}

/** `make` returns a new value if the pool is empty. Without it `get` returns `undefined` then. */
export const Pool: {
  new <T>(make: () => T): Pool<T>;
  new <T>(make?: undefined): Pool<T | undefined>;
} = PoolImpl;

// An object that nobody holds is gone with the next collection. That shows that a collection took
// place.
const collections: FinalizationRegistry<WeakRef<PoolImpl<unknown>>> = new FinalizationRegistry((pool) => {
  if (pool.deref()?.collected() === true) watch(pool);
});

function watch(pool: WeakRef<PoolImpl<unknown>>): void {
  collections.register({}, pool);
}
