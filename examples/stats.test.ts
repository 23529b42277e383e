import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WaitGroup } from "@sluice/go/sync";
import { chan, gosched } from "@sluice/go";
import { describe, expect, it } from "vitest";
import { Cache, Counter, RequestStats } from "./stats.ts";

describe("the counter", () => {
  it("counts each of 300 increments once, from several goroutines", async () => {
    const folder = await mkdtemp(join(tmpdir(), "stats-"));
    const file = join(folder, "count");
    const counter = new Counter(file);
    const seen: number[] = [];
    const wg = new WaitGroup();
    for (let i = 0; i < 300; i++) wg.go(async () => void seen.push(await counter.increment()));
    await wg.wait();
    expect(await readFile(file, "utf8")).toBe("300");
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    await rm(folder, { recursive: true });
  });
});

describe("the cache", () => {
  it("shows one version to each reader, and lets readers read at the same time", async () => {
    let version = 0;
    const cache = new Cache(2, async (part) => {
      if (part === 0) version++; // race:ignore: the test looks while nobody loads
      await gosched();
      return [[`part ${part}`, version]] as const;
    });
    await cache.reload();
    let reading = 0;
    const leave = chan<never>();
    const wg = new WaitGroup();
    const seen: (number | undefined)[][] = [];
    const read = (): Promise<void> =>
      cache.read(async (get) => {
        reading++; // race:ignore: the test looks while the readers rest
        const first = get("part 0");
        await leave.recv();
        seen.push([first, get("part 1")]);
      });
    const turns = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) await gosched();
    };
    for (let i = 0; i < 10; i++) wg.go(read);
    await turns();
    wg.go(() => cache.reload()); // waits for the ten, and lets nobody in before it is done
    await turns();
    for (let i = 0; i < 10; i++) wg.go(read);
    await turns();
    expect([reading, version]).toEqual([10, 1]);
    leave.close();
    await wg.wait();
    expect(seen.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => [1, 1]));
    expect(seen.slice(10)).toEqual(Array.from({ length: 10 }, () => [2, 2]));
  });
});

describe("the statistics", () => {
  it("count without a lock, since no method awaits", async () => {
    const stats = new RequestStats();
    const wg = new WaitGroup();
    for (let i = 0; i < 1000; i++) {
      wg.go(async () => {
        for (let turns = i % 7; turns > 0; turns--) await gosched();
        stats.record(i % 2 === 0 ? "/a" : "/b", i % 10 === 0);
      });
    }
    await wg.wait();
    expect(stats.all()).toEqual({ "/a": { requests: 500, errors: 100 }, "/b": { requests: 500, errors: 0 } });
    expect(stats.of("/c")).toEqual({ requests: 0, errors: 0 });
  });
});
