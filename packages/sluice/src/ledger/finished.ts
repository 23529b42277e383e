// An import that has finished and yet ends in an error: it was to be done once more, or its rejects
// could not be passed on. The error carries the result, so that nobody takes it for a failure.
import { grouped } from "../grouped.ts";
import { describeError, SluiceError, type ErrorCode, type FailureExit, type PassedOn } from "../errors.ts";
import { reasonsOf, rejectsOf, type Entry } from "./ledger.ts";
import type { ImportResult } from "../options.ts";
import { assumptionsOf } from "../plan/assumptions.ts";
import { headersOf, type Plan } from "../plan/plan.ts";
import { FirstRejects } from "../reject.ts";
import type { Target } from "../target.ts";

/** The exit code of a command that was carried out before, and changed nothing this time. */
const ALREADY: FailureExit = 4;

/** All rows of the import are in or rejected; `result` is what it did. */
export class FinishedError extends SluiceError {
  readonly result: ImportResult;
  /** The part of the import's plan that its rejects need. */
  readonly plan: Pick<Plan, "headers" | "created">;
  /** The moment at which the import began, by the database's clock, if it was done before. */
  readonly begun: Date | undefined;

  constructor(
    code: ErrorCode | PassedOn,
    message: string,
    result: ImportResult,
    plan: Pick<Plan, "headers" | "created">,
    options?: { exitCode?: FailureExit; cause?: unknown; begun?: Date },
  ) {
    super(code, message, options);
    this.name = "FinishedError";
    this.result = result;
    this.plan = plan;
    this.begun = options?.begun;
  }

  /** True if it was done before, so that nothing was changed this time. */
  get doneBefore(): boolean {
    return this.exitCode === ALREADY;
  }
}

/**
 * The error for an import that has finished and was not to be done once more.
 *
 * @param file what the file is called today
 * @param changed the schema is another one than it was
 * @param rebuilt says why its rows may be in a table that is not the one of then
 */
export async function importedAlready(
  target: Target,
  entry: Entry,
  file: string,
  changed: boolean,
  rebuilt?: string,
): Promise<FinishedError> {
  const result = await storedResult(target, entry);
  const name = entry.file === file ? file : `${file} (${entry.file} then)`;
  const lines = [
    `${name} was imported already, on ${entry.startedAt}, as import ${entry.id}: ${countsIn(result)}. Nothing was changed now.`,
    ...(rebuilt === undefined ? [] : [`But ${rebuilt}`]),
    ...(changed ? ["The schema has changed since; the rows that are in went by the one of then."] : []),
    `Import it once more, its rows beside those that are in: the same command with --again. Its result: sluice imports ${entry.id}`,
  ];
  return finished("imported_already", lines, result, entry);
}

/** The error for `--resume` of an import that has finished. */
export async function nothingToResume(target: Target, entry: Entry): Promise<FinishedError> {
  const result = await storedResult(target, entry);
  const lines = [
    `the import ${entry.id} is finished: there is nothing to resume. ${countsIn(result)}. Nothing was changed now.`,
    `Import the file once more, its rows beside those that are in: without --resume, with --again.`,
  ];
  return finished("import_ended", lines, result, entry);
}

function finished(
  code: ErrorCode,
  lines: readonly string[],
  result: ImportResult,
  { id, plan, begun }: Entry,
): FinishedError {
  const stored = { headers: headersOf(plan, id), created: (JSON.parse(plan) as Plan).created };
  return new FinishedError(code, lines.join("\n"), result, stored, { exitCode: ALREADY, begun });
}

/**
 * The error for an import whose rows are in, and whose rejects did not all reach their consumer.
 *
 * @param unread the ledger could not be asked for them, which says nothing of the import
 */
export function notPassedOn(
  failure: unknown,
  unread: boolean,
  result: ImportResult,
  plan: FinishedError["plan"],
): SluiceError {
  const { code, message, exitCode } = describeError(failure);
  if (result.interrupted) {
    const text = `${message}\nThe rows that are in stay in; the ledger has all rejects: sluice imports ${result.id} --rejects FILE`;
    return new SluiceError(code, text, { exitCode, cause: failure });
  }
  const lines = [
    unread ? `the rejects could not be read: ${message}` : message,
    `The import ${result.id} is finished, so do not run it again: ${countsIn(result)}. Its rejects: sluice imports ${result.id} --rejects FILE`,
  ];
  return new FinishedError(unread ? "rejects_unread" : code, lines.join("\n"), result, plan, {
    exitCode: unread ? 1 : exitCode,
    cause: failure,
  });
}

/**
 * `9 of 10 rows inserted into the table "t", 0 updated, 0 skipped, 1 rejected (1 × missing_value)`
 */
function countsIn({ table, total, inserted, updated, skipped, rejected, reasons }: ImportResult): string {
  const why = Object.entries(reasons).map(([code, n]) => `${grouped(n)} × ${code}`);
  return (
    `${grouped(inserted)} of ${grouped(total)} ${total === 1 ? "row" : "rows"} inserted into the table "${table}", ` +
    `${grouped(updated)} updated, ${grouped(skipped)} skipped, ${grouped(rejected)} rejected${why.length > 0 ? ` (${why.join(", ")})` : ""}`
  );
}

/** The result of an import, from the ledger. */
async function storedResult(target: Target, entry: Entry): Promise<ImportResult> {
  const { id, file, sheet, table, plan, totals, milliseconds, startedAt } = entry;
  const first = new FirstRejects();
  if (totals.rejected > 0) {
    for await (const page of rejectsOf(target, id, { file, sheet })) {
      first.add(page);
      if (first.full) break;
    }
  }
  return {
    id,
    file,
    sheet,
    table,
    method: (JSON.parse(plan) as Plan).method,
    ...totals,
    milliseconds,
    reasons: totals.rejected > 0 ? await reasonsOf(target, id) : {},
    rejects: first.list,
    assumptions: assumptionsOf(JSON.parse(plan) as Plan, sheet),
    notes: [
      `this file was imported already, on ${startedAt}, as import ${id}: nothing was put in again`,
      ...first.notes(),
    ],
    interrupted: false,
  };
}
