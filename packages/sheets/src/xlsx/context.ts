// The facts about the workbook that the scanner needs, and the reasons why it stops.
import type { Place } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { SharedStrings } from "./shared-strings.ts";
import type { DateStyles } from "./styles.ts";

/**
 * The reason why run() returns: more bytes needed · the shared string `wanted` needed · an emptier
 * store needed · done, there are no more rows.
 */
export const Status = { more: 0, string: 1, full: 2, done: 3 } as const;
export type Status = (typeof Status)[keyof typeof Status];

/** The facts about the workbook that the scanner needs. */
export interface SheetContext {
  readonly place: Place;
  readonly limits: Limits;
  /** The most text that the cells may take from the shared strings; see limits.ts. */
  readonly textMax: number;
  readonly strings: SharedStrings;
  readonly dateStyles: DateStyles;
  readonly date1904: boolean;
  /** First and last row number to give. */
  readonly from: number;
  readonly to: number;
  /**
   * The text of a number in a style's number format. If it is set, the scanner takes the general
   * way everywhere.
   */
  readonly show?: ((value: number, style: number) => string | undefined) | undefined;
  /** True if superscripts are reported. Then the scanner takes the general way everywhere. */
  readonly raised?: boolean | undefined;
  /** The address of a cell's link. If it is set, the scanner takes the general way everywhere. */
  readonly links?: ((row: number, column: number) => string | undefined) | undefined;
  /** False only in tests: then the scanner takes the general way everywhere. */
  readonly fast?: boolean;
}
