// The primitives of @sluice/go against Go's own and against JavaScript libraries that have them. See README.md.
//
// Every figure is a process of its own, on one core. The contenders of a workload take turns, so that a machine that changes
// its speed meanwhile changes it for all; a ratio is the median of the ratios within the rounds.
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
  /** The workload of Go's that is the same, where its name is another; "" where there is none. */
  readonly twin?: string;
  /** How many times as fast as Go it is to be. */
  readonly go?: number;
  /** How many times as fast as each rival it is to be. */
  readonly peer?: number;
}

const channels = ["@thi.ng/csp", "ts-chan"];
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
  const { name, about, rivals, twin } = workload;
  const contenders = [own, ...(twin === "" ? [] : ["Go"]), ...rivals];
  const figures = new Map<string, number[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < Number(flags.runs); round++) {
    for (const contender of contenders) figures.get(contender)!.push(await figure(contender, workload));
  }
  const shown = (contender: string): string => {
    const all = figures.get(contender);
    if (all === undefined) return "";
    return name === "parked" ? count(median(all)) : (1000 / median(all)).toFixed(1000 / median(all) < 10 ? 2 : 1);
  };
  rows.push([name, about, ...columns.map(shown)]);
  judge(workload, figures);
}

/** Nanoseconds or bytes an operation. */
async function figure(contender: string, { name, n, twin = name }: Workload): Promise<number> {
  const script = join(root, "bench", "go-work.ts");
  const node = [process.execPath, "--expose-gc", "--conditions=source", script];
  const command =
    contender === "Go"
      ? [goProgram, twin, String(n)]
      : contender === withoutTurns
        ? [...node, own, name, String(n), "--no-turns"]
        : [...node, contender, name, String(n)];
  const [program, ...args] = pinned ? ["taskset", "-c", flags.core, ...command] : command;
  const { stdout } = await mustRun(program!, args, { env: { GOMAXPROCS: "1" } });
  return (JSON.parse(stdout) as { figure: number }).figure;
}

function judge({ name, rivals, go, peer }: Workload, figures: ReadonlyMap<string, readonly number[]>): void {
  /** How many times as fast as that contender ours is. */
  const faster = (contender: string): number =>
    median(figures.get(contender)!.map((other, round) => other / figures.get(own)![round]!));
  if (name === "parked") goals.push(atMost("parked: bytes a goroutine", median(figures.get(own)!), 1000, count));
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
