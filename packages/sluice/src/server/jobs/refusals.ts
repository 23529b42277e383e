// What is said of an import that cannot be accepted, cancelled or resumed; and what makes two
// requests the same.
//
// A function of this file makes an error, and the caller throws it. `fleet/jobs.ts` uses the same
// ones, so a client cannot tell a fleet from a single server by its refusals.
import { createHash } from "node:crypto";
import { grouped } from "../../grouped.ts";
import { describeError } from "../../errors.ts";
import { isOpen, type Details } from "../../ledger/history.ts";
import { HttpFailure } from "../failure.ts";
import type { FormFields } from "../form.ts";
import type { Upload } from "../upload.ts";
import type { Job } from "./store.ts";

/** A hash of what makes two requests the same: the file's bytes and name, and the fields. */
export function contentOf({ hash, fileName }: Upload, fields: FormFields): string {
  const said = [...fields].filter(([name]) => name !== "upload").sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([hash, fileName, said]))
    .digest("hex");
}

/**
 * Checks the jobs of an `Idempotency-Key` that came before. @throws HttpFailure 422
 * (`idempotency_mismatch`) if one of them was asked for with another content
 */
export function sameContent(jobs: readonly Job[], content: string): readonly Job[] {
  if (jobs.some(({ key }) => key!.content !== content))
    throw new HttpFailure(
      422,
      "This Idempotency-Key came before, with another file or other fields. Use a new key for a new import.",
      {},
      "idempotency_mismatch",
    );
  return jobs;
}

/**
 * The error that callers see for a failure that was not foreseen. Its message may hold anything, so
 * callers get only the code.
 */
export function unexpected(error: unknown): { code: string; message: string } {
  const { code } = describeError(error);
  return { code, message: "The import failed for a reason on our side. It is in the server's log." };
}

/** The refusal to cancel an import that is over: 409. */
export function notRunning(id: string, state: string): HttpFailure {
  return new HttpFailure(409, `The import ${id} is over: it is ${state}.`, {}, "not_running");
}

/** The refusal to resume an import that needs no resuming: 409. */
export function notResumable(id: string, state: string): HttpFailure {
  const message = `The import ${id} is ${state}, so there is nothing to go on with. Send the file again to import it once more.`;
  return new HttpFailure(409, message, {}, "not_resumable");
}

/** The reason why an import cannot be resumed of which only the ledger knows. */
export function notResumableHere(
  id: string,
  recorded: { readonly active: boolean; readonly state: string } | undefined,
): HttpFailure {
  if (!recorded) return noSuchImport(id);
  if (recorded.active) return notResumable(id, "running");
  return recorded.state === "finished" || recorded.state === "cancelled"
    ? notResumable(id, recorded.state)
    : fileGone(id);
}

/**
 * The refusal to resume an import whose file was removed: 409. The same file with the same fields
 * continues it.
 */
export function fileGone(id: string): HttpFailure {
  const message = `The file of the import ${id} is not on this server. Send it again, with the same fields: it goes on from there.`;
  return new HttpFailure(409, message, {}, "file_gone");
}

/** The time after which it makes sense to ask again. */
const RETRY_SECONDS = 10;

/** The refusal of another import of a client that has as many as it may have: 429. */
export function tooManyImports(most: number): HttpFailure {
  return new HttpFailure(
    429,
    `This client has ${most} imports that wait or run, which is as many as one may have. Ask again in ${RETRY_SECONDS} seconds.`,
    { "retry-after": String(RETRY_SECONDS) },
    "too_many_imports",
  );
}

/** The refusal to forget an import that waits or runs: 409. */
export function stillRunning(id: string): HttpFailure {
  const message = `The import ${id} waits or runs. Wait for its end, or cancel it first: DELETE /imports/${id}`;
  return new HttpFailure(409, message, {}, "import_running");
}

/** @throws HttpFailure 409 if an import may not be forgotten as it is */
export function expectForgettable(id: string, recorded: Details | undefined, forced: boolean): void {
  if (recorded?.active === true) throw stillRunning(id);
  if (!recorded || forced || !isOpen(recorded)) return;
  const rows = grouped(recorded.inserted + recorded.updated);
  throw new HttpFailure(
    409,
    `The import ${id} has not finished: ${rows} of its rows are in the table and would stay there. Without its history it cannot go on, ` +
      `and the same file would put in all of its rows, from the first one on. Go on with it: POST /imports/${id}/resume. ` +
      `End it: DELETE /imports/${id}. Delete its history all the same: force=true.`,
    {},
    "unfinished_import",
  );
}

/** The refusal of an id that neither the ledger nor the jobs know: 404. */
export function noSuchImport(id: string): HttpFailure {
  return new HttpFailure(404, `There is no import ${id}. GET /imports lists those that there are.`, {}, "not_found");
}
