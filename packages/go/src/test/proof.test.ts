// Leaks proved by garbage collection, in programs of their own: what a test framework holds is
// nobody's business here.
import { describe, expect, it } from "vitest";
import { runProgram } from "./program.ts";

const imports = `
  import { chan, go, gosched, numGoroutine, recv, select, send, timeout } from "go";
  import { background, withCancel } from "go/context";
  import { find, proven } from "go/leak";
  import { goroutineLeakProfile, handler } from "go/pprof";
  import { generate, map } from "go/patterns";
  import { Cond, Mutex, RWMutex, WaitGroup } from "go/sync";
  import { after, sleep, Ticker, Timer } from "go/time";
  /** The functions of the goroutines that are proved to be leaked. */
  async function leaked(): Promise<string[]> {
    const text = (await find(proven()))?.message ?? "";
    return [...text.matchAll(/^[[ ]Goroutine \\d+ in state .*, with (\\S+) on top/gm)].map(([, name]) => name as string).sort();
  }
`;

/** What a program prints that ends by itself. */
async function printed(body: string): Promise<string> {
  const { status, stdout, stderr } = await runProgram(`${imports}${body}\nprocess.exit(0);`);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

describe("a leak that is proved", () => {
  it("G61 finds 1,000 of 1,000 that wait on channels nobody can reach, and none of 1,000 that somebody can", async () => {
    const out = await printed(`
      const held: unknown[] = [];
      let begun = 0;
      // Two functions: all closures of one scope hold all of its variables that any of them uses.
      function lose(): void {
        const ch = chan<number>();
        go(async function lostOne() { begun++; await ch.recv(); });
      }
      function keep(): void {
        const ch = chan<number>();
        held.push(ch);
        go(async function keptOne() { begun++; await ch.recv(); });
      }
      for (let i = 0; i < 1000; i++) { lose(); keep(); }
      while (begun < 2000) await gosched();
      const names = await leaked();
      console.log(names.length, names.every((name) => name === "lostOne"), held.length);
    `);
    expect(out).toBe("1000 true 1000\n");
  });

  it("G62 finds every kind of wait, and chains of them", async () => {
    const out = await printed(`
      function start(): void {
        const ch = chan<number>();
        go(async function receiving() { await chan<number>().recv(); });
        go(async function sending() { await chan<number>().send(1); });
        go(async function ranging() { for await (const _ of chan<number>()); });
        go(async function selecting() { await select({ in: recv(chan<number>()), out: send(chan<number>(), 1) }); });
        go(async function nothing() { await select({}); });
        go(async function nil() { await select([recv(undefined)]); });
        go(async function locking() { const mu = new Mutex(); await mu.lock(); await mu.lock(); });
        go(async function reading() { const rw = new RWMutex(); await rw.lock(); await rw.rLock(); });
        go(async function writing() { const rw = new RWMutex(); await rw.rLock(); await rw.lock(); });
        go(async function counting() { const wg = new WaitGroup(); wg.add(1); await wg.wait(); });
        go(async function conditional() { const mu = new Mutex(); await mu.lock(); await new Cond(mu).wait(); });
        go(async function foreign() { await new Promise(() => undefined); });
        go(async function stopped() { const t = new Timer(1e9); t.stop(); await t.c.recv(); });
        go(async function uncancelled() { await withCancel(background())[0].done()?.recv(); });
        go(async function outer() {
          const wg = new WaitGroup();
          wg.go(async function inner() { await ch.recv(); });
          await wg.wait();
        });
        go(async function behind() { await ch.recv(); });
      }
      start();
      await sleep(30);
      const alive = numGoroutine() - 1;
      const names = await leaked();
      console.log(names.length === alive, names.join(" "));
    `);
    expect(out).toBe(
      "true behind conditional counting foreign inner locking nil nothing outer ranging reading receiving selecting " +
        "sending stopped uncancelled writing\n",
    );
  });

  it("G63 accuses nobody that a global, a closure, another goroutine, a timer or the host can wake", async () => {
    const out = await printed(`
      (globalThis as { mine?: unknown }).mine = chan<number>();
      const mine = (globalThis as { mine?: unknown }).mine as ReturnType<typeof chan<number>>;
      const [ctx, cancel] = withCancel(background());
      let wake: () => void = () => undefined;
      function start(): void {
        go(async function byGlobal() { await mine.recv(); });
        const closed = chan<never>();
        wake = () => closed.close();
        go(async function byClosure() { await closed.recv(); });
        const shared = chan<number>();
        go(async function byGoroutine() { await shared.recv(); });
        go(async function other() { await mine.recv(); await shared.send(1); });
        go(async function byTimer() { await after(60_000).recv(); });
        go(async function byTicker() { for await (const _ of new Ticker(60_000).c); });
        go(async function bySleep() { await sleep(60_000); });
        go(async function byTimeout() { await select({ never: recv(chan<number>()), slow: timeout(60_000) }); });
        go(async function byContext() { await ctx.done()?.recv(); });
        go(async function byHost() { await new Promise((resolve) => { setTimeout(resolve, 60_000); }); });
        const mu = new Mutex();
        go(async function byHolder() { await mu.lock(); await mine.recv(); mu.unlock(); });
        go(async function byLock() { await mu.lock(); });
        // Two waits at once, of which only the one that can go on counts.
        go(async function oneOfTwo() { await Promise.race([chan<number>().recv(), sleep(60_000)]); });
        go(async function notAwaited() { void chan<number>().recv(); await sleep(60_000); });
        // A pipeline nobody reads waits for its context, which may still be cancelled.
        map(ctx, generate(ctx, [1, 2]), (v) => v);
      }
      start();
      await sleep(30);
      console.log(await find(proven()), numGoroutine());
      wake();
      cancel();
    `);
    expect(out).toBe("undefined 17\n");
  });

  it("G65 shows the leaks that programs have: a range never closed, a stop forgotten, an answer nobody takes", async () => {
    const out = await printed(`
      function noCloseRange(): void {
        const jobs = chan<number>();
        for (let w = 0; w < 3; w++) go(async function noCloseRange() { for await (const _ of jobs); });
      }
      function forgottenStop(): void {
        const stop = chan<never>();
        const service = { stop: () => stop.close() };
        go(async function forgottenStop() { await select({ stop: recv(stop), work: recv(chan<number>()) }); });
        void service;
      }
      async function doubleSend(): Promise<void> {
        const ch = chan<number>();
        go(async function doubleSend() { await ch.send(1); await ch.send(2); });
        await ch.recv();
      }
      function earlyReturn(): void {
        const ch = chan<number>();
        go(async function earlyReturn() { await ch.send(1); });
        if (ch.cap === 0) return;
        void ch.recv();
      }
      async function firstOfN(): Promise<void> {
        const ch = chan<number>();
        for (let i = 0; i < 3; i++) go(async function firstOfN() { await ch.send(i); });
        await ch.recv();
      }
      async function tooLate(): Promise<void> {
        const answer = chan<number>();
        go(async function tooLate() { await sleep(5); await answer.send(1); });
        await select({ answer: recv(answer), slow: timeout(1) });
      }
      function unreadPipeline(): void {
        map(background(), generate(background(), [1, 2]), (v) => v);
      }
      noCloseRange(); forgottenStop(); unreadPipeline(); await doubleSend(); earlyReturn(); await firstOfN(); await tooLate();
      await sleep(40);
      console.log((await leaked()).join(" "));
    `);
    expect(out).toBe(
      "doubleSend earlyReturn firstOfN firstOfN forgottenStop generate map noCloseRange noCloseRange noCloseRange tooLate\n",
    );
  });

  it("is told at the end of a test run too", async () => {
    const { status, stderr } = await runProgram(`
      import { chan, go } from "go";
      import { proven, verifyTestMain } from "go/leak";
      verifyTestMain(proven());
      const held = chan<number>();
      (globalThis as { held?: unknown }).held = held;
      (() => go(async function lost() { await chan<number>().recv(); }))();
      go(async function kept() { await held.recv(); });
    `);
    expect(stderr).toContain("[chan receive (leaked)]:\nlost(...)\n");
    expect(stderr).not.toContain("kept");
    expect(status).toBe(1);
  });
});
