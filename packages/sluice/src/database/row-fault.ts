// The meaning of a database's error: a row's fault, another transaction's, or the end; and a row's
// fault in words.
import { fields, type Chunk } from "../chunk/chunk.ts";
import { OTHER_TABLE, OUT_OF_STEP } from "../ledger/schema.ts";
import type { Reject, RejectCell } from "../reject.ts";
import type { Refusal } from "./cut.ts";
import { type DatabaseError, isDatabaseError } from "../target.ts";

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

/** A character that the database's encoding does not have. */
export function isUntranslatable(error: unknown): boolean {
  return isDatabaseError(error) && error.code === "22P05";
}

/** Deadlock detected, serialization failure: nobody's fault; the same again will do. */
export function isTransient(error: unknown): boolean {
  return isDatabaseError(error) && (error.code === "40P01" || error.code === "40001");
}

/**
 * The ledger itself raised it; a trigger can raise the same code. Names of functions are the same
 * in every language.
 */
export function saysLedger({ where = "" }: DatabaseError): boolean {
  return /^[^\n]*\bcommit_rows\(text,/.test(where);
}

/**
 * The ledger knows more of the chunk than this process does: it says so itself, or has its rejects
 * already, which a process that was taken over meets first.
 */
export function isOutOfStep(error: DatabaseError): boolean {
  return (error.code === OUT_OF_STEP && saysLedger(error)) || isRecorded(error);
}

/** The ledger has a reject of the chunk already. */
export function isRecorded({ code, schema }: DatabaseError): boolean {
  return code === "23505" && schema === "sluice";
}

/** The fence found another table, or the statement did not fit the one that it found. */
export function isAboutTable({ code }: DatabaseError): boolean {
  return code === OTHER_TABLE || /^(0A|3F|42)/.test(code);
}

/**
 * Data exceptions, integrity violations, exceptions of triggers and functions, views' check
 * options, rows that a policy of row-level security does not allow, and rows too big for an index.
 * If a statement would write one key twice (21), neither row is at fault: one after the other, both
 * go in.
 */
export function isRowFault(error: unknown): boolean {
  // The ledger's own tables hold no rows of the user's.
  return (
    isDatabaseError(error) &&
    error.schema !== "sluice" &&
    (/^(09|21|22|23|38|44|P0)/.test(error.code) ||
      error.code === "54000" ||
      isPolicy(error) ||
      isUnreadable(error) ||
      isRaised(error))
  );
}

/**
 * PostgreSQL's code of a row that breaks a policy, and of a user who may not do something at all.
 */
export const RIGHTS = "42501";

/**
 * Codes that speak of the server, a connection, another transaction or the ledger. A trigger that
 * raises one stops the import, or asks for another attempt; it does not judge a row.
 */
const OF_THE_SERVER = "08|25|40|53|57|58|F0|XX|SLU";
const SPEAKS_OF_SERVER = new RegExp(`^(?:${OF_THE_SERVER})`);

/**
 * Reports whether RAISE was used in a trigger or function that worked on a row. The server itself
 * uses the same codes for other things.
 */
export function isRaised({ code, routine }: DatabaseError): boolean {
  return routine === "exec_stmt_raise" && !SPEAKS_OF_SERVER.test(code);
}

/**
 * The conditions of {@link isRowFault} in PL/pgSQL, which does not know the routine, so far as that
 * can be. What it does not cover is tried again from here. Of {@link RIGHTS} it covers too much: a
 * policy, which is a row's fault, and a lack of rights.
 *
 * @param code the variable that has the SQLSTATE
 * @param context the variable that has the error's context
 */
export function rowFaultSql(code: string, context: string): string {
  return `(${code} ~ '^(09|22|23|38|44|P0)' or ${code} = '${RIGHTS}' or ${code} !~ '^(${OF_THE_SERVER})' and split_part(${context}, chr(10), 1) ~ ' RAISE$')`;
}

/**
 * A value that its column's type does not take, by any code: types that name other objects or have
 * a grammar (`regclass`, `tsquery`, `ltree`) and `jsonb` that is too deep use those of statements.
 * The server then says which column of a line, or which parameter, it was reading, and nothing
 * else: a trigger's error has more.
 */
function isUnreadable(error: DatabaseError): boolean {
  const { code, where = "" } = error;
  if (!/^(0A|42|54)/.test(code)) return false;
  return /^[^\n]*\$\d+(?: = '.*)?$/s.test(where) ? !where.includes("\nSQL") : isReadingCell(where);
}

/**
 * Reports whether COPY was reading a cell: its line and column come first, with nothing before
 * them.
 */
function isReadingCell(where: string): boolean {
  return /^COPY [^,]*, [^\s\d":]+ \d+, [^\s":]+ .+?\s*: /.test(where);
}

/**
 * A row that breaks a policy's check; the same code says that a user may not write to a table at
 * all.
 */
function isPolicy({ code, routine }: DatabaseError): boolean {
  return code === RIGHTS && routine === "ExecWithCheckOptions";
}

/**
 * `COPY businesses, line 700, column email: "…"`, in the server's language: the line, from 0. COPY
 * had come to that line; if rows are written many at a time, a row in front of it can be at fault.
 */
export function rowNamed(error: unknown): number | undefined {
  const line = isDatabaseError(error) ? placeIn(error)?.[1] : undefined;
  return line === undefined ? undefined : Number(line) - 1;
}

/**
 * Line and column. What comes after them is the user's, and may read like a place itself; what
 * comes before is of triggers.
 */
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
  // `Key (id)=(7) already exists.` Other details print the whole row, with values that the database
  // made up for it.
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

/** A row that could only be updated, as a reject: the table has none of its key. */
export function notThere(chunk: Chunk, row: number, cells: (row: number) => readonly RejectCell[]): Reject {
  const { file, sheet, columns, conflict } = chunk.plan;
  const values = fields(chunk, row);
  const key = columns.flatMap(({ column, header }, field) =>
    conflict!.key.includes(column.name) ? [{ name: column.name, header, value: values[field] ?? undefined }] : [],
  );
  const only = key.length === 1 ? key[0] : undefined;
  return {
    file,
    sheet,
    row: chunk.rowNumbers[row]!,
    column: only?.header,
    value: only?.value,
    code: "no_such_row",
    reason: `no row of the table has ${key.map(({ name, value }) => `${name} = ${value ?? "(empty)"}`).join(" and ")}, and none can be added: ${whyNone(chunk.plan)}`,
    get cells() {
      return cells(row);
    },
  };
}

function whyNone({ columns, conflict }: Chunk["plan"]): string {
  const names = conflict!.only ?? [];
  const list = names.map((name) => `"${name}"`).join(", ");
  return names.some((name) => columns.some(({ column }) => column.name === name))
    ? `the database fills ${list} itself`
    : `the sheet has no column for ${list}, which must have a value`;
}
