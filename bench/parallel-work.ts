// The workloads of parallel.ts: a new process for each figure.
//
//   parallel-work.ts CONTENDER WORKLOAD N PROCS   does N operations, again and again, and prints { figure }: nanoseconds by the
//                                                 clock per operation; `start` gives what the first call takes, `idle` the bytes of
//                                                 a worker that has nothing to do
//
// The clock counts, not the processor's time, since several threads work. After half a second of
// warming up, five passes are timed and the shortest counts.
import { gomaxprocs } from "@sluice/go/parallel";
import { isMainThread } from "node:worker_threads";
import type { Work } from "./go-shared.ts";
import { add, ours } from "./parallel-ours.ts";
import { peer } from "./parallel-peers.ts";

if (isMainThread) {
  const [contender = "", workload = "", operations = "", procs = "2"] = process.argv.slice(2);
  const n = Number(operations);
  if (workload === "start") await start();
  else if (workload === "idle") await idle();
  else {
    const work = (contender === "@sluice/go" ? ours(Number(procs)) : peer(contender, Number(procs)))[workload];
    if (work === undefined) throw new Error(`${contender} has no workload ${workload}`);
    await timed(work, n);
  }
}

async function timed(work: Work, n: number): Promise<void> {
  const begun = performance.now();
  while (performance.now() - begun < 500) await work(n);
  let least = Infinity;
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    await work(n);
    least = Math.min(least, performance.now() - start);
  }
  print((least * 1e6) / n);
}

async function start(): Promise<void> {
  gomaxprocs(1);
  const begun = performance.now();
  await add(1, 2);
  print((performance.now() - begun) * 1e6);
}

/** The growth of the resident set by eight workers, by each. */
async function idle(): Promise<void> {
  gomaxprocs(1);
  await add(1, 2);
  const before = process.memoryUsage().rss;
  gomaxprocs(9);
  // Each of them has run something.
  while (new Set(await Promise.all(Array.from({ length: 500 }, (_, i) => add(i, 1)))).size === 0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  print((process.memoryUsage().rss - before) / 8);
}

function print(figure: number): void {
  process.stdout.write(`${JSON.stringify({ figure })}\n`, () => process.exit());
}
