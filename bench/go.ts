// The primitives of @sluice/go against Go's own and against JavaScript libraries that have them.
// See README.md.
//
// Every figure is a process of its own, on one core. The contenders of a workload take turns, so
// that a machine that changes its speed meanwhile changes it for all; a ratio is the median of the
// ratios within the rounds.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root, tmp } from "./data.ts";
import { atLeast, atMost, count, type Goal, median, mustRun, printGoals, printTable, times } from "./run.ts";

const own = "@sluice/go";
/** Ours with a scheduler that never gives the event loop a turn. */
const withoutTurns = "without turns";

interface Workload {
  readonly name: string;
  /** What one operation is. */
  readonly about: string;
  readonly rivals: readonly string[];
  /** Operations a pass. */
  readonly n: number;
  /** What go-work.ts and Go's twin call it, if it stands here under several names. */
  readonly work?: string;
  /** What go-work.ts calls ours, if the others do the same in another way. */
  readonly own?: string;
  /** The workload of Go's that is the same, where its name is another; "" where there is none. */
  readonly twin?: string;
  /** What it measures are bytes, of which ours takes at most so many. */
  readonly bytes?: number;
  /** How many times as fast as Go it is to be. */
  readonly go?: number;
  /** How many times as fast as each rival it is to be. */
  readonly peer?: number;
}

/** Async functions without a library: what the engine takes for as many that wait. */
const bare = "bare promises";
const thing = "@thi.ng/csp";
const channels = [thing, "ts-chan"];
const streams = ["effect", "rxjs"];
const workloads: readonly Workload[] = [
  {
    name: "pingpong",
    about: "transfer, unbuffered, there and back",
    rivals: [...channels, "effect", withoutTurns],
    n: 200_000,
    go: 0.5,
    peer: 1.4,
  },
  {
    name: "buffered",
    about: "transfer, buffer of 100",
    rivals: [...channels, "effect", withoutTurns],
    n: 200_000,
    go: 0.35,
    peer: 1.4,
  },
  {
    name: "fiber pingpong",
    about: "pingpong by fibers (`/fiber`)",
    rivals: [thing],
    n: 200_000,
    work: "pingpong",
    own: "fiber-pingpong",
    go: 1.3,
    peer: 2,
  },
  {
    name: "fiber buffered",
    about: "buffered by fibers",
    rivals: [thing],
    n: 200_000,
    work: "buffered",
    own: "fiber-buffered",
    go: 0.6,
    peer: 3,
  },
  {
    name: "fiber select2",
    about: "select2 by fibers",
    rivals: [thing],
    n: 200_000,
    work: "select2",
    own: "fiber-select2",
    go: 1,
  },
  {
    name: "fiber select8",
    about: "select8 by fibers",
    rivals: [thing],
    n: 200_000,
    work: "select8",
    own: "fiber-select8",
    go: 2,
  },
  {
    name: "fiber mutex",
    about: "mutex by fibers",
    rivals: ["async-mutex"],
    n: 200_000,
    work: "mutex",
    own: "fiber-mutex",
    go: 1.5,
  },
  {
    name: "try",
    about: "transfer by trySend and tryRecv, never waiting",
    rivals: ["ts-chan"],
    n: 1_000_000,
    go: 2,
  },
  { name: "select2", about: "select over 2 unbuffered channels", rivals: channels, n: 200_000, go: 0.6 },
  { name: "select8", about: "select over 8 unbuffered channels", rivals: channels, n: 200_000, go: 1.5 },
  {
    name: "mutex",
    about: "lock, let others run, unlock; 10 tasks contend",
    rivals: ["async-mutex", "p-limit", "p-queue", "effect"],
    n: 200_000,
    go: 1.5,
  },
  { name: "spawn", about: "start and finish a goroutine", rivals: ["effect"], n: 200_000, go: 1 / 1.2 },
  {
    name: "start",
    about: "start a goroutine of 100,000 at once, until all wait",
    rivals: [bare],
    n: 100_000,
    work: "start",
    go: 1 / 1.5,
  },
  { name: "wake", about: "wake and end it, of 100,000", rivals: [bare], n: 100_000, work: "wake", go: 1 / 1.5 },
  {
    name: "first",
    about: "both, in a process that does it once, 100,000",
    rivals: [bare],
    n: 100_000,
    work: "first",
    go: 1 / 1.5,
  },
  {
    name: "start1m",
    about: "start a goroutine of 1,000,000 at once, until all wait",
    rivals: [bare],
    n: 1_000_000,
    work: "start",
    go: 1 / 1.5,
  },
  { name: "wake1m", about: "wake and end it, of 1,000,000", rivals: [bare], n: 1_000_000, work: "wake", go: 1 / 1.5 },
  {
    name: "first1m",
    about: "both, in a process that does it once, 1,000,000",
    rivals: [bare],
    n: 1_000_000,
    work: "first",
    go: 1 / 1.5,
  },
  {
    name: "map",
    about: "value through 8 workers, async fn",
    rivals: ["p-map", "rxjs", "effect"],
    n: 100_000,
    peer: 1,
  },
  { name: "syncmap", about: "the same, fn returns a number", rivals: ["p-map", "rxjs"], n: 100_000, twin: "map" },
  { name: "ordered", about: "as map, order kept", rivals: ["p-map"], n: 100_000, twin: "" },
  { name: "groupby", about: "value to one of 10 groups, each with a reader", rivals: streams, n: 100_000, twin: "" },
  { name: "bycount", about: "value in a window of 100 values", rivals: streams, n: 100_000, twin: "" },
  { name: "bytime", about: "value in a window of 10 ms", rivals: streams, n: 100_000, twin: "" },
  { name: "pubsub", about: "delivery, one publisher, 10 subscribers", rivals: streams, n: 100_000, twin: "" },
  {
    name: "parked",
    about: "bytes of a goroutine that waits on a channel, of 100,000",
    rivals: [...channels, "effect"],
    n: 100_000,
    bytes: 1000,
  },
  {
    name: "fiber parked",
    about: "bytes of a fiber that waits on a channel, of 100,000",
    rivals: [thing],
    n: 100_000,
    work: "parked",
    own: "fiber-parked",
    bytes: 700,
  },
];
const columns = [own, "Go", ...new Set(workloads.flatMap(({ rivals }) => rivals))].filter((n) => n !== withoutTurns);

const { values: flags } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    /** Names of workloads. */
    only: { type: "string", default: workloads.map(({ name }) => name).join(",") },
    core: { type: "string", default: "0" },
  },
});
const only = flags.only.split(",");
const chosen = workloads.filter(({ name }) => only.includes(name));
if (chosen.length === 0) throw new Error(`--only: some of ${workloads.map(({ name }) => name).join(",")}`);
const pinned = existsSync("/usr/bin/taskset");
const goProgram = join(tmp, "concurrency");
await mustRun("go", ["build", "-o", goProgram, "./concurrency"], { cwd: join(root, "bench", "go-twin") });
const { stdout: goVersion } = await mustRun("go", ["env", "GOVERSION"]);

console.log(
  `Node ${process.versions.node}, ${goVersion.trim()} (GOMAXPROCS=1); a new process for each figure${pinned ? ", on one core" : ""}; medians of ${flags.runs} rounds\n`,
);
const rows: string[][] = [];
const goals: Goal[] = [];
const turns: string[] = [];
for (const workload of chosen) await measure(workload);
console.log("Millions of operations a second; for `parked` bytes\n");
printTable(["workload", "one operation", ...columns], rows);
console.log();
printGoals(goals);
for (const line of turns) console.log(`\n${line}`);

async function measure(workload: Workload): Promise<void> {
  const { name, about, rivals, twin, bytes } = workload;
  const contenders = [own, ...(twin === "" ? [] : ["Go"]), ...rivals];
  const figures = new Map<string, number[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < Number(flags.runs); round++) {
    for (const contender of contenders) figures.get(contender)!.push(await figure(contender, workload));
  }
  const shown = (contender: string): string => {
    const all = figures.get(contender);
    if (all === undefined) return "";
    return bytes !== undefined ? count(median(all)) : (1000 / median(all)).toFixed(1000 / median(all) < 10 ? 2 : 1);
  };
  rows.push([name, about, ...columns.map(shown)]);
  judge(workload, figures);
}

/** Nanoseconds or bytes an operation. */
async function figure(contender: string, workload: Workload): Promise<number> {
  const { name, n, work = name, twin = work, own: ours = work } = workload;
  const script = join(root, "bench", "go-work.ts");
  const node = [process.execPath, "--expose-gc", "--conditions=source", script];
  const command =
    contender === "Go"
      ? [goProgram, twin, String(n)]
      : contender === withoutTurns
        ? [...node, own, ours, String(n), "--no-turns"]
        : [...node, contender, contender === own ? ours : work, String(n)];
  const [program, ...args] = pinned ? ["taskset", "-c", flags.core, ...command] : command;
  const { stdout } = await mustRun(program!, args, { env: { GOMAXPROCS: "1" } });
  return (JSON.parse(stdout) as { figure: number }).figure;
}

function judge({ name, rivals, go, peer, bytes }: Workload, figures: ReadonlyMap<string, readonly number[]>): void {
  /** How many times as fast as that contender ours is. */
  const faster = (contender: string): number =>
    median(figures.get(contender)!.map((other, round) => other / figures.get(own)![round]!));
  if (bytes !== undefined) goals.push(atMost(`${name}: bytes a goroutine`, median(figures.get(own)!), bytes, count));
  if (go !== undefined) goals.push(atLeast(`${name}: times as fast as Go`, faster("Go"), go, times));
  if (peer !== undefined) {
    for (const rival of rivals) {
      if (rival !== withoutTurns) goals.push(atLeast(`${name}: times as fast as ${rival}`, faster(rival), peer, times));
    }
  }
  if (rivals.includes(withoutTurns)) {
    const without = median(figures.get(withoutTurns)!);
    const cost = median(figures.get(own)!) - without;
    turns.push(`${name}: turns of the event loop cost ${cost.toFixed(0)} ns of ${(cost + without).toFixed(0)} ns`);
  }
}
