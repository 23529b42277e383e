// Caps that keep a hostile file from costing more than a clear error. They count actual bytes while streaming: what a file
// says of its own sizes is never trusted. A ratio alone refuses nothing, since honest parts compress beyond 100 : 1; but no
// honest file comes to more than 64 MiB at 200 : 1. docs/limits.md lists all of them.
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
  /** All of them together past 64 MiB, as a multiple of what they are compressed to. */
  readonly inflation: number;
  /** Memory for the shared strings; past it they move to a temporary file. */
  readonly sharedStringBytesInMemory: number;
  /** One cell's text. Excel's own limit is 32,767 characters. */
  readonly cellBytes: number;
  /** The highest row number. A text has no limit of its own: there it is 2,147,483,647 unless given. */
  readonly rows: number;
  /** The highest column number. */
  readonly columns: number;
  /** A file that a library reads, in a process of its own: `.xls`, `.xlsb`, XML 2003 and HTML. */
  readonly libraryFileBytes: number;
  /** What an archive that the library reads inflates to. */
  readonly libraryInflatedBytes: number;
  /** Memory of the library's process, all of it. */
  readonly libraryMemoryBytes: number;
  /** Processor time for opening a file by the library, and for each batch of rows; ten times as much by the clock. */
  readonly libraryMilliseconds: number;
  /** More of it for each MiB that the file has. */
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

/** Rows that a text may have: their numbers are kept in 32 bits. */
export const TEXT_ROWS: number = 2 ** 31 - 1;

/** Caps that are no option, each far beyond what an honest workbook has. */
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
  /** The elements of such a part: what few bytes may be compressed to costs by the element. */
  smallPartElements: 4_000_000,
  /** A single tag, text or comment. One that may hold a cell's text is as long as `cellBytes` asks for: tokenMax(). */
  tokenBytes: 4 * MiB,
  /** Cell formats; Excel has no more than 65,490, other programs may write one for each cell. */
  styles: 1_000_000,
  /** Number formats. */
  formats: 65_536,
  /** The XML of one row of a sheet; with its shared strings it may be twice as much. */
  rowBytes: 16 * MiB,
};

/** How long a tag, text or comment may be where cells are; a text in XML takes up to four times its bytes, or some more. */
export const tokenMax = ({ cellBytes }: Limits): number => Math.max(fixed.tokenBytes, 4 * cellBytes + 65_536);

/** What is said of a row or column that stands beyond the limit. */
export const beyond = (limit: "rows" | "columns", { [limit]: most }: Limits): string =>
  `beyond the limit ${limit} = ${most}; ${
    most < defaultLimits[limit] ? "raise the limit to read on." : "no sheet has more, so the file was written badly."
  }`;

/** What parts may inflate to that are compressed to so many bytes. */
export const inflatedMax = ({ inflation }: Limits, compressed: number): number =>
  Math.max(64 * MiB, inflation * compressed);

/** How much text the cells of a sheet may take from the shared strings, where they repeat them, in a file of this size. */
export const textMax = ({ inflation }: Limits, fileBytes: number): number =>
  Math.max(512 * MiB, 5 * inflation * fileBytes);

/** The defaults with what was asked for; rows and columns cannot go past what the format has. */
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
