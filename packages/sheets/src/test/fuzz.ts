// The fuzz target: workbooks (.xlsx, .ods) and texts (.csv) changed at random, by what damages them
// and, but for texts, by what leaves their meaning as it is. Beside them run .xls, .xlsb, XML 2003
// and HTML, damaged, through the library's process.
//
//   node packages/sheets/src/test/fuzz.ts --seconds 600 --seed 1          a run of so many seconds
//   node packages/sheets/src/test/fuzz.ts --cases 300 --seed 1            so many cases, and as many of the library
//   node packages/sheets/src/test/fuzz.ts --seed 1 --case 1234            one case of it again
//   node packages/sheets/src/test/fuzz.ts --seed 1 --library-case 1234    one case of the library
//   node packages/sheets/src/test/fuzz.ts --seconds 600 --library-only    those of the library alone
//   node packages/sheets/src/test/fuzz.ts --cases 100000 --library-only --formats xls,xlsb --memory 192 --milliseconds 1000
//     many of them: lower bounds end the few files sooner that take most of the time
//
// What must hold: nothing but a SheetError is thrown; what was only rewritten gives the same cells
// and warnings; and the process stays small. A case that hangs is found by the number that was
// printed last. What fails is kept as a file, and belongs into a test before it is mended.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { defaultLimits, resolveLimits } from "../limits.ts";
import { open } from "../workbook.ts";
import { corpus } from "./corpus.ts";
import { peakMemory } from "./memory.ts";
import { Random } from "./random.ts";
import { reading } from "./reading.ts";
import { hazards } from "./hazards/catalogue.ts";
import { source } from "./workbook-writer.ts";
import type { ZipEntry } from "./zip-writer.ts";
import { Archive } from "../package/zip.ts";
import { damageBytes, damageParts, damageRecords } from "./fuzz/damage.ts";
import { fuzzLibrary, inWords } from "./fuzz/library.ts";
import type { LibraryFormat } from "../library/book.ts";
import { rewrite } from "./fuzz/rewrite.ts";

const { values: flags } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    /** In place of a time. */
    cases: { type: "string" },
    seed: { type: "string", default: process.env["SEED"] ?? String(Math.floor(Math.random() * 2 ** 31)) },
    case: { type: "string" },
    "library-case": { type: "string" },
    "library-only": { type: "boolean", default: false },
    /** Of the library's formats those that are damaged. */
    formats: { type: "string", default: "xls,xlsb,xml,html" },
    /**
     * The bounds of the library's process: memory in MiB, processor time. Those of a program if
     * they are left out.
     */
    memory: { type: "string" },
    milliseconds: { type: "string" },
    /** Prints the number of each case before it: for one that hangs. */
    verbose: { type: "boolean", default: false },
  },
});

/**
 * The largest file that is taken from a folder, and the most memory that the process may come to.
 */
const seedBytesMax = 200_000;
const memoryMax = 700e6;

interface Seed {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Of an archive that can be read whole; else empty. */
  readonly entries: readonly ZipEntry[];
  /** What is read of it, or its refusal. */
  readonly expected: string;
}

const seed = Number(flags.seed);
console.log(`fuzz: seed ${seed}`);
const oneOfLibrary = flags["library-case"] === undefined ? undefined : Number(flags["library-case"]);
const cases = flags.cases === undefined ? Infinity : Number(flags.cases);
const ending = (): number => (flags.cases === undefined ? performance.now() + Number(flags.seconds) * 1000 : Infinity);
// To read what to begin with takes time that is not counted.
let end = flags["library-only"] ? ending() : Infinity;
const limits = resolveLimits({
  ...(flags.memory === undefined ? {} : { libraryMemoryBytes: Number(flags.memory) * 2 ** 20 }),
  ...(flags.milliseconds === undefined ? {} : { libraryMilliseconds: Number(flags.milliseconds) }),
});
const library =
  flags.case === undefined
    ? fuzzLibrary(
        seed,
        limits,
        flags.formats.split(",") as LibraryFormat[],
        oneOfLibrary ?? 0,
        oneOfLibrary === undefined ? (nth) => nth >= cases || performance.now() >= end : (nth) => nth > oneOfLibrary,
        console.log,
      )
    : undefined;
// The waiting call is told.
library?.catch(() => undefined);
if (oneOfLibrary !== undefined || flags["library-only"]) {
  await endLibrary();
  process.exit();
}
const seeds = await collectSeeds();
end = ending();
console.log(`fuzz: ${seeds.length} workbooks to begin with`);

const found = { read: 0, refused: 0, rewritten: 0 };
let nth = Number(flags.case ?? 0);
do {
  if (flags.verbose || nth % 1000 === 0) console.log(`fuzz: case ${nth}`);
  await attempt(new Random(seed, nth), nth);
  nth++;
} while (flags.case === undefined && nth < cases && performance.now() < end);
console.log(
  `fuzz: own readers: ${flags.case === undefined ? nth : 1} cases; ${found.rewritten} rewritten and read the same, ${found.read} damaged and read, ${found.refused} damaged and refused`,
);
await endLibrary();
const peak = peakMemory();
console.log(`fuzz: the most memory of this process: ${Math.round(peak / 2 ** 20)} MiB`);
if (peak > memoryMax) throw new Error(`the process came to ${peak} bytes, more than ${memoryMax}`);

async function endLibrary(): Promise<void> {
  const totals = await library;
  if (!totals) return;
  console.log(inWords(totals));
}

async function attempt(random: Random, nth: number): Promise<void> {
  const from = random.pick(seeds);
  const keeps = from.entries.length > 0 && !from.expected.startsWith("refused") && random.once(2);
  const bytes = keeps ? rewrite(from.entries, random) : damaged(from, random);
  let outcome: string;
  try {
    outcome = await outcomeOf(bytes);
  } catch (error) {
    throw failed(nth, from, bytes, `something else than a SheetError: ${(error as Error).stack}`);
  }
  if (keeps && outcome !== from.expected) throw failed(nth, from, bytes, difference(from.expected, outcome));
  if (keeps) found.rewritten++;
  else if (outcome.startsWith("refused")) found.refused++;
  else found.read++;
}

function damaged({ bytes, entries }: Seed, random: Random): Buffer {
  let out = entries.length > 0 && !random.once(3) ? damageParts(entries, random) : Buffer.from(bytes);
  for (let i = random.below(3); i > 0 && out.length > 0; i--)
    out = random.once(2) ? damageRecords(out, random) : damageBytes(out, random);
  return out;
}

async function outcomeOf(bytes: Uint8Array): Promise<string> {
  const limits = { totalBytes: 64 * 2 ** 20, cellBytes: defaultLimits.cellBytes };
  const result = await reading(bytes, { limits });
  if (typeof result === "string") return `refused: ${result}`;
  return JSON.stringify(
    result.sheets.map(({ name, state, rows }) => [
      name,
      state,
      rows.map(({ number, width, warnings, cells }, i) => [
        number,
        width,
        warnings,
        [...cells.call(rows[i]!)].map(
          ({ ref, type, value }) => `${ref} ${type} ${value instanceof Date ? value.toISOString() : String(value)}`,
        ),
      ]),
    ]),
  );
}

async function collectSeeds(): Promise<Seed[]> {
  const files: [string, Uint8Array][] = hazards.map(({ name, file }) => [name, file()]);
  for (const folder of [join(import.meta.dirname, "fixtures"), join(corpus, "files")]) {
    if (!existsSync(folder)) continue;
    for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort())
      if (/\.(xls[xm]|ods|csv)$/.test(file) && statSync(join(folder, file)).size <= seedBytesMax)
        files.push([file, readFileSync(join(folder, file))]);
  }
  const seeds: Seed[] = [];
  for (const [name, bytes] of files)
    if (bytes.length <= seedBytesMax && !(await isForLibrary(bytes)))
      seeds.push({ name, bytes, entries: await entriesOf(bytes), expected: await outcomeOf(bytes) });
  return seeds;
}

/** Whether a library in a worker thread reads it: that is slow, and not ours. */
async function isForLibrary(bytes: Uint8Array): Promise<boolean> {
  try {
    await using book = await open(source(bytes));
    return !["xlsx", "ods", "csv", "tsv"].includes(book.format);
  } catch {
    return false;
  }
}

async function entriesOf(bytes: Uint8Array): Promise<ZipEntry[]> {
  const entries: ZipEntry[] = [];
  try {
    const archive = await Archive.open({ ...source(bytes), file: undefined, close: async () => {} }, defaultLimits);
    // Names that differ in case only, or come twice, cannot be told apart any more once the archive
    // is written anew.
    const names = archive.names.map((name) => name.toLowerCase());
    if (new Set(names).size < names.length) return [];
    for (const name of archive.names) {
      const pieces: Uint8Array[] = [];
      for await (const piece of archive.read(archive.find(name)!)) pieces.push(Uint8Array.from(piece));
      entries.push({ name, data: Buffer.concat(pieces) });
    }
  } catch {
    return [];
  }
  return entries;
}

function failed(nth: number, { name }: Seed, bytes: Uint8Array, what: string): Error {
  const file = join(tmpdir(), `fuzz-${seed}-${nth}.xlsx`);
  writeFileSync(file, bytes);
  return new Error(`seed ${seed}, case ${nth}, from "${name}", kept as ${file}: ${what}`);
}

/** Where the two part. */
function difference(want: string, got: string): string {
  let at = 0;
  while (want[at] === got[at]) at++;
  const from = Math.max(0, at - 60);
  return `read otherwise than before\n  before: ${want.slice(from, at + 100)}\n  now:    ${got.slice(from, at + 100)}`;
}
