// An import as the service shows it: what the ledger has of it, and what else the service knows.
import { assumptionsOf } from "../../plan/assumptions.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Details, Summary } from "../../ledger/history.ts";
import { METHODS, type Method } from "../../options.ts";
import { tableNameFor } from "../../schema/identifiers.ts";
import type { Import, State } from "./import.ts";
import type { Job } from "./store.ts";

/** The ledger's data of an import: all of it, or a line of the history. */
export type Recorded = Summary & Partial<Pick<Details, "reasons" | "message">> & { readonly plan?: string | undefined };

/** Rows a second, whole. */
function rateOf(rows: number, milliseconds: number): number {
  return milliseconds > 0 ? Math.round((rows * 1000) / milliseconds) : 0;
}

/**
 * An import as the API shows it. It has more than 15 branches because it is a list: each field is
 * what the job knows, or what the ledger has, or empty.
 *
 * @param recorded undefined before the import is in the ledger, and of a dry run */
export function showImport(job: Job | undefined, recorded: Recorded | undefined): Import {
  if (!job) return showRecorded(recorded!);
  const { id, fileName, createdAt, state, outcome = {}, part } = job;
  const fields = new Map(job.fields);
  const counts = recorded ?? outcome;
  const { total = 0, inserted = 0, updated = 0, skipped = 0, rejected = 0 } = counts;
  const milliseconds = outcome.milliseconds ?? null;
  // It was cancelled, or its rows were taken back, after it had ended here.
  const cancelled =
    recorded?.state === "cancelled" && state !== "cancelled" && state !== "queued" && state !== "running";
  const method =
    outcome.method ?? (recorded && methodFrom(recorded.method)) ?? methodFrom(fields.get("method")?.[0] ?? "copy");
  return {
    id,
    state: cancelled ? "cancelled" : state,
    file: fileName,
    sheet: outcome.sheet ?? recorded?.sheet ?? part?.sheet ?? null,
    table: outcome.table ?? recorded?.table ?? part?.table ?? fields.get("table")?.[0] ?? tableNameFor(fileName),
    method,
    total,
    inserted,
    updated,
    skipped,
    rejected,
    reasons: recorded?.reasons ?? outcome.reasons ?? {},
    assumptions: outcome.assumptions ?? assumptionsIn(recorded),
    notes: [...(cancelled && recorded.message ? [recorded.message] : []), ...(outcome.notes ?? [])],
    error: state === "failed" ? (outcome.error ?? null) : null,
    createdAt,
    startedAt: job.startedAt ?? null,
    finishedAt: job.finishedAt ?? null,
    milliseconds,
    rowsPerSecond: milliseconds === null ? null : rateOf(inserted + updated + skipped, milliseconds),
    takenBack: recorded?.takenBack ?? null,
    dryRun: fields.get("dryRun")?.[0] === "true",
    continues: job.ledger === undefined || job.ledger === id ? null : job.ledger,
    resumable: state === "failed" && job.upload !== null,
    repairable: state === "finished" && recorded?.state === "finished" && rejected > 0,
    ...(job.retry ? { retry: job.retry } : {}),
    ...(job.siblings ? { imports: [id, ...job.siblings.filter((other) => other !== id)] } : {}),
  };
}

/** An import that this service was not asked for, or has forgotten. */
function showRecorded(recorded: Recorded): Import {
  const { id, file, sheet, table, total, inserted, updated, skipped, rejected, startedAt, finishedAt } = recorded;
  const milliseconds = finishedAt === null ? null : Date.parse(finishedAt) - Date.parse(startedAt);
  const { message = null } = recorded;
  const state = stateOf(recorded);
  return {
    id,
    state,
    file,
    sheet,
    table,
    method: methodFrom(recorded.method),
    total,
    inserted,
    updated,
    skipped,
    rejected,
    reasons: recorded.reasons ?? {},
    assumptions: assumptionsIn(recorded),
    notes: state === "cancelled" && message !== null ? [message] : [],
    error: state === "failed" ? { code: "import_failed", message: message ?? "The import has failed." } : null,
    createdAt: startedAt,
    startedAt,
    finishedAt,
    milliseconds,
    rowsPerSecond: milliseconds === null ? null : rateOf(inserted + updated + skipped, milliseconds),
    takenBack: recorded.takenBack,
    dryRun: false,
    continues: null,
    resumable: false,
    repairable: state === "finished" && rejected > 0,
  };
}

/** The assumptions of the plan in the ledger. A line of the history has no plan. */
function assumptionsIn(recorded: Recorded | undefined): Import["assumptions"] {
  return recorded?.plan === undefined ? [] : assumptionsOf(JSON.parse(recorded.plan) as Plan, recorded.sheet);
}

/** A method by its name; `copy` for a name that this version does not know. */
function methodFrom(text: string): Method {
  return METHODS.find((method) => method === text) ?? "copy";
}

/** A running import that nobody works on was interrupted. */
export function stateOf({ state, active }: Pick<Summary, "state" | "active">): State {
  return state === "running" && !active ? "interrupted" : state;
}
