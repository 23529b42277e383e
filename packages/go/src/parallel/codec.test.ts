import fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { decode, encode } from "./codec.ts";

function round(...values: unknown[]): unknown[] {
  const { bytes, length, extras } = encode(values, (i) => `value ${i}`);
  return decode(bytes.slice(0, length), extras);
}

describe("the codec", () => {
  it("gives what structured clone gives, for values of every kind", () => {
    const values = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withUnicodeString: true,
    } as fc.ObjectConstraints);
    fc.assert(
      fc.property(values, (value) => {
        // Objects without a prototype get the usual one, in both.
        expect(isDeepStrictEqual(round(value)[0], structuredClone(value))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("takes a map whose key cannot become a text", () => {
    const map = new Map([[{ toString: false }, 1]]);
    expect(round(map)).toEqual([map]);
  });

  it("takes every number", () => {
    fc.assert(fc.property(fc.oneof(fc.double(), fc.integer()), (n) => Object.is(round(n)[0], n)));
    expect(round(-0, Number.NaN, -(2 ** 31), 2 ** 31, 2 ** 53)).toEqual([-0, Number.NaN, -(2 ** 31), 2 ** 31, 2 ** 53]);
  });

  it("takes every string, of any length", () => {
    const texts = ["", "a", "é", "語", "\ud800", "x".repeat(300), "é語😀".repeat(300), "\udc00x".repeat(300)];
    expect(round(...texts)).toEqual(texts);
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 600 }), (text) => round(text)[0] === text),
      { numRuns: 50 },
    );
  });

  it("keeps which objects are the same, and cycles", () => {
    const shared = { n: 1 };
    const cycle: unknown[] = [shared, shared];
    cycle.push(cycle);
    const [got, again] = round(cycle, shared) as [unknown[], unknown];
    expect(got[0]).toBe(got[1]);
    expect(got[2]).toBe(got);
    expect(again).toBe(got[0]);
  });

  it("keeps an error's class, stack, cause, code and members", () => {
    const error = Object.assign(new RangeError("outer", { cause: new TypeError("inner") }), { code: "E" });
    const [got] = round(error) as [RangeError & { code: string }];
    expect(got).toBeInstanceOf(RangeError);
    expect([got.message, got.stack, got.code, got.cause]).toEqual([
      "outer",
      error.stack,
      "E",
      expect.objectContaining({ name: "TypeError", message: "inner" }),
    ]);
    class Custom extends Error {
      override name = "Custom";
    }
    expect((round(new Custom("x"))[0] as Error).name).toBe("Custom");
    const many = round(new AggregateError([new Error("a"), 2], "both"))[0] as AggregateError;
    expect(many).toBeInstanceOf(AggregateError);
    expect(many.errors.map(String)).toEqual(["Error: a", "2"]);
  });

  it("sends shared memory, ports and blobs beside the bytes", () => {
    const memory = new SharedArrayBuffer(8);
    const { port1, port2 } = new MessageChannel();
    const [gotMemory, gotView, gotPort, gotBlob] = round(memory, new Int32Array(memory, 4), port2, new Blob(["x"]));
    new Int32Array(memory)[1] = 7;
    expect((gotMemory as SharedArrayBuffer).byteLength).toBe(8);
    expect((gotView as Int32Array)[0]).toBe(7);
    expect([gotPort, gotBlob].map((v) => (v as object).constructor.name)).toEqual(["MessagePort", "Blob"]);
    port1.close();
  });

  it("sends an object of a class as a plain one, as structured clone does", () => {
    class Point {
      x = 1;
    }
    const got = round(new Point())[0];
    expect(got).toEqual({ x: 1 });
    expect(got).not.toBeInstanceOf(Point);
  });

  it("says what cannot be copied, where it stands, and what to do", () => {
    class Socket {
      listeners = { close: [(): void => undefined] };
    }
    const message = (value: unknown): string => {
      try {
        round(value);
        return "copied";
      } catch (error) {
        return (error as Error).message;
      }
    };
    const advice = "send what it is made from, such as a path, a name or an option, and make it there";
    expect(message(() => 1)).toBe(`value 0 cannot be copied to another thread: it is a function; ${advice}`);
    expect(message(Symbol("s"))).toContain("it is a symbol");
    expect(message({ to: [new Socket()] })).toBe(
      `value 0 cannot be copied to another thread: it holds, at to[0].listeners.close[0] of a Socket, a function; ${advice}`,
    );
    expect(message(Promise.resolve())).toContain("it is a promise");
    expect(message(new WeakMap())).toContain("it is a WeakMap");
    let deep: unknown = 1;
    for (let i = 0; i < 3000; i++) deep = [deep];
    expect(message(deep)).toContain("levels deep");
  });

  it("lets a getter among the values encode something itself", () => {
    const outer = {
      get inner(): unknown {
        return round("inner")[0];
      },
      after: 2,
    };
    expect(round(outer)).toEqual([{ inner: "inner", after: 2 }]);
  });
});
