// Runs the programs of patterns.ts and stories.ts, one after the other, under the detector: the
// main module of a process of its own. Prints as JSON which of them raced and what was reported.
import { main } from "../../index.ts";
import { onRace } from "../index.ts";
import { patterns, quiet } from "./patterns.ts";
import { stories } from "./stories.ts";

export interface Ran {
  readonly what: string;
  readonly races: boolean;
  readonly reports: string[];
}

const all: readonly (readonly [string, boolean, () => unknown])[] = [
  ...patterns.map(([id, what, races, run]) => [`${id} ${what}`, races, run] as const),
  ...stories.flatMap(({ what, racy, mended }) => [
    [what, true, racy] as const,
    [`not: ${what}`, false, mended] as const,
  ]),
];
const ran: Ran[] = [];
await main(async () => {
  for (const [what, races, run] of all) {
    const reports: string[] = [];
    const stop = onRace((report) => reports.push(report) > 0);
    await run();
    await quiet();
    stop();
    ran.push({ what, races, reports });
  }
  process.stdout.write(JSON.stringify(ran));
});
