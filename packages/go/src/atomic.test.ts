import { describe, expect, it } from "vitest";
import { Bool, Int32, Int64, Uint32, Uint64, Value } from "./atomic.ts";

describe("the integers", () => {
  it("C68 add gives the new value; swap, and, or give the old one", () => {
    const n = new Int32(6);
    expect([n.add(4), n.swap(12), n.and(10), n.or(1), n.load()]).toEqual([10, 10, 12, 8, 9]);
    const big = new Int64(6n);
    expect([big.add(4n), big.swap(12n), big.and(10n), big.or(1n), big.load()]).toEqual([10n, 10n, 12n, 8n, 9n]);
  });

  it("C69 compareAndSwap writes only on a match", () => {
    const n = new Uint64(3n);
    expect([n.compareAndSwap(2n, 9n), n.load(), n.compareAndSwap(3n, 9n), n.load()]).toEqual([false, 3n, true, 9n]);
    const u = new Uint32(0xffffffff);
    expect([u.compareAndSwap(0xffffffff, 1), u.load()]).toEqual([true, 1]);
  });

  it("C70 C71 start at zero and wrap at their width", () => {
    expect([new Int32().load(), new Uint64().load()]).toEqual([0, 0n]);
    expect(new Int32(2 ** 31 - 1).add(1)).toBe(-(2 ** 31));
    expect(new Uint32(0).add(-1)).toBe(2 ** 32 - 1);
    expect(new Int64(2n ** 63n - 1n).add(1n)).toBe(-(2n ** 63n));
    expect(new Uint64(0n).add(-1n)).toBe(2n ** 64n - 1n);
  });
});

describe("the 64-bit integers", () => {
  it("take whole numbers as well as bigints, and give bigints", () => {
    const n = new Int64(5);
    expect([n.add(1), n.swap(-2), n.compareAndSwap(-2, 7), n.and(6), n.or(8), n.load()]).toEqual([
      6n,
      6n,
      true,
      7n,
      6n,
      14n,
    ]);
    n.store(2 ** 40);
    expect(n.load()).toBe(2n ** 40n);
    expect(new Uint64(1).add(-2)).toBe(2n ** 64n - 1n);
    expect(() => n.add(1.5)).toThrow(RangeError);
  });
});

describe("Bool", () => {
  it("C69 C71 holds a truth", () => {
    const b = new Bool();
    expect([b.load(), b.swap(true), b.compareAndSwap(false, true), b.compareAndSwap(true, false), b.load()]).toEqual([
      false,
      false,
      false,
      true,
      false,
    ]);
    b.store(true);
    expect(b.load()).toBe(true);
  });
});

describe("Value", () => {
  it("C74 C75 holds values of one type and no nil", () => {
    const v = new Value<{}>();
    expect(v.load()).toBeUndefined();
    expect(() => v.store(undefined as never)).toThrow(/^sync\/atomic: store of nil value into Value$/);
    v.store("a");
    expect(() => v.store(1)).toThrow(/^sync\/atomic: store of inconsistently typed value into Value$/);
    v.store("b");
    expect(v.load()).toBe("b");
  });

  it("C76 swap", () => {
    const v = new Value<{}>();
    expect(() => v.swap(undefined as never)).toThrow(/^sync\/atomic: swap of nil value into Value$/);
    expect([v.swap(new Map()), v.load() instanceof Map]).toEqual([undefined, true]);
    expect(() => v.swap(new Set())).toThrow(/^sync\/atomic: swap of inconsistently typed value into Value$/);
  });

  it("C77 compareAndSwap", () => {
    const v = new Value<{}>();
    expect(() => v.compareAndSwap(1, undefined as never)).toThrow(
      /^sync\/atomic: compare and swap of nil value into Value$/,
    );
    expect(() => v.compareAndSwap(1, "a")).toThrow(/^sync\/atomic: compare and swap of inconsistently typed values$/);
    expect([v.compareAndSwap(1, 2), v.compareAndSwap(undefined, 1), v.compareAndSwap(1, 2), v.load()]).toEqual([
      false,
      true,
      true,
      2,
    ]);
    expect(() => v.compareAndSwap("a", "b")).toThrow(
      /^sync\/atomic: compare and swap of inconsistently typed value into Value$/,
    );
  });
});
