// The options that the caller of an import may give, and the results that it gets. All code below
// the engine uses these types.
import type { CsvOptions, Limits, OpenOptions, Workbook } from "@sluice/sheets";
import type { Reject } from "./reject.ts";
import type { TableSchema } from "./schema/schema.ts";
import type { Target } from "./target.ts";

/** The way in which rows get in; docs/import.md says what each costs. */
export type Method = "sequential" | "concurrent" | "batch" | "copy";

export const METHODS: readonly Method[] = ["sequential", "concurrent", "batch", "copy"];

/** Rows of an INSERT of the method `batch`, by default. */
export const DEFAULT_BATCH_SIZE = 100;
/** The most rows that COPY commits together, by default. */
export const DEFAULT_CHUNK_ROWS = 20_000;

/**
 * The treatment of a row whose key is in the table: rejected, left out, or written over the columns
 * that are loaded.
 */
export type OnConflict = "error" | "skip" | "update";

export const ON_CONFLICT: readonly OnConflict[] = ["error", "skip", "update"];

/** The meaning of an empty cell. */
export type Empty = "null" | "default" | "keep";

export const EMPTY: readonly Empty[] = ["null", "default", "keep"];

/** `--type`: a column's name or header → a type, as {@link parseType} reads it. */
export type TypeMap = ReadonlyMap<string, string>;

/**
 * The header, if the caller knows it: `"none"`, or the row (or the first and last of two rows) that
 * it is, as the sheet numbers them.
 */
export type HeaderChoice = "none" | readonly [first: number, last: number];

/** A cell of the header row. */
export interface Header {
  /** 1-based. */
  readonly sheetColumn: number;
  /** The header's text, in one line. */
  readonly text: string;
  /** The unit of its numbers, if a row of units names it. */
  readonly unit?: string;
  /** The notation of numbers in its column's texts, if that is not PostgreSQL's. */
  readonly numberFormat?: string;
}

/**
 * `--null`: texts that stand for a missing value, or `column=TEXT`. An empty one says that no mark
 * is looked for.
 */
export type NullTexts = readonly string[];

/** `--map`: header → column; an empty column leaves the header out. */
export type HeaderMap = ReadonlyMap<string, string>;

/** The formats that are taken. */
export type Formats = NonNullable<OpenOptions["formats"]>;

/**
 * A caller for whom an import runs, and who may write only to some tables. The ledger notes what
 * such an import makes as made for callers.
 */
export interface Caller {
  /** Only a table that was made for a caller counts, if one of that name is there. */
  readonly ownTable: boolean;
  /**
   * Messages do not name columns of an existing table, except those that the sheet's headers mean.
   */
  readonly hidesColumns: boolean;
}

export interface ImportOptions {
  /** Path of the spreadsheet. */
  readonly file: string;
  /** The notation of a delimited text; what is not given is detected. */
  readonly csv?: CsvOptions;
  /**
   * `"streaming"` takes no file that a library would have to read, such as `.xls`; all by default.
   */
  readonly formats?: Formats;
  /**
   * The limits of what a file may ask for; the reader's defaults by default. An import is not known
   * by them.
   */
  readonly limits?: Partial<Limits>;
  /**
   * The file, open already; it stays open. Of a format that is read whole, it is then read once for
   * several sheets. Opened and closed for the import by default.
   */
  readonly workbook?: Workbook;
  /** The name that messages and rejects have; the path's last part by default. */
  readonly fileName?: string;
  readonly target: Target;
  /** `table` or `schema.table`; else the schema's name, else the file's. */
  readonly table?: string;
  /** Without one, an existing table's columns count, or types are inferred. */
  readonly schema?: TableSchema;
  /** A name, or a number from 1 (a sheet of that name wins); the first visible sheet by default. */
  readonly sheet?: string;
  /**
   * Sheets with the same headers, this one among them, that types are inferred from; this one alone
   * by default.
   */
  readonly alike?: readonly string[];
  /** `copy` by default. */
  readonly method?: Method;
  /**
   * Connections that load at the same time: the number of processors by default, one if rows must
   * go in in order.
   */
  readonly workers?: number;
  /** Rows an INSERT of `batch`, 100 by default. */
  readonly batchSize?: number;
  /** Rows a chunk of `copy`, at most. */
  readonly chunkRows?: number;
  /**
   * `create`: the table must not exist; `append`: it must; `replace`: the rows that are in it are
   * deleted in the transaction that puts the new ones in, so it is always atomic. By default it
   * is `create` if the table is missing, and `append` if it exists.
   */
  readonly mode?: "create" | "append" | "replace";
  /**
   * True if with `replace` the rows of other tables that refer to the old rows by `on delete
   * cascade`, `set null` or `set default` may go with them.
   */
  readonly cascade?: boolean;
  /**
   * All rows become visible at once, or none: one transaction on one connection. A failure means to
   * begin from the first row.
   */
  readonly atomic?: boolean;
  /**
   * Everything is done against the database, and then undone: the result is what the real import's
   * would be.
   */
  readonly dryRun?: boolean;
  /** Adds columns that an existing table lacks. */
  readonly migrate?: boolean;
  /** The treatment of a row whose key is in the table: `error`, by default, rejects it. */
  readonly onConflict?: OnConflict;
  /**
   * The columns that tell rows apart; the schema's key or the primary key by default. A unique
   * index must cover exactly these.
   */
  readonly key?: readonly string[];
  /**
   * The meaning of an empty cell. `null`, the default; `default`: the default of its column;
   * `keep`, with `onConflict: "update"`: a row that is in the table keeps what it has, and a new
   * one gets the column's default.
   */
  readonly empty?: Empty;
  /** Header → column; an empty column leaves the header out. */
  readonly map?: HeaderMap;
  /**
   * Column or header → type, for a table that the import makes without a schema; `date(DD/MM/YYYY)`
   * states how dates are written.
   */
  readonly types?: TypeMap;
  /** The header: a row, two rows, or none; found by default. */
  readonly header?: HeaderChoice;
  /**
   * The facts about each row besides its cells (`file`, `sheet`, `row`: its number), each with its
   * column, which is made if need be.
   */
  readonly add?: AddedColumns;
  /**
   * Texts and error codes that stand for a missing value, or `column=TEXT`; an empty one: no mark
   * is looked for.
   */
  readonly nulls?: NullTexts;
  /** The zone of times without one that go into `timestamptz`; UTC by default. */
  readonly timeZone?: string;
  /** The same for single sheets, by their names. */
  readonly headers?: ReadonlyMap<string, HeaderChoice>;
  /** The part of the sheet that is read, such as `B2:K99`; all of it by default. */
  readonly range?: string;
  /** The most records that are imported; the rest of the sheet is left out. */
  readonly limit?: number;
  /** The number of the last rows that are not records. */
  readonly skipLast?: number;
  /** Cells that are merged downwards get the value of the first one; of `.xlsx` only. */
  readonly fillMerged?: boolean;
  /**
   * The texts of typed cells in columns of text: their values by default, or what their number
   * formats show.
   */
  readonly text?: "shown";
  /** The addresses of links are kept, in a column beside each one that has any. */
  readonly links?: boolean;
  /**
   * Every row below the header is a record. Without it, Sluice leaves out repeated headers, totals
   * and remarks below the table.
   */
  readonly allRows?: boolean;
  /** Rows at the top, as the sheet numbers them, that are neither header nor record. */
  readonly skip?: number;
  /** The same for single sheets, by their names. */
  readonly skips?: ReadonlyMap<string, number>;
  /**
   * `auto`, by default: continues with an unfinished import of the same content, sheet, table and
   * options, if there is one. An id: continues with that one, or fails. `never`: always a new
   * import.
   */
  readonly resume?: string;
  /**
   * Imports once more what a finished import of the same content, sheet, table and options has put
   * in. Without this, and if no key makes it harmless (`onConflict`, or the mode `replace`),
   * `runImport` rejects with that import's result.
   */
  readonly again?: boolean;
  /**
   * The id that a new import gets; a random one by default. No import of the ledger may have it.
   */
  readonly id?: string;
  /** Called with the import's id, when the import is in the ledger and this process has it. */
  readonly onBegin?: (id: string) => void;
  /** Called when the stages start, with a look at them that costs nothing until it is asked. */
  readonly onPipeline?: (pipeline: PipelineView) => void;
  /** Called after every chunk. */
  readonly onProgress?: (progress: Progress) => void;
  /**
   * Called when the rows are in, with all rejects of the import, earlier processes' too, in the
   * sheet's order. The list is empty if there are no rejects. If too many rejects stop the import,
   * it is called then. If the import had finished before it was asked for, so that the rejects may
   * have been passed on before, `begun` is the moment at which it began.
   */
  readonly onRejects?: (rejects: readonly Reject[], headers: readonly Header[], begun?: Date) => Promise<void> | void;
  /**
   * Stops, with what is done kept, when more rows than this have been rejected; never by default.
   */
  readonly maxErrors?: number;
  /** The caller for whom it runs, if that caller may write only to some tables. */
  readonly caller?: Caller;
}

/** The stages of an import at work. Each call gives the state of the moment. */
export interface PipelineView {
  /** Rows that were read from the sheet. */
  rowsRead(): number;
  channels(): readonly ChannelView[];
  workers(): readonly WorkerView[];
}

/** A channel between two stages. */
export interface ChannelView {
  readonly name: string;
  /** Values that wait in it. */
  readonly length: number;
  readonly capacity: number;
}

/** A goroutine of a stage. */
export interface WorkerView {
  readonly id: string;
  /** `idle`: it has not begun, or has ended. `waiting`: for what `on` names. */
  readonly state: "idle" | "busy" | "waiting";
  readonly on?: string;
}

/** The work that has been done so far. */
export interface Progress {
  /** The work of the moment: rows go in, or, when they are in, indexes are built. */
  readonly phase: "rows" | "indexes";
  readonly inserted: number;
  readonly updated: number;
  readonly skipped: number;
  readonly rejected: number;
  readonly milliseconds: number;
  /** The part of the sheet that has been read, from 0 to 1. */
  readonly fraction: number;
}

/** The result of an import: `total = inserted + updated + skipped + rejected`, always. */
export interface ImportResult {
  /** The import's id in the ledger; empty of a dry run. */
  readonly id: string;
  readonly file: string;
  readonly sheet: string;
  readonly table: string;
  readonly method: Method;
  /** Records: rows below the header that are not blank. */
  readonly total: number;
  readonly inserted: number;
  readonly updated: number;
  /** Rows whose key was in the table (`skip`), and rows that a trigger in the database left out. */
  readonly skipped: number;
  readonly rejected: number;
  /**
   * The time from opening the workbook to the last commit and index, without the start of an
   * embedded database.
   */
  readonly milliseconds: number;
  /** Rejected rows by code. */
  readonly reasons: Readonly<Record<string, number>>;
  /**
   * The first hundred; fewer if their cells are so long that they come to more than 4 million
   * characters, and a note says so.
   */
  readonly rejects: readonly Reject[];
  /**
   * The facts that were found in the file and not stated, each with the option that states it
   * otherwise.
   */
  readonly assumptions: readonly Assumption[];
  /** Further facts: a table made, a column left empty, a formula without a value. */
  readonly notes: readonly string[];
  /** Cancelled before the end: the counts are what had been committed by then. */
  readonly interrupted: boolean;
}

/** The facts about a row that columns can hold besides its cells. */
export const ORIGINS = ["file", "sheet", "row", "section"] as const;

export type Origin = (typeof ORIGINS)[number];

/** `--add`: the facts about each row, each with its column. */
export type AddedColumns = ReadonlyMap<Origin, string>;

/** Something that was detected and not stated. */
export interface Assumption {
  readonly about: "sheet" | "header" | "records" | "types" | "notations" | "marks";
  /**
   * The assumption: the sheet's name, the rows of the header, the row that begins the records, or
   * the columns with their types, notations or marks for missing values.
   */
  readonly said: string;
  /** The option that says it otherwise. */
  readonly option: string;
  /** The values of that option that state the same, each with an option of its own. */
  readonly values?: readonly string[];
}
