// What may be collected and what may not, measured in programs of their own after forced
// collections.
import { describe, expect, it } from "vitest";
import { runProgram } from "./program.ts";

const imports = `
  import { setFlagsFromString } from "node:v8";
  import { runInNewContext } from "node:vm";
  import { chan, go, gosched, numGoroutine, recv, select, send, timeout } from "go";
  import { onceFunc, Pool } from "go/sync";
  import { sleep } from "go/time";
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  /** Collects all garbage. */
  async function collect(): Promise<void> {
    for (let i = 0; i < 3; i++) { await new Promise((resolve) => { setTimeout(resolve, 1); }); gc(); }
  }
  const heap = async (): Promise<number> => { await collect(); return process.memoryUsage().heapUsed; };
`;

async function printed(body: string): Promise<string> {
  const { status, stdout, stderr } = await runProgram(`${imports}${body}\nprocess.exit(0);`);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

describe("select", () => {
  it("B25 that loses a million times on a channel that is never ready retains nothing", async () => {
    const perIteration = await printed(`
      const never = chan<number>(), ready = chan<number>();
      const loop = async (n: number): Promise<void> => {
        for (let i = 0; i < n; i++) {
          const waiting = select({ never: recv(never), also: send(never, i), slow: timeout(60_000), ready: recv(ready) });
          ready.trySend(i);
          await waiting;
        }
      };
      await loop(10_000);
      const before = await heap();
      await loop(1_000_000);
      console.log((await heap() - before) / 1_000_000, process.getActiveResourcesInfo().filter((r) => r === "Timeout").length);
    `);
    const [bytes, timers] = perIteration.split(" ").map(Number);
    // Promise.race retains some 500 bytes for each.
    expect(bytes).toBeLessThan(1);
    expect(timers).toBe(0);
  });
});

describe("a channel of a large capacity", () => {
  it("takes memory for the values that wait in it, not for those that have passed", async () => {
    const megabytes = await printed(`
      const ch = chan<number>(0xffffffff);
      let wrong = 0;
      const before = await heap();
      for (let i = 0; i < 100; i++) ch.trySend(i);
      for (let i = 0; i < 5_000_000; i++) {
        ch.trySend(i + 100);
        if (ch.tryRecv().value !== i) wrong++;
      }
      console.log((await heap() - before) / 2 ** 20, wrong, ch.len);
    `);
    const [grown, ...rest] = megabytes.split(" ").map(Number);
    // A slot for each that passed would be 40 MB.
    expect(grown).toBeLessThan(4);
    expect(rest).toEqual([0, 100]);
  });
});

describe("a channel that a burst went through", () => {
  it("gives the room of the burst back while it is used on", async () => {
    const out = await printed(`
      const before = await heap();
      const kept = [];
      let wrong = 0;
      for (let c = 0; c < 4; c++) {
        const ch = chan<number>(4_000_000);
        for (let i = 0; i < 1_000_000; i++) ch.trySend(i);
        for (let i = 0; i < 999_990; i++) if (ch.tryRecv().value !== i) wrong++;
        for (let i = 0; i < 5000; i++) {
          ch.trySend(1_000_000 + i);
          if (ch.tryRecv().value !== 999_990 + i) wrong++;
        }
        kept.push(ch);
      }
      console.log((await heap() - before) / 2 ** 20, wrong, kept.map((ch) => ch.len).join());
    `);
    const [held, ...rest] = out.trim().split(" ");
    // The rings of the bursts were 8 MB each.
    expect(Number(held)).toBeLessThan(4);
    expect(rest).toEqual(["0", "10,10,10,10"]);
  });
});

describe("collection", () => {
  it("A42 takes a channel that was never closed, but a goroutine that waits on it still counts", async () => {
    const out = await printed(`
      const refs: WeakRef<object>[] = [];
      function make(): void {
        const unused = chan<object>(3);
        unused.trySend({});
        const waited = chan<object>();
        refs.push(new WeakRef(unused), new WeakRef(waited));
        go(async () => { await chan<object>().recv(); });
        go(() => waited.recv());
      }
      make();
      await sleep(10);
      await collect();
      console.log(refs.map((ref) => ref.deref() === undefined).join(" "), numGoroutine());
    `);
    expect(out).toBe("true true 3\n");
  });

  it("C54 takes what a Pool holds with the second collection, not with the first", async () => {
    const out = await printed(`
      const pool = new Pool<object>();
      const turn = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 5); });
      const put = (): WeakRef<object> => { const value = {}; pool.put(value); return new WeakRef(value); };
      const ref = put();
      const states: boolean[] = [];
      for (let i = 0; i < 4; i++) { await turn(); gc(); await turn(); states.push(ref.deref() !== undefined); await turn(); }
      console.log(states[0], states.at(-1), pool.get());
    `);
    expect(out).toBe("true false undefined\n");
  });

  it("C43 takes a once function's function and what it holds after the first call, panic or not", async () => {
    const out = await printed(`
      const refs: WeakRef<object>[] = [];
      function make(fail: boolean): () => void {
        const held = { large: new Array(1000) };
        refs.push(new WeakRef(held));
        return onceFunc(() => { if (held.large.length > 0 && fail) throw new Error("boom"); });
      }
      const once = [make(false), make(true), make(false)];
      once[0]?.();
      try { once[1]?.(); } catch {}
      await collect();
      console.log(refs.map((ref) => ref.deref() === undefined).join(" "));
      once[2]?.();
    `);
    expect(out).toBe("true true false\n");
  });
});
