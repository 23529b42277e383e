// What the workloads of go-ours.ts and go-peers.ts have in common.

/**
 * Does n operations. One that does other things as well gives the nanoseconds of processor time
 * that they took.
 */
export type Work = (n: number) => Promise<void | number>;
export type Workloads = Readonly<Record<string, Work>>;

/** What must not be collected. */
export const kept: unknown[] = [];

/** What one microtask takes, as runtime.Gosched() in Go. */
export const turn: Promise<void> = Promise.resolve();

export function* upTo(n: number): Generator<number> {
  for (let i = 0; i < n; i++) yield i;
}

export function checkSum(sum: number, n: number): void {
  if (sum !== (n * (n + 1)) / 2) throw new Error(`sum ${sum} of ${n} values`);
}

/** The sum of n deliveries: the numbers below n / 10, to each of ten subscribers. */
export function checkDelivered(sum: number, n: number): void {
  const published = n / 10;
  if (sum !== 10 * ((published * (published - 1)) / 2)) throw new Error(`sum ${sum} of ${n} deliveries`);
}

/** What this process has used of processor time so far, in nanoseconds. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/** Makes n calls, of which so many are under way at any time. */
export async function inFlight(n: number, width: number, call: (i: number) => PromiseLike<number>): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < n) {
      const i = next++;
      if ((await call(i)) !== i + 1) throw new Error(`call ${i} gave something else`);
    }
  };
  await Promise.all(Array.from({ length: width }, one));
}
