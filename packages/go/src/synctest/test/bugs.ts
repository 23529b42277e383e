// Twelve bugs of concurrent programs, each beside its mended twin. They are written against a
// world, so that different schedulers can run them: `explore`, and that of fast-check
// (bench/schedules.ts).
import { background, withCancel } from "../../context.ts";
import { chan, go, gosched, recv, select } from "../../index.ts";
import { Weighted } from "../../semaphore.ts";
import { Cond, Mutex, Once, RWMutex, WaitGroup } from "../../sync/index.ts";
import { sleep, Timer } from "../../time.ts";

/** What starts the parts of a program, and lets others run in between. */
export interface World {
  readonly start: (body: () => unknown) => void;
  /** Starts the bodies and waits for all. */
  readonly together: (...bodies: (() => unknown)[]) => Promise<unknown>;
  readonly pause: () => Promise<unknown>;
  /** The same by a promise of the host's. */
  readonly hostPause: () => Promise<unknown>;
}

/** This library's goroutines. */
export const goroutines: World = {
  start: go,
  together: async (...bodies) => {
    const wg = new WaitGroup();
    for (const body of bodies) wg.go(body);
    await wg.wait();
  },
  pause: gosched,
  hostPause: () => Promise.resolve(),
};

export type Program = (world: World) => unknown;

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

/** What each bug is, a program that has it, and the same program without it. */
export const bugs: readonly (readonly [what: string, bug: Program, mended: Program])[] = [
  ["a lost update", (world) => counts(world, undefined), (world) => counts(world, new Mutex())],
  ["a lost update over promises of the host's", countsByHost, (world) => counts(world, new Mutex())],
  ["locks in two orders", (world) => transfers(world, false), (world) => transfers(world, true)],
  [
    "a send on a channel that the receiver closes",
    (world) => closes(world, "receiver"),
    (world) => closes(world, "sender"),
  ],
  ["check, then act", (world) => initialises(world, false), (world) => initialises(world, true)],
  ["a signal that nobody waits for yet", (world) => signals(world, false), (world) => signals(world, true)],
  ["add inside of the goroutine that is counted", (world) => adds(world, false), (world) => adds(world, true)],
  ["a semaphore of two taken for a lock", (world) => guards(world, 2), (world) => guards(world, 1)],
  ["a read lock upgraded", (world) => upgrades(world, false), (world) => upgrades(world, true)],
  ["a result that nobody takes after a cancellation", (world) => answers(world, 0), (world) => answers(world, 1)],
  ["a stopped timer that is drained by force", (world) => stops(world, false), (world) => stops(world, true)],
  ["two consumers of a len that was looked at", (world) => drains(world, false), (world) => drains(world, true)],
];

export async function counts(world: World, mu: Mutex | undefined): Promise<void> {
  let n = 0;
  const add = async (): Promise<void> => {
    await mu?.lock();
    const seen = n;
    await world.pause();
    n = seen + 1;
    mu?.unlock();
  };
  await world.together(add, add);
  must(n === 2, "an update is lost");
}

async function countsByHost(world: World): Promise<void> {
  let n = 0;
  const add = async (): Promise<void> => {
    const seen = n;
    await world.hostPause();
    n = seen + 1;
  };
  await world.together(add, add);
  must(n === 2, "an update is lost");
}

async function transfers(world: World, ordered: boolean): Promise<void> {
  const a = new Mutex();
  const b = new Mutex();
  const both = async (first: Mutex, second: Mutex): Promise<void> => {
    using _ = await first.lock();
    using __ = await second.lock();
  };
  await world.together(
    () => both(a, b),
    () => (ordered ? both(a, b) : both(b, a)),
  );
}

async function closes(world: World, who: "receiver" | "sender"): Promise<void> {
  const ch = chan<number>(1);
  await world.together(
    async () => {
      await ch.send(1);
      await ch.send(2);
      if (who === "sender") ch.close();
    },
    async () => {
      await ch.recv();
      if (who === "receiver") ch.close();
      else await ch.recv();
    },
  );
}

async function initialises(world: World, once: boolean): Promise<void> {
  let made = 0;
  let ready = false;
  const guard = new Once();
  const make = async (): Promise<void> => {
    await world.pause();
    made++;
    ready = true;
  };
  const use = async (): Promise<void> => {
    if (once) await guard.do(make);
    else if (!ready) await make();
  };
  await world.together(use, use);
  must(made === 1, "made twice");
}

async function signals(world: World, looks: boolean): Promise<void> {
  const cond = new Cond(new Mutex());
  let ready = false;
  await world.together(
    async () => {
      using _ = await cond.L.lock();
      if (looks) while (!ready) await cond.wait();
      else await cond.wait();
    },
    async () => {
      using _ = await cond.L.lock();
      ready = true;
      cond.signal();
    },
  );
}

async function adds(world: World, before: boolean): Promise<void> {
  const wg = new WaitGroup();
  let done = 0;
  for (let i = 0; i < 2; i++) {
    if (before) wg.add(1);
    world.start(async () => {
      if (!before) wg.add(1);
      await world.pause();
      done++;
      wg.done();
    });
  }
  await world.pause();
  await wg.wait();
  must(done === 2, "did not wait");
}

async function guards(world: World, units: number): Promise<void> {
  const sem = new Weighted(units);
  let inside = 0;
  const enter = async (): Promise<void> => {
    await sem.acquire(background());
    must(++inside === 1, "two inside");
    await world.pause();
    inside--;
    sem.release();
  };
  await world.together(enter, enter, enter);
}

async function upgrades(world: World, releases: boolean): Promise<void> {
  const rw = new RWMutex();
  const change = async (): Promise<void> => {
    await rw.rLock();
    if (releases) rw.rUnlock();
    await rw.lock();
    rw.unlock();
    if (!releases) rw.rUnlock();
  };
  await world.together(change, change);
}

async function answers(world: World, capacity: number): Promise<void> {
  const [ctx, cancel] = withCancel(background());
  const result = chan<number>(capacity);
  world.start(() => result.send(1));
  world.start(cancel);
  await select({ result: recv(result), gone: recv(ctx.done()) });
}

async function stops(world: World, drains: boolean): Promise<void> {
  const timer = new Timer(10);
  const quit = chan<never>();
  await world.together(
    () => select({ tick: recv(timer.c), quit: recv(quit) }),
    async () => {
      await sleep(10);
      // If another goroutine has received the tick, it does not come again.
      if (!timer.stop()) {
        if (drains) timer.c.tryRecv();
        else await timer.c.recv();
      }
      quit.close();
    },
  );
}

async function drains(world: World, atOnce: boolean): Promise<void> {
  const ch = chan<number>(2);
  await ch.send(1);
  const drain = async (): Promise<void> => {
    if (atOnce) ch.tryRecv();
    else if (ch.len > 0) {
      await world.pause();
      await ch.recv();
    }
  };
  await world.together(drain, drain);
}
