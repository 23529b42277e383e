// The thread in which SheetJS reads a workbook whole: its memory and its time are bounded from outside (library-book.ts).
//
// What it finds is given out as batches like those of the other readers: a number whose format shows a date is a date, and an
// empty text is an empty cell. The library is asked for nothing that it would have to guess: no dates, no formatted text.
import { parentPort, workerData, type TransferListItem } from "node:worker_threads";
import { CellType } from "./batch.ts";
import type { SheetState } from "./book.ts";
import { SheetError, type SheetErrorCode } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { RowWriter, type Rows } from "./row-writer.ts";
import { Shown, shownBy } from "./styles.ts";

/** What the thread is started with: the file's bytes, or its text where it is HTML. */
export interface Task {
  readonly data: Uint8Array | string;
  /** Whether empty cells that the file has count for the width of their rows. */
  readonly empty: boolean;
  readonly limits: Limits;
}

/** What it is asked: what there is, or rows of a sheet from an index on, up to row `to`. */
export type Request = { readonly id: number } & (
  | { readonly open: true }
  | { readonly sheet: number; readonly row: number; readonly to: number }
);

/** The library is not installed; why it failed; what a limit refuses; or what was asked for. */
export type Answer = { readonly id: number } & (
  | { readonly missing: true }
  | { readonly failure: string }
  | { readonly refused: { readonly code: SheetErrorCode; readonly message: string; readonly cell: string | undefined } }
  | { readonly contents: Contents }
  | { readonly rows: Portion | undefined }
);

export interface Contents {
  readonly sheets: readonly { readonly name: string; readonly state: SheetState }[];
  readonly date1904: boolean;
}

/** Rows, and where the next ones begin. */
export interface Portion extends Rows {
  readonly next: number;
  readonly progress: number;
}

// What this thread needs of the library's types.
interface LibraryCell {
  readonly t: "n" | "s" | "b" | "e" | "d" | "z";
  readonly v?: string | number | boolean | null;
  readonly z?: string;
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
}

const states: readonly SheetState[] = ["visible", "hidden", "veryHidden"];
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

const { data, empty, limits } = workerData as Task;
let sheets: readonly LibrarySheet[] = [];
let date1904 = false;

// The library makes remarks of its own, which are nobody's.
for (const level of ["log", "warn", "error"] as const) console[level] = () => {};

parentPort!.on("message", (request: Request) => void answer(request));

async function answer(request: Request): Promise<void> {
  const { id } = request;
  try {
    if ("open" in request) return post({ id, ...(await openBook()) });
    const rows = rowsOf(sheets[request.sheet]?.["!data"] ?? [], request.row, request.to);
    post({ id, rows }, rows ? Object.values(rows).flatMap((v) => (ArrayBuffer.isView(v) ? [v.buffer] : [])) : []);
  } catch (error) {
    if (error instanceof SheetError)
      post({ id, refused: { code: error.code, message: error.message, cell: error.cell } });
    else post({ id, failure: error instanceof Error ? error.message : String(error) });
  }
}

function post(answer: Answer, transfer: readonly unknown[] = []): void {
  parentPort!.postMessage(answer, transfer as TransferListItem[]);
}

async function openBook(): Promise<{ missing: true } | { contents: Contents }> {
  let library: Library;
  try {
    library = (await import("@e965/xlsx")) as unknown as Library;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return { missing: true };
    throw error;
  }
  const text = typeof data === "string";
  const book = library.read(data, {
    type: text ? "string" : "buffer",
    dense: true,
    cellNF: true,
    cellText: false,
    cellHTML: false,
    cellFormula: false,
    cellDates: false,
    sheetStubs: empty,
    // In HTML all is text: `085232` must not become a number.
    raw: text,
  });
  date1904 = book.Workbook?.WBProps?.date1904 ?? false;
  const found = book.SheetNames.map((name, i) => {
    const sheet = book.Sheets[name];
    if (!sheet) throw new Error(`its sheet "${name}" is damaged`);
    return { name, sheet, state: states[book.Workbook?.Sheets?.[i]?.Hidden ?? 0]! };
  }).filter(({ sheet }) => sheet["!type"] === undefined || sheet["!type"] === "sheet");
  sheets = found.map(({ sheet }) => sheet);
  return { contents: { sheets: found.map(({ name, state }) => ({ name, state })), date1904 } };
}

/** The rows of a sheet from an index up to row `to`, as many as a batch holds; undefined where there are none. */
function rowsOf(data: NonNullable<LibrarySheet["!data"]>, from: number, to: number): Portion | undefined {
  const writer = new RowWriter(limits);
  const end = Math.min(to, data.length);
  let next = from;
  for (; next < end && !writer.full; next++) {
    let width = 0;
    for (const [i, cell] of (data[next] ?? []).entries()) {
      if (!cell) continue;
      width = i + 1;
      putCell(writer, next + 1, width, cell);
    }
    writer.endRow(next + 1, width);
  }
  const rows = writer.take();
  return rows && { ...rows, next, progress: next / data.length };
}

function putCell(writer: RowWriter, row: number, column: number, { t, v, z }: LibraryCell): void {
  if (t === "z" || v === undefined || v === null) return;
  if (t === "b") return writer.put(row, column, CellType.boolean, v ? "true" : "false");
  if (t === "e") return writer.put(row, column, CellType.error, errorCodes[Number(v)] ?? "#VALUE!");
  if (t !== "n" || typeof v !== "number") return writer.put(row, column, CellType.string, String(v));
  const shown = z === undefined ? Shown.number : shownBy(z);
  if (shown === Shown.number) return writer.put(row, column, CellType.number, String(v));
  writer.putSerial(row, column, v, date1904, shown === Shown.time);
}
