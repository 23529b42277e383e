// The workloads of go.ts in other JavaScript libraries, as far as they have what it takes. They
// have their own folder and lock file; no type of theirs is needed beyond those here.
import { createRequire } from "node:module";
import { join } from "node:path";
import { checkDelivered, checkSum, kept, processorTime, turn, upTo, type Work, type Workloads } from "./go-shared.ts";

export function peer(contender: string): Workloads {
  const peers = createRequire(join(import.meta.dirname, "peers", "package.json"));
  switch (contender) {
    case "@thi.ng/csp":
      return thing(peers("@thi.ng/csp") as Thing);
    case "ts-chan":
      return tsChan(peers("ts-chan") as TsChan);
    case "effect":
      return effect(peers("effect") as EffectModule);
    case "async-mutex":
      return asyncMutex(peers("async-mutex") as AsyncMutex);
    case "p-limit":
      return limiting((peers("p-limit") as { default: (n: number) => Limit }).default(1));
    case "p-queue": {
      const queue = new (peers("p-queue") as PQueue).default({ concurrency: 1 });
      return limiting((task) => queue.add(task));
    }
    case "p-map":
      return pMap((peers("p-map") as PMap).default);
    case "rxjs":
      return rxjs(peers("rxjs") as Rxjs);
    case "bare promises":
      return barePromises();
    default:
      throw new Error(`no contender ${contender}`);
  }
}

interface ThingChannel {
  read(): Promise<number | undefined>;
  write(value: number): Promise<boolean>;
}
interface Thing {
  channel(size?: number): ThingChannel;
  select(first: ThingChannel, ...others: ThingChannel[]): Promise<unknown>;
}

function thing({ channel, select }: Thing): Workloads {
  const selecting =
    (k: number): Work =>
    async (n) => {
      const chans = Array.from({ length: k }, () => channel());
      const feeding = (async () => {
        for (let i = 0; i < n; i++) await chans[i % k]!.write(i);
      })();
      for (let i = 0; i < n; i++) await select(chans[0]!, ...chans.slice(1));
      await feeding;
    };
  return {
    pingpong: async (n) => {
      const ping = channel();
      const pong = channel();
      const answering = (async () => {
        for (let i = 0; i < n / 2; i++) await pong.write((await ping.read())!);
      })();
      for (let i = 0; i < n / 2; i++) {
        await ping.write(i);
        await pong.read();
      }
      await answering;
    },
    buffered: async (n) => {
      const ch = channel(100);
      const sending = (async () => {
        for (let i = 0; i < n; i++) await ch.write(i);
      })();
      for (let i = 0; i < n; i++) await ch.read();
      await sending;
    },
    select2: selecting(2),
    select8: selecting(8),
    parked: async (n) => {
      // It lets 1,024 wait for a channel at most.
      for (let i = 0; i < n; i += 1000) {
        const ch = channel();
        kept.push(ch);
        for (let j = 0; j < 1000; j++) void (async () => void (await ch.read()))();
      }
    },
  };
}

interface TsChannel {
  send(value: number): Promise<void>;
  recv(): Promise<unknown>;
  trySend(value: number): boolean;
  tryRecv(): unknown;
}
interface TsChan {
  Chan: new (capacity?: number) => TsChannel;
  Select: new (cases: unknown[]) => { wait(): Promise<number>; recv(of: unknown): unknown; cases: unknown[] };
  recv(ch: TsChannel): unknown;
}

function tsChan({ Chan, Select, recv }: TsChan): Workloads {
  const selecting =
    (k: number): Work =>
    async (n) => {
      const chans = Array.from({ length: k }, () => new Chan());
      const feeding = (async () => {
        for (let i = 0; i < n; i++) await chans[i % k]!.send(i);
      })();
      const select = new Select(chans.map((ch) => recv(ch)));
      for (let i = 0; i < n; i++) select.recv(select.cases[await select.wait()]);
      await feeding;
    };
  return {
    pingpong: async (n) => {
      const ping = new Chan();
      const pong = new Chan();
      const answering = (async () => {
        for (let i = 0; i < n / 2; i++) {
          await ping.recv();
          await pong.send(i);
        }
      })();
      for (let i = 0; i < n / 2; i++) {
        await ping.send(i);
        await pong.recv();
      }
      await answering;
    },
    buffered: async (n) => {
      const ch = new Chan(100);
      const sending = (async () => {
        for (let i = 0; i < n; i++) await ch.send(i);
      })();
      for (let i = 0; i < n; i++) await ch.recv();
      await sending;
    },
    try: async (n) => {
      const ch = new Chan(100);
      for (let i = 0; i < n; i += 100) {
        for (let j = 0; j < 100; j++) if (!ch.trySend(j)) throw new Error("full");
        for (let j = 0; j < 100; j++) if (ch.tryRecv() === undefined) throw new Error("empty");
      }
    },
    select2: selecting(2),
    select8: selecting(8),
    parked: async (n) => {
      const ch = new Chan();
      kept.push(ch);
      for (let i = 0; i < n; i++) void (async () => void (await ch.recv()))();
    },
  };
}

interface Effect<A = unknown> {
  [Symbol.iterator](): Iterator<Effect, A, unknown>;
}
type Body = () => Generator<Effect, unknown, unknown>;
type Queue = { readonly name: "queue" };
type Stream<A> = { readonly element: A };
interface EffectModule {
  Effect: {
    gen(body: Body): Effect;
    runPromise(effect: Effect): Promise<unknown>;
    forkChild(effect: Effect): Effect;
    forEach(items: Iterable<number>, fn: (item: number) => Effect, options?: object): Effect;
    promise(fn: () => Promise<unknown>): Effect;
    yieldNow: Effect;
    void: Effect;
    scoped(effect: Effect): Effect;
    sync(fn: () => void): Effect;
  };
  Fiber: { awaitAll(fibers: Iterable<unknown>): Effect };
  Queue: {
    bounded(size: number): Effect<Queue>;
    take(queue: Queue): Effect<number>;
    offer(queue: Queue, value: number): Effect<boolean>;
  };
  PubSub: {
    bounded(size: number): Effect<object>;
    subscribe(topic: object): Effect<object>;
    publish(topic: object, value: number): Effect<boolean>;
    take(subscription: object): Effect<number>;
  };
  Stream: {
    fromIterable(items: Iterable<number>): Stream<number>;
    grouped(stream: Stream<number>, n: number): Stream<readonly number[]>;
    groupedWithin(stream: Stream<number>, n: number, time: string): Stream<readonly number[]>;
    groupByKey<K>(stream: Stream<number>, key: (v: number) => K): Stream<readonly [K, Stream<number>]>;
    mapEffect<A>(stream: Stream<A>, fn: (value: A) => Effect, options: object): Stream<unknown>;
    runForEach<A>(stream: Stream<A>, fn: (value: A) => Effect): Effect;
    runDrain(stream: Stream<unknown>): Effect;
  };
  Semaphore: { makeUnsafe(permits: number): { withPermit(effect: Effect): Effect } };
}

/**
 * The workloads in Effect. It is longer than 60 lines because it is a list: one workload after the
 * other.
 */
function effect({ Effect, Fiber, PubSub, Queue, Semaphore, Stream }: EffectModule): Workloads {
  const { gen, forkChild } = Effect;
  const run = async (body: Body): Promise<void> => {
    await Effect.runPromise(gen(body));
  };
  const windows =
    (split: (stream: Stream<number>) => Stream<readonly number[]>): Work =>
    async (n) => {
      let sum = n;
      const add = (values: readonly number[]): Effect =>
        Effect.sync(() => {
          for (const v of values) sum += v;
        });
      await Effect.runPromise(Stream.runForEach(split(Stream.fromIterable(upTo(n))), add));
      checkSum(sum, n);
    };
  return {
    pingpong: (n) =>
      run(function* () {
        const ping = yield* Queue.bounded(0);
        const pong = yield* Queue.bounded(0);
        const answer = gen(function* () {
          for (let i = 0; i < n / 2; i++) yield* Queue.offer(pong, yield* Queue.take(ping));
        });
        yield* forkChild(answer);
        for (let i = 0; i < n / 2; i++) {
          yield* Queue.offer(ping, i);
          yield* Queue.take(pong);
        }
      }),
    buffered: (n) =>
      run(function* () {
        const queue = yield* Queue.bounded(100);
        const send = gen(function* () {
          for (let i = 0; i < n; i++) yield* Queue.offer(queue, i);
        });
        yield* forkChild(send);
        for (let i = 0; i < n; i++) yield* Queue.take(queue);
      }),
    mutex: (n) =>
      run(function* () {
        const mu = Semaphore.makeUnsafe(1);
        const task = gen(function* () {
          for (let i = 0; i < n / 10; i++) yield* mu.withPermit(Effect.yieldNow);
        });
        const fibers = [];
        for (let i = 0; i < 10; i++) fibers.push(yield* forkChild(task));
        yield* Fiber.awaitAll(fibers);
      }),
    spawn: (n) =>
      run(function* () {
        for (let i = 0; i < n; i += 100) {
          const fibers = [];
          for (let j = 0; j < 100; j++) fibers.push(yield* forkChild(Effect.void));
          yield* Fiber.awaitAll(fibers);
        }
      }),
    parked: async (n) => {
      const started = { count: 0 };
      // Its fibers live as long as the one that started them.
      void run(function* () {
        const queue = yield* Queue.bounded(0);
        kept.push(queue);
        const wait = gen(function* () {
          started.count++;
          yield* Queue.take(queue);
        });
        for (let i = 0; i < n; i++) yield* forkChild(wait);
        yield* Queue.take(queue);
      });
      while (started.count < n) await new Promise((resolve) => setTimeout(resolve, 1));
    },
    map: async (n) => {
      let sum = 0;
      const add = (v: number): Effect => Effect.promise(async () => (sum += v + 1));
      await Effect.runPromise(Effect.forEach(upTo(n), add, { concurrency: 8, discard: true }));
      checkSum(sum, n);
    },
    groupby: async (n) => {
      let sum = n;
      const groups = Stream.groupByKey(Stream.fromIterable(upTo(n)), (v) => v % 10);
      const add = (v: number): Effect => Effect.sync(() => void (sum += v));
      const all = Stream.mapEffect(groups, ([, values]) => Stream.runForEach(values, add), {
        concurrency: "unbounded",
      });
      await Effect.runPromise(Stream.runDrain(all));
      checkSum(sum, n);
    },
    bycount: windows((stream) => Stream.grouped(stream, 100)),
    bytime: windows((stream) => Stream.groupedWithin(stream, Infinity, "10 millis")),
    pubsub: async (n) => {
      let sum = 0;
      const all = gen(function* () {
        const topic = yield* PubSub.bounded(16);
        const fibers = [];
        for (let i = 0; i < 10; i++) {
          const subscription = yield* PubSub.subscribe(topic);
          const take = gen(function* () {
            for (let j = 0; j < n / 10; j++) {
              const v = yield* PubSub.take(subscription);
              sum += v;
            }
          });
          fibers.push(yield* forkChild(take));
        }
        for (let i = 0; i < n / 10; i++) yield* PubSub.publish(topic, i);
        yield* Fiber.awaitAll(fibers);
      });
      await Effect.runPromise(Effect.scoped(all));
      checkDelivered(sum, n);
    },
  };
}

interface AsyncMutex {
  Mutex: new () => { acquire(): Promise<() => void> };
}

function asyncMutex({ Mutex }: AsyncMutex): Workloads {
  return {
    mutex: async (n) => {
      const mu = new Mutex();
      const task = async (): Promise<void> => {
        for (let i = 0; i < n / 10; i++) {
          const release = await mu.acquire();
          await turn;
          release();
        }
      };
      await Promise.all(Array.from({ length: 10 }, task));
    },
  };
}

type Limit = (task: () => Promise<void>) => Promise<void>;
interface PQueue {
  default: new (options: object) => { add(task: () => Promise<void>): Promise<void> };
}

function limiting(limit: Limit): Workloads {
  return {
    mutex: async (n) => {
      const task = async (): Promise<void> => {
        for (let i = 0; i < n / 10; i++) {
          await limit(async () => {
            await turn;
          });
        }
      };
      await Promise.all(Array.from({ length: 10 }, task));
    },
  };
}

interface PMap {
  default: (items: Iterable<number>, fn: (v: number) => Promise<number> | number, options: object) => Promise<number[]>;
}

function pMap(pMap: PMap["default"]): Workloads {
  const mapping =
    (fn: (v: number) => Promise<number> | number): Work =>
    async (n) => {
      const sums = await pMap(upTo(n), fn, { concurrency: 8 });
      checkSum(
        sums.reduce((sum, v) => sum + v, 0),
        n,
      );
    };
  // Its results are in the order of its input.
  return { map: mapping(async (v) => v + 1), ordered: mapping(async (v) => v + 1), syncmap: mapping((v) => v + 1) };
}

interface Observable<A> {
  pipe<R = A>(...operators: unknown[]): Observable<R>;
  forEach(fn: (value: A) => void): Promise<void>;
}
interface Rxjs {
  from(items: Iterable<number>): Observable<number>;
  of(v: number): unknown;
  mergeMap(fn: (value: never) => unknown, concurrency?: number): unknown;
  groupBy(key: (v: number) => unknown): unknown;
  reduce(fn: (sum: number, v: number) => number, seed: number): unknown;
  bufferCount(n: number): unknown;
  bufferTime(ms: number): unknown;
  Subject: new () => Observable<number> & { next(v: number): void; complete(): void };
}

function rxjs({ bufferCount, bufferTime, from, groupBy, mergeMap, of, reduce, Subject }: Rxjs): Workloads {
  const mapping =
    (fn: (v: number) => unknown): Work =>
    async (n) => {
      let sum = 0;
      await from(upTo(n))
        .pipe(mergeMap(fn, 8))
        .forEach((v) => (sum += v));
      checkSum(sum, n);
    };
  const windows =
    (split: () => unknown): Work =>
    async (n) => {
      let sum = n;
      await from(upTo(n))
        .pipe<number[]>(split())
        .forEach((values) => {
          for (const v of values) sum += v;
        });
      checkSum(sum, n);
    };
  return {
    map: mapping(async (v) => v + 1),
    syncmap: mapping((v) => of(v + 1)),
    groupby: async (n) => {
      let sum = n;
      const add = reduce((sum, v) => sum + v, 0);
      await from(upTo(n))
        .pipe(
          groupBy((v) => v % 10),
          mergeMap((group: Observable<number>) => group.pipe(add)),
        )
        .forEach((v) => (sum += v));
      checkSum(sum, n);
    },
    bycount: windows(() => bufferCount(100)),
    bytime: windows(() => bufferTime(10)),
    pubsub: async (n) => {
      let sum = 0;
      const topic = new Subject();
      const all = Array.from({ length: 10 }, () => topic.forEach((v) => void (sum += v)));
      for (let i = 0; i < n / 10; i++) topic.next(i);
      topic.complete();
      await Promise.all(all);
      checkDelivered(sum, n);
    },
  };
}

/** No library: what async functions cost that wait for a promise each. */
function barePromises(): Workloads {
  const burst = async (n: number): Promise<{ readonly start: number; readonly wake: number }> => {
    const gate: (() => void)[] = [];
    const wait = (open: () => void): unknown => gate.push(open);
    const task = async (): Promise<void> => {
      await turn; // a goroutine does not begin within its go statement either
      await new Promise<void>(wait);
    };
    const ended: Promise<void>[] = [];
    const start = processorTime();
    for (let i = 0; i < n; i++) ended.push(task());
    while (gate.length < n) await new Promise((resolve) => setImmediate(resolve));
    const waiting = processorTime();
    for (const open of gate) open();
    await Promise.all(ended);
    return { start: waiting - start, wake: processorTime() - waiting };
  };
  return {
    start: async (n) => (await burst(n)).start,
    wake: async (n) => (await burst(n)).wake,
    first: async (n) => void (await burst(n)),
  };
}
