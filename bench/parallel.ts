// Tasks on every core: @sluice/go/parallel against Go, and against JavaScript's pools of worker
// threads. See README.md.
//
// Every figure is a process of its own. The contenders of a workload take turns, so that a machine
// that changes its speed meanwhile changes it for all; a ratio is the median of the ratios within
// the rounds.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root, tmp } from "./data.ts";
import { atLeast, atMost, count, type Goal, median, mustRun, printGoals, printTable, times } from "./run.ts";

const own = "@sluice/go";
/** Ours with one worker. */
const alone = "one worker";
const pools = ["postMessage", "piscina", "tinypool", "poolifier", "workerpool"];

interface Workload {
  readonly name: string;
  readonly about: string;
  readonly n: number;
  readonly rivals: readonly string[];
  /** What is to be reached, from the figures of each contender. */
  readonly goals: (figure: (contender: string) => number, ratio: (contender: string) => number) => readonly Goal[];
}

const thousands = (perSecond: number): string => `${count(perSecond / 1000)} k/s`;
const microseconds = (ns: number): string => `${(ns / 1000).toFixed(1)} µs`;
const milliseconds = (ns: number): string => `${(ns / 1e6).toFixed(0)} ms`;
const forkJoin = (name: string, about: string, n: number): Workload => ({
  name,
  about,
  n,
  rivals: ["Go", alone],
  goals: (_, ratio) => [
    atLeast(`${name}: times as fast as with one worker`, ratio(alone), 1.9, times),
    atLeast(`${name}: times as fast as Go`, ratio("Go"), 0.5, times),
  ],
});
const workloads: readonly Workload[] = [
  {
    name: "tasks",
    about: "a task that adds two numbers, 64 in flight",
    n: 30_000,
    rivals: ["Go", ...pools],
    goals: (figure, ratio) => [
      atLeast("tasks a second", 1e9 / figure(own), 600_000, thousands),
      atLeast("tasks: times as fast as poolifier", ratio("poolifier"), 5, times),
    ],
  },
  {
    name: "one",
    about: "the same, one at a time: there and back",
    n: 5_000,
    rivals: ["Go", "futex", ...pools],
    goals: (figure) => [atMost("one task, there and back", figure(own), 6000, microseconds)],
  },
  forkJoin("fib", "fib(n), by two tasks each down to 22; the time by n", 32),
  forkJoin("mandelbrot", "a row of the set, a task each", 600),
  forkJoin("quicksort", "a number sorted, by two tasks each down to 20,000", 1_000_000),
  forkJoin("matrix", "a row of a product of matrices, a task each", 400),
  {
    name: "integers",
    about: "an integer over a channel of 1,000, from thread to thread",
    n: 100_000,
    rivals: ["Go"],
    goals: (figure) => [atLeast("integers a second over a sharedChan", 1e9 / figure(own), 3e6, thousands)],
  },
  {
    name: "objects",
    about: "the same, an object of three members",
    n: 100_000,
    rivals: ["Go"],
    goals: (figure) => [atLeast("objects a second over a sharedChan", 1e9 / figure(own), 0.5e6, thousands)],
  },
  {
    name: "mutex",
    about: "lock, count, unlock, by two threads",
    n: 100_000,
    rivals: ["Go"],
    goals: (_, ratio) => [atLeast("mutex: times as fast as Go", ratio("Go"), 0.3, times)],
  },
  {
    name: "start",
    about: "the first call, which starts a worker and imports its modules",
    n: 1,
    rivals: [],
    goals: (figure) => [atMost("the first call, from sources", figure(own), 30e6, milliseconds)],
  },
  {
    name: "idle",
    about: "bytes of a worker that has nothing to do",
    n: 1,
    rivals: [],
    goals: (figure) => [atMost("bytes of an idle worker", figure(own), 10e6, count)],
  },
];

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    /** Names of workloads. */
    only: { type: "string", default: workloads.map(({ name }) => name).join(",") },
  },
});
const only = flags.only.split(",");
const chosen = workloads.filter(({ name }) => only.includes(name));
if (chosen.length === 0) throw new Error(`--only: some of ${workloads.map(({ name }) => name).join(",")}`);
const goProgram = join(tmp, "parallel");
await mustRun("go", ["build", "-o", goProgram, "./parallel"], { cwd: join(root, "bench", "go-twin") });
const { stdout: goVersion } = await mustRun("go", ["env", "GOVERSION"]);

console.log(
  `Node ${process.versions.node}, ${goVersion.trim()}; two cores; a new process for each figure; medians of ${flags.runs} rounds\n`,
);
const columns = [own, "Go", alone, "futex", ...pools];
const rows: string[][] = [];
const goals: Goal[] = [];
for (const workload of chosen) await measure(workload);
console.log("Nanoseconds an operation; for `idle` bytes\n");
printTable(["workload", "one operation", ...columns], rows);
console.log();
printGoals(goals);

async function measure(workload: Workload): Promise<void> {
  const { name, about, rivals } = workload;
  const figures = new Map<string, number[]>([own, ...rivals].map((contender) => [contender, []]));
  for (let round = 0; round < Number(flags.runs); round++) {
    for (const [contender, all] of figures) all.push(await figure(contender, workload));
  }
  rows.push([name, about, ...columns.map((contender) => shown(figures.get(contender)))]);
  const ratio = (contender: string): number =>
    median(figures.get(contender)!.map((other, round) => other / figures.get(own)![round]!));
  goals.push(...workload.goals((contender) => median(figures.get(contender)!), ratio));
}

function shown(figures: readonly number[] | undefined): string {
  return figures === undefined ? "" : count(median(figures));
}

/** Nanoseconds an operation. */
async function figure(contender: string, { name, n }: Workload): Promise<number> {
  const script = join(root, "bench", "parallel-work.ts");
  const [program, ...args] =
    contender === "Go"
      ? [goProgram, name, String(n)]
      : [
          process.execPath,
          "--conditions=source",
          script,
          contender === alone ? own : contender,
          name,
          String(n),
          contender === alone ? "1" : "2",
        ];
  const { stdout } = await mustRun(program, args, { env: { GOMAXPROCS: "2" } });
  return (JSON.parse(stdout) as { figure: number }).figure;
}
