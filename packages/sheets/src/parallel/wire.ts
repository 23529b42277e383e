// A batch of rows on its way from one thread to another.
//
// Its columns and its texts are copied into one buffer, which the other thread gets without another
// copy. The texts of a batch lie close together, between markup. One copy of all of that takes less
// time than one for each text.
//
// The buffer, with i32 columns first so that they are aligned:
//
//   rowNumbers, widths │ firstCell │ columns, starts, ends │ types, flags │ texts │ slack
//   4 bytes a row      │           │ 4 bytes a cell        │ 1 a cell
//
// `starts` and `ends` count from the first byte that is copied, and not from that of the batch.

import type { RowBatch } from "../cells/batch.ts";
import { CellTexts } from "../cells/cell-texts.ts";

/** The parts of a batch that are not columns of numbers. */
type Rest = Pick<RowBatch, "rowCount" | "cellCount" | "progress" | "warnings"> & {
  readonly badRows: readonly number[] | undefined;
  readonly unended: boolean;
  readonly shown: readonly Text[] | undefined;
  readonly raised: readonly Text[] | undefined;
  readonly links: readonly Text[] | undefined;
};
type Text = readonly [row: number, column: number, text: string];

/** A batch in a form that can be sent to another thread. */
export interface Packed {
  readonly rest: Rest;
  readonly buffer: ArrayBuffer;
}

/** The columns of whole numbers, by row and by cell. */
const BY_ROW = ["rowNumbers", "widths"] as const;
const BY_CELL = ["columns", "starts", "ends"] as const;

/** Bytes after the texts, so that a consumer may look at several bytes of a text at once. */
const SLACK = 16;

/** Copies a batch, which can be released afterwards. */
export function pack(batch: RowBatch): Packed {
  const { rowCount, cellCount, starts, ends, bytes } = batch;
  let from = bytes.length;
  let to = 0;
  for (let i = 0; i < cellCount; i++) {
    from = Math.min(from, starts[i] as number);
    to = Math.max(to, ends[i] as number);
  }
  from = Math.min(from, to);
  const numbers = numbersOf(rowCount, cellCount);
  const buffer = new ArrayBuffer(4 * numbers + 2 * cellCount + to - from + SLACK);
  const words = new Int32Array(buffer, 0, numbers);
  let at = 0;
  const put = (column: Int32Array): void => {
    words.set(column, at);
    at += column.length;
  };
  for (const name of BY_ROW) put(batch[name]);
  put(batch.firstCell);
  for (const name of BY_CELL) put(batch[name]);
  for (let i = numbers - 2 * cellCount; i < numbers; i++) (words[i] as number) -= from;
  const octets = new Uint8Array(buffer, 4 * numbers);
  octets.set(batch.types);
  octets.set(batch.flags, cellCount);
  octets.set(bytes.subarray(from, to), 2 * cellCount);
  const rest: Rest = {
    rowCount,
    cellCount,
    progress: batch.progress,
    warnings: [...batch.warnings],
    badRows: batch.badRows && [...batch.badRows],
    unended: batch.unended ?? false,
    shown: batch.shown && [...batch.shown.entries()],
    raised: batch.raised && [...batch.raised.entries()],
    links: batch.links && [...batch.links.entries()],
  };
  return { rest, buffer };
}

/** The batch that was packed. Its memory is its own, so `release` does nothing. */
export function unpack({ rest, buffer }: Packed): RowBatch {
  const { rowCount, cellCount, badRows, shown, raised, links, ...others } = rest;
  const numbers = numbersOf(rowCount, cellCount);
  let at = 0;
  const take = (count: number): Int32Array => {
    const column = new Int32Array(buffer, 4 * at, count);
    at += count;
    return column;
  };
  const [rowNumbers, widths, firstCell] = [take(rowCount), take(rowCount), take(rowCount + 1)];
  const [columns, starts, ends] = [take(cellCount), take(cellCount), take(cellCount)];
  return {
    ...others,
    rowCount,
    cellCount,
    rowNumbers,
    widths,
    firstCell,
    columns,
    starts,
    ends,
    types: new Uint8Array(buffer, 4 * numbers, cellCount),
    flags: new Uint8Array(buffer, 4 * numbers + cellCount, cellCount),
    bytes: Buffer.from(buffer, 4 * numbers + 2 * cellCount),
    badRows: badRows && new Set(badRows),
    shown: textsOf(shown),
    raised: textsOf(raised),
    links: textsOf(links),
    release: () => undefined,
  };
}

function numbersOf(rowCount: number, cellCount: number): number {
  return 3 * rowCount + 1 + 3 * cellCount;
}

function textsOf(entries: readonly Text[] | undefined): CellTexts | undefined {
  if (entries === undefined) return undefined;
  const texts = new CellTexts();
  for (const [row, column, text] of entries) texts.set(row, column, text);
  return texts;
}
