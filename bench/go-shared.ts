// What the workloads of go-ours.ts and go-peers.ts have in common.

/** Does n operations. */
export type Work = (n: number) => Promise<void>;
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
