// A counter of hits that loses some of them, and two ways to mend it (docs/tools.md).
//
//   node --conditions=source examples/counter.ts lost|locked|whole

import { gosched, main } from "@sluice/go";
import { Mutex, WaitGroup } from "@sluice/go/sync";

/** Each counts n hits, every one in a goroutine of its own, and gives the count at the end. */
export const variants: Readonly<Record<string, (n: number) => Promise<number>>> = { lost, locked, whole };

/** Reads the count, waits, and writes one more. What others wrote meanwhile is lost. */
async function lost(n: number): Promise<number> {
  let count = 0;
  const wg = new WaitGroup();
  for (let i = 0; i < n; i++) {
    wg.go(async function hit() {
      const seen = count;
      await isAllowed();
      count = seen + 1;
    });
  }
  await wg.wait();
  return count;
}

/** The same under a lock: right, but all wait for each other. */
async function locked(n: number): Promise<number> {
  let count = 0;
  const mu = new Mutex();
  const wg = new WaitGroup();
  for (let i = 0; i < n; i++) {
    wg.go(async function hit() {
      await mu.lock();
      const seen = count;
      await isAllowed();
      count = seen + 1;
      mu.unlock();
    });
  }
  await wg.wait();
  return count;
}

/** Reads and writes in one step, with no await in between: right, and nobody waits. */
async function whole(n: number): Promise<number> {
  let count = 0;
  const wg = new WaitGroup();
  for (let i = 0; i < n; i++) {
    wg.go(async function hit() {
      await isAllowed();
      count++;
    });
  }
  await wg.wait();
  return count;
}

/** Whether a hit counts. Stands for a question to a database. */
async function isAllowed(): Promise<boolean> {
  await gosched();
  return true;
}

if (import.meta.main) {
  const variant = variants[process.argv[2] ?? "lost"];
  if (variant === undefined)
    throw new RangeError(`expected ${Object.keys(variants).join(", ")}, got ${process.argv[2]}`);
  await main(async () => console.log(`${await variant(100)} of 100`));
}
