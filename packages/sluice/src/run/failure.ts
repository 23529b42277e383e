// The message of a failure half-way: what was wrong, what is in the table, and how to continue.
import { SheetError, type SheetErrorCode } from "@sluice/sheets";
import { grouped } from "../grouped.ts";
import { ALL_REFUSED } from "./all-refused.ts";
import { describeError, SluiceError } from "../errors.ts";
import { indexesLeft, settleImport, type Totals } from "../ledger/ledger.ts";
import type { Plan } from "../plan/plan.ts";
import { foreignDoubt } from "../plan/foreign.ts";
import { BAD_LEDGER } from "../plan/stored.ts";
import { afterChange, TABLE_CHANGED, TABLE_GONE } from "../ledger/table-shape.ts";
import { NOTHING_YET } from "../ledger/resume.ts";
import { DDL_REFUSED, eventTriggerAdvice, RAISED } from "../plan/event-trigger.ts";
import { RIGHTS, saysLedger } from "../database/row-fault.ts";
import { OTHER_TABLE } from "../ledger/schema.ts";
import { endAndTakeOut } from "../ledger/written.ts";
import { rightsLacking } from "./rights.ts";
import type { Tally } from "./progress.ts";
import type { Recorded } from "./run.ts";
import { FILE_CHANGED } from "./same-file.ts";
import { type Claim, type Target, isDatabaseError } from "../target.ts";
import type { ImportOptions } from "../options.ts";

/** The code of an import that `maxErrors` stopped. */
export const TOO_MANY = "too_many_errors";

/** The error that stops an import that has rejected more rows than it may. */
export function tooManyErrors({ rejected }: Tally, { maxErrors = Infinity }: ImportOptions): SluiceError | undefined {
  if (rejected <= maxErrors) return undefined;
  const rows = rejected === 1 ? "1 row has" : `${grouped(rejected)} rows have`;
  return new SluiceError(TOO_MANY, `${rows} been rejected, and --max-errors ${maxErrors} allows no more than that.`);
}

const NOTHING_LEFT = "nothing_left";

/** The error that stops an import that would empty the table whose rows it was to replace. */
export function nothingLeft(
  { table }: Plan,
  { records }: Tally,
  reasons: Readonly<Record<string, number>>,
): SluiceError {
  const all = records === 1 ? "the only row was" : `all ${grouped(records)} rows were`;
  const why = Object.entries(reasons).map(([code, n]) => `${grouped(n)} × ${code}`);
  return new SluiceError(
    NOTHING_LEFT,
    `${all} rejected (${why.join(", ")}), so --replace would leave the table "${table}" empty. ` +
      `Repair the rows, which --rejects FILE writes with what is wrong; to empty the table, delete its rows with SQL.`,
  );
}

/**
 * The code of an import that was to replace rows, and would change rows of other tables by that.
 */
export const CASCADES = "would_cascade";

const REFERRED_TO = "referred_to";

/** The error that stops an import that was to replace rows to which other tables refer. */
export function referredTo(table: string, cause: Error & { readonly detail?: string }): SluiceError {
  return new SluiceError(
    REFERRED_TO,
    `${cause.message}${cause.detail === undefined ? "" : ` (${cause.detail.replace(/\.$/, "")})`}, so --replace cannot delete the rows of the table "${table}". ` +
      `Write over them instead, --on-conflict update --key COLUMN, or delete those that refer to them first.`,
    { cause },
  );
}

/** The error for a table that was to be made and cannot be. */
export async function cannotCreate(table: string, target: Asked, cause: unknown): Promise<SluiceError> {
  const advice = await eventTriggerAdvice(target, cause);
  return new SluiceError(
    "cannot_create",
    `the table "${table}" cannot be made in ${target.name}: ${(cause as Error).message}. ${advice === undefined ? "" : `${advice}. `}${whatToDo(cause)}`,
    { cause },
  );
}

/** The error for a table that was to be changed and cannot be. */
export async function cannotChange(target: Asked, cause: unknown): Promise<unknown> {
  const advice = await eventTriggerAdvice(target, cause);
  if (advice === undefined) return cause;
  return new SluiceError(DDL_REFUSED, `${describeError(cause).message}. ${advice}.`, { cause });
}

type Asked = Pick<Target, "name" | "query">;

/** The advice if a table cannot be made. */
function whatToDo(error: unknown): string {
  const code = isDatabaseError(error) ? error.code : undefined;
  if (code === "3F000") return "Make that schema (create schema …), or name another table with --table.";
  if (code === "42704") return "Check the types that --type or the schema file states.";
  if (code === "42501") return "Have it made by somebody who may, or name another with --table.";
  return "Name another with --table, or make it yourself and add to it with --append.";
}

/** The advice about errors of PostgreSQL that are not the fault of a row. */
const HINTS: Readonly<Record<string, string>> = {
  "42501": ". Grant the user what is missing, or use another user.",
  "42809": ". Rows go into tables, and into views that take INSERT: name one with --table.",
  "42P10":
    ". The unique index or constraint that --key names is not there any more: make it again (create unique index …), then go on.",
  "53200": ". Import in smaller chunks (--chunk-rows), or raise max_locks_per_transaction on the server.",
  "53100": ". The server's disk is full: make room, then import again.",
};

/**
 * The advice about an error of PostgreSQL, as the rest of its message. It has more than 15 branches
 * because it is a list of errors, each with its advice.
 */
async function hintFor(failure: unknown, code: string, target: Target, plan: Plan): Promise<string> {
  const cause = isDatabaseError(failure) ? failure : failure instanceof Error ? failure.cause : undefined;
  if (!isDatabaseError(cause)) return HINTS[code] ?? "";
  // A trigger can raise any code; it is not the server then that says so.
  if (saysLedger(cause)) return cause.code === OTHER_TABLE ? `. ${OTHER_PATH}` : "";
  if (cause.routine === RAISED) return `. ${(await eventTriggerAdvice(target, cause)) ?? raisedBy(cause)}`;
  if (cause.code === "0A000" && cause.routine === "RewriteQuery") {
    return ". The table has a rule for INSERT now, and what a rule makes of a row cannot be counted: switch it off (alter table … disable rule …), then go on.";
  }
  if (cause.code === "0A000" && cause.routine === "DoCopy") {
    return (
      ". Row-level security of the table holds for this user now, and an import keeps its method: go on as a role that it does not hold for, " +
      "or after alter table … disable row level security. Or cancel the import, take its rows back, and begin again with --method batch."
    );
  }
  if (cause.code === "55000") {
    return cause.routine === "CheckCmdReplicaIdentity"
      ? ". The table is published, and its rows have no identity for that: give it a primary key, or alter table … replica identity full."
      : cause.routine === "rewriteTargetView" ||
          cause.routine === "ExecInitModifyTable" ||
          cause.routine === "CheckValidResultRel"
        ? ". Rows go into a view only if the database knows what becomes of them: give it an INSTEAD OF trigger, or name a table with --table."
        : "";
  }
  const lacking = cause.code === RIGHTS ? await rightsLacking(target, plan).catch(() => undefined) : undefined;
  if (lacking !== undefined) return `. ${lacking}`;
  const setting = SETTINGS[cause.code];
  return setting === undefined ? (HINTS[code] ?? "") : `. ${await settingsOf(target, setting, cause.code)}`;
}

/** The advice if the fence finds another table, and the table is what it was. */
const OTHER_PATH =
  "The table is what it was, so a trigger or a function of it sets the search_path of its session: give the function alone that setting (alter function … set search_path to …)";

function raisedBy({ where }: { readonly where?: string }): string {
  const line = where?.split("\n")[0];
  return `A trigger or function of the database raised this${line ? ` (${line})` : ""}: what it asks for must hold, or alter table … disable trigger …`;
}

/** Settings of the server by which it gives up, by the code that it does so with. */
const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  "25006": ["default_transaction_read_only", "in_hot_standby"],
  "25P03": ["idle_in_transaction_session_timeout"],
  "25P04": ["transaction_timeout"],
  "55P03": ["lock_timeout"],
  "57014": ["statement_timeout"],
  "57P05": ["idle_session_timeout"],
};

/** Names the setting that is in force and its source, and says how to do without it. */
async function settingsOf(target: Target, names: readonly string[], code: string): Promise<string> {
  const found = await target
    .query(
      `select name, current_setting(name), source, current_user from pg_settings where name = any ($1) and current_setting(name) not in ('0', 'off')`,
      [`{${names.join(",")}}`],
    )
    .catch(() => undefined);
  const [name, value, source, user] = found?.rows[0] ?? [];
  if (name === "in_hot_standby") return "This server is a standby, which only reads: import into the primary.";
  if (!name) {
    // A server that does not even answer this has the setting in force.
    if (code === "57014" && found) return "Somebody cancelled the statement (pg_cancel_backend).";
    return `The setting ${names[0]!} does that: alter role … set ${names[0]!} = ${code === "25006" ? "off" : "0"}.`;
  }
  const without = name === "default_transaction_read_only" ? "off" : "0";
  return (
    `The setting ${name} is ${value!} here (from: ${source!}). For imports, set it to ${without}: alter role "${user!}" set ${name} = ${without}; ` +
    `or, for this one alone, put options=-c%20${name}%3D${without} after the ? of the address.`
  );
}

/** The sentence for an import of which nothing has been committed. */
export function untouched(table: string): string {
  return `No row was changed: the table "${table}" holds what it held before.`;
}

/**
 * Says what a failure half-way has left in the table and how to continue. The ledger is told too,
 * if it can be reached.
 */
export async function explain(failure: unknown, run: Recorded): Promise<Error> {
  const { job, plan, tally, notes } = run;
  const { target } = run.options;
  const { code, message, exitCode } = describeError(failure);
  if (code === "taken_over") return failure as Error;
  const { id } = job.claim;
  const had = code === BAD_LEDGER ? tally.totals : undefined;
  const totals = await settleImport(target, job.claim, "failed", message, null, had).catch(() => undefined);
  const indexes = totals ? await statementsLeft(target, id).catch(() => job.indexes) : job.indexes;
  const known = totals ?? (plan.atomic ? NOTHING_YET : tally.totals);
  const lines = [
    `${message}${await hintFor(failure, code, target, plan)}`,
    leftBehind(code, plan, known, totals !== undefined),
    plan.foreign !== undefined && (totals === undefined || isLoss(code)) ? foreignDoubt(plan.foreign) : "",
    nextStep(failure, code, id, plan, known, tally.records),
    indexes.length === 0 || code === TABLE_GONE
      ? ""
      : `not built: ${indexes.join("; ")} (the resumed import builds them)`,
    ...notes.map((note) => `Note: ${note}`),
  ];
  const said = lines.filter((line) => line !== "").join("\n");
  return new SluiceError(code, said, { exitCode, cause: failure });
}

/**
 * The state of the table, in words.
 *
 * @param told whether the ledger has said so; else it cannot be reached
 */
function leftBehind(code: string, plan: Plan, known: Totals, told: boolean): string {
  const inserted = known.inserted + known.updated;
  const gone = code === TABLE_GONE;
  const rows =
    plan.atomic && !plan.created && told && known.total === 0
      ? untouched(plan.table)
      : gone
        ? ""
        : inserted === 0
          ? `No row of this import is known to be in the table "${plan.table}".`
          : `${rowsAre(inserted)} in the table "${plan.table}" and stay${inserted === 1 ? "s" : ""} there.`;
  const unknown =
    told || code === BAD_LEDGER
      ? ""
      : " The rows that were on their way when the connection was lost may or may not be in it; the ledger knows.";
  const made = plan.created && inserted === 0 && !gone ? " The table was made by this import and is empty." : "";
  return `${rows}${unknown}${made}`;
}

/** Reports whether a code says that a connection was lost, ours or one between two servers. */
function isLoss(code: string): boolean {
  return code.startsWith("connection_") || /^(?:08...|57P0.|40003)$/.test(code);
}

/** The reader's failures that have nothing to do with the file's content. */
const NOT_OF_CONTENT: ReadonlySet<SheetErrorCode> = new Set(["file_not_found", "unreadable", "temporary_file"]);
/** The reader's failures for a file that is larger than it may be. */
const OF_SIZE: ReadonlySet<SheetErrorCode> = new Set(["limit", "row_out_of_range", "column_out_of_range"]);

/**
 * The way to continue with the import `id`. It has more than 15 branches because it is a list of
 * the failures after which the same command alone does not help.
 *
 * @param records the number of the sheet's records that is known
 */
function nextStep(failure: unknown, code: string, id: string, plan: Plan, known: Totals, records: number): string {
  const cancel = `sluice imports cancel ${id}`;
  switch (code) {
    case TOO_MANY:
      return "Go on with: the same command and a larger --max-errors, or none";
    case ALL_REFUSED:
      return `Go on with: the same command, when that is mended, or with --max-errors N, if up to N rows may be rejected. Or end this import: ${cancel}`;
    case NOTHING_LEFT:
      return "Go on with: the same command and the repaired file";
    case CASCADES:
      return `Go on with: the same command and --cascade. Or end this import: ${cancel}`;
    case FILE_CHANGED:
      return known.inserted + known.updated === 0 ? "" : rowsOut(id, plan);
    case REFERRED_TO:
      return `End this import: ${cancel}`;
    case TABLE_GONE:
    case TABLE_CHANGED:
      return afterChange(code, id);
    case BAD_LEDGER:
      return ""; // the message says it
    case MISCOUNTED:
      if (known.total > records) return `End this import: ${cancel}`;
  }
  if (!(failure instanceof SheetError) || NOT_OF_CONTENT.has(failure.code))
    return `Go on with: the same command again, or --resume ${id}`;
  if (OF_SIZE.has(failure.code))
    return `Go on with: the same command and a larger limit, if you trust the file. Or end this import: ${cancel}`;
  const repair = "Repair the file: the same command ends at the same place.";
  if (known.inserted + known.updated === 0) return `${repair} Then import it.`;
  const orKey = plan.conflict ? "" : "\nOr let a key decide: --on-conflict skip --key …";
  return `${repair} Its rows would come twice.\n${rowsOut(id, plan)}${orKey}`;
}

/**
 * The advice about the rows of an import that cannot continue, before the file is imported again.
 */
function rowsOut(id: string, plan: Plan): string {
  return plan.conflict
    ? `End this import: sluice imports cancel ${id}. Then give the same command: its key decides about the rows that are in`
    : endAndTakeOut(id, plan.method);
}

async function statementsLeft(target: Target, id: string): Promise<string[]> {
  return (await indexesLeft(target, id)).flatMap(({ spec, ddl }) => (spec ? [ddl] : []));
}

const MISCOUNTED = "miscounted";

/**
 * The error that stops an import from being finished. If the server has lost commits since, the
 * same command puts them in again.
 */
export function miscounted(counted: number, records: number): SluiceError {
  const [ledger, sheet] = [grouped(counted), grouped(records)];
  return new SluiceError(
    MISCOUNTED,
    `the ledger counts ${ledger} rows and the sheet has ${sheet}, so the import is not finished. ` +
      (counted < records
        ? "The server has lost what was committed: it was stopped without warning while synchronous_commit was off, or a backup was restored."
        : "The ledger was changed by somebody else."),
  );
}

/** `1 row of this import is`, `2 rows of this import are` */
export function rowsAre(n: number): string {
  return n === 1 ? "1 row of this import is" : `${grouped(n)} rows of this import are`;
}

/** A chunk that was left half-way does not hold the rows that it held. */
export function notTheSame(claim: Claim, n: number, before: number, now: number): SluiceError {
  return new SluiceError(
    "check_changed",
    `the import ${claim.id} cannot go on: of chunk ${n}, which was left half-way, ${before} rows fitted when it began and ${now} fit now, so a check in the schema file has changed. Give the schema file that it began with.`,
  );
}
