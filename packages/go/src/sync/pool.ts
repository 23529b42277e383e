// Pool: values for reuse, at the collector's mercy (after Go's sync/pool.go).
//
// Invariants: a value is handed out once for each time it is put back. Values survive one garbage collection (as victims)
// and are gone after the second, so a pool holds no more than its recent use.

export class Pool<T> {
  readonly #make: (() => T) | undefined;
  #items: T[] = [];
  #victims: T[] = [];
  #watching = false;

  /** `make` gives a value where the pool has none; without it `get` gives `undefined` then. */
  constructor(...make: [make?: () => T]) {
    this.#make = make[0];
  }

  /** Any value of the pool, taken out of it. */
  get(): T | undefined {
    if (this.#items.length > 0) return this.#items.pop();
    if (this.#victims.length > 0) return this.#victims.pop();
    return this.#make?.();
  }

  /** Puts a value in; `undefined` and `null` are ignored. Nobody may use it afterwards but the one who gets it. */
  put(value: T): void {
    if (value === undefined || value === null) return;
    this.#items.push(value);
    if (this.#watching) return;
    this.#watching = true;
    watch(new WeakRef(this));
  }

  /** @internal A garbage collection took place. Tells whether to go on watching. */
  collected(): boolean {
    this.#victims = this.#items;
    this.#items = [];
    this.#watching = this.#victims.length > 0;
    return this.#watching;
  }
}

// An object nobody holds is gone with the next collection, which is how a collection is noticed.
const collections: FinalizationRegistry<WeakRef<Pool<unknown>>> = new FinalizationRegistry((pool) => {
  if (pool.deref()?.collected() === true) watch(pool);
});

function watch(pool: WeakRef<Pool<unknown>>): void {
  collections.register({}, pool);
}
