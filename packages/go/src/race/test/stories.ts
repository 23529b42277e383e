// Races that programs really had, made small from reports in the issue lists of other projects,
// each beside the same program without it. See race.test.ts.
import { Int32 } from "../../atomic.ts";
import { withCancel, background } from "../../context.ts";
import { chan, go, gosched } from "../../index.ts";
import { Group } from "../../singleflight.ts";
import { Mutex, Once, RWMutex, WaitGroup } from "../../sync/index.ts";
import { sleep } from "../../time.ts";
import { quiet } from "./patterns.ts";

export interface Story {
  readonly what: string;
  readonly racy: () => unknown;
  readonly mended: () => unknown;
}

/** Runs the bodies as goroutines and waits for all. */
async function together(...bodies: (() => unknown)[]): Promise<void> {
  const wg = new WaitGroup();
  for (const body of bodies) wg.go(body);
  await wg.wait();
}

const io = (): Promise<void> => sleep(1);

export const stories: readonly Story[] = [
  {
    what: "a balance is read, awaited and written",
    racy: async () => {
      const account = { balance: 100 };
      const withdraw = async (): Promise<void> => {
        const before = account.balance;
        await io();
        account.balance = before - 10;
      };
      await together(withdraw, withdraw);
    },
    mended: async () => {
      const account = { balance: 100 };
      const withdraw = async (): Promise<void> => {
        await io();
        account.balance -= 10;
      };
      await together(withdraw, withdraw);
      return account.balance;
    },
  },
  {
    what: "`+=` with an await on its right",
    racy: async () => {
      let total = 0;
      const add = async (): Promise<void> => {
        total += await io().then(() => 1);
      };
      await together(add, add);
      return total;
    },
    mended: async () => {
      let total = 0;
      const add = async (): Promise<void> => {
        const one = await io().then(() => 1);
        total += one;
      };
      await together(add, add);
      return total;
    },
  },
  {
    what: "a cache is looked at, then filled",
    racy: async () => {
      const cache = new Map<string, number>();
      const get = async (): Promise<number> => {
        if (!cache.has("a")) {
          await io();
          cache.set("a", 1);
        }
        return cache.get("a") as number;
      };
      await together(get, get);
    },
    mended: async () => {
      const cache = new Map<string, Promise<number>>();
      const get = (): Promise<number> => {
        let found = cache.get("a");
        if (found === undefined) cache.set("a", (found = io().then(() => 1)));
        return found;
      };
      await together(get, get);
    },
  },
  {
    what: "a connection is made twice",
    racy: async () => {
      let connection: object | undefined;
      const connect = async (): Promise<object> => {
        if (connection === undefined) {
          await io();
          connection = {};
        }
        return connection;
      };
      await together(connect, connect);
    },
    mended: async () => {
      let connection: object | undefined;
      const once = new Once();
      const connect = async (): Promise<object | undefined> => {
        await once.do(async () => {
          await io();
          connection = {};
        });
        return connection;
      };
      await together(connect, connect);
    },
  },
  {
    what: "a token is refreshed by all who find it old",
    racy: async () => {
      class Client {
        #token = "";
        async token(): Promise<string> {
          if (this.#token === "") {
            await io();
            this.#token = "new";
          }
          return this.#token;
        }
      }
      const client = new Client();
      await together(
        () => client.token(),
        () => client.token(),
      );
    },
    mended: async () => {
      class Client {
        #refreshing: Promise<string> | undefined;
        token(): Promise<string> {
          this.#refreshing ??= io().then(() => "new");
          return this.#refreshing;
        }
      }
      const client = new Client();
      await together(
        () => client.token(),
        () => client.token(),
      );
    },
  },
  {
    what: "a closure that is shared by all rounds of a loop",
    racy: async () => {
      const seen: number[] = [];
      let i = 0;
      const wg = new WaitGroup();
      for (i = 0; i < 3; i++) {
        wg.go(async () => {
          await gosched();
          seen.push(i);
        });
        await gosched();
      }
      await wg.wait();
      return seen;
    },
    mended: async () => {
      const seen: number[] = [];
      const wg = new WaitGroup();
      for (let i = 0; i < 3; i++) {
        wg.go(async () => {
          await gosched();
          seen.push(i);
        });
        await gosched();
      }
      await wg.wait();
      return seen;
    },
  },
  {
    what: "two writers of one file handle's position",
    racy: async () => {
      const file = { position: 0 };
      const append = async (bytes: number): Promise<void> => {
        const at = file.position;
        await io();
        file.position = at + bytes;
      };
      await together(
        () => append(3),
        () => append(5),
      );
    },
    mended: async () => {
      const file = { position: 0 };
      const mu = new Mutex();
      const append = async (bytes: number): Promise<void> => {
        using _ = await mu.lock();
        const at = file.position;
        await io();
        file.position = at + bytes;
      };
      await together(
        () => append(3),
        () => append(5),
      );
    },
  },
  {
    what: "an error of whichever ended last",
    racy: async () => {
      let failure: Error | undefined;
      await together(
        async () => (await io(), (failure = new Error("a"))),
        async () => (await io(), (failure = new Error("b"))),
      );
      return failure;
    },
    mended: async () => {
      let failure: Error | undefined;
      const fail = (error: Error): void => {
        failure ??= error;
      };
      await together(
        async () => (await io(), fail(new Error("a"))),
        async () => (await io(), fail(new Error("b"))),
      );
      return failure;
    },
  },
  {
    what: "a flag instead of a cancellation",
    racy: async () => {
      let stopped = false;
      go(async () => {
        while (!stopped) await gosched();
      });
      await io();
      stopped = true;
    },
    mended: async () => {
      const [ctx, cancel] = withCancel(background());
      const wg = new WaitGroup();
      wg.go(async () => {
        while (ctx.err() === undefined) await gosched();
      });
      await io();
      cancel();
      await wg.wait();
    },
  },
  {
    what: "the number of a request, taken before an await",
    racy: async () => {
      const state = { sequence: 0 };
      const request = async (): Promise<number> => {
        const id = state.sequence;
        await io();
        state.sequence = id + 1;
        return id;
      };
      await together(request, request, request);
    },
    mended: async () => {
      const state = { sequence: 0 };
      const request = async (): Promise<number> => {
        const id = state.sequence++;
        await io();
        return id;
      };
      await together(request, request, request);
    },
  },
  {
    what: "a list that is replaced by a filtered copy",
    racy: async () => {
      const store = { items: [1, 2, 3] };
      const remove = async (n: number): Promise<void> => {
        const { items } = store;
        await io();
        store.items = items.filter((item) => item !== n);
      };
      await together(
        () => remove(1),
        () => remove(2),
      );
    },
    mended: async () => {
      const store = { items: [1, 2, 3] };
      const remove = async (n: number): Promise<void> => {
        await io();
        store.items = store.items.filter((item) => item !== n);
      };
      await together(
        () => remove(1),
        () => remove(2),
      );
    },
  },
  {
    what: "the current user in a variable of the module",
    racy: async () => {
      let user = "";
      const handle = async (name: string): Promise<string> => {
        user = name;
        await io();
        return user;
      };
      await together(
        () => handle("ada"),
        () => handle("bob"),
      );
    },
    mended: async () => {
      const handle = async (name: string): Promise<string> => {
        const user = name;
        await io();
        return user;
      };
      await together(
        () => handle("ada"),
        () => handle("bob"),
      );
    },
  },
  {
    what: "a Map that is walked over while others delete",
    racy: async () => {
      const sessions = new Map([
        ["a", 1],
        ["b", 2],
        ["c", 3],
      ]);
      await together(
        async () => {
          for (const [key] of sessions) await gosched().then(() => key);
        },
        async () => (await gosched(), sessions.delete("b")),
      );
    },
    mended: async () => {
      const sessions = new Map([
        ["a", 1],
        ["b", 2],
        ["c", 3],
      ]);
      const rw = new RWMutex();
      await together(
        async () => {
          using _ = await rw.rLock();
          for (const [key] of sessions) await gosched().then(() => key);
        },
        async () => {
          await gosched();
          using _ = await rw.lock();
          sessions.delete("b");
        },
      );
    },
  },
  {
    what: "results that are collected without waiting for all",
    racy: async () => {
      const results: (number | undefined)[] = [undefined, undefined];
      for (let i = 0; i < 2; i++) {
        go(async () => {
          await io();
          results[i] = i;
        });
      }
      await quiet();
      return results.map((result) => result);
    },
    mended: async () => {
      const results: (number | undefined)[] = [undefined, undefined];
      const wg = new WaitGroup();
      for (let i = 0; i < 2; i++) {
        wg.go(async () => {
          await io();
          results[i] = i;
        });
      }
      await wg.wait();
      return results.map((result) => result);
    },
  },
  {
    what: "a lock around the write and not around the read",
    racy: async () => {
      const stock = { left: 1 };
      const mu = new Mutex();
      const buy = async (): Promise<void> => {
        if (stock.left > 0) {
          using _ = await mu.lock();
          stock.left = stock.left - 1;
        }
      };
      await together(buy, buy);
    },
    mended: async () => {
      const stock = { left: 1 };
      const mu = new Mutex();
      const buy = async (): Promise<void> => {
        using _ = await mu.lock();
        if (stock.left > 0) {
          await io();
          stock.left = stock.left - 1;
        }
      };
      await together(buy, buy);
    },
  },
  {
    what: "settings that are loaded while they are used",
    racy: async () => {
      const app: { settings: { debug: boolean } } = { settings: { debug: false } };
      await together(
        async () => (await io(), (app.settings = { debug: true })),
        async () => {
          for (let i = 0; i < 3; i++) await io().then(() => app.settings.debug);
        },
      );
    },
    mended: async () => {
      const settings = chan<{ debug: boolean }>(1);
      await together(
        async () => (await io(), await settings.send({ debug: true })),
        async () => (await settings.recv())?.debug,
      );
    },
  },
  {
    what: "a page that is answered late overwrites a newer one",
    racy: async () => {
      const view = { page: "" };
      const show = async (page: string, ms: number): Promise<void> => {
        await sleep(ms);
        view.page = page;
      };
      await together(
        () => show("first", 3),
        () => show("second", 1),
      );
    },
    mended: async () => {
      const view = { page: "" };
      const latest = new Int32();
      const show = async (page: string, ms: number): Promise<void> => {
        const mine = latest.add(1);
        await sleep(ms);
        if (mine === latest.load()) view.page = page;
      };
      await together(
        () => show("first", 3),
        () => show("second", 1),
      );
    },
  },
  {
    what: "a retry that others' success has made needless",
    racy: async () => {
      const job = { state: "open", tries: 0 };
      const work = async (): Promise<void> => {
        if (job.state === "open") {
          await io();
          job.tries = job.tries + 1;
          job.state = "done";
        }
      };
      await together(work, work);
    },
    mended: async () => {
      const job = { state: "open", tries: 0 };
      const flight = new Group<string, void>();
      const work = async (): Promise<void> => {
        await flight.do("job", async () => {
          await io();
          job.tries = job.tries + 1;
          job.state = "done";
        });
      };
      await together(work, work);
    },
  },
  {
    what: "a buffer that is used again before it was written out",
    racy: async () => {
      const buffer = new Uint8Array(4);
      const write = async (byte: number): Promise<number | undefined> => {
        buffer[0] = byte;
        await io();
        return buffer[0];
      };
      await together(
        () => write(1),
        () => write(2),
      );
    },
    mended: async () => {
      const write = async (byte: number): Promise<number | undefined> => {
        const buffer = new Uint8Array(4);
        buffer[0] = byte;
        await io();
        return buffer[0];
      };
      await together(
        () => write(1),
        () => write(2),
      );
    },
  },
  {
    what: "a handler that is set after the work has begun",
    racy: async () => {
      const worker: { done: (() => void) | undefined } = { done: undefined };
      go(async () => (await io(), worker.done?.()));
      await gosched();
      worker.done = () => undefined;
      await quiet();
    },
    mended: async () => {
      const worker: { done: (() => void) | undefined } = { done: undefined };
      worker.done = () => undefined;
      go(async () => (await io(), worker.done?.()));
      await quiet();
    },
  },
  {
    what: "a request in flight that is forgotten before it ends",
    racy: async () => {
      let flight: Promise<number> | undefined;
      const ask = async (): Promise<number> => {
        if (flight !== undefined) return flight;
        await io();
        flight = io().then(() => 1);
        return flight;
      };
      await together(ask, ask);
    },
    mended: async () => {
      let flight: Promise<number> | undefined;
      const flights = new Map<string, Promise<number>>();
      const ask = async (): Promise<void> => {
        await (flight ??= io()
          .then(() => 1)
          .finally(() => (flight = undefined)));
        let other = flights.get("a");
        if (other === undefined) {
          other = io().then(() => 1);
          flights.set("a", other);
          void other.then(() => flights.delete("a"));
        }
        await other;
      };
      await together(ask, ask);
    },
  },
  {
    what: "a state that is cleared while another looks at it",
    racy: async () => {
      let user: string | undefined = "a";
      const show = async (): Promise<string | undefined> => (await io(), user);
      await together(show, () => void (user = undefined));
    },
    mended: async () => {
      let user: string | undefined = "a";
      const mu = new Mutex();
      const locked = async (body: () => unknown): Promise<void> => {
        using _ = await mu.lock();
        body();
      };
      await together(
        () => locked(() => user),
        () => locked(() => (user = undefined)),
      );
    },
  },
];
