import { expect, it } from "vitest";
import { chan, gosched, recv, select, send, type Chan } from "../index.ts";
import { Mutex, WaitGroup } from "../sync/index.ts";
import { runProgram } from "../test/program.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { sleep } from "../time.ts";
import { runnable } from "./goroutine.ts";

expectNoLeaks();

it("whatever goroutines wait for, everyone goes on, and who can run stays counted", async () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`seed ${seed} (SEED=${seed} repeats it)`);
  let state = seed;
  const random = (n: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % n;
  };
  for (let round = 0; round < 20; round++) {
    const chans = Array.from({ length: 3 }, () => chan<number>(random(4)));
    const mu = new Mutex();
    const producers = new WaitGroup();
    const consumers = new WaitGroup();
    let sent = 0;
    let received = 0;
    const produce = async (): Promise<void> => {
      for (let i = 0; i < 100; i++, sent++) {
        const [a, b, c] = chans as [Chan<number>, Chan<number>, Chan<number>];
        const what = random(12);
        if (what === 0) await gosched();
        if (what === 1) {
          await mu.lock();
          if (random(2) === 0) await gosched();
          mu.unlock();
        }
        if (what === 2 && random(8) === 0) await sleep(0.1);
        if (what === 3 && round % 3 === 0) await Promise.resolve(); // something foreign
        if (what < 6) await chans[random(3)]?.send(i);
        else await select([send(a, i), send(b, i), send(c, i)]);
      }
    };
    const consume = async (): Promise<void> => {
      const open: (Chan<number> | undefined)[] = [...chans];
      while (open.some((ch) => ch !== undefined)) {
        if (round % 3 === 0 && random(5) === 0) await Promise.resolve();
        const c = await select(open.map((ch) => recv(ch)));
        if (c.ok) received++;
        else open[c.case] = undefined;
      }
    };
    const howMany = 1 + random(6);
    for (let i = 0; i < howMany; i++) producers.go(produce);
    for (let i = random(6); i >= 0; i--) consumers.go(consume);
    await producers.wait();
    for (const ch of chans) ch.close();
    await consumers.wait();
    expect([sent, received, runnable]).toEqual([howMany * 100, howMany * 100, 1]);
  }
});

it("who is woken while only one runs goes on once that one waits for something foreign", async () => {
  const ch = chan<string>();
  const wg = new WaitGroup();
  const got: (string | undefined)[] = [];
  wg.go(async () => void got.push(await ch.recv()));
  await gosched();
  await ch.send("a");
  await new Promise((resolve) => setTimeout(resolve, 0));
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(got).toEqual(["a"]);
  await wg.wait();
});

it("goroutines begin in the order of their go statements, however many the event loop's turns part", async () => {
  const wg = new WaitGroup();
  const begun: number[] = [];
  for (let i = 0; i < 20_000; i++) wg.go(async () => void begun.push(i));
  await wg.wait();
  expect(begun).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
});

it("a goroutine that ends lets those go on whom it woke", async () => {
  const { status, stdout } = await runProgram(`
    import { chan, go, main } from "go";
    await main(async () => {
      const ch = chan<number>(), done = chan<never>();
      go(async () => { for await (const v of ch) console.log(v); done.close(); });
      go(async () => { for (let i = 0; i < 3; i++) await ch.send(i); ch.close(); });
      await done.recv();
    });
  `);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "0\n1\n2\n" });
});

it("waits of one goroutine that end together take a turn of the event loop, not one each", async () => {
  const gate = chan<never>();
  const used = chan<number>(1000);
  const all = Promise.all(Array.from({ length: 1000 }, () => gate.recv()));
  for (const end = performance.now() + 3; performance.now() < end;);
  // Enough operations that the clock is looked at: from then on wake-ups wait for the next turn.
  for (let i = 0; i < 200; i++) void used.send(i);
  gate.close();
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  await all;
  clearImmediate(next);
  expect(turns).toBeLessThan(50);
});
