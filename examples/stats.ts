// A counter, a cache and statistics of requests: where shared state needs a Mutex or an RWMutex,
// and where it needs nothing.
//
//   node --conditions=source examples/stats.ts
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { main } from "@sluice/go";
import { Mutex, RWMutex, WaitGroup } from "@sluice/go/sync";
import { sleep } from "@sluice/go/time";

/**
 * A number in a file. Reading, adding and writing takes several awaits, so a Mutex keeps others out
 * meanwhile.
 */
export class Counter {
  readonly #file: string;
  readonly #mu = new Mutex();

  constructor(file: string) {
    this.#file = file;
  }

  async increment(): Promise<number> {
    using _ = await this.#mu.lock();
    const value = 1 + Number(await readFile(this.#file, "utf8").catch(() => "0"));
    await writeFile(this.#file, `${value}`);
    return value;
  }
}

/**
 * A table that is loaded as a whole, in parts. Many may read at once, and across awaits they see
 * one version of it. A reload waits for them, and lets nobody read before all parts are there.
 */
export class Cache<V> {
  readonly #load: (part: number) => Promise<readonly (readonly [string, V])[]>;
  readonly #parts: number;
  readonly #mu = new RWMutex();
  readonly #values = new Map<string, V>();

  constructor(parts: number, load: (part: number) => Promise<readonly (readonly [string, V])[]>) {
    this.#parts = parts;
    this.#load = load;
  }

  /** Calls fn with a look-up. What it finds does not change before it has ended. */
  async read<R>(fn: (get: (key: string) => V | undefined) => R | PromiseLike<R>): Promise<R> {
    using _ = await this.#mu.rLock();
    return await fn((key) => this.#values.get(key));
  }

  async reload(): Promise<void> {
    using _ = await this.#mu.lock();
    this.#values.clear();
    for (let part = 0; part < this.#parts; part++) {
      for (const [key, value] of await this.#load(part)) this.#values.set(key, value);
    }
  }
}

export interface Counts {
  requests: number;
  errors: number;
}

/**
 * How often each endpoint was asked, and failed. No method awaits, so none of them needs a lock:
 * nothing interrupts `++`.
 */
export class RequestStats {
  readonly #counts = new Map<string, Counts>();

  record(endpoint: string, failed: boolean): void {
    const counts = this.of(endpoint);
    counts.requests++;
    if (failed) counts.errors++;
    this.#counts.set(endpoint, counts);
  }

  of(endpoint: string): Counts {
    return this.#counts.get(endpoint) ?? { requests: 0, errors: 0 };
  }

  all(): Readonly<Record<string, Counts>> {
    return Object.fromEntries([...this.#counts].map(([endpoint, counts]) => [endpoint, { ...counts }]));
  }
}

if (import.meta.main) {
  await main(async () => {
    const folder = await mkdtemp(join(tmpdir(), "stats-"));
    const [counter, stats, wg] = [new Counter(join(folder, "count")), new RequestStats(), new WaitGroup()];
    let version = 0;
    const cache = new Cache(3, async (part) => {
      if (part === 0) version++;
      await sleep(5); // a query
      return [[`part ${part}`, version]] as const;
    });
    await cache.reload();
    for (let i = 0; i < 200; i++) {
      wg.go(async () => {
        await counter.increment();
        if (i % 50 === 49) await cache.reload();
        const torn = await cache.read(async (get) => {
          const first = get("part 0");
          await sleep(1); // the answer is sent in two pieces
          return first !== get("part 2");
        });
        stats.record(i % 3 === 0 ? "/users" : "/orders", torn || i % 40 === 0);
      });
    }
    await wg.wait();
    console.log(`counter: ${await readFile(join(folder, "count"), "utf8")} of 200`);
    console.log(`cache: version ${version}, and nobody has seen two versions at once`);
    console.table(stats.all());
    await rm(folder, { recursive: true });
  });
}
