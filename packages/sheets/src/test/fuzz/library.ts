// Files of the formats that a library reads, changed at random, through the process in which it
// reads them.
//
// A process is used for many files here, and started anew if a file has ended it: to start one
// takes longer than to read a small file. One case in 500 goes the way of a program instead,
// through open(), with a process of its own.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as sheetJs from "@e965/xlsx";
import { SheetError } from "../../errors.ts";
import { boundsFor, checkArchive, findLibrary, taskFor, type LibraryFormat } from "../../library/book.ts";
import { Ended, LibraryProcess } from "../../library/process.ts";
import { checkedContents, checkedRows, Unsound } from "../../library/protocol.ts";
import { defaultLimits, TEXT_ROWS, type Limits } from "../../limits.ts";
import { Archive } from "../../package/zip.ts";
import { Random } from "../random.ts";
import { reading } from "../reading.ts";
import { source } from "../workbook-writer.ts";
import { zip, type ZipEntry } from "../zip-writer.ts";
import { damageBiff, damageSectors } from "./binary.ts";
import { damageBytes, damageParts, damageRecords, damageXml } from "./damage.ts";

interface Seed {
  readonly name: string;
  readonly format: LibraryFormat;
  readonly bytes: Buffer;
  readonly entries: readonly ZipEntry[];
}

/** What became of the cases. A case that a bound has ended is one that was refused. */
export interface Totals {
  cases: number;
  read: number;
  refused: number;
  /** The process had to be killed: for its memory, or for its time. */
  memory: number;
  time: number;
  /** The process ended by itself, or gave an answer that is none. */
  crashes: number;
  /** Cases that took more than five seconds of processor time, and the longest. */
  over5s: number;
  longest: number;
  /** The most memory of a process, in bytes. */
  peak: number;
}

/**
 * After so many files a process is replaced, so that what it keeps of them does not count as one
 * file's.
 */
const FILES_EACH = 200;
const WHOLE_WAY = 500;
/** The totals are printed now and then, for a run that is stopped. */
const SAID_EACH = 5000;

/** The totals on a line. */
export function inWords({ cases, read, refused, memory, time, crashes, over5s, longest, peak }: Totals): string {
  return (
    `fuzz: library: ${cases} cases; ${read} read, ${refused} refused, ${memory} ended for their memory, ` +
    `${time} for their time; ${crashes} crashes of its process; ${over5s} over 5 s of processor time, ` +
    `the longest ${(longest / 1000).toFixed(1)} s; the most memory of its process ${Math.round(peak / 2 ** 20)} MiB`
  );
}

/**
 * Runs cases from a number on until `done` says so.
 * @throws Error if something is thrown that is not a refusal
 */
export async function fuzzLibrary(
  seed: number,
  limits: Limits,
  formats: readonly LibraryFormat[],
  first: number,
  done: (nth: number) => boolean,
  say: (line: string) => void,
): Promise<Totals> {
  const seeds = (await collectSeeds()).filter(({ format }) => formats.includes(format));
  const totals: Totals = {
    cases: 0,
    read: 0,
    refused: 0,
    memory: 0,
    time: 0,
    crashes: 0,
    over5s: 0,
    longest: 0,
    peak: 0,
  };
  const child = new Child(limits);
  try {
    for (let nth = first; !done(nth); nth++) {
      const random = new Random(seed, nth);
      const from = random.pick(seeds);
      const bytes = damaged(from, random);
      if (totals.cases++ % SAID_EACH === SAID_EACH - 1) say(inWords(totals));
      if (nth % WHOLE_WAY === WHOLE_WAY - 1) {
        const outcome = await reading(bytes, { limits });
        totals[typeof outcome === "string" ? "refused" : "read"]++;
        continue;
      }
      const outcome = await child.attempt(from.format, bytes);
      totals[outcome.what]++;
      totals.longest = Math.max(totals.longest, outcome.milliseconds);
      totals.peak = Math.max(totals.peak, outcome.bytes);
      if (outcome.milliseconds > 5000) totals.over5s++;
      if (outcome.why) say(`fuzz: library case ${nth}, from "${from.name}": ${outcome.why}`);
    }
  } finally {
    await child.close();
  }
  return totals;
}

/** A process that reads file after file. */
class Child {
  readonly #limits: Limits;
  #process: LibraryProcess | undefined;
  #files = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  async attempt(
    format: LibraryFormat,
    bytes: Buffer,
  ): Promise<{
    what: "read" | "refused" | "memory" | "time" | "crashes";
    why?: string;
    milliseconds: number;
    bytes: number;
  }> {
    if (this.#files++ >= FILES_EACH) await this.close();
    const library = findLibrary(format, undefined);
    const process = (this.#process ??= new LibraryProcess(library, boundsFor(bytes.length, this.#limits)));
    const before = process.seen?.milliseconds ?? 0;
    const usage = (): { milliseconds: number; bytes: number } => ({
      milliseconds: (process.seen?.milliseconds ?? 0) - before,
      bytes: process.seen?.bytes ?? 0,
    });
    try {
      return { what: (await read(process, library, format, bytes, this.#limits)) ? "read" : "refused", ...usage() };
    } catch (error) {
      if (error instanceof SheetError) return { what: "refused", ...usage() };
      if (error instanceof Unsound) return { what: "refused", why: error.message, ...usage() };
      if (!(error instanceof Ended)) throw error;
      await this.close();
      const what =
        error.end === "memory" ? "memory" : error.end === "time" || error.end === "clock" ? "time" : "crashes";
      return { what, why: error.message, ...usage() };
    }
  }

  async close(): Promise<void> {
    await this.#process?.close(new Error("closed"));
    this.#process = undefined;
    this.#files = 0;
  }
}

/**
 * Whether all sheets can be read.
 * @throws Ended if the process has ended, SheetError if the archive is refused
 */
async function read(
  process: LibraryProcess,
  library: string,
  format: LibraryFormat,
  bytes: Buffer,
  limits: Limits,
): Promise<boolean> {
  if (format === "xlsb") {
    const archive = await Archive.open({ ...source(bytes), file: undefined, close: async () => {} }, limits);
    await checkArchive(archive, "file", undefined, limits, undefined);
  }
  const task = taskFor(format, library, limits, boundsFor(bytes.length, limits));
  const { answer } = await process.open(task, pieces(bytes));
  if (!Object.hasOwn(Object(answer) as object, "contents")) return false;
  const { sheets } = checkedContents((answer as { contents: unknown }).contents, limits);
  for (let sheet = 0; sheet < sheets.length; sheet++) {
    for (let row = 0; ;) {
      const question = { sheet, row, to: TEXT_ROWS };
      const { answer, rest } = await process.ask(question);
      if (!Object.hasOwn(Object(answer) as object, "rows")) return false;
      const rows = checkedRows((answer as { rows: unknown }).rows, rest, question, limits);
      if (!rows) break;
      row = rows.next;
    }
  }
  return true;
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

function damaged({ format, bytes, entries }: Seed, random: Random): Buffer {
  let out: Buffer = bytes;
  if (format === "xlsb" && !random.once(4))
    out = random.once(3) ? damageParts(entries, random) : damageEntries(entries, random);
  for (let i = random.below(3) + (out === bytes ? 1 : 0); i > 0 && out.length > 0; i--) {
    if (format === "xls") out = random.pick([damageBiff, damageBiff, damageSectors, damageBytes])(out, random);
    else if (format === "xlsb") out = random.once(2) ? damageRecords(out, random) : damageBytes(out, random);
    else out = random.once(4) ? damageBytes(out, random) : damageXml(out.toString("latin1"), random);
  }
  return out;
}

/** The bytes of one part changed, in an archive that is right. */
function damageEntries(entries: readonly ZipEntry[], random: Random): Buffer {
  const n = random.below(entries.length);
  return zip(
    entries.map((entry, i) => (i === n ? { ...entry, data: damageBytes(entry.data as Uint8Array, random) } : entry)),
  );
}

async function collectSeeds(): Promise<Seed[]> {
  const seeds: Seed[] = [];
  const add = async (name: string, format: LibraryFormat, bytes: Buffer): Promise<void> => {
    seeds.push({ name, format, bytes, entries: format === "xlsb" ? await entriesOf(bytes) : [] });
  };
  const types = { biff8: "xls", biff5: "xls", biff2: "xls", xlsb: "xlsb", xlml: "xml", html: "html" } as const;
  for (const [bookType, format] of Object.entries(types))
    for (const [name, book] of Object.entries(books()))
      await add(
        `${name} as ${bookType}`,
        format,
        sheetJs.write(book, { type: "buffer", bookType: bookType as "biff8", bookSST: true }) as Buffer,
      );
  const folder = join(import.meta.dirname, "../fixtures/libreoffice");
  for (const file of readdirSync(folder).sort())
    if (file.endsWith(".xls")) await add(file, "xls", readFileSync(join(folder, file)));
  return seeds;
}

function books(): Record<string, sheetJs.WorkBook> {
  const { utils } = sheetJs;
  const table = utils.book_new();
  const rows = Array.from({ length: 20 }, (_, i) => [i, `name ${i}`, i / 7, i % 2 === 0, `same ${i % 3}`]);
  utils.book_append_sheet(table, utils.aoa_to_sheet([["Id", "Name", "Score", "Ok", "City"], ...rows]), "Table");
  const mixed = utils.book_new();
  const sheet = utils.aoa_to_sheet([["When", "What"], [43_861.5, null, "é 😀"], [1e300, -0.1, ""]]); // prettier-ignore
  sheet["A2"] = { t: "n", v: 43_861.5, z: "yyyy-mm-dd" };
  sheet["B2"] = { t: "n", v: 3, f: "1+2" };
  sheet["D3"] = { t: "e", v: 7 };
  sheet["!ref"] = "A1:D3";
  sheet["!merges"] = [{ s: { r: 0, c: 0 }, e: { r: 0, c: 1 } }];
  utils.book_append_sheet(mixed, sheet, "Mixed");
  utils.book_append_sheet(mixed, utils.aoa_to_sheet([["second"]]), "Second");
  mixed.Workbook = { Sheets: [{ Hidden: 0 }, { Hidden: 1 }] };
  return { table, mixed };
}

async function entriesOf(bytes: Buffer): Promise<ZipEntry[]> {
  const archive = await Archive.open({ ...source(bytes), file: undefined, close: async () => {} }, defaultLimits);
  const entries: ZipEntry[] = [];
  for (const name of archive.names) {
    const parts: Uint8Array[] = [];
    for await (const part of archive.read(archive.find(name)!)) parts.push(Uint8Array.from(part));
    entries.push({ name, data: Buffer.concat(parts) });
  }
  return entries;
}
