// A reject file as a source: the reader leaves out the seven columns that say what is wrong; the
// columns to their right are the sheet.
//
// The reader knows such a file by its first seven headers. It moves the columns to their places in
// the original. So everything after this (the mapping, `width: "exact"`, a second reject file) sees
// the sheet as it was; a row without a cell there is blank.
import type { Context } from "@sluice/go/context";
import { stateOf } from "../hash.ts";
import { constants, open as openFile } from "node:fs/promises";
import {
  CellType,
  open,
  type CsvOptions,
  type Limits,
  type ReadOptions,
  type RowBatch,
  type Sheet,
  type Workbook,
} from "@sluice/sheets";
import { isDateCell, unmarkedText } from "./date-cells.ts";
import { unguarded } from "./formulas.ts";
import { REJECT_COLUMNS } from "../reject.ts";
import { type Formats } from "../options.ts";

const SHIFT = REJECT_COLUMNS.length;

interface Asked {
  readonly csv?: CsvOptions | undefined;
  readonly formats?: Formats | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly fileName?: string | undefined;
  readonly ctx?: Context | undefined;
}

/** A sheet as it is imported. */
export interface SheetView extends Pick<
  Sheet,
  "name" | "index" | "state" | "size" | "batches" | "merged" | "hasLinks" | "mentionsLinks"
> {
  /** True if the columns that say what is wrong with its rows have been left out. */
  isRejectFile(): Promise<boolean>;
  /** The character between the fields of delimited text. */
  readonly delimiter: string | undefined;
}

const [FIRST, ...REST] = REJECT_COLUMNS;
const HEADER = new RegExp(
  `^\\ufeff?"?${FIRST}"?([,;\\t|])${REST.map((name) => `"?${name}"?`).join("\\1")}(?:\\1|[\\r\\n])`,
);
const HEADER_BYTES = 256;

/**
 * Opens a file to import. How a text is written is found out from its content, but for a reject
 * file: its cells may look like anything, so only its delimiter is asked for (a spreadsheet program
 * may have saved it with another one), from its header.
 *
 * @param asked `csv`: what the user says of a text; it comes first. `formats`: `"streaming"`
 *   refuses what a library would have to read. `fileName`: what people call the file, after which
 *   the sheet of a text is named. `ctx`: when it is done, every reading of the workbook fails with
 *   its cause (`orInterrupted`)
 */
export async function openWorkbook(path: string, asked: Asked = {}): Promise<Workbook> {
  const { csv, formats = "all", limits, fileName, ctx } = asked;
  const [, delimiter] = HEADER.exec(await beginOf(path)) ?? [];
  const known = delimiter === undefined ? csv : { delimiter, quote: '"', escape: "none" as const, ...csv };
  const state = await stateOf(path);
  // A row with bad bytes is a bad row; the other rows are not.
  const reading = { badBytes: "mark", ...(known ? { csv: known } : {}), ...(limits ? { limits } : {}) } as const;
  // Without folders, also those of another system.
  const textName = fileName?.split(/[\\/]/).at(-1);
  const workbook = await open(path, {
    formats,
    ...reading,
    ...(textName ? { textName } : {}),
    ...(ctx ? { signal: ctx.signal } : {}),
  });
  states.set(workbook, state);
  return workbook;
}

const states = new WeakMap<Workbook, string | undefined>();

/** The state of a workbook's file just before it was opened, if {@link openWorkbook} did so. */
export function stateWhenOpened(workbook: Workbook): string | undefined {
  return states.get(workbook);
}

/** The start of a file; empty if it cannot be read, which is for `open` to tell. */
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

/**
 * @param isText the file is text; the apostrophes in front of formulas in it are taken off
 * @param besides what each reading asks for in addition to values; a reject file has none of it
 */
export function originalSheet(
  sheet: Sheet,
  isText: boolean,
  delimiter?: string,
  besides: Pick<ReadOptions, "show" | "links"> = {},
): SheetView {
  const { name, index, state, size } = sheet;
  let known: Promise<boolean> | undefined;
  const isRejectFile = (): Promise<boolean> => (known ??= beginsAsRejectFile(sheet));
  const batches = async function* (options?: ReadOptions): AsyncGenerator<RowBatch, void, undefined> {
    const change = await isRejectFile();
    for await (const batch of sheet.batches({ ...besides, ...options }))
      yield change ? withoutRejectColumns(batch, isText) : batch;
  };
  return {
    name,
    index,
    state,
    size,
    delimiter,
    isRejectFile,
    batches,
    merged: (options) => sheet.merged(options),
    hasLinks: () => sheet.hasLinks(),
    mentionsLinks: () => sheet.mentionsLinks(),
  };
}

async function beginsAsRejectFile(sheet: Sheet): Promise<boolean> {
  for await (const batch of sheet.batches({ to: 1 })) return isRejectHeader(batch);
  return false;
}

/** Reports whether the first row of a batch is the header of a reject file. */
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
  const types = Uint8Array.from(kept, (cell) => batch.types[cell]!);
  if (isText) {
    for (const [i, start] of starts.entries()) {
      const end = ends[i]!;
      const apostrophe = bytes.subarray(start, end).indexOf(APOSTROPHE);
      // The batch is ours until it is released, and what is taken off makes a cell shorter.
      if (apostrophe >= 0)
        ends[i] = start + bytes.write(unmarkedText(unguarded(bytes.toString("utf8", start, end))), start);
      else if (end - start === DATE_BYTES && isDateCell(bytes.toString("latin1", start, end))) types[i] = CellType.date;
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
    types,
    flags: Uint8Array.from(kept, (cell) => batch.flags[cell]!),
    starts,
    ends,
    progress: batch.progress,
    warnings: batch.warnings,
    badRows: batch.badRows,
    unended: batch.unended ?? false,
    release: () => batch.release(),
  };
}

const APOSTROPHE = 0x27;
const DATE_BYTES = "2024-01-02T00:00:00.000".length;
