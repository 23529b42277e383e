// The workloads of go.ts in @sluice/go and in its peers: a new process for each figure. Every
// contender does the same work with the same number of operations as go-twin/concurrency, written
// as its users would write it.
//
//   go-work.ts CONTENDER WORKLOAD N   does N operations, again and again, and prints { figure }: nanoseconds of processor time
//                                     per operation, for `parked` and `fiber-parked` bytes per goroutine (needs --expose-gc);
//                                     `first` does them once, in a process that has done nothing before
//
// Processor time is what one core would take by the clock if nobody else used it. After a second of
// warming up, five passes are timed and the shortest counts: whatever else the machine does only
// adds to them. `--no-turns` gives our scheduler a clock that stands still, so that it never lets
// the event loop have its turn.
import { ours } from "./go-ours.ts";
import { peer } from "./go-peers.ts";
import { processorTime, type Work } from "./go-shared.ts";

const [contender = "", workload = "", operations = "", flag] = process.argv.slice(2);
if (flag === "--no-turns") performance.now = () => 0;

const n = Number(operations);
const work = (contender === "@sluice/go" ? await ours() : peer(contender))[workload];
if (work === undefined) throw new Error(`${contender} has no workload ${workload}`);
if (workload.endsWith("parked")) await parked(work);
else if (workload === "first") await once(work);
else await timed(work);

async function timed(work: Work): Promise<void> {
  const begun = processorTime();
  while (processorTime() - begun < 1e9) await work(n);
  let least = Infinity;
  for (let i = 0; i < 5; i++) {
    const start = processorTime();
    const counted = await work(n);
    least = Math.min(least, counted ?? processorTime() - start);
  }
  print(least / n);
}

async function once(work: Work): Promise<void> {
  const start = processorTime();
  await work(n);
  print((processorTime() - start) / n);
}

/** What n tasks cost that wait: the growth of the heap, both ends after a collection. */
async function parked(park: Work): Promise<void> {
  await park(1000);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  await park(n);
  globalThis.gc?.();
  print((process.memoryUsage().heapUsed - before) / n);
}

function print(figure: number): void {
  process.stdout.write(`${JSON.stringify({ figure })}\n`, () => process.exit());
}
