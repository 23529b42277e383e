// A prime finder: ranges of numbers are fanned out to a worker on every core, and their counts
// fanned in.
//
//   node --conditions=source examples/primes.ts 10000000
import { go, main } from "@sluice/go";
import { numCPU, parallel, sharedChan, type SharedChan } from "@sluice/go/parallel";

interface Range {
  readonly from: number;
  /** The first number after it. */
  readonly to: number;
}

/** So many numbers are one job: enough to be worth its way to another thread. */
const jobSize = 10_000;

/** Counts the primes of each range, until there are no more ranges. */
const countPrimes = parallel(
  import.meta.url,
  async function countPrimes(ranges: SharedChan<Range>, counts: SharedChan<number>): Promise<void> {
    for await (const { from, to } of ranges) {
      let count = 0;
      for (let n = from; n < to; n++) if (isPrime(n)) count++;
      await counts.send(count);
    }
  },
);

function isPrime(n: number): boolean {
  if (n % 2 === 0) return n === 2;
  for (let divisor = 3; divisor * divisor <= n; divisor += 2) if (n % divisor === 0) return false;
  return n > 1;
}

/** How many primes there are below a number. */
export async function primesBelow(limit: number): Promise<number> {
  const ranges = sharedChan<Range>(numCPU());
  const counts = sharedChan<number>(numCPU());
  go(async function feed() {
    for (let from = 0; from < limit; from += jobSize) {
      await ranges.send({ from, to: Math.min(from + jobSize, limit) });
    }
    ranges.close();
  });
  go(async function fanIn() {
    await Promise.all(Array.from({ length: numCPU() }, () => countPrimes(ranges, counts)));
    counts.close();
  });
  let total = 0;
  for await (const count of counts) total += count;
  return total;
}

if (import.meta.main) {
  await main(async () => {
    const limit = Number(process.argv[2] ?? 1_000_000);
    const began = performance.now();
    const count = await primesBelow(limit);
    const ms = Math.round(performance.now() - began);
    console.log(`${count} primes below ${limit}, on ${numCPU()} cores in ${ms} ms`);
  });
}
