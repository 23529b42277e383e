// A few hundred cases of fuzzing. Longer runs are for the command line: see fuzz.ts.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { nodeOfWorkspace } from "./node.ts";

const CASES = 300;

// Cases are counted, and not seconds: a busy machine is not a failure.
test(
  "workbooks that were changed at random are read or refused, and read the same where they mean the same",
  {
    timeout: 1_200_000,
  },
  async () => {
    const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`fuzz: seed ${seed}`);
    const program = join(import.meta.dirname, "fuzz.ts");
    const { stdout } = await promisify(execFile)(nodeOfWorkspace, [
      program,
      "--cases",
      `${CASES}`,
      "--seed",
      `${seed}`,
    ]);
    console.log(stdout.trimEnd().split("\n").slice(-3).join("\n"));
    const own = /(\d+) cases; (\d+) rewritten .*?, (\d+) damaged and read, (\d+) damaged and refused/.exec(stdout)!;
    const [all, ...outcomes] = own.slice(1).map(Number);
    expect(all).toBe(CASES);
    for (const count of outcomes) expect(count).toBeGreaterThan(0);
    const library = /library: (\d+) cases; (\d+) read, (\d+) refused, .*?(\d+) crashes/.exec(stdout)!;
    const [cases, read, refused, crashes] = library.slice(1).map(Number);
    expect([cases, crashes]).toEqual([CASES, 0]);
    for (const count of [read, refused]) expect(count).toBeGreaterThan(0);
  },
);
