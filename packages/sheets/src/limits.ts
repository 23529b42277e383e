// Caps that keep a hostile file from costing more than a clear error. They count actual bytes while streaming: what a file
// says of its own sizes is never trusted, and there is no ratio rule, since honest parts compress beyond 100 : 1.
import { SheetError } from "./errors.ts";

export interface Limits {
  /** Size of the file itself. */
  readonly fileBytes: number;
  /** Entries in the archive. */
  readonly entries: number;
  /** One part, inflated. */
  readonly partBytes: number;
  /** All parts that are read, inflated, together. */
  readonly totalBytes: number;
  /** Memory for the shared strings; past it they move to a temporary file. */
  readonly sharedStringBytesInMemory: number;
  /** One cell's text. Excel's own limit is 32,767 characters. */
  readonly cellBytes: number;
  /** The highest row number. */
  readonly rows: number;
  /** The highest column number. */
  readonly columns: number;
}

const GiB = 2 ** 30;

export const defaultLimits: Limits = {
  fileBytes: 8 * GiB,
  entries: 65_535,
  partBytes: 16 * GiB,
  totalBytes: 32 * GiB,
  sharedStringBytesInMemory: 256 * 2 ** 20,
  cellBytes: 4 * 2 ** 20,
  rows: 1_048_576,
  columns: 16_384,
};

/** The defaults with what was asked for; rows and columns cannot go past what the format has. */
export function resolveLimits(asked: Partial<Limits> = {}): Limits {
  const limits: Record<string, number> = { ...defaultLimits };
  for (const [name, value] of Object.entries(asked) as [string, unknown][]) {
    if (value === undefined) continue;
    if (!(name in limits))
      throw new SheetError(
        "bad_option",
        `There is no limit called "${name}"; the limits are ${Object.keys(limits).join(", ")}.`,
      );
    if (typeof value !== "number" || !(value > 0))
      throw new SheetError(
        "bad_option",
        `The limit ${name} must be a number above 0, and it is ${JSON.stringify(value)}.`,
      );
    limits[name] = value;
  }
  limits["rows"] = Math.min(limits["rows"]!, defaultLimits.rows);
  limits["columns"] = Math.min(limits["columns"]!, defaultLimits.columns);
  return limits as unknown as Limits;
}
