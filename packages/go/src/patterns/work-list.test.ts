import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { background, Canceled, withCancel } from "../context.ts";
import { chan, gosched } from "../index.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { workList } from "./index.ts";

expectNoLeaks();

const ctx = background();

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await gosched();
}

describe("workList", () => {
  it("does each job once, those that jobs add too, and ends when none is left", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.nat(5), fc.nat(30), async (workers, seeds, most) => {
        // Job n makes the jobs 2n + 1 and 2n + 2, as a heap is laid out.
        const done: number[] = [];
        const output = workList(
          ctx,
          [...Array(seeds).keys()].map((n) => n + 1000),
          async (n: number, add) => {
            if (n < 1000 && n > most) return n;
            for (let i = n % 3; i > 0; i--) await gosched();
            if (n === 1000) add(0);
            else if (n < 1000) add(2 * n + 1, 2 * n + 2);
            return n;
          },
          { workers },
        );
        for await (const n of output) done.push(n);
        const tree = (n: number): number[] => (n > most ? [n] : [n, ...tree(2 * n + 1), ...tree(2 * n + 2)]);
        const expected = [...Array(seeds).keys()].map((n) => n + 1000);
        if (seeds > 0) expected.push(...tree(0));
        expect(done.toSorted((a, b) => a - b)).toEqual(expected.toSorted((a, b) => a - b));
      }),
    );
  });

  it("wakes a worker that has nothing to do when a job adds one", async () => {
    const slow = chan<never>();
    const begun: string[] = [];
    const output = workList(
      ctx,
      ["first"],
      async (job, add) => {
        begun.push(job);
        if (job === "first") {
          await gosched();
          add("second");
          await slow.recv();
        }
        return job;
      },
      { workers: 3 },
    );
    expect(await output.recv()).toBe("second");
    expect(begun).toEqual(["first", "second"]);
    slow.close();
    expect(await output.recv()).toBe("first");
    expect(await output.recvOk()).toEqual([undefined, false]);
  });

  it("runs no more jobs at a time than there are workers, and is held back by its reader", async () => {
    let running = 0;
    let most = 0;
    let begun = 0;
    const output = workList(
      ctx,
      Array.from({ length: 50 }, (_, n) => n),
      async (n) => {
        begun++;
        most = Math.max(most, ++running);
        await gosched();
        running--;
        return n;
      },
      { workers: 4 },
    );
    await settle();
    expect(begun).toBe(4);
    let n = 0;
    for await (const _ of output) n++;
    expect([n, most]).toEqual([50, 4]);
  });

  it("ends with the first error, after the results before it", async () => {
    const output = workList(ctx, [1, 2, 3, 4], (n) => {
      if (n === 3) throw new Error("no 3");
      return n;
    });
    const got: number[] = [];
    const read = async (): Promise<void> => {
      for await (const n of output) got.push(n);
    };
    await expect(read()).rejects.toThrow("no 3");
    expect(got).toEqual([1, 2]);
  });

  it("ends with its context, and with its reader; what a job adds afterwards is dropped", async () => {
    const [child, cancel] = withCancel(ctx);
    let add: (job: number) => void = () => undefined;
    const slow = chan<never>();
    const output = workList(child, [1], async (n: number, more, inner) => {
      add = more;
      await slow.recv();
      expect(inner.err()).toBe(Canceled);
      return n;
    });
    await settle();
    cancel();
    slow.close();
    expect(await output.recvOk()).toEqual([undefined, false]);
    add(2);
    for await (const _ of workList(ctx, [1, 2, 3], (n) => n, { workers: 2 })) break;
  });

  it("refuses a number of workers below 1", () => {
    expect(() => workList(ctx, [1], (n) => n, { workers: 0 })).toThrow("workList: workers must be at least 1, got 0");
  });
});
