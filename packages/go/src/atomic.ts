// @sluice/go/atomic: values that are read and written in one step (after Go's sync/atomic).
//
// Numbers are in shared memory if the host has it, so that another thread can get the same cell. As
// in Go, `add` returns the new value. `swap`, `and` and `or` return the old one, and integers wrap
// at their width.

/** The memory of one cell, shared if the host has shared memory. */
function cell(bytes: number): ArrayBufferLike {
  return typeof SharedArrayBuffer === "undefined" ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
}

/** `In` is the type of arguments: if the cell holds bigints, whole numbers are allowed too. */
abstract class Atomic<
  N extends number | bigint,
  In extends number | bigint,
  A extends Int32Array | Uint32Array | BigInt64Array | BigUint64Array,
> {
  /** The memory of the number. */
  protected cell: A;

  constructor(memory: A, initial: In) {
    this.cell = memory;
    this.store(initial);
  }

  load(): N {
    return atomics.load(this.cell, 0) as N;
  }
  store(value: In): void {
    atomics.store(this.cell, 0, this.wrap(value));
  }
  /** Adds, and returns the new value. */
  add(delta: In): N {
    const change = this.wrap(delta);
    return this.wrap(((atomics.add(this.cell, 0, change) as bigint) + (change as bigint)) as unknown as In);
  }
  /** Stores, and returns the old value. */
  swap(value: In): N {
    return atomics.exchange(this.cell, 0, this.wrap(value)) as N;
  }
  /** Stores `next` if the value is `old`. Returns true if it was. */
  compareAndSwap(old: In, next: In): boolean {
    const expected = this.wrap(old);
    return atomics.compareExchange(this.cell, 0, expected, this.wrap(next)) === expected;
  }
  /** Bitwise and; returns the old value. */
  and(mask: In): N {
    return atomics.and(this.cell, 0, this.wrap(mask)) as N;
  }
  /** Bitwise or; returns the old value. */
  or(mask: In): N {
    return atomics.or(this.cell, 0, this.wrap(mask)) as N;
  }

  /** @internal The memory through which another thread gets the same number. */
  get memory(): ArrayBufferLike {
    return this.cell.buffer;
  }

  /** Converts a number to the cell's type. */
  protected abstract wrap(value: In): N;
}

export class Int32 extends Atomic<number, number, Int32Array> {
  constructor(initial = 0) {
    super(new Int32Array(cell(4)), initial);
  }
  /** @internal The number in this memory. */
  static at(memory: ArrayBufferLike): Int32 {
    const number = new Int32();
    number.cell = new Int32Array(memory);
    return number;
  }
  protected wrap(value: number): number {
    return value | 0;
  }
}

export class Uint32 extends Atomic<number, number, Uint32Array> {
  constructor(initial = 0) {
    super(new Uint32Array(cell(4)), initial);
  }
  /** @internal The number in this memory. */
  static at(memory: ArrayBufferLike): Uint32 {
    const number = new Uint32();
    number.cell = new Uint32Array(memory);
    return number;
  }
  protected wrap(value: number): number {
    return value >>> 0;
  }
}

/**
 * Returns bigints, and accepts whole numbers as well: `n.add(1)`. Throws a RangeError for other
 * numbers.
 */
export class Int64 extends Atomic<bigint, bigint | number, BigInt64Array> {
  constructor(initial: bigint | number = 0n) {
    super(new BigInt64Array(cell(8)), initial);
  }
  /** @internal The number in this memory. */
  static at(memory: ArrayBufferLike): Int64 {
    const number = new Int64();
    number.cell = new BigInt64Array(memory);
    return number;
  }
  protected wrap(value: bigint | number): bigint {
    return BigInt.asIntN(64, BigInt(value));
  }
}

/** Like {@link Int64}, without a sign. */
export class Uint64 extends Atomic<bigint, bigint | number, BigUint64Array> {
  constructor(initial: bigint | number = 0n) {
    super(new BigUint64Array(cell(8)), initial);
  }
  /** @internal The number in this memory. */
  static at(memory: ArrayBufferLike): Uint64 {
    const number = new Uint64();
    number.cell = new BigUint64Array(memory);
    return number;
  }
  protected wrap(value: bigint | number): bigint {
    return BigInt.asUintN(64, BigInt(value));
  }
}

export class Bool {
  #cell: Int32;

  constructor(initial = false) {
    this.#cell = new Int32(Number(initial));
  }
  /** @internal */
  get memory(): ArrayBufferLike {
    return this.#cell.memory;
  }
  /** @internal The value in this memory. */
  static at(memory: ArrayBufferLike): Bool {
    const bool = new Bool();
    bool.#cell = Int32.at(memory);
    return bool;
  }
  load(): boolean {
    return this.#cell.load() !== 0;
  }
  store(value: boolean): void {
    this.#cell.store(Number(value));
  }
  swap(value: boolean): boolean {
    return this.#cell.swap(Number(value)) !== 0;
  }
  compareAndSwap(old: boolean, next: boolean): boolean {
    return this.#cell.compareAndSwap(Number(old), Number(next));
  }
}

/**
 * A value of one type, which the first stored value decides: `typeof` for primitives, the
 * constructor for objects.
 */
export class Value<T extends {}> {
  #value: T | undefined = undefined;

  /** `undefined` before the first store. */
  load(): T | undefined {
    return this.#value;
  }

  /**
   * Throws for `undefined` and `null`, and for a value whose type differs from that of the values
   * before.
   */
  store(value: T): void {
    this.#check(value, "store");
    this.#value = value;
  }

  /** Stores, and returns the old value; `undefined` the first time. */
  swap(value: T): T | undefined {
    this.#check(value, "swap");
    const old = this.#value;
    this.#value = value;
    return old;
  }

  /**
   * Stores `next` if the value is `old` (by ===; `undefined` means an empty Value). Returns true if
   * it was.
   */
  compareAndSwap(old: T | undefined, next: T): boolean {
    if (next !== undefined && next !== null && old !== undefined && old !== null && typeOf(old) !== typeOf(next)) {
      throw new Error("sync/atomic: compare and swap of inconsistently typed values");
    }
    this.#check(next, "compare and swap");
    if (this.#value !== old) return false;
    this.#value = next;
    return true;
  }

  #check(value: T, operation: string): void {
    if ((value as T | null | undefined) === undefined || (value as T | null) === null) {
      throw new Error(`sync/atomic: ${operation} of nil value into Value`);
    }
    if (this.#value !== undefined && typeOf(this.#value) !== typeOf(value)) {
      throw new Error(`sync/atomic: ${operation} of inconsistently typed value into Value`);
    }
  }
}

function typeOf(value: {}): unknown {
  return typeof value === "object" ? value.constructor : typeof value;
}

/** `Atomics`, typed for all four arrays at once. */
interface AnyAtomics {
  load(cell: unknown, index: number): unknown;
  store(cell: unknown, index: number, value: unknown): unknown;
  add(cell: unknown, index: number, value: unknown): unknown;
  exchange(cell: unknown, index: number, value: unknown): unknown;
  compareExchange(cell: unknown, index: number, old: unknown, next: unknown): unknown;
  and(cell: unknown, index: number, value: unknown): unknown;
  or(cell: unknown, index: number, value: unknown): unknown;
}
const atomics = Atomics as unknown as AnyAtomics;
