// What a database's error means: a row's fault, another transaction's, or the end; and a row's fault in words.
import { fields, type Chunk } from "../chunk.ts";
import { OTHER_TABLE, OUT_OF_STEP } from "../ledger/schema.ts";
import type { Reject, RejectCell } from "../reject.ts";
import type { Refusal } from "./cut.ts";

/** An error as PostgreSQL reports it. */
export interface DatabaseError extends Error {
  readonly code: string;
  readonly detail?: string;
  readonly where?: string;
  readonly column?: string;
  readonly schema?: string;
  /** The function of the server that raised it, which is the same in every language. */
  readonly routine?: string;
}

/** SQLSTATEs that people meet most, by their name in PostgreSQL's manual. */
export const CONDITIONS: Readonly<Record<string, string>> = {
  "22001": "string_data_right_truncation",
  "22003": "numeric_value_out_of_range",
  "22007": "invalid_datetime_format",
  "22008": "datetime_field_overflow",
  "22021": "character_not_in_repertoire",
  "22P02": "invalid_text_representation",
  "22P05": "untranslatable_character",
  "42501": "insufficient_privilege",
  "23502": "not_null_violation",
  "23503": "foreign_key_violation",
  "23505": "unique_violation",
  "23514": "check_violation",
  "23P01": "exclusion_violation",
  P0001: "raise_exception",
};

export function isDatabaseError(error: unknown): error is DatabaseError {
  return (
    error instanceof Error && "code" in error && typeof error.code === "string" && /^[0-9A-Z]{5}$/.test(error.code)
  );
}

/** A character that the database's encoding does not have. */
export function isUntranslatable(error: unknown): boolean {
  return isDatabaseError(error) && error.code === "22P05";
}

/** Deadlock detected, serialization failure: nobody's fault; the same again will do. */
export function isTransient(error: unknown): boolean {
  return isDatabaseError(error) && (error.code === "40P01" || error.code === "40001");
}

/** The ledger itself raised it; a trigger can raise the same code. Names of functions are the same in every language. */
export function saysLedger({ where = "" }: DatabaseError): boolean {
  return /^[^\n]*\bcommit_rows\(text,/.test(where);
}

/**
 * The ledger knows more of the chunk than this process does: it says so itself, or has its rejects already, which a process that was
 * taken over meets first.
 */
export function isOutOfStep(error: DatabaseError): boolean {
  return (error.code === OUT_OF_STEP && saysLedger(error)) || (error.code === "23505" && error.schema === "sluice");
}

/** The fence found another table, or the statement did not fit the one that it found. */
export function isAboutTable({ code }: DatabaseError): boolean {
  return code === OTHER_TABLE || /^(0A|3F|42)/.test(code);
}

/**
 * Data exceptions, integrity violations, exceptions raised by triggers, views' check options, rows that a policy of row-level security
 * does not allow, and rows too big for an index. Two rows
 * of one key in a statement that would write the key twice (21) are no fault of either: taken apart, they go in.
 */
export function isRowFault(error: unknown): boolean {
  // The ledger's own tables are no user's rows.
  return (
    isDatabaseError(error) &&
    error.schema !== "sluice" &&
    (/^(21|22|23|44|P0)/.test(error.code) || error.code === "54000" || isPolicy(error))
  );
}

/** A row that breaks a policy's check; the same code says that a user may not write to a table at all. */
function isPolicy({ code, routine }: DatabaseError): boolean {
  return code === "42501" && routine === "ExecWithCheckOptions";
}

/**
 * `COPY businesses, line 700, column email: "…"`, in the server's language: the line, from 0. It is where COPY was; where rows are
 * written many at a time, a row in front of it can be at fault.
 */
export function rowNamed(error: unknown): number | undefined {
  const line = isDatabaseError(error) ? placeIn(error)?.[1] : undefined;
  return line === undefined ? undefined : Number(line) - 1;
}

/** Line and column. What comes behind them is the user's, and may read like a place itself; what comes before is of triggers. */
function placeIn({ where = "" }: DatabaseError): RegExpExecArray | null {
  const copy = /^COPY .*/m.exec(where)?.[0] ?? "";
  return /^COPY [^,]*, [^\s\d":]+ (\d+)(?:, [^\s":]+ (.+?)\s*: )?/.exec(copy);
}

/** A row that the database refused, as a reject. */
export function refusalOf(
  chunk: Chunk,
  { row, error }: Refusal,
  cells: (row: number) => readonly RejectCell[],
): Reject {
  const { file, sheet, columns } = chunk.plan;
  const failure = error as DatabaseError;
  // `Key (id)=(7) already exists.` Other details print the whole row, with values that the database made up for it.
  const key = /^23(?:503|505|P01)$/.test(failure.code) ? failure.detail : undefined;
  const named = failure.column ?? placeIn(failure)?.[2] ?? /\("?([^",()]+)"?\)=/.exec(key ?? "")?.[1];
  const field = columns.findIndex(({ column }) => column.name === named);
  return {
    file,
    sheet,
    row: chunk.rowNumbers[row]!,
    column: columns[field]?.header ?? named,
    // Made when they are asked for, as those of other rejects are.
    get value() {
      return field < 0 ? undefined : (fields(chunk, row)[field] ?? undefined);
    },
    code: CONDITIONS[failure.code] ?? `sqlstate_${failure.code}`,
    reason: key === undefined ? failure.message : `${failure.message}: ${key}`,
    get cells() {
      return cells(row);
    },
  };
}
