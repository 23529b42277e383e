// The workloads of parallel.ts in @sluice/go/parallel. Each worker imports this module.
import { gomaxprocs, parallel, type Parallel, sharedChan, type SharedChan, SharedMutex } from "@sluice/go/parallel";
import { checkSum, inFlight } from "./go-shared.ts";
import type { Workloads } from "./go-shared.ts";
import * as kernel from "./parallel-kernels.ts";

export const add: Parallel<[a: number, b: number], number> = parallel(import.meta.url, function add(a, b) {
  return a + b;
});
export const fib: Parallel<[n: number], Promise<number>> = parallel(
  import.meta.url,
  // An arrow function: a function named fib would call itself, and not the parallel one.
  async (n: number): Promise<number> => {
    if (n <= kernel.smallFib) return kernel.fib(n);
    const [a, b] = await Promise.all([fib(n - 1), fib(n - 2)]);
    return a + b;
  },
);
export const mandelbrot: Parallel<[row: number, size: number], number> = parallel(import.meta.url, kernel.mandelbrot);
export const multiply: Parallel<[a: Float64Array, b: Float64Array, c: Float64Array, row: number], void> = parallel(
  import.meta.url,
  kernel.multiply,
);
export const quicksort: Parallel<[values: Int32Array, from: number, to: number], Promise<void>> = parallel(
  import.meta.url,
  async (values: Int32Array, from: number, to: number): Promise<void> => {
    if (to - from <= kernel.smallSort) {
      values.subarray(from, to).sort();
      return;
    }
    const middle = kernel.partition(values, from, to);
    await Promise.all([quicksort(values, from, middle), quicksort(values, middle, to)]);
  },
);
const produce: Parallel<[out: SharedChan<unknown>, n: number, size: number], Promise<void>> = parallel(
  import.meta.url,
  async function produce(out: SharedChan<unknown>, n: number, asObjects: number): Promise<void> {
    if (asObjects === 1) for (let i = 0; i < n; i++) await out.send({ id: i, name: "a name", ok: true });
    else for (let i = 0; i < n; i++) await out.send(i);
  },
);
const consume: Parallel<[values: SharedChan<unknown>, n: number], Promise<number>> = parallel(
  import.meta.url,
  async function consume(values: SharedChan<unknown>, n: number): Promise<number> {
    let sum = n;
    for (let i = 0; i < n; i++) {
      const value = await values.recv();
      sum += typeof value === "number" ? value : (value as { readonly id: number }).id;
    }
    return sum;
  },
);
const lockOften: Parallel<[mu: SharedMutex, n: Int32Array, times: number], Promise<void>> = parallel(
  import.meta.url,
  async function lockOften(mu: SharedMutex, n: Int32Array, times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      await mu.lock();
      n[0] = n[0]! + 1;
      mu.unlock();
    }
  },
);

/** From one worker to another, through a buffer of 1,000. */
async function pass(n: number, asObjects: number): Promise<void> {
  const values = sharedChan<unknown>(1000);
  const [, sum] = await Promise.all([produce(values, n, asObjects), consume(values, n)]);
  checkSum(sum, n);
}

export function ours(procs: number): Workloads {
  gomaxprocs(procs);
  return {
    tasks: (n) => inFlight(n, 64, (i) => add(i, 1)),
    one: (n) => inFlight(n, 1, (i) => add(i, 1)),
    fib: async (n) => {
      if ((await fib(n)) !== kernel.fibonacci(n)) throw new Error("fib");
    },
    mandelbrot: async (n) => {
      const rows = await Promise.all(Array.from({ length: n }, (_, row) => mandelbrot(row, n)));
      if (rows.length !== n) throw new Error("mandelbrot");
    },
    quicksort: async (n) => {
      const values = new Int32Array(new SharedArrayBuffer(n * 4));
      kernel.scatter(values);
      await quicksort(values, 0, n);
      for (let i = 1; i < n; i++) if (values[i - 1]! > values[i]!) throw new Error("not sorted");
    },
    matrix: async (n) => {
      const [a, b, c] = [1, 2, 0].map((value) => new Float64Array(new SharedArrayBuffer(n * n * 8)).fill(value));
      await Promise.all(Array.from({ length: n }, (_, row) => multiply(a!, b!, c!, row)));
      if (c![n * n - 1] !== 2 * n) throw new Error("matrix");
    },
    integers: (n) => pass(n, 0),
    objects: (n) => pass(n, 1),
    mutex: async (n) => {
      const mu = new SharedMutex();
      const count = new Int32Array(new SharedArrayBuffer(4));
      await Promise.all([lockOften(mu, count, n / 2), lockOften(mu, count, n / 2)]);
      if (count[0] !== n) throw new Error(`counted ${count[0]} of ${n}`);
    },
  };
}
