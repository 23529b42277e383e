// The shapes of jobs/import.ts, as OpenAPI describes them.
//
//   State        one word; `resumable` of the import tells whether it can continue
//   Import       all that is known of one: from the ledger, and from the job that asked for it
//   ImportList   a page of them, and the cursor of the next page
//   Progress     one picture of an import that waits or runs (events.ts)
//
// Tests hold the answers of the routes to these schemas.
import { METHODS } from "../../options.ts";
import { STATES } from "../jobs/import.ts";
import { byName, flag, list, named, object, oneOf, orNull, ref, says, text, whole, type Schema } from "./schema.ts";

const count = (description: string): Schema => ({ type: "integer", minimum: 0, description });
/** The counts of an import and of its progress. `total` is the sum of the four others. */
const COUNTS: Readonly<Record<string, Schema>> = {
  total: count("Records that are settled: `inserted + updated + skipped + rejected`."),
  inserted: count("Rows that were put into the table."),
  updated: count("Rows that were written over rows of the same key."),
  skipped: count("Rows whose key was there, or that a trigger left out."),
  rejected: count("Rows that were refused, and not repaired since."),
};
/** A point in time that may not have come yet. */
const WHEN = orNull(says(text, "ISO 8601."));

export const IMPORT_SCHEMAS: readonly Schema[] = [
  named("State", {
    ...oneOf(...STATES),
    description:
      "`interrupted`: its process is gone, or was stopped; `POST /imports/ID/resume` goes on with it. `failed`: `error` says why.",
  }),
  named(
    "Import",
    object({
      id: says(text, "The id of the ledger: `sluice imports ID` shows the same import."),
      state: ref("State"),
      file: says(text, "The name that the file has for its user."),
      sheet: orNull(says(text, "Null until the file has been opened.")),
      table: orNull(text),
      method: oneOf(...METHODS),
      ...COUNTS,
      reasons: says(byName(whole), "Rejected rows by code."),
      assumptions: list(
        object({
          about: oneOf("sheet", "header", "records", "types", "notations", "marks"),
          said: text,
          "values?": list(text, { description: "Of notations and marks: each as its option states it." }),
          option: says(text, "The option of the command line that says it otherwise."),
        }),
        { description: "What was found in the file and not stated." },
      ),
      notes: list(text),
      error: orNull(
        object({
          code: says(text, "One of docs/errors.md."),
          message: text,
          "import?": says(text, "The import that put the same rows in before."),
        }),
      ),
      createdAt: says(text, "ISO 8601: the time at which it was asked for."),
      startedAt: WHEN,
      finishedAt: WHEN,
      milliseconds: orNull(whole),
      rowsPerSecond: orNull(whole),
      takenBack: orNull(says(whole, "Rows that were taken back out of the table: none of them counts as inserted.")),
      dryRun: says(flag, "Everything was done and then undone: nothing of it is in the database."),
      continues: orNull(says(text, "The unfinished import of the same file, table and options that it went on with.")),
      resumable: says(flag, "`POST /imports/ID/resume` goes on with it."),
      repairable: says(flag, "`PATCH /imports/ID/rejects` takes repaired rows."),
      "retry?": {
        ...object({
          attempts: says(whole, "Attempts in a row that came to nothing."),
          reason: says(text, "What the last one said."),
          at: orNull(says(text, "ISO 8601: the next one is not before.")),
        }),
        description: "In a fleet: why it waits again, or why no worker tries it any more.",
      },
      "imports?": list(text, { description: "With `sheet=all`: all imports of this request, this one first." }),
    }),
  ),
  named(
    "ImportList",
    object({
      imports: list(ref("Import")),
      next: orNull(says(text, "The `cursor` of the next page; null on the last one.")),
    }),
  ),
  named(
    "Progress",
    object({
      state: ref("State"),
      phase: says(oneOf("queued", "rows", "indexes", "ended"), "What is being done."),
      read: count("Rows that this process has read from the sheet."),
      ...COUNTS,
      rate: count("Rows a second, of the last seconds."),
      fraction: { type: "number", minimum: 0, maximum: 1, description: "The part of the sheet that has been read." },
      etaSeconds: orNull(says(whole, "Null while nobody can tell.")),
      milliseconds: count("Since it was started."),
      channels: list(object({ name: text, length: whole, capacity: whole }), {
        description: "The channels between the stages, and how many values wait in each.",
      }),
      workers: list(
        object({
          id: text,
          state: oneOf("idle", "busy", "waiting"),
          "on?": says(text, "What it waits for: a channel, or `memory`."),
        }),
      ),
    }),
  ),
];
