// A hazard: a workbook that shows one thing that real files do, and what must be read of it. The
// catalogue (catalogue.ts) is the one list of them: the tests, docs/hazards.md, the fuzz target and
// the comparison of readers in bench/ all take it.
import type { SheetErrorCode } from "../../errors.ts";
import type { CellValue } from "../../cells/rows.ts";
import { workbook, type WorkbookParts } from "../workbook-writer.ts";

export type Cells = Readonly<Record<string, Exclude<CellValue, null>>>;

export interface SheetCells {
  readonly name: string;
  /** Absent where it is visible. */
  readonly state?: "hidden" | "veryHidden";
  /** All cells that have a value. */
  readonly cells: Cells;
}

export interface Hazard {
  /** What the file does, and what becomes of it: the name of its test. */
  readonly name: string;
  /** Public threads about readers that stumbled over it. */
  readonly seen?: string;
  readonly file: () => Uint8Array;
  /** What must be read … */
  readonly sheets?: readonly SheetCells[];
  /** … with these warnings, in the order of the file … */
  readonly warnings?: readonly string[];
  /** … or the code of the refusal. */
  readonly refused?: SheetErrorCode;
  /**
   * Whether what is read is a choice of ours, and others may choose otherwise: they are not
   * measured by it.
   */
  readonly choice?: true;
}

export interface HazardGroup {
  readonly title: string;
  readonly hazards: readonly Hazard[];
}

/** A hazard in the only sheet of a workbook. */
export function inSheet(
  name: string,
  parts: WorkbookParts,
  cells: Cells,
  more: Pick<Hazard, "seen" | "warnings" | "choice"> = {},
): Hazard {
  return { name, file: () => workbook(parts), sheets: [{ name: "Sheet1", cells }], ...more };
}

/** A date of which the UTC fields are what the sheet shows. */
export const at = (text: string): Date => new Date(`${text}Z`);

/** Cells of row 1, one for each piece of XML, which is what stands behind `<c r="A1"`. */
export const row = (...cells: readonly string[]): string =>
  `<row r="1">${cells.map((cell, i) => `<c r="${String.fromCharCode(65 + i)}1"${cell}`).join("")}</row>`;

/** A cell of an inline string, as `row` takes it. */
export const inline = (xml: string): string => ` t="inlineStr"><is>${xml}</is></c>`;
