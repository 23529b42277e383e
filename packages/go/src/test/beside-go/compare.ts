// Runs random programs with this library and with Go, and compares what they come to.
//
//   node packages/go/src/test/beside-go/compare.ts --from 1 --count 500 --lane mixed
//
// Needs Go. A program may have several outcomes: Go runs it again, with other interleavings, until
// it has come to ours, 3,000 times at most. Prints each program whose outcome Go never came to, and
// ends with 1 if there is one. With --record it writes the outcomes of Go to outcomes.json, which
// beside-go.test.ts compares without Go.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { faultOf, play } from "./outcome.ts";
import { programOf, type Outcome } from "./programs.ts";

const { values: flags } = parseArgs({
  options: {
    from: { type: "string", default: "1" },
    count: { type: "string", default: "100" },
    /** `awaited`, `fibers` or `mixed`. */
    lane: { type: "string", default: "mixed" },
    record: { type: "boolean", default: false },
  },
});
const MOST = 3000;
/** After so many runs of Go without a new outcome, no other one is looked for. */
const QUIET = 200;

const folder = mkdtempSync(join(tmpdir(), "beside-go-"));
const go = join(folder, "besidego");
execFileSync("go", ["build", "-o", go, "."], { cwd: join(import.meta.dirname, "go"), stdio: "inherit" });

/** One run of a program with Go; every fifth without restlessness. */
function playGo(file: string, n: number): Outcome {
  const threads = n % 5 === 0 ? [] : [String(1 + (n % 3))];
  const { status, stdout, stderr } = spawnSync(go, [file, ...threads], { encoding: "utf8" });
  return { status, fault: faultOf(stderr), output: stdout };
}

/** Outcomes of Go, until they contain all that are wanted. */
function outcomesOf(file: string, wanted: readonly string[]): Set<string> {
  const found = new Set<string>();
  for (let n = 0; n < MOST && !(wanted.length > 0 && wanted.every((each) => found.has(each))); n++)
    found.add(JSON.stringify(playGo(file, n)));
  return found;
}

/** All outcomes of Go, as far as many runs tell. */
function allOutcomesOf(file: string): Outcome[] {
  const found = new Set<string>();
  for (let [n, last] = [0, 0]; n - last < QUIET; n++) {
    const before = found.size;
    found.add(JSON.stringify(playGo(file, n)));
    if (found.size > before) last = n;
  }
  return [...found].sort().map((each) => JSON.parse(each) as Outcome);
}

const seeds = Array.from({ length: Number(flags.count) }, (_, n) => Number(flags.from) + n);
const file = join(folder, "program.json");
try {
  if (flags.record) {
    const recorded = seeds.map((seed) => {
      writeFileSync(file, JSON.stringify(programOf(seed)));
      return { seed, outcomes: allOutcomesOf(file) };
    });
    // One that can end in many ways tells little.
    const few = recorded.filter(({ outcomes }) => outcomes.length <= 4);
    writeFileSync(join(import.meta.dirname, "outcomes.json"), `${JSON.stringify(few, null, 1)}\n`);
    console.log(`${few.length} programs recorded`);
  } else {
    let strange = 0;
    for (const seed of seeds) {
      const program = programOf(seed);
      writeFileSync(file, JSON.stringify(program));
      const ours = await Promise.all([1, 2].map(async () => JSON.stringify(await play(file, flags.lane))));
      const theirs = outcomesOf(file, ours);
      const never = ours.filter((each) => !theirs.has(each));
      if (never.length === 0) continue;
      strange++;
      console.log(
        `seed ${seed}: ${JSON.stringify(program)}\n  ours: ${never[0]}\n  Go's: ${[...theirs].join("\n        ")}`,
      );
    }
    console.log(`${seeds.length} programs, ${strange} with an outcome that Go's has never had`);
    process.exitCode = strange > 0 ? 1 : 0;
  }
} finally {
  rmSync(folder, { recursive: true });
}
