// What the scanner must know of the workbook, and what it says when it stops.
import type { Place } from "./errors.ts";
import type { Limits } from "./limits.ts";
import type { SharedStrings } from "./shared-strings.ts";
import type { DateStyles } from "./styles.ts";

/** What run() waits for: more bytes · the shared string `wanted` · an emptier store · nothing, the rows are at their end. */
export const Status = { more: 0, string: 1, full: 2, done: 3 } as const;
export type Status = (typeof Status)[keyof typeof Status];

/** What the scanner must know of the workbook. */
export interface SheetContext {
  readonly place: Place;
  readonly limits: Limits;
  /** How much text the cells may take from the shared strings; see limits.ts. */
  readonly textMax: number;
  readonly strings: SharedStrings;
  readonly dateStyles: DateStyles;
  readonly date1904: boolean;
  /** First and last row number to give. */
  readonly from: number;
  readonly to: number;
  /** False only in tests: everything goes the general way. */
  readonly fast?: boolean;
}
