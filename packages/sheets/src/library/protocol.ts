// The protocol between a program and its child process (child.ts), over the child's standard input
// and output.
//
// Both directions use frames: four bytes with the length, then that number of bytes. The program
// sends a task or a question as JSON. After a task it sends the file in pieces, up to an empty
// frame. The child sends one answer for each task and each question: the length of its JSON, the
// JSON, and the columns of the rows. The child has read a hostile file, so the program trusts
// nothing that it says. It refuses everything that is not exactly an answer to the question.
//
//   any frame         u32 length │ that number of bytes
//   an answer         u32 length of the JSON │ JSON │ columns
//   the columns       rowNumbers, widths │ firstCell │ columns, starts, ends │ types, flags │ bytes
//     of rows         i32 each, by row   │ rows + 1  │ i32 each, by cell     │ u8 each      │ text
//
// All numbers are little-endian. The JSON has the counts, so the size of the columns is known
// before they are read, and must be exact (checkedRows).
import { isUtf8 } from "node:buffer";
import { CellType, PLAIN } from "../cells/batch.ts";
import type { SheetState } from "../book.ts";
import type { SheetErrorCode } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { Rows } from "../cells/row-writer.ts";

/** The description of the file that the child has to open. The file's bytes follow. */
export interface Task {
  /** The library's module, as a URL. */
  readonly library: string;
  /** True if the bytes are text in UTF-8, and not those of the file. */
  readonly isText: boolean;
  /** True if empty cells that the file contains count for the width of their rows. */
  readonly empty: boolean;
  readonly limits: Limits;
  /**
   * The elapsed time after which the child gives up by itself, even if nobody waits for it any
   * more.
   */
  readonly milliseconds: number;
}

/** A question about an open file: rows of a sheet from an index on, up to row `to`. */
export interface Question {
  readonly sheet: number;
  readonly row: number;
  readonly to: number;
  /** True if the formats of numbers, or the addresses of links, are needed too. */
  readonly formats?: boolean;
  readonly links?: boolean;
}

/**
 * The reason why the library failed, the refusal by a limit, or the data. The columns of rows
 * follow it.
 */
export type Answer =
  | { readonly failure: string }
  | { readonly refused: { readonly code: SheetErrorCode; readonly message: string; readonly cell?: string } }
  | { readonly contents: Contents }
  | { readonly rows: PortionHead | null };

export interface Contents {
  readonly sheets: readonly { readonly name: string; readonly state: SheetState }[];
  readonly date1904: boolean;
}

/** Rows, and the index at which the next ones begin. */
export interface Portion extends Omit<Rows, "shown" | "links" | "raised"> {
  readonly next: number;
  readonly progress: number;
  /**
   * Numbers with the code of a format that is not General, and addresses of links. Both are empty
   * if they were not asked for.
   */
  readonly formats: readonly FormattedNumber[];
  readonly links: readonly (readonly [row: number, column: number, address: string])[];
}

export type FormattedNumber = readonly [row: number, column: number, value: number, format: string];

/** The part of a portion that is JSON. The counts give the lengths of the columns. */
interface PortionHead extends Pick<Portion, "next" | "progress" | "warnings" | "formats" | "links"> {
  readonly rowCount: number;
  readonly cellCount: number;
  readonly byteCount: number;
}

/** An answer that is invalid. */
export class Unsound extends Error {
  constructor(what: string) {
    super(`an answer that is not sound: ${what}`);
  }
}

/** The most bytes of a frame: a batch with one row of the greatest size. */
export const FRAME_MAX: number = 128 * 2 ** 20;
/** The most characters of a name, a format or a warning. A sheet's name in Excel has at most 31. */
const NAME_MAX = 10_000;

/** The bytes of a frame, as pieces to write one after the other. */
export function frame(...parts: readonly Uint8Array[]): Uint8Array[] {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(parts.reduce((sum, part) => sum + part.length, 0));
  return [length, ...parts];
}

/** An answer as a frame. */
export function answerFrame(answer: Answer, columns: readonly Uint8Array[] = []): Uint8Array[] {
  const json = Buffer.from(JSON.stringify(answer));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return frame(length, json, ...columns);
}

/** Rows as an answer. */
export function rowsFrame(rows: Portion | undefined): Uint8Array[] {
  if (!rows) return answerFrame({ rows: null });
  const { next, progress, warnings, formats, links, rowNumbers, columns, bytes } = rows;
  const counts = { rowCount: rowNumbers.length, cellCount: columns.length, byteCount: bytes.length };
  const { widths, firstCell, starts, ends, types, flags } = rows;
  const parts = [rowNumbers, widths, firstCell, columns, starts, ends, types, flags, bytes];
  return answerFrame(
    { rows: { next, progress, warnings, formats, links, ...counts } },
    parts.map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)),
  );
}

/**
 * The frames of a stream, one at a time. It reads the stream only up to the frame that was asked
 * for. @throws Error if one is longer than allowed
 */
export async function* frames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let pieces: Uint8Array[] = [];
  let have = 0;
  let need = -1;
  for await (const piece of stream) {
    pieces.push(piece);
    have += piece.length;
    while (have >= (need < 0 ? 4 : need)) {
      const all = pieces.length === 1 ? asBuffer(pieces[0]!) : Buffer.concat(pieces);
      const length: number = need < 0 ? 4 : need;
      if (need < 0) {
        need = all.readUInt32LE(0);
        if (need > FRAME_MAX) throw new Error(`a frame of ${need} bytes`);
      } else {
        yield all.subarray(0, length);
        need = -1;
      }
      pieces = all.length > length ? [all.subarray(length)] : [];
      have -= length;
    }
  }
}

/** The JSON of an answer, unchecked, and the bytes after it. */
export function openAnswer(bytes: Buffer): { answer: unknown; rest: Buffer } {
  must(bytes.length >= 4, "its length");
  const length = bytes.readUInt32LE(0);
  must(length <= bytes.length - 4, "its length");
  const json = bytes.toString("utf8", 4, 4 + length);
  try {
    return { answer: JSON.parse(json) as unknown, rest: bytes.subarray(4 + length) };
  } catch {
    throw new Unsound("its JSON");
  }
}

/** Checks the contents of a file. @throws Unsound if the value is something else */
export function checkedContents(value: unknown, { entries }: Limits): Contents {
  const { sheets, date1904 } = object(value, "the contents");
  must(Array.isArray(sheets) && sheets.length <= entries, "the sheets");
  must(typeof date1904 === "boolean", "date1904");
  const checked = (sheets as unknown[]).map((sheet): Contents["sheets"][number] => {
    const { name, state } = object(sheet, "a sheet");
    must(typeof name === "string" && name.length <= NAME_MAX, "a sheet's name");
    const known = (["visible", "hidden", "veryHidden"] as const).find((one) => one === state);
    must(known !== undefined, "a sheet's state");
    return { name, state: known };
  });
  return { sheets: checked, date1904 };
}

/**
 * Checks rows: they must answer the question, within the limits. Undefined if there are no more
 * rows. @throws Unsound if they do not
 */
export function checkedRows(value: unknown, rest: Buffer, question: Question, limits: Limits): Portion | undefined {
  if (value === null) return undefined;
  const { next, progress, warnings, formats, links, rowCount, cellCount, byteCount } = object(value, "the rows");
  must(isCount(next) && next > question.row && next <= question.to, "the next row");
  must(typeof progress === "number" && progress >= 0 && progress <= 1, "the progress");
  must(isCount(rowCount) && rowCount > 0 && isCount(cellCount) && isCount(byteCount), "the counts");
  must(rest.length === 4 * (3 * rowCount + 1 + 3 * cellCount) + 2 * cellCount + byteCount, "the size");
  let at = 0;
  const take = (length: number): ArrayBuffer => {
    const { buffer, byteOffset } = rest;
    at += length;
    return (buffer as ArrayBuffer).slice(byteOffset + at - length, byteOffset + at);
  };
  const rows: Portion = {
    next,
    progress,
    rowNumbers: new Int32Array(take(4 * rowCount)),
    widths: new Int32Array(take(4 * rowCount)),
    firstCell: new Int32Array(take(4 * (rowCount + 1))),
    columns: new Int32Array(take(4 * cellCount)),
    starts: new Int32Array(take(4 * cellCount)),
    ends: new Int32Array(take(4 * cellCount)),
    types: new Uint8Array(take(cellCount)),
    flags: new Uint8Array(take(cellCount)),
    bytes: new Uint8Array(take(byteCount)),
    warnings: checkedWarnings(warnings, rowCount),
    formats: checkedFormats(formats, question, limits),
    links: checkedLinks(links, question, limits),
  };
  checkColumns(rows, question, limits);
  return rows;
}

/**
 * Checks the columns. After it, code may use them as indexes into the text: rows and columns
 * ascend, texts do not overlap, and each is within the bytes.
 */
function checkColumns(rows: Portion, { row, to }: Question, limits: Limits): void {
  const { rowNumbers, widths, firstCell, columns, starts, ends, types, flags, bytes } = rows;
  must(firstCell[0] === 0 && firstCell.at(-1) === columns.length, "the first cells");
  must(isUtf8(bytes), "the text");
  let last = row;
  let end = 0;
  for (const [n, number] of rowNumbers.entries()) {
    must(number > last && number <= to, "a row's number");
    last = number;
    must(widths[n]! >= 0 && widths[n]! <= limits.columns, "a row's width");
    must(firstCell[n]! <= firstCell[n + 1]!, "a row's first cell");
    let column = 0;
    for (let cell = firstCell[n]!; cell < firstCell[n + 1]!; cell++) {
      must(columns[cell]! > column && columns[cell]! <= limits.columns, "a cell's column");
      column = columns[cell]!;
      must(starts[cell]! >= end && starts[cell]! <= ends[cell]! && ends[cell]! <= bytes.length, "a cell's place");
      must(ends[cell]! - starts[cell]! <= limits.cellBytes, "a cell's length");
      end = ends[cell]!;
      must(types[cell]! <= CellType.duration, "a cell's type");
      must(flags[cell] === 0 || (flags[cell] === PLAIN && isPlain(bytes, starts[cell]!, end)), "a cell's flags");
    }
    must(columns.length === 0 || column <= widths[n]!, "a row's width");
  }
}

/** Checks warnings. 20,000 for a row are more than one for each of its cells (16,384 at most). */
function checkedWarnings(value: unknown, rowCount: number): Portion["warnings"] {
  must(Array.isArray(value) && value.length <= rowCount * 20_000, "the warnings");
  return (value as unknown[]).map((warning) => {
    const { row, message } = object(warning, "a warning");
    must(isCount(row) && typeof message === "string" && message.length <= NAME_MAX, "a warning");
    return { row, message };
  });
}

function checkedFormats(value: unknown, question: Question, limits: Limits): Portion["formats"] {
  return cellsOf(value, question, limits, "the formats").map(([row, column, number, format]) => {
    must(typeof number === "number" && Number.isFinite(number), "a number");
    must(typeof format === "string" && format.length <= NAME_MAX, "a format");
    return [row, column, number, format];
  });
}

function checkedLinks(value: unknown, question: Question, limits: Limits): Portion["links"] {
  return cellsOf(value, question, limits, "the links").map(([row, column, address]) => {
    must(typeof address === "string" && Buffer.byteLength(address) <= limits.cellBytes, "an address");
    return [row, column, address];
  });
}

/** Checks the row and the column of data about cells. */
function cellsOf(
  value: unknown,
  { row, to }: Question,
  { columns }: Limits,
  what: string,
): [number, number, ...unknown[]][] {
  must(Array.isArray(value), what);
  return (value as unknown[]).map((one) => {
    must(Array.isArray(one), what);
    const [number, column, ...rest] = one as unknown[];
    must(isCount(number) && number > row && number <= to, what);
    must(isCount(column) && column > 0 && column <= columns, what);
    return [number, column, ...rest];
  });
}

function isPlain(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    if (byte < 0x20 || byte === 0x22 || byte === 0x5c || byte === 0x7f) return false;
  }
  return true;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function object(value: unknown, what: string): Record<string, unknown> {
  must(typeof value === "object" && value !== null, what);
  return value as Record<string, unknown>;
}

function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Unsound(what);
}

const asBuffer = ({ buffer, byteOffset, length }: Uint8Array): Buffer => Buffer.from(buffer, byteOffset, length);
