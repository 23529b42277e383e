// What the race detector and a trace cost: each workload without them and with each, taking turns,
// a process of its own for each figure. See README.md.
//
//   node --conditions=source bench/race.ts [--rounds N]
//
// Two workloads are operations of the library and little else: what a tool costs at the most. The
// goals are for the examples, which are as programs are.
//
// A figure is processor time per pass, the shortest of five after a warm-up, so that other work of
// the machine adds little. The ratio is the median of those within the rounds.
import { parseArgs } from "node:util";
import { gosched } from "@sluice/go";
import { background } from "@sluice/go/context";
import { generate, map } from "@sluice/go/patterns";
import { Mutex, WaitGroup } from "@sluice/go/sync";
import { start } from "@sluice/go/trace";
import { variants } from "../examples/counter.ts";
import { errorsOf, sample as log } from "../examples/logs.ts";
import { askAll } from "../examples/requests.ts";
import { City, match, places } from "../examples/rides.ts";
import { averages, sample } from "../examples/windows.ts";
import { atMost, median, mustRun, printGoals, printTable, times } from "./run.ts";

const workloads: Readonly<Record<string, () => Promise<unknown>>> = {
  "a balance under a lock": accounts,
  "a pipeline over records": records,
  "examples/counter.ts": hits,
  "examples/logs.ts": errors,
  "examples/requests.ts": () => askAll(background(), urls, () => gosched(), 50, 1_000),
  "examples/rides.ts": rides,
  "examples/windows.ts": windows,
};
const urls = Array.from({ length: 100 }, (_, id) => `https://example.org/${id}`);

/** 200 goroutines that each change an account under its lock 20 times. */
async function accounts(): Promise<void> {
  const all = Array.from({ length: 10 }, () => ({ mu: new Mutex(), balance: 0 }));
  const wg = new WaitGroup();
  for (let g = 0; g < 200; g++) {
    wg.go(async () => {
      for (let i = 0; i < 20; i++) {
        const account = all[(g + i) % all.length] as (typeof all)[0];
        using _ = await account.mu.lock();
        const before = account.balance;
        await gosched();
        account.balance = before + 1;
      }
    });
  }
  await wg.wait();
}

/** 10,000 records through two stages, whose functions look at each field. */
async function records(): Promise<number> {
  const ctx = background();
  const made = Array.from({ length: 10_000 }, (_, id) => ({ id, name: `record ${id}`, tags: ["a", "b"], total: 0 }));
  const counted = map(ctx, generate(ctx, made), (record) => {
    for (const tag of record.tags) record.total += tag.length + record.name.length;
    return record;
  });
  let sum = 0;
  for await (const { total } of map(ctx, counted, (record) => ({ ...record, total: record.total * 2 }))) sum += total;
  return sum;
}

async function hits(): Promise<void> {
  for (let i = 0; i < 20; i++) await variants["whole"]?.(100);
}

async function errors(): Promise<number> {
  let count = 0;
  const blocks = (async function* () {
    yield* log(500_000);
  })();
  for await (const _ of errorsOf(background(), blocks)) count++;
  return count;
}

async function rides(): Promise<number> {
  let found = 0;
  const ctx = background();
  const city = new City(20_000, 500);
  for (const driver of places(1_000, 20_000)) city.add(driver);
  const offer = async (): Promise<boolean> => (await gosched(), Math.random() < 0.8);
  for await (const { driver } of match(ctx, generate(ctx, places(500, 20_000)), city, offer, 50)) {
    if (driver !== undefined) found++;
  }
  return found;
}

async function windows(): Promise<number> {
  let count = 0;
  const ctx = background();
  for (let i = 0; i < 10; i++) {
    for await (const _ of averages(ctx, generate(ctx, sample()), 250, () => undefined)) count++;
  }
  return count;
}

async function work(name: string, withTrace: boolean): Promise<void> {
  if (withTrace) start();
  const pass = workloads[name] as () => Promise<unknown>;
  const used = (): number => {
    const { user, system } = process.cpuUsage();
    return user + system;
  };
  const begun = used();
  do await pass();
  while (used() - begun < 500_000);
  let least = Infinity;
  for (let i = 0; i < 5; i++) {
    const start = used();
    await pass();
    least = Math.min(least, used() - start);
  }
  process.stdout.write(JSON.stringify(least), () => process.exit());
}

async function compare(rounds: number): Promise<void> {
  const register = ["--import", new URL("../packages/go/src/race/register.ts", import.meta.url).href];
  const figure = async (name: string, args: readonly string[], ...after: string[]): Promise<number> => {
    const all = [
      "--disable-warning=ExperimentalWarning",
      "--conditions=source",
      ...args,
      import.meta.filename,
      name,
      ...after,
    ];
    return JSON.parse((await mustRun(process.execPath, all, { codes: [0, 66] })).stdout) as number;
  };
  const rows: string[][] = [];
  const goals = [];
  for (const name of Object.keys(workloads)) {
    const ratios: number[] = [];
    const traced: number[] = [];
    for (let i = 0; i < rounds; i++) {
      const without = await figure(name, []);
      ratios.push((await figure(name, register)) / without);
      traced.push((await figure(name, [], "trace")) / without);
    }
    const ratio = median(ratios);
    rows.push([name, times(ratio), times(median(traced))]);
    if (!name.startsWith("examples/")) continue;
    goals.push(
      atMost(`${name}: times as long`, ratio, 10, times),
      atMost(`${name}, traced: times as long`, median(traced), 2, times),
    );
  }
  printTable(["workload", "under the detector", "traced"], rows);
  printGoals(goals);
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { rounds: { type: "string" } } });
await (positionals[0] === undefined
  ? compare(Number(values.rounds ?? 5))
  : work(positionals[0], positionals[1] === "trace"));
