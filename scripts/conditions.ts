// Whether the tests notice each condition in the ledger's SQL: `npm run conditions` takes out one
// after the other, runs the tests that must notice it, and prints a table. Sources stay as they
// are. `npm run conditions -- schema.ts:120` looks at one file, or from one line on.
//
// The first test file of a list is the one that is made for it and is quick; the others run only if
// that one notices nothing.
import { spawn } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { startServer } from "./postgres.ts";
import { conditionsIn, type Condition } from "./sql-conditions.ts";

const ROOT = join(import.meta.dirname, "..");
const LEDGER = [
  "ledger/fence.test.ts",
  "ledger/ledger.test.ts ledger/again.test.ts",
  "ledger/restored.test.ts ledger/rejects-read.test.ts ledger/rows-left.test.ts ledger/settled.test.ts ledger/sound.test.ts test/same-content.test.ts database/sequences.test.ts",
  "ledger/replay.test.ts",
];
/** Test files by source, each step as a list of them. */
const NOTICED_BY: Readonly<Record<string, readonly string[]>> = {
  "schema.ts": LEDGER,
  "ledger.ts": LEDGER,
  "followed.ts": ["ledger/fence.test.ts", "ledger/lost-commits.test.ts"],
  "history.ts": ["ledger/ledger.test.ts"],
  "made.ts": ["server/allowed.test.ts", "server/app.test.ts"],
  "table-shape.ts": [
    "ledger/table-shape.test.ts test/table-change.test.ts",
    "ledger/again.test.ts ledger/ledger.test.ts test/same-content.test.ts",
  ],
  "trust.ts": ["ledger/trust.test.ts", "server/allowed.test.ts"],
};
/** Runs at the same time. */
const JOBS = Number(process.env["JOBS"]) || 2;

interface Case {
  readonly file: string;
  readonly source: string;
  readonly condition: Condition;
}

const sources = globSync("packages/sluice/src/{ledger,database}/{schema,ledger,followed,history,made,table-shape,trust}.ts", { cwd: ROOT }); // prettier-ignore
const [wanted, fromLine = "0"] = (process.argv[2] ?? "").split(":");
const cases = sources.sort().flatMap((path): Case[] => {
  const file = join(ROOT, path);
  if (wanted && basename(file) !== wanted) return [];
  const source = readFileSync(file, "utf8");
  const conditions = conditionsIn(source).filter(({ line }) => line >= Number(fromLine));
  return conditions.map((condition) => ({ file, source, condition }));
});

/** For all runs: each would make one otherwise. */
const server = process.env["DATABASE_URL"] === undefined ? await startServer() : undefined;

/** The name of a test that fails; undefined if none does. */
async function noticedBy({ file, source, condition }: Case, tests: string): Promise<string | undefined> {
  const { start, end, without } = condition;
  const text = source.slice(0, start) + without + source.slice(end);
  const filters = tests.split(" ").map((name) => `packages/sluice/src/${name}`);
  const missing = filters.find((name) => !existsSync(join(ROOT, name)));
  if (missing !== undefined) throw new RangeError(`there is no test file ${missing}`);
  const child = spawn("vitest", ["run", "--config", "scripts/conditions.config.ts", ...filters], {
    cwd: ROOT,
    env: {
      ...process.env,
      ...(server && { DATABASE_URL: server.url }),
      SLUICE_CONDITION: JSON.stringify({ file, text }),
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  if (code === 0) return undefined;
  // What does not run at all breaks a rule of SQL or of the language, so it is noticed, too.
  return /"status":"failed","title":("(?:[^"\\]|\\.)*")/.exec(output)?.[1] ?? "a file that does not run";
}

let missed = 0;
async function judge(one: Case): Promise<void> {
  const { condition, file } = one;
  let found: string | undefined;
  for (const tests of NOTICED_BY[basename(file)]!) if ((found ??= await noticedBy(one, tests)) !== undefined) break;
  if (found === undefined) missed++;
  const text = condition.text.length > 80 ? `${condition.text.slice(0, 79)}…` : condition.text;
  console.log(`| ${basename(file)}:${condition.line} | \`${text}\` | ${found ?? "**nothing**"} |`);
}

console.log("| line | without | noticed by |\n| --- | --- | --- |");
const queue = cases.values();
await Promise.all(
  Array.from({ length: JOBS }, async () => {
    for (const one of queue) await judge(one);
  }),
);
server?.remove();
console.log(`\n${cases.length - missed} of ${cases.length} conditions are noticed.`);
process.exitCode = missed === 0 ? 0 : 1;
