import { describe, expect, it } from "vitest";
import { chan, goexit, gosched } from "./index.ts";
import { Group } from "./singleflight.ts";
import { WaitGroup } from "./sync/index.ts";
import { expectNoLeaks } from "./test/quiet.ts";

expectNoLeaks();

describe("singleflight", () => {
  it("G22 G23 G24 runs once for all who ask at the same time, and keeps nothing", async () => {
    const g = new Group<string, number>();
    const release = chan<never>();
    let runs = 0;
    const fn = async (): Promise<number> => {
      await release.recv();
      return ++runs;
    };
    const calls = Promise.all([g.do("k", fn), g.do("k", fn), g.do("k", fn)]);
    await gosched();
    release.close();
    expect(await calls).toEqual([
      { value: 1, shared: true },
      { value: 1, shared: true },
      { value: 1, shared: true },
    ]);
    expect(await g.do("k", fn)).toEqual({ value: 2, shared: false });
  });

  it("G24 gives an error to all alike", async () => {
    const g = new Group<string, number>();
    const fail = (): Promise<number> => Promise.reject(new Error("boom"));
    const results = await Promise.allSettled([g.do("k", fail), g.do("k", fail)]);
    expect(results.map((r) => (r as PromiseRejectedResult).reason as Error).map((e) => e.message)).toEqual([
      "boom",
      "boom",
    ]);
    expect(await g.do("k", () => 1)).toEqual({ value: 1, shared: false });
  });

  it("G25 doChan gives one result and stays open", async () => {
    const g = new Group<string, number>();
    const a = g.doChan("k", () => gosched().then(() => 5));
    const b = g.doChan("k", () => 6);
    expect([await a.recv(), await b.recv()]).toEqual([
      { value: 5, shared: true },
      { value: 5, shared: true },
    ]);
    expect(a.tryRecv()).toEqual({ ready: false });
    const err = new Error("no");
    expect(await g.doChan("k", () => Promise.reject(err)).recv()).toEqual({ err, shared: false });
  });

  it("G26 forget lets the next call start anew, and the old end does not disturb it", async () => {
    const g = new Group<string, string>();
    const first = chan<never>();
    const second = chan<never>();
    const a = g.do("k", async () => (await first.recv(), "old"));
    g.forget("k");
    const b = g.do("k", async () => (await second.recv(), "new"));
    first.close();
    expect((await a).value).toBe("old");
    const c = g.do("k", () => "never");
    second.close();
    expect([(await b).value, (await c).value]).toEqual(["new", "new"]);
  });

  it("G29 a Goexit ends each goroutine that joined", async () => {
    const g = new Group<string, number>();
    const wg = new WaitGroup();
    let after = 0;
    for (let i = 0; i < 3; i++) {
      wg.go(async () => {
        await g.do("k", async () => {
          await gosched();
          return goexit();
        });
        after++;
      });
    }
    await wg.wait();
    expect(after).toBe(0);
  });
});
