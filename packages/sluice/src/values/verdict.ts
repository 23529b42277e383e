// The verdict of a check on a value.
import type { CellType } from "@sluice/sheets";
import type { RejectCode } from "../reject.ts";

/** The reason why a value is rejected. */
export interface Problem {
  readonly code: RejectCode;
  readonly reason: string;
}

/**
 * Judges a non-empty cell: undefined if its bytes are loaded unchanged, a string if that is loaded
 * instead, null for NULL, or what is wrong.
 */
export type Check = (bytes: Buffer, start: number, end: number, type: CellType) => string | null | undefined | Problem;

/**
 * Looks at a cell that is not empty. Returns how many of its bytes, from the first on, are the
 * value that is loaded; 0 if the general check must judge it.
 */
export type PlainTest = (bytes: Buffer, start: number, end: number, type: CellType) => number;
