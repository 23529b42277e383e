// A rejected row whose cells are kept as bytes until its chunk is committed.
//
// Its texts are made when they are asked for. Strings for the rows of a whole chunk would be most
// of the memory that an import takes, for the garbage collector gives them back late; the bytes are
// given back with the chunk.
import type { Originals } from "./originals.ts";
import { rejectCell, type Reject, type RejectCell } from "../reject.ts";
import { cellText } from "../values/shown.ts";

/** The place of a row's kept cells. */
export interface Kept {
  readonly store: Originals;
  /** The row's number in the store, and the place of its first cell there. */
  readonly row: number;
  readonly begin: number;
  /** The number of the row's cells, empty ones too. */
  readonly width: number;
}

/** May be used as long as the chunk that it came with. */
export class KeptReject implements Reject {
  readonly file: string;
  readonly sheet: string;
  readonly row: number;
  readonly column: string | undefined;
  readonly code: string;
  readonly reason: string;
  readonly kept: Kept;
  readonly #value: string | number | undefined;

  /** @param value the text at fault, or the sheet's column whose cell holds it */
  constructor(told: Omit<Reject, "value" | "cells">, value: string | number | undefined, kept: Kept) {
    ({ file: this.file, sheet: this.sheet, row: this.row, column: this.column } = told);
    ({ code: this.code, reason: this.reason } = told);
    this.#value = value;
    this.kept = kept;
  }

  get value(): string | undefined {
    if (typeof this.#value !== "number") return this.#value;
    const { store, begin, row } = this.kept;
    const cell = store.at(begin, row).find(({ column }) => column === this.#value);
    return cell && cellText(cell.text(), cell.type);
  }

  get cells(): RejectCell[] {
    const { store, begin, row, width } = this.kept;
    const cells = Array.from({ length: width }, (): RejectCell => null);
    for (const { column, type, text } of store.at(begin, row)) cells[column - 1] = rejectCell(text(), type);
    return cells;
  }
}
