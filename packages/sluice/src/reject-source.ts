// A reject file as a source: the seven columns that say what is wrong are left out, what is to their right is the sheet.
//
// It is known by its first seven headers. The columns move to where they stood in the original, so that everything behind this (the
// mapping, `width: "exact"`, a second reject file) sees the sheet as it was; a row without a cell there is blank.
import { constants, open as openFile } from "node:fs/promises";
import {
  open,
  type CsvOptions,
  type OpenOptions,
  type ReadOptions,
  type RowBatch,
  type Sheet,
  type Workbook,
} from "@sluice/sheets";
import { unguarded } from "./formulas.ts";
import { REJECT_COLUMNS } from "./reject.ts";

const SHIFT = REJECT_COLUMNS.length;

/** Which formats are taken. */
export type Formats = NonNullable<OpenOptions["formats"]>;

/** A sheet as it is imported. */
export interface SheetView extends Pick<Sheet, "name" | "index" | "state" | "batches"> {
  /** What says what is wrong with its rows has been left out. */
  isRejectFile(): Promise<boolean>;
}

const [FIRST, ...REST] = REJECT_COLUMNS;
const HEADER = new RegExp(
  `^\\ufeff?"?${FIRST}"?([,;\\t|])${REST.map((name) => `"?${name}"?`).join("\\1")}(?:\\1|[\\r\\n])`,
);
const HEADER_BYTES = 256;

/**
 * Opens a file to import. How a text is written is found out from its content, but for a reject file: its cells may look like
 * anything, so only its delimiter is asked for (a spreadsheet program may have saved it with another one), from its header.
 *
 * @param csv what the user says of a text; it comes first
 * @param formats `"streaming"` refuses what a library would have to read
 */
export async function openWorkbook(path: string, csv?: CsvOptions, formats: Formats = "all"): Promise<Workbook> {
  const [, delimiter] = HEADER.exec(await beginOf(path)) ?? [];
  const known = delimiter === undefined ? csv : { delimiter, quote: '"', ...csv };
  return open(path, known ? { csv: known, formats } : { formats });
}

/** The begin of a file; nothing where it cannot be read, which is for `open` to tell. */
async function beginOf(path: string): Promise<string> {
  try {
    // Not blocking, so that a pipe is not waited for.
    await using file = await openFile(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } catch {
    return "";
  }
}

/** @param isText the file is text, where formulas have an apostrophe in front that goes off */
export function originalSheet(sheet: Sheet, isText: boolean): SheetView {
  const { name, index, state } = sheet;
  let known: Promise<boolean> | undefined;
  const isRejectFile = (): Promise<boolean> => (known ??= beginsAsRejectFile(sheet));
  const batches = async function* (options?: ReadOptions): AsyncGenerator<RowBatch, void, undefined> {
    const change = await isRejectFile();
    for await (const batch of sheet.batches(options)) yield change ? withoutRejectColumns(batch, isText) : batch;
  };
  return { name, index, state, isRejectFile, batches };
}

async function beginsAsRejectFile(sheet: Sheet): Promise<boolean> {
  for await (const batch of sheet.batches({ to: 1 })) return isRejectHeader(batch);
  return false;
}

/** Whether the first row of a batch is the header of a reject file. */
function isRejectHeader({ firstCell, columns, bytes, starts, ends }: RowBatch): boolean {
  const first = firstCell[0]!;
  if (firstCell[1]! - first < SHIFT) return false;
  return REJECT_COLUMNS.every((name, i) => {
    const cell = first + i;
    return columns[cell] === i + 1 && bytes.toString("utf8", starts[cell], ends[cell]) === name;
  });
}

function withoutRejectColumns(batch: RowBatch, isText: boolean): RowBatch {
  const { rowCount, bytes, firstCell } = batch;
  const kept: number[] = [];
  const first = new Int32Array(rowCount + 1);
  for (let row = 0; row < rowCount; row++) {
    for (let cell = firstCell[row]!; cell < firstCell[row + 1]!; cell++)
      if (batch.columns[cell]! > SHIFT) kept.push(cell);
    first[row + 1] = kept.length;
  }
  const starts = Int32Array.from(kept, (cell) => batch.starts[cell]!);
  const ends = Int32Array.from(kept, (cell) => batch.ends[cell]!);
  if (isText) {
    for (const [i, start] of starts.entries()) {
      const end = ends[i]!;
      const apostrophe = bytes.subarray(start, end).indexOf(APOSTROPHE);
      // The batch is ours until it is released, and what is taken off makes a cell shorter.
      if (apostrophe >= 0) ends[i] = start + bytes.write(unguarded(bytes.toString("utf8", start, end)), start);
    }
  }
  return {
    rowCount,
    cellCount: kept.length,
    bytes,
    rowNumbers: batch.rowNumbers,
    widths: batch.widths.map((width) => Math.max(0, width - SHIFT)),
    firstCell: first,
    columns: Int32Array.from(kept, (cell) => batch.columns[cell]! - SHIFT),
    types: Uint8Array.from(kept, (cell) => batch.types[cell]!),
    flags: Uint8Array.from(kept, (cell) => batch.flags[cell]!),
    starts,
    ends,
    progress: batch.progress,
    warnings: batch.warnings,
    release: () => batch.release(),
  };
}

const APOSTROPHE = 0x27;
