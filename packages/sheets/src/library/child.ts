// The process in which SheetJS reads a workbook whole. Its memory and its time are bounded from
// outside (process.ts).
//
// It gives its results as batches like those of the other readers. A number whose format shows a
// date is a date, and an empty text is an empty cell. It does not ask the library for anything that
// it would have to guess, such as dates or formatted text. It ends when its input does, and when a
// task takes too long by the clock. That works even if nobody is left to end it.
//
// What comes in, and what goes out (protocol.ts). There is one answer for each task and question:
//
//   {"task": …}            kept until the file is complete
//   bytes, bytes, …        pieces of the file
//   (an empty frame)       contents, or why it cannot be read: the library reads the file now
//   {"question": …}        rows
import { Script } from "node:vm";
import { CellType } from "../cells/batch.ts";
import type { SheetState } from "../book.ts";
import { SheetError } from "../errors.ts";
import {
  answerFrame,
  frames,
  rowsFrame,
  type Contents,
  type FormattedNumber,
  type Portion,
  type Question,
  type Task,
} from "./protocol.ts";
import { fixed } from "../limits.ts";
import { RowWriter } from "../cells/row-writer.ts";
import { cutOffIn } from "./whole.ts";
import { Shown, shownBy } from "../xlsx/styles.ts";

// The parts of the library's types that are needed here.
interface LibraryCell {
  readonly t: "n" | "s" | "b" | "e" | "d" | "z";
  readonly v?: string | number | boolean | null;
  readonly z?: string;
  readonly l?: { readonly Target?: string; readonly location?: string };
}
interface LibrarySheet {
  readonly "!data"?: readonly ((LibraryCell | undefined)[] | undefined)[];
  readonly "!type"?: string;
}
interface LibraryBook {
  readonly SheetNames: readonly string[];
  readonly Sheets: Readonly<Record<string, LibrarySheet | undefined>>;
  readonly Workbook?: {
    readonly Sheets?: readonly ({ readonly Hidden?: 0 | 1 | 2 } | undefined)[];
    readonly WBProps?: { readonly date1904?: boolean };
  };
}
interface Library {
  read(data: Uint8Array | string, options: object): LibraryBook;
  /** For the compound file that an .xls of Excel 5 to 2003 is. */
  readonly CFB: {
    read(data: Uint8Array, options: object): unknown;
    find(container: unknown, path: string): { readonly content?: Uint8Array; readonly size: number } | null;
  };
}

// The states of sheets, as the library numbers them.
const states: readonly SheetState[] = ["visible", "hidden", "veryHidden"];
// The errors of cells, as .xls and .xlsb number them.
const errorCodes: Readonly<Record<number, string>> = {
  0x00: "#NULL!",
  0x07: "#DIV/0!",
  0x0f: "#VALUE!",
  0x17: "#REF!",
  0x1d: "#NAME?",
  0x24: "#NUM!",
  0x2a: "#N/A",
  0x2b: "#GETTING_DATA",
};

/** The days from the start of the 1900 system to the start of the 1904 system. */
const DAYS_TO_1904 = 1462;
/** The first bytes of a compound file. */
const COMPOUND = 0xe011cfd0;
/** The first byte of the record that begins an .xls of Excel 2 to 4. */
const BARE = 0x09;

/** A workbook that is open. */
interface Opened {
  readonly task: Task;
  readonly sheets: readonly LibrarySheet[];
  readonly date1904: boolean;
}

// The library prints remarks to the console, and nobody needs them.
for (const level of ["log", "warn", "error"] as const) console[level] = () => {};

// What is declared with const must be above: this takes as long as the process lives.
await serve();

/**
 * Answers frames, one after the other, until the input ends. After a task, frames are pieces of its
 * file, up to an empty one.
 */
async function serve(): Promise<void> {
  let task: Task | undefined;
  let data: Buffer[] = [];
  let opened: Opened | undefined;
  for await (const bytes of frames(process.stdin)) {
    if (task && bytes.length > 0) {
      data.push(Buffer.from(bytes));
    } else if (task) {
      const toOpen = task;
      const file = Buffer.concat(data);
      data = [];
      task = opened = undefined;
      // There is not enough memory for both a file that was open and the new one.
      await answer(async () => {
        const found = await openBook(toOpen, file);
        opened = found.opened;
        return answerFrame({ contents: found.contents });
      });
    } else {
      const request = JSON.parse(bytes.toString()) as { task: Task } | { question: Question };
      if ("task" in request) task = request.task;
      else {
        const { question } = request;
        await answer(() => rowsFrame(opened && rowsOf(opened, question)));
      }
    }
  }
}

/**
 * Writes an answer, and waits until the system has taken it. So a slow program cannot make answers
 * pile up here.
 */
async function answer(work: () => Uint8Array[] | Promise<Uint8Array[]>): Promise<void> {
  for (const bytes of await attempt(work))
    await new Promise<void>((resolve) => {
      process.stdout.write(bytes, () => resolve());
    });
}

/** The answer of `work`, or one that says why there is none. @returns the pieces of a frame */
async function attempt(work: () => Uint8Array[] | Promise<Uint8Array[]>): Promise<Uint8Array[]> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SheetError) {
      const { code, message, cell } = error;
      return answerFrame({ refused: { code, message, ...(cell === undefined ? {} : { cell }) } });
    }
    // If the system refuses memory, that is treated like a full heap: it does not mean that the
    // file is damaged.
    if (error instanceof RangeError && /allocat/i.test(error.message)) process.abort();
    return answerFrame({ failure: error instanceof Error ? error.message : String(error) });
  }
}

/**
 * Reads a file through the library, and checks that an .xls is whole. Leaves out sheets without
 * cells: charts, dialogs and macros.
 */
async function openBook(task: Task, data: Buffer): Promise<{ opened: Opened; contents: Contents }> {
  const { isText, empty } = task;
  const library = (await import(task.library)) as Library;
  const read = (): LibraryBook =>
    library.read(isText ? data.toString() : data, {
      type: isText ? "string" : "buffer",
      dense: true,
      cellNF: true,
      cellText: false,
      cellHTML: false,
      cellFormula: false,
      cellDates: false,
      sheetStubs: empty,
      // In HTML every value is text: `085232` must not become a number.
      raw: isText,
    });
  const book = inTime(read, task.milliseconds);
  if (!isText) expectWhole(library, data, task.milliseconds);
  const date1904 = book.Workbook?.WBProps?.date1904 ?? false;
  const found = book.SheetNames.map((name, i) => {
    const sheet = book.Sheets[name];
    if (!sheet) throw new Error(`its sheet "${name}" is damaged`);
    return { name, sheet, state: states[book.Workbook?.Sheets?.[i]?.Hidden ?? 0]! };
  }).filter(({ sheet }) => sheet["!type"] === undefined || sheet["!type"] === "sheet");
  const contents = { sheets: found.map(({ name, state }) => ({ name, state })), date1904 };
  return { opened: { task, sheets: found.map(({ sheet }) => sheet), date1904 }, contents };
}

/** @throws SheetError (`truncated`) if the records of an .xls end before the last one */
function expectWhole({ CFB }: Library, data: Buffer, milliseconds: number): void {
  let stream = data[0] === BARE ? data : undefined;
  if (data.length >= 4 && data.readUInt32LE(0) === COMPOUND) {
    const found = inTime(() => {
      const container = CFB.read(data, { type: "buffer" });
      return CFB.find(container, "/Workbook") ?? CFB.find(container, "/Book");
    }, milliseconds);
    if (!found?.content) return;
    stream = Buffer.from(found.content);
  }
  const sheet = stream && cutOffIn(stream);
  if (sheet === undefined) return;
  const what = sheet === 0 ? "the description of the workbook" : `sheet ${sheet}`;
  throw new SheetError("truncated", `${what} ends before its last record`);
}

/**
 * Calls a function that may never return. If it takes longer than this, the process ends. A timer
 * could not do that, because it would never get its turn.
 */
function inTime<T>(work: () => T, milliseconds: number): T {
  const name = "sluiceWork";
  Object.assign(globalThis, { [name]: work });
  try {
    return new Script(`${name}()`).runInThisContext({ timeout: milliseconds }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") process.exit(1);
    throw error;
  }
}

/**
 * The rows of a sheet from an index up to row `to`, as many as fit in a batch; undefined if there
 * are no more. It has more than 15 branches because values, formats and links come from one pass
 * over the cells.
 */
function rowsOf({ task, sheets, date1904 }: Opened, { sheet, row, to, formats, links }: Question): Portion | undefined {
  const data = sheets[sheet]?.["!data"] ?? [];
  const writer = new RowWriter(task.limits);
  const end = Math.min(to, data.length);
  const formatted: FormattedNumber[] = [];
  const linked: Portion["links"][number][] = [];
  let next = row;
  for (; next < end && !writer.full; next++) {
    let width = 0;
    let characters = 0;
    for (const [i, cell] of (data[next] ?? []).entries()) {
      if (!cell) continue;
      width = i + 1;
      if (typeof cell.v === "string") characters += cell.v.length;
      if (characters > fixed.rowBytes)
        throw new SheetError("limit", `Row ${next + 1} has a text of more than ${fixed.rowBytes} characters.`);
      putCell(writer, next + 1, width, cell, date1904);
      const { t, v, z = "General" } = cell;
      if (formats === true && t === "n" && typeof v === "number" && z !== "General")
        formatted.push([next + 1, width, date1904 && shownBy(z) === Shown.date ? v + DAYS_TO_1904 : v, z]);
      const address = links === true ? addressOf(cell) : "";
      if (address !== "") linked.push([next + 1, width, address]);
    }
    writer.endRow(next + 1, Math.min(width, task.limits.columns));
  }
  const rows = writer.take();
  return rows && { ...rows, formats: formatted, links: linked, next, progress: next / data.length };
}

/** The address of a cell's link: a target, a place in it, or both; "" if it has none. */
function addressOf({ l }: LibraryCell): string {
  const { Target = "", location = "" } = l ?? {};
  return location === "" || Target.includes("#") ? Target : `${Target}#${location}`;
}

/**
 * Adds a cell of the library. Its types are `z` empty, `b` boolean, `e` error, `n` number, `s`
 * text; others are taken as text.
 */
function putCell(writer: RowWriter, row: number, column: number, { t, v, z }: LibraryCell, date1904: boolean): void {
  if (t === "z" || v === undefined || v === null) return;
  if (t === "b") return writer.put(row, column, CellType.boolean, v ? "true" : "false");
  if (t === "e") return writer.put(row, column, CellType.error, errorCodes[Number(v)] ?? "#VALUE!");
  if (t !== "n" || typeof v !== "number") return writer.put(row, column, CellType.string, String(v));
  const shown = z === undefined ? Shown.number : shownBy(z);
  if (shown === Shown.duration) return writer.putDuration(row, column, v);
  if (shown === Shown.number) return writer.put(row, column, CellType.number, String(v));
  writer.putSerial(row, column, v, date1904, shown === Shown.time);
}
