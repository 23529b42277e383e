// What the operations of /parallel order and what they do not: programs whose goroutines on the
// first thread share a variable. Some hand it on to each other directly, some through a worker.
// Prints as JSON which of them raced. The main module of a process of its own; see race.test.ts.
import { Int32 } from "../../atomic.ts";
import { go, gosched, main, numGoroutine, recv, select, send } from "../../index.ts";
import {
  parallel,
  sharedChan,
  type SharedChan,
  SharedCond,
  SharedMutex,
  SharedOnce,
  SharedRWMutex,
  SharedWaitGroup,
} from "../../parallel/index.ts";
import { sleep } from "../../time.ts";
import { onRace } from "../index.ts";
import { races } from "../../internal/races.ts";

type Flag = SharedChan<number>;
const here = import.meta.url;

const square = parallel(here, (n: number): number => n * n);
/** Workers that pass on what happened before them, to the goroutine that receives `done`. */
const afterCall = parallel(here, (done: Flag): Promise<void> => done.send(1));
const afterRecv = parallel(here, async (from: Flag, done: Flag) => (await from.recv(), done.send(1)));
const afterSend = parallel(here, async (to: Flag, done: Flag) => (await to.send(1), done.send(1)));
const afterSelect = parallel(here, async (from: Flag, done: Flag) => (await select([recv(from)]), done.send(1)));
const afterLock = parallel(here, async (mu: SharedMutex, ready: Flag, done: Flag) => {
  await ready.recv();
  using _ = await mu.lock();
  await done.send(1);
});
const afterRLock = parallel(here, async (mu: SharedRWMutex, ready: Flag, done: Flag) => {
  await ready.recv();
  using _ = await mu.rLock();
  await done.send(1);
});
const afterWait = parallel(here, async (wg: SharedWaitGroup, done: Flag) => (await wg.wait(), done.send(1)));
const afterOnce = parallel(here, async (once: SharedOnce, ready: Flag, done: Flag) => {
  await ready.recv();
  await once.do(() => undefined);
  await done.send(1);
});
const afterCond = parallel(here, async (cond: SharedCond, n: Int32, done: Flag) => {
  await cond.L.lock();
  n.store(1);
  await cond.wait();
  cond.L.unlock();
  await done.send(1);
});
const afterLoad = parallel(here, async (n: Int32, done: Flag) => {
  while (n.load() === 0) await gosched();
  await done.send(1);
});

/** Lets time pass, which orders nothing. */
async function pass(): Promise<void> {
  for (let i = 0; i < 10; i++) await sleep(1);
}

async function quiet(): Promise<void> {
  while (numGoroutine() > 1) await sleep(1);
}

/**
 * One goroutine sets a variable before or after it does `signal`, and another one reads it after
 * `waited`.
 */
async function handOn(isLate: boolean, signal: () => unknown, waited: () => unknown): Promise<number> {
  let x = 0;
  go(async () => {
    if (!isLate) x = 1;
    await signal();
    if (isLate) x = 1;
  });
  go(async () => {
    await waited();
    await pass();
    return x;
  });
  await quiet();
  return 0;
}

/** As `handOn`, but the last goroutine waits for a worker. */
function through(isLate: boolean, signal: () => unknown, done: Flag): Promise<number> {
  return handOn(isLate, signal, () => done.recv());
}

/** Unlocks after a worker that is `ready` has begun to wait for the lock. */
function unlocking(isLate: boolean, mu: SharedMutex | SharedRWMutex, ready: Flag, done: Flag): Promise<number> {
  return through(
    isLate,
    async () => {
      await mu.lock();
      go(() => ready.send(1));
      await pass();
      mu.unlock();
    },
    done,
  );
}

/** Each of two goroutines changes a variable over an await, between these two. */
async function exclusive(enter: (i: number) => unknown, leave: (i: number) => unknown): Promise<void> {
  let x = 0;
  for (const i of [0, 1]) {
    go(async () => {
      await enter(i);
      const was = x;
      await gosched();
      x = was + 1;
      await leave(i);
    });
  }
  await quiet();
}

/** Each is run as it is, and with a write that comes too late or a lock that is not one. */
const programs: Readonly<Record<string, (isBroken: boolean) => unknown>> = {
  "a call is before its result": async (isBroken) => {
    let n = 0;
    const add = async (): Promise<void> => {
      if (isBroken) {
        const was = n;
        n = was + (await square(1));
      } else {
        const one = await square(1);
        n += one;
      }
    };
    go(add);
    go(add);
    await quiet();
  },
  "a call is before its task": (isBroken) => {
    const done = sharedChan<number>();
    return through(isBroken, () => afterCall.go(done), done);
  },
  "sharedChan: a send is before its receive": (isBroken) => {
    const ch = sharedChan<number>();
    return handOn(
      isBroken,
      () => ch.send(1),
      () => ch.recv(),
    );
  },
  "sharedChan: a receive is before the end of its send, without a buffer": (isBroken) => {
    const ch = sharedChan<number>(isBroken ? 1 : 0);
    return handOn(
      false,
      () => ch.recv(),
      () => ch.send(1),
    );
  },
  "sharedChan: a buffer of one is a lock, and one of two is not": (isBroken) => {
    const ch = sharedChan<number>(isBroken ? 2 : 1);
    return exclusive(
      () => ch.send(1),
      () => ch.recv(),
    );
  },
  "sharedChan: a send into a buffer is before its receive": async (isBroken) => {
    const ch = sharedChan<number>(3);
    await handOn(
      isBroken,
      async () => (await ch.send(1), pass()),
      async () => (await pass(), ch.recv()),
    );
  },
  "sharedChan: close is before the receive that sees it": (isBroken) => {
    const ch = sharedChan<number>();
    return handOn(
      isBroken,
      () => ch.close(),
      () => ch.recv(),
    );
  },
  "sharedChan: a select's send is before a select's receive": (isBroken) => {
    const [ch, never] = [sharedChan<number>(), sharedChan<number>()];
    return handOn(
      isBroken,
      () => select([recv(never), send(ch, 1)]),
      () => select([recv(ch), recv(never)]),
    );
  },
  "sharedChan: a send is before its receive in a worker": (isBroken) => {
    const [ch, done] = [sharedChan<number>(1), sharedChan<number>()];
    afterRecv.go(ch, done);
    return through(isBroken, () => ch.send(1), done);
  },
  "sharedChan: a send is before the select of a worker that gets it": (isBroken) => {
    const [ch, done] = [sharedChan<number>(), sharedChan<number>()];
    afterSelect.go(ch, done);
    return through(isBroken, () => ch.send(1), done);
  },
  "sharedChan: a receive is before the end of its send in a worker": (isBroken) => {
    const [ch, done] = [sharedChan<number>(isBroken ? 1 : 0), sharedChan<number>()];
    afterSend.go(ch, done);
    return through(isBroken, () => ch.recv(), done);
  },
  "SharedMutex: unlock is before the next lock": (isBroken) => {
    const mus = [new SharedMutex(), new SharedMutex()];
    const of = (i: number): SharedMutex => mus[isBroken ? i : 0] as SharedMutex;
    return exclusive(
      (i) => of(i).lock(),
      (i) => of(i).unlock(),
    );
  },
  "SharedMutex: unlock is before a worker's lock": (isBroken) => {
    const [mu, ready, done] = [new SharedMutex(), sharedChan<number>(), sharedChan<number>()];
    afterLock.go(mu, ready, done);
    return unlocking(isBroken, mu, ready, done);
  },
  "SharedRWMutex: unlock is before the next lock, and readers are in no order": (isBroken) => {
    const mu = new SharedRWMutex();
    return exclusive(
      () => (isBroken ? mu.rLock() : mu.lock()),
      () => (isBroken ? mu.rUnlock() : mu.unlock()),
    );
  },
  "SharedRWMutex: rUnlock is before the next lock": async (isBroken) => {
    const mu = new SharedRWMutex();
    await handOn(
      isBroken,
      async () => {
        using _ = await mu.rLock();
        await pass();
      },
      async () => {
        await gosched();
        using _ = await mu.lock();
      },
    );
  },
  "SharedRWMutex: unlock is before a worker's rLock": (isBroken) => {
    const [mu, ready, done] = [new SharedRWMutex(), sharedChan<number>(), sharedChan<number>()];
    afterRLock.go(mu, ready, done);
    return unlocking(isBroken, mu, ready, done);
  },
  "SharedWaitGroup: done is before the end of wait": (isBroken) => {
    const wg = new SharedWaitGroup();
    wg.add(1);
    return handOn(
      isBroken,
      () => wg.done(),
      () => wg.wait(),
    );
  },
  "SharedWaitGroup: done is before the end of a worker's wait": (isBroken) => {
    const [wg, done] = [new SharedWaitGroup(), sharedChan<number>()];
    wg.add(1);
    afterWait.go(wg, done);
    return through(isBroken, () => wg.done(), done);
  },
  "SharedOnce: its function is before all calls return": (isBroken) => {
    const once = new SharedOnce();
    return handOn(
      isBroken,
      () => once.do(() => pass()),
      () => once.do(() => undefined),
    );
  },
  "SharedOnce: its function is before a worker's call returns": (isBroken) => {
    const [once, ready, done] = [new SharedOnce(), sharedChan<number>(), sharedChan<number>()];
    afterOnce.go(once, ready, done);
    return through(
      isBroken,
      async () => {
        await once.do(async () => {
          go(() => ready.send(1));
          await pass();
        });
      },
      done,
    );
  },
  "SharedCond: broadcast is before the end of wait": (isBroken) => {
    const cond = new SharedCond(new SharedMutex());
    return handOn(
      isBroken,
      async () => {
        await pass();
        cond.broadcast();
      },
      async () => {
        await cond.L.lock();
        await cond.wait();
        cond.L.unlock();
      },
    );
  },
  "SharedCond: signal is before the end of a worker's wait": (isBroken) => {
    const [cond, n, done] = [new SharedCond(new SharedMutex()), new Int32(), sharedChan<number>()];
    afterCond.go(cond, n, done);
    return through(
      isBroken,
      async () => {
        while (n.load() === 0) await sleep(1);
        // The worker has the lock until it waits.
        (await cond.L.lock())[Symbol.dispose]();
        cond.signal();
      },
      done,
    );
  },
  "Int32: a store is before the load of a worker that sees it": (isBroken) => {
    const [n, done] = [new Int32(), sharedChan<number>()];
    afterLoad.go(n, done);
    return through(isBroken, () => n.store(1), done);
  },
};

await main(async () => {
  // Workers that start are there before the first program.
  await Promise.all([square(1), square(2), square(3)]);
  const ran: { what: string; races: boolean; found: number }[] = [];
  onRace(() => true);
  for (const [what, run] of Object.entries(programs)) {
    for (const isBroken of [false, true]) {
      // One place has several races: each counts, and only the first is told.
      const before = races.found;
      await run(isBroken);
      await quiet();
      ran.push({ what: isBroken ? `not: ${what}` : what, races: isBroken, found: races.found - before });
    }
  }
  process.stdout.write(JSON.stringify(ran));
});
