// In how many schedules each of twelve bugs is found: by `explore` of /synctest, and by the
// scheduler of fast-check. See README.md.
//
//   node --conditions=source bench/schedules.ts
//
// fast-check decides when the promises go on that a test gives to it. So it starts the parts of a
// program and lets others run at each pause. The operations of the library it does not see, as a
// test of a program that uses them would not show them to it. `explore` decides at these, too.
//
// explore's seeds are 0, 1, 2 and so on. fast-check's figure is the median of five seeds.
import fc from "fast-check";
import { explore, ScheduleError } from "@sluice/go/synctest";
import { bugs, goroutines, type Program, type World } from "../packages/go/src/synctest/test/bugs.ts";
import { median, printGoals, printTable, atMost } from "./run.ts";

const most = 1000;
/** Longer than any timer of the programs: who has not ended by then never ends. */
const patience = 1_000;

/** The number of schedules after which it is found. */
async function byExplore(bug: Program): Promise<number> {
  try {
    await explore(() => bug(goroutines), { seeds: most });
    return Infinity;
  } catch (error) {
    if (error instanceof ScheduleError) return error.schedules;
    throw error;
  }
}

async function byFastCheck(bug: Program, seed: number, runs: number = most): Promise<number> {
  const property = fc.asyncProperty(fc.scheduler(), async (scheduler) => {
    const bodies: Promise<unknown>[] = [];
    const pause = (): Promise<unknown> => scheduler.schedule(Promise.resolve());
    const begin = (body: () => unknown): Promise<unknown> => {
      const end = pause().then(body);
      bodies.push(end);
      return end;
    };
    const world: World = {
      start: (body) => void begin(body).catch(() => undefined),
      together: (...all) => Promise.all(all.map(begin)),
      pause,
      hostPause: pause,
    };
    const ends = (async () => {
      await bug(world);
      await Promise.all(bodies);
      return true;
    })();
    ends.catch(() => undefined);
    const hangs = new Promise<false>((resolve) => {
      setTimeout(resolve, patience, false);
    });
    return scheduler.waitFor(Promise.race([ends, hangs]));
  });
  const { failed, numRuns } = await fc.check(property, { numRuns: runs, seed, endOnFailure: true });
  return failed ? numRuns : Infinity;
}

const shown = (schedules: number): string => (schedules === Infinity ? `not in ${most}` : String(schedules));
const print = console.error;
// explore prints each failing schedule.
console.error = () => undefined;
const rows: string[][] = [];
const goals = [];
for (const [what, bug, mended] of bugs) {
  if ((await byFastCheck(mended, 1, 50)) !== Infinity)
    throw new Error(`${what}: fast-check finds a bug in the mended program`);
  const ours = await byExplore(bug);
  const theirs: number[] = [];
  for (let seed = 1; seed <= 5; seed++) theirs.push(await byFastCheck(bug, seed));
  rows.push([what, shown(ours), shown(median(theirs))]);
  goals.push(atMost(`${what}: schedules`, ours, most, shown));
}
console.error = print;
printTable(["bug", "explore", "fast-check"], rows);
printGoals(goals);
process.exit();
