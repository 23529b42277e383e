// The shapes of the service's answers, as GET /openapi.json describes them. Only what the page
// reads is here.

/** A file before it is imported: `POST /preview`. */
export interface Preview {
  readonly file: string;
  readonly format: string;
  readonly upload: string;
  readonly sheets: readonly SheetName[];
  readonly imports: readonly SheetPreview[];
  readonly notes: readonly string[];
}

export interface SheetName {
  readonly name: string;
  readonly state: string;
  /** Rows that hold something, as far as they were counted, and whether there may be more. */
  readonly rows: number;
  readonly more: boolean;
  /** The sheet's first rows, as they are. Blank rows are not listed. */
  readonly grid: readonly GridRow[];
}

export interface GridRow {
  readonly row: number;
  readonly cells: readonly (string | null)[];
}

export interface SheetPreview {
  readonly sheet: string;
  readonly table: string;
  readonly exists: boolean;
  readonly headerRows: readonly number[];
  readonly unitsRow: number | null;
  readonly firstRow: number;
  readonly records: number;
  readonly complete: boolean;
  readonly columns: readonly ColumnPreview[];
  readonly ddl: readonly string[];
  readonly indexes: readonly string[];
  readonly sample: readonly { readonly row: number; readonly values: readonly (string | null)[] }[];
  readonly rejects: {
    readonly total: number;
    readonly reasons: Readonly<Record<string, number>>;
    readonly first: readonly Reject[];
  };
  readonly leftOut: readonly {
    readonly why: string;
    readonly count: number;
    readonly rows: readonly number[];
    readonly text: string;
  }[];
  readonly notes: readonly string[];
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface ColumnPreview {
  readonly letter: string;
  readonly header: string;
  readonly unit: string | null;
  readonly column: string | null;
  readonly type: string | null;
  readonly dateFormat: string | null;
  readonly numberFormat: string | null;
  readonly nulls: readonly string[];
  readonly match: { readonly by: string; readonly score: number } | null;
  readonly inferred: {
    readonly type: string;
    readonly unit?: string | null;
    readonly missing: readonly Mark[];
    readonly errors: readonly Mark[];
    readonly values: number;
    readonly because?: string | null;
    readonly nearest?: {
      readonly type: string;
      readonly fits: number;
      readonly against: readonly { readonly row: number; readonly value: string }[];
    } | null;
  };
}

export interface Mark {
  readonly text: string;
  readonly count: number;
}

/** A cell of a rejected row: null if it is empty, a text, or another value with its type. */
export type RejectCell = null | string | readonly [type: string, text: string];

export interface Reject {
  readonly row: number;
  readonly column?: string | null;
  readonly value?: string | null;
  readonly code: string;
  readonly reason: string;
  readonly cells: readonly RejectCell[];
}

export type ImportState = "queued" | "running" | "finished" | "failed" | "cancelled" | "interrupted";

/** An import: `GET /imports/:id`. */
export interface Import {
  readonly id: string;
  readonly state: ImportState;
  readonly file: string;
  readonly sheet: string | null;
  readonly table: string | null;
  readonly method: string;
  readonly total: number;
  readonly inserted: number;
  readonly updated: number;
  readonly skipped: number;
  readonly rejected: number;
  readonly reasons: Readonly<Record<string, number>>;
  readonly assumptions: readonly { readonly about: string; readonly said: string }[];
  readonly notes: readonly string[];
  /** `import` is the one that put the same rows in before. */
  readonly error: { readonly code: string; readonly message: string; readonly import?: string } | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly milliseconds: number | null;
  readonly rowsPerSecond: number | null;
  /** Rows that were taken back out of the table; null if that was not done. */
  readonly takenBack: number | null;
  /** Everything was done and then undone. */
  readonly dryRun: boolean;
  readonly resumable: boolean;
  readonly repairable: boolean;
  /** In a fleet: why it waits again, or why no worker tries it any more. */
  readonly retry?: { readonly attempts: number; readonly reason: string };
  /** All imports of the same request, if it was for all sheets of a file. */
  readonly imports?: readonly string[];
}

/** The rows of an import that can be taken back. */
export interface TakingBack {
  readonly table: string;
  readonly rows: number;
  readonly notes: readonly string[];
}

export interface Channel {
  readonly name: string;
  readonly length: number;
  readonly capacity: number;
}

export interface Worker {
  /** `read`, `encode`, `load 1`, … */
  readonly id: string;
  readonly state: "idle" | "busy" | "waiting";
  readonly on?: string | null;
}

/** How far an import is: the event `progress`. */
export interface Progress {
  readonly state: ImportState;
  readonly phase: string;
  readonly read: number;
  readonly inserted: number;
  readonly updated: number;
  readonly skipped: number;
  readonly rejected: number;
  /** The part of the sheet that has been read, from 0 to 1. */
  readonly fraction: number;
  readonly rate: number;
  readonly etaSeconds: number | null;
  readonly channels: readonly Channel[];
  readonly workers: readonly Worker[];
}

export interface RejectPage {
  readonly rejects: readonly Reject[];
  /** Null if a column has none. */
  readonly headers: readonly (string | null)[];
  readonly total: number;
}

export interface Repaired {
  readonly inserted: number;
  readonly updated: number;
  readonly skipped: number;
  readonly rejected: number;
  readonly rejects: readonly Reject[];
  /** Rows that were repaired before: nothing was done with them. */
  readonly settled: readonly number[];
}

export interface TableRows {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

export interface ImportList {
  readonly imports: readonly Import[];
  readonly next: string | null;
}

/** The service's description of itself. */
export interface About {
  readonly version?: string;
  readonly database?: { readonly product: string; readonly version: string; readonly name: string };
  readonly maxFileBytes?: number;
  readonly fleet?: boolean;
}
