// The imports that callers asked for, as the routes know them: a port. `jobs.ts` runs them in this
// process, `fleet/jobs.ts` has workers run them.
import type { Details, HistoryQuery } from "../../ledger/history.ts";
import type { FormFields } from "../form.ts";
import type { Upload } from "../upload.ts";
import type { Live, Picture } from "./live.ts";
import type { Job } from "./store.ts";

/** An import that is asked for. */
export interface Submission {
  /** Owned by the jobs, if it is accepted. */
  readonly upload: Upload;
  readonly fields: FormFields;
  readonly client: string;
  /** The header `Idempotency-Key`. */
  readonly key: string | undefined;
}

/** An import that waits or runs, for those who watch it. */
export interface Watched {
  /** The current state, or that of a moment ago. Its id changes only if something else does. */
  picture(): Picture;
}

/**
 * The imports that callers ask for: accepted, looked up, followed, cancelled, resumed and
 * forgotten.
 */
export interface ImportJobs {
  /** Workers run them, and give up those that fail again and again. */
  readonly isFleet: boolean;
  /** Fields of the form besides those of the command line and of the route. */
  readonly fields: readonly string[];
  /** Goes on with what earlier servers were asked for. Returns how many imports these are. */
  restore(): Promise<number>;
  /**
   * The private folder in which files are received.
   * @throws SluiceError (`upload_folder`) if there is none
   */
  folder(): Promise<string>;
  /** @throws HttpFailure 429 (`too_many_imports`) if a client may not have another import */
  expectRoom(client: string): Promise<void>;
  /**
   * Accepts an import: the jobs that it is, one for each sheet. With a key that came before, they
   * are the jobs of that first request.
   *
   * @throws HttpFailure 422 (`idempotency_mismatch`) if the key came with something else, 429,
   *   SheetError or SluiceError if `sheet=all` finds no sheets
   */
  submit(submission: Submission): Promise<{ readonly jobs: readonly Job[]; readonly isNew: boolean }>;
  /** Reports whether a file belongs to an import that was accepted. */
  owns(upload: Upload): boolean;
  /** A job as it is now; undefined if none is known by that id. */
  find(id: string): Promise<Job | undefined>;
  /** The jobs with these ids, if they are known, as they are now. */
  known(ids: readonly string[]): Promise<ReadonlyMap<string, Job>>;
  /**
   * The jobs that the ledger does not have under their own ids: the newest first, as the history is
   * sorted.
   */
  unrecorded(query: HistoryQuery): Promise<readonly Job[]>;
  /** The jobs that have failed and that nobody tries any more, in the same order. */
  dead(query: HistoryQuery): Promise<readonly Job[]>;
  /** An import that waits or runs; undefined if it does not, or nothing is known of it yet. */
  live(id: string): Watched | undefined;
  /** The time by which events are numbered, in milliseconds since 1970. */
  now(): number;
  /** The imports that wait or run in this process. */
  lives(): readonly Live[];
  /** Resolves when an import has come to an end; undefined if it is not known to wait or run. */
  whenDone(id: string): Promise<void> | undefined;
  /**
   * Ends an import for good; the rows that are in stay. Resolves when it has ended, or soon: what
   * takes longer goes on.
   *
   * @throws HttpFailure 404, 409 (`not_running`) if it is over, 403; SluiceError (`import_running`)
   *   if another process is at work on it
   */
  cancel(id: string): Promise<void>;
  /**
   * Goes on with an import that was interrupted or has failed.
   *
   * @throws HttpFailure 404, 409 (`not_resumable`) if it is not one of these, (`file_gone`) if its
   *   file is not here
   */
  resume(id: string): Promise<void>;
  /**
   * Forgets an import: what the ledger has of it with its rejects, what was asked for, and its
   * file. The rows that it put in stay.
   *
   * @param forced also one that has not finished, which cannot be resumed then
   * @throws HttpFailure 404, 403, 409 (`import_running`) if it waits or runs, (`unfinished_import`)
   *   if it has not finished and is not forced
   */
  forget(id: string, forced: boolean): Promise<void>;
  /** The ledger's details of an import; undefined if it does not have the id. */
  recorded(id: string): Promise<Details | undefined>;
  /** The plan of an import that the ledger has, as it is stored. */
  planOf(id: string): Promise<string | undefined>;
  /**
   * Stops the imports that run in this process, each after its chunks in flight. Resolves when all
   * of them have stopped.
   */
  close(): Promise<void>;
}
