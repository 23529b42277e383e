// The first two workloads of parallel.ts in other pools of worker threads, and without any: over a
// port, and over a futex.
import { createRequire } from "node:module";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { inFlight, type Workloads } from "./go-shared.ts";

const peers = createRequire(join(import.meta.dirname, "peers", "package.json"));
const file = (name: string): string => join(import.meta.dirname, "parallel-workers", name);

interface Pool {
  run(task: readonly number[]): Promise<number>;
}
interface PoolOptions {
  readonly filename: string;
  readonly minThreads: number;
  readonly maxThreads: number;
}

export function peer(contender: string, procs: number): Workloads {
  switch (contender) {
    case "postMessage":
      return posting(procs);
    case "futex":
      return futex();
    case "piscina": {
      const { Piscina } = peers("piscina") as { Piscina: new (options: PoolOptions) => Pool };
      const pool = new Piscina({ filename: file("piscina.mjs"), minThreads: procs, maxThreads: procs });
      return calling((a, b) => pool.run([a, b]));
    }
    case "tinypool": {
      const { Tinypool } = peers("tinypool") as { Tinypool: new (options: PoolOptions) => Pool };
      const pool = new Tinypool({ filename: file("piscina.mjs"), minThreads: procs, maxThreads: procs });
      return calling((a, b) => pool.run([a, b]));
    }
    case "poolifier": {
      const { FixedThreadPool } = peers("poolifier") as {
        FixedThreadPool: new (size: number, file: string) => { execute(task: readonly number[]): Promise<number> };
      };
      const pool = new FixedThreadPool(procs, file("poolifier.mjs"));
      return calling((a, b) => pool.execute([a, b]));
    }
    case "workerpool": {
      const { pool } = peers("workerpool") as {
        pool: (file: string, options: object) => { exec(name: string, args: readonly number[]): Promise<number> };
      };
      const made = pool(file("workerpool.mjs"), { workerType: "thread", minWorkers: procs, maxWorkers: procs });
      return calling((a, b) => made.exec("add", [a, b]));
    }
    default:
      throw new Error(`no contender ${contender}`);
  }
}

function calling(add: (a: number, b: number) => PromiseLike<number>): Workloads {
  return {
    tasks: (n) => inFlight(n, 64, (i) => add(i, 1)),
    one: (n) => inFlight(n, 1, (i) => add(i, 1)),
  };
}

/** What a pool of thirty lines does. */
function posting(procs: number): Workloads {
  const waiting = new Map<number, (value: number) => void>();
  const workers = Array.from({ length: procs }, () => {
    const worker = new Worker(file("post.mjs"));
    worker.on("message", ({ id, value }: { id: number; value: number }) => {
      const resolve = waiting.get(id) as (value: number) => void;
      waiting.delete(id);
      resolve(value);
    });
    return worker;
  });
  let last = 0;
  return calling((a, b) => {
    const id = ++last;
    workers[id % procs]!.postMessage({ id, a, b });
    return new Promise((resolve) => waiting.set(id, resolve));
  });
}

/** Both threads block on a word of shared memory in turn: the shortest way there and back. */
function futex(): Workloads {
  const memory = new Int32Array(new SharedArrayBuffer(16));
  void new Worker(file("futex.mjs"), { workerData: memory });
  return {
    one: async (n) => {
      for (let i = 0; i < n; i++) {
        memory[1] = i;
        Atomics.store(memory, 0, 1);
        Atomics.notify(memory, 0);
        while (Atomics.load(memory, 0) !== 0) Atomics.wait(memory, 0, 1);
        if (memory[2] !== i + 1) throw new Error("futex");
      }
    },
  };
}
