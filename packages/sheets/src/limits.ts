// Limits that make a hostile file end with a clear error, at little cost. They count actual bytes
// while streaming; the sizes that a file declares are never trusted. No file is refused for its
// ratio alone, since honest parts compress beyond 100 : 1. But no honest file inflates to more than
// 64 MiB at 200 : 1. docs/limits.md lists all limits.
import { SheetError } from "./errors.ts";

export interface Limits {
  /** Size of the file itself. */
  readonly fileBytes: number;
  /** Entries in the archive. */
  readonly entries: number;
  /** The size of one part, inflated. */
  readonly partBytes: number;
  /** All parts that are read, inflated, added up. */
  readonly totalBytes: number;
  /** All parts together beyond 64 MiB, as a multiple of their compressed size. */
  readonly inflation: number;
  /** Memory for the shared strings. If they need more, they move to a temporary file. */
  readonly sharedStringBytesInMemory: number;
  /** The size of one cell's text. Excel's own limit is 32,767 characters. */
  readonly cellBytes: number;
  /**
   * The highest row number. Delimited text has no limit in its format: there it is 2,147,483,647 by
   * default.
   */
  readonly rows: number;
  /** The highest column number. */
  readonly columns: number;
  /**
   * The size of a file that a library reads in a separate process: `.xls`, `.xlsb`, XML 2003 and
   * HTML.
   */
  readonly libraryFileBytes: number;
  /** The inflated size of an archive that the library reads. */
  readonly libraryInflatedBytes: number;
  /** The total memory of the library's process. */
  readonly libraryMemoryBytes: number;
  /**
   * Processor time in which the library must open a file, and the same for each batch of rows. Ten
   * times as much elapsed time.
   */
  readonly libraryMilliseconds: number;
  /** Additional milliseconds for each MiB of the file. */
  readonly libraryMillisecondsPerMiB: number;
}

const MiB = 2 ** 20;
const GiB = 2 ** 30;

export const defaultLimits: Limits = {
  fileBytes: 8 * GiB,
  entries: 65_535,
  partBytes: 16 * GiB,
  totalBytes: 32 * GiB,
  inflation: 200,
  sharedStringBytesInMemory: 64 * MiB,
  cellBytes: 4 * MiB,
  rows: 1_048_576,
  columns: 16_384,
  libraryFileBytes: 64 * MiB,
  libraryInflatedBytes: 512 * MiB,
  libraryMemoryBytes: 480 * MiB,
  libraryMilliseconds: 4000,
  libraryMillisecondsPerMiB: 1000,
};

/** The most rows that a text may have: row numbers are kept in 32 bits. */
export const TEXT_ROWS: number = 2 ** 31 - 1;

/** Limits that are not options. Each is far above any honest workbook. */
export const fixed: Readonly<
  Record<
    "directoryBytes" | "smallPartBytes" | "smallPartElements" | "tokenBytes" | "styles" | "formats" | "rowBytes",
    number
  >
> = {
  /** The archive's directory. */
  directoryBytes: 16 * MiB,
  /** A part other than sheets and shared strings, inflated. */
  smallPartBytes: 128 * MiB,
  /**
   * The elements of such a part. A few bytes may inflate to many elements, and the cost is by the
   * element.
   */
  smallPartElements: 4_000_000,
  /**
   * A single tag, text or comment. If it may hold a cell's text, its limit follows from
   * `cellBytes`: see tokenMax().
   */
  tokenBytes: 4 * MiB,
  /** Cell formats. Excel has at most 65,490; other programs may write one for each cell. */
  styles: 1_000_000,
  /** Number formats. */
  formats: 65_536,
  /**
   * The XML of one row of a sheet. Together with its shared strings a row may have twice as much.
   */
  rowBytes: 16 * MiB,
};

/**
 * The greatest length of a tag, text or comment in a part with cells. A text in XML takes up to
 * four times its bytes, or slightly more.
 */
export const tokenMax = ({ cellBytes }: Limits): number => Math.max(fixed.tokenBytes, 4 * cellBytes + 65_536);

/** The end of an error message about a row or column beyond the limit. */
export const beyond = (limit: "rows" | "columns", { [limit]: most }: Limits): string =>
  `beyond the limit ${limit} = ${most}; ${
    most < defaultLimits[limit] ? "raise the limit to read on." : "no sheet has more, so the file was written badly."
  }`;

/** The greatest inflated size of parts with this compressed size. */
export const inflatedMax = ({ inflation }: Limits, compressed: number): number =>
  Math.max(64 * MiB, inflation * compressed);

/**
 * The most text that the cells of a sheet may take from the shared strings, if they repeat them, in
 * a file of this size.
 */
export const textMax = ({ inflation }: Limits, fileBytes: number): number =>
  Math.max(512 * MiB, 5 * inflation * fileBytes);

/**
 * The defaults, replaced by the limits that were asked for. Rows and columns cannot exceed those of
 * the format.
 */
export function resolveLimits(asked: Partial<Limits> = {}, rows: number = defaultLimits.rows): Limits {
  const limits: Record<string, number> = { ...defaultLimits, rows };
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
  limits["rows"] = Math.min(limits["rows"]!, rows);
  limits["columns"] = Math.min(limits["columns"]!, defaultLimits.columns);
  return limits as unknown as Limits;
}
