// What a failure half-way says: what was wrong, what is in the table, and how to go on.
import { SheetError } from "@sluice/sheets";
import { ALL_REFUSED } from "./all-refused.ts";
import { describeError, SluiceError } from "./errors.ts";
import type { ImportOptions } from "./import.ts";
import { indexesLeft, settleImport } from "./ledger/ledger.ts";
import type { Plan } from "./ledger/plan.ts";
import { afterChange, TABLE_CHANGED, TABLE_GONE } from "./ledger/table-shape.ts";
import { NOTHING_YET, type Job } from "./ledger/take-up.ts";
import type { Tally } from "./tally.ts";
import { isDatabaseError } from "./targets/row-fault.ts";
import type { Claim, Target } from "./targets/target.ts";

/** The code of an import that `maxErrors` stopped. */
export const TOO_MANY = "too_many_errors";

/** What stops an import that has rejected more rows than it may. */
export function tooManyErrors({ rejected }: Tally, { maxErrors = Infinity }: ImportOptions): SluiceError | undefined {
  if (rejected <= maxErrors) return undefined;
  const rows = rejected === 1 ? "1 row has" : `${rejected.toLocaleString("en")} rows have`;
  return new SluiceError(TOO_MANY, `${rows} been rejected, and --max-errors ${maxErrors} allows no more than that.`);
}

const NOTHING_LEFT = "nothing_left";

/** What stops an import that would leave nothing of the table whose rows it was to replace. */
export function nothingLeft(
  { table }: Plan,
  { records }: Tally,
  reasons: Readonly<Record<string, number>>,
): SluiceError {
  const all = records === 1 ? "the only row was" : `all ${records.toLocaleString("en")} rows were`;
  const why = Object.entries(reasons).map(([code, n]) => `${n.toLocaleString("en")} × ${code}`);
  return new SluiceError(
    NOTHING_LEFT,
    `${all} rejected (${why.join(", ")}), so --replace would leave the table "${table}" empty. ` +
      `Repair the rows, which --rejects FILE writes with what is wrong; to empty the table, delete its rows with SQL.`,
  );
}

/** The code of an import that was to replace rows, and would change rows of other tables by that. */
export const CASCADES = "would_cascade";

const REFERRED_TO = "referred_to";

/** What stops an import that was to replace rows to which other tables refer. */
export function referredTo(table: string, cause: Error & { readonly detail?: string }): SluiceError {
  return new SluiceError(
    REFERRED_TO,
    `${cause.message}${cause.detail === undefined ? "" : ` (${cause.detail.replace(/\.$/, "")})`}, so --replace cannot delete the rows of the table "${table}". ` +
      `Write over them instead, --on-conflict update --key COLUMN, or delete those that refer to them first.`,
    { cause },
  );
}

/** Of a table that was to be made. */
export function cannotCreate(table: string, database: string, cause: unknown): SluiceError {
  return new SluiceError(
    "cannot_create",
    `the table "${table}" cannot be made in ${database}: ${(cause as Error).message}. ${whatToDo(cause)}`,
    { cause },
  );
}

/** What helps where a table cannot be made. */
function whatToDo(error: unknown): string {
  const code = isDatabaseError(error) ? error.code : undefined;
  if (code === "3F000") return "Make that schema (create schema …), or name another table with --table.";
  if (code === "42704") return "Check the types that --type or the schema file states.";
  if (code === "42501") return "Have it made by somebody who may, or name another with --table.";
  return "Name another with --table, or make it yourself and add to it with --append.";
}

/** What to do about errors of PostgreSQL that no row is to blame for. */
const HINTS: Readonly<Record<string, string>> = {
  "42501": ". Grant the user what is missing, or use another user.",
  "42809": ". Rows go into tables, and into views that take INSERT: name one with --table.",
  "53200": ". Import in smaller chunks (--chunk-rows), or raise max_locks_per_transaction on the server.",
  "53100": ". The server's disk is full: make room, then import again.",
};

/** What to do about an error of PostgreSQL, as the rest of its message. */
async function hintFor(failure: unknown, code: string, target: Target): Promise<string> {
  const cause = isDatabaseError(failure) ? failure : failure instanceof Error ? failure.cause : undefined;
  if (!isDatabaseError(cause)) return HINTS[code] ?? "";
  // A trigger can raise any code; it is not the server then that says so.
  if (cause.routine === "exec_stmt_raise") return `. ${raisedBy(cause)}`;
  if (cause.code === "55000") {
    return cause.routine === "CheckCmdReplicaIdentity"
      ? ". The table is published, and its rows have no identity for that: give it a primary key, or alter table … replica identity full."
      : cause.routine === "rewriteTargetView" ||
          cause.routine === "ExecInitModifyTable" ||
          cause.routine === "CheckValidResultRel"
        ? ". Rows go into a view only if the database knows what becomes of them: give it an INSTEAD OF trigger, or name a table with --table."
        : "";
  }
  const setting = SETTINGS[cause.code];
  return setting === undefined ? (HINTS[code] ?? "") : `. ${await settingsOf(target, setting, cause.code)}`;
}

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

/** Names the setting that is in force, where it comes from, and how to do without it. */
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
    if (code === "57014") return "Somebody cancelled the statement (pg_cancel_backend).";
    return `The setting ${names[0]!} does that: alter role … set ${names[0]!} = ${code === "25006" ? "off" : "0"}.`;
  }
  const without = name === "default_transaction_read_only" ? "off" : "0";
  return (
    `The setting ${name} is ${value!} here (from: ${source!}). For imports, set it to ${without}: alter role "${user!}" set ${name} = ${without}; ` +
    `or, for this one alone, put options=-c%20${name}%3D${without} behind the ? of the address.`
  );
}

/** Of an import of which nothing has been committed. */
export function untouched(table: string): string {
  return `No row was changed: the table "${table}" holds what it held before.`;
}

/** A failure half-way says what is in the table and how to go on; the ledger is told too, where it can be reached. */
export async function explain(
  failure: unknown,
  { claim, plan, indexes: planned }: Job,
  tally: Tally,
  target: Target,
  notes: readonly string[],
): Promise<Error> {
  const { code, message, exitCode } = describeError(failure);
  if (code === "taken_over") return failure as Error;
  const totals = await settleImport(target, claim, "failed", message).catch(() => undefined);
  const known = totals ?? (plan.atomic ? NOTHING_YET : tally.totals);
  const inserted = known.inserted + known.updated;
  const indexes = totals ? await statementsLeft(target, claim.id).catch(() => planned) : planned;
  const undone = plan.atomic && !plan.created && totals?.total === 0;
  const state = undone
    ? untouched(plan.table)
    : code === TABLE_GONE
      ? ""
      : inserted === 0
        ? `No row of this import is known to be in the table "${plan.table}".`
        : `${rowsAre(inserted)} in the table "${plan.table}" and stay${inserted === 1 ? "s" : ""} there.`;
  const unknown = totals
    ? ""
    : " The rows that were on their way when the connection was lost may or may not be in it; the ledger knows.";
  const made =
    plan.created && inserted === 0 && code !== TABLE_GONE ? " The table was made by this import and is empty." : "";
  const left =
    indexes.length === 0 || code === TABLE_GONE
      ? []
      : [`not built: ${indexes.join("; ")} (the resumed import builds them)`];
  return new SluiceError(
    code,
    [
      `${message}${await hintFor(failure, code, target)}`,
      `${state}${unknown}${made}`,
      code === TOO_MANY
        ? "Go on with: the same command and a larger --max-errors, or none"
        : code === ALL_REFUSED
          ? `Go on with: the same command, when that is mended, or with --max-errors N, if up to N rows may be rejected. Or end this import: sluice imports cancel ${claim.id}`
          : code === NOTHING_LEFT
            ? "Go on with: the same command and the repaired file"
            : code === CASCADES
              ? `Go on with: the same command and --cascade. Or end this import: sluice imports cancel ${claim.id}`
              : code === REFERRED_TO || (code === MISCOUNTED && known.total > tally.records)
                ? `End this import: sluice imports cancel ${claim.id}`
                : code === TABLE_GONE || code === TABLE_CHANGED
                  ? afterChange(code, claim.id)
                  : failure instanceof SheetError
                    ? `Repair the file: the same command ends at the same place. ${
                        inserted === 0
                          ? "Then import it."
                          : `Rows that are in would come twice: end this import (sluice imports cancel ${claim.id}), and take them out or let a key decide (--on-conflict skip --key …).`
                      }`
                    : `Go on with: the same command again, or --resume ${claim.id}`,
      ...left,
      ...notes.map((note) => `Note: ${note}`),
    ]
      .filter((line) => line !== "")
      .join("\n"),
    { exitCode, cause: failure },
  );
}

async function statementsLeft(target: Target, id: string): Promise<string[]> {
  return (await indexesLeft(target, id)).flatMap(({ spec, ddl }) => (spec ? [ddl] : []));
}

const MISCOUNTED = "miscounted";

/** What stops an import from being finished. Commits that the server has lost since, the same command puts in again. */
export function miscounted(counted: number, records: number): SluiceError {
  const [ledger, sheet] = [counted.toLocaleString("en"), records.toLocaleString("en")];
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
  return n === 1 ? "1 row of this import is" : `${n.toLocaleString("en")} rows of this import are`;
}

/** A chunk that was left half-way does not hold the rows that it held. */
export function notTheSame(claim: Claim, n: number, before: number, now: number): SluiceError {
  return new SluiceError(
    "check_changed",
    `the import ${claim.id} cannot go on: of chunk ${n}, which was left half-way, ${before} rows fitted when it began and ${now} fit now, so a check in the schema file has changed. Give the schema file that it began with.`,
  );
}
