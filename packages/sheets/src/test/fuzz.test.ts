// A few seconds of fuzzing. Longer runs are for the command line: see fuzz.ts.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeOfWorkspace } from "./node.ts";

test("workbooks that were changed at random are read or refused, and read the same where they mean the same", () => {
  const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`fuzz: seed ${seed}`);
  const out = execFileSync(
    nodeOfWorkspace,
    [join(import.meta.dirname, "fuzz.ts"), "--seconds", "5", "--seed", `${seed}`],
    {
      encoding: "utf8",
      timeout: 100_000,
    },
  );
  const [, rewritten, read, refused] = /(\d+) rewritten .*?, (\d+) damaged and read, (\d+) damaged and refused/.exec(
    out,
  )!;
  console.log(out.trimEnd().split("\n").slice(-3).join("\n"));
  const [, ofLibrary, crashes] = /library: (\d+) cases; .*?(\d+) crashes/.exec(out)!;
  expect(Number(ofLibrary)).toBeGreaterThan(0);
  expect(Number(crashes)).toBe(0);
  for (const count of [rewritten, read, refused]) expect(Number(count)).toBeGreaterThan(0);
});
