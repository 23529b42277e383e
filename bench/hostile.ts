// What hostile files cost: each is written, then read to its end by a process of its own. Prints
// how it ended, the time of the processor and of the clock from opening it on, and the process's
// peak memory. `--only text` chooses by a part of the name.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { hostileGroups } from "../packages/sheets/src/test/hostile/hostile.ts";
import type { Cost } from "../packages/sheets/src/test/hostile/read.ts";
import { root, tmp } from "./data.ts";
import { count, mustRun, printTable } from "./run.ts";

const { values: flags } = parseArgs({ options: { only: { type: "string", default: "" } } });
const reader = join(root, "packages/sheets/src/test/hostile/read.ts");
const path = join(tmp, "hostile.xlsx");
const env = { NODE_COMPILE_CACHE: join(tmp, "compile-cache") };
const megabytes = (bytes: number): string => `${count(bytes / 1e6)} MB`;

mkdirSync(tmp, { recursive: true });
const chosen = Object.values(hostileGroups)
  .flat()
  .filter(({ name }) => name.includes(flags.only));
const rows: string[][] = [];
for (const { name, file, ends } of chosen) {
  const bytes = file();
  writeFileSync(path, bytes);
  const { stdout } = await mustRun(process.execPath, [reader, path], { env });
  const cost = JSON.parse(stdout) as Cost;
  if (cost.ends !== ends) throw new Error(`${name}: it ends with ${cost.ends}, not with ${ends}. ${cost.message}`);
  const ended = typeof cost.ends === "number" ? `${count(cost.ends)} cells` : cost.ends;
  rows.push([
    name,
    `${count(bytes.length / 1000)} kB`,
    ended,
    `${count(cost.processor)} ms`,
    `${count(cost.milliseconds)} ms`,
    megabytes(cost.peak),
  ]);
}
rmSync(path, { force: true });
printTable(["file", "size", "ends with", "processor", "clock", "peak"], rows);
