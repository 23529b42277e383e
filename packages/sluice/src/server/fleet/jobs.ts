// The imports of a fleet, as a server knows them: accepted here, run by whichever worker is free,
// followed and cancelled from any server.
//
// What submit() does, and what is left if the server is killed after a step:
//
//   1  files.keep       the file is in the store     a file without a record: it is removed later
//   2  records.add      the records, and the key     accepted: it waits for a worker
//   3  dispatch         a message for the workers    accepted; without it, the next sweep sends one
//
// So an import that its caller has heard of is in the database, and its file in the store.
import type { Context } from "@sluice/go/context";
import { describeError } from "../../errors.ts";
import { sleep } from "@sluice/go/time";
import { cancelImport, deleteImport, type Details, type HistoryQuery } from "../../ledger/history.ts";
import type { Target } from "../../target.ts";
import { describeReason, HttpFailure } from "../failure.ts";
import type { FormFields } from "../form.ts";
import type { Dispatcher } from "../jobs/dispatcher.ts";
import type { Live } from "../jobs/live.ts";
import type { ImportJobs, Submission, Watched } from "../jobs/port.ts";
import { planIn, recordedIn } from "../jobs/recorded.ts";
import {
  contentOf,
  expectForgettable,
  fileGone,
  noSuchImport,
  notResumable,
  notResumableHere,
  notRunning,
  stillRunning,
  tooManyImports,
} from "../jobs/refusals.ts";
import type { Attempting } from "../jobs/run.ts";
import type { Job } from "../jobs/store.ts";
import { jobsOf, partsOf } from "../jobs/submitted.ts";
import type { LogFields } from "../options.ts";
import type { FileStore } from "./file-store.ts";
import { expectStorable, type FleetRecords, type Rules } from "./records.ts";
import type { Watch } from "./watch.ts";
import { removeFile } from "./worker.ts";

export interface FleetJobsOptions extends Pick<Attempting, "target" | "allowed" | "reading"> {
  /** When it ends, a file that is looked at is looked at no further. */
  readonly ctx: Context;
  /** The database, for what only reads. */
  readonly reads: Target;
  readonly records: FleetRecords;
  readonly dispatcher: Dispatcher;
  readonly watch: Watch;
  readonly files: FileStore;
  readonly rules: Rules;
  /** A private folder of this process. */
  readonly scratch: string;
  /** Imports of one client that wait or run in the fleet, at most. */
  readonly maxClientImports: number;
  readonly log: (line: string, about?: LogFields) => void;
  readonly hidePlaces: (text: string) => string;
}

const PRIORITY = "priority";
const PRIORITIES = ["normal", "low"];
/** The time in which an import that is cancelled may end by itself, after its chunks in flight. */
const STOP_MS = 4000;
/** The time after which its caller hears that it is being cancelled. */
const ANSWER_MS = 10_000;

export class FleetJobs implements ImportJobs {
  readonly isFleet = true;
  readonly fields: readonly string[] = [PRIORITY];
  readonly #options: FleetJobsOptions;

  constructor(options: FleetJobsOptions) {
    this.#options = options;
  }

  /** Does nothing: imports of earlier servers wait for workers, not for a server. */
  async restore(): Promise<number> {
    return 0;
  }

  /** The folder for files on this machine's disk. The store gets only complete files. */
  async folder(): Promise<string> {
    return this.#options.scratch;
  }

  async expectRoom(client: string): Promise<void> {
    const { records, maxClientImports } = this.#options;
    if ((await records.openOf(client)) >= maxClientImports) throw tooManyImports(maxClientImports);
  }

  async submit(submission: Submission): Promise<{ readonly jobs: readonly Job[]; readonly isNew: boolean }> {
    const { records, dispatcher, files, rules, maxClientImports, log } = this.#options;
    const { fields, client, key } = submission;
    // It goes whatever happens: the store has a file of its own.
    await using upload = submission.upload;
    expectStorable(fields);
    // The key is looked up before the file is stored, to spare its way. records.add looks again,
    // since the same request may have come to another server meanwhile.
    const before = await records.ofKey(client, key, contentOf(upload, fields));
    if (before.length > 0) return { jobs: before, isNew: false };
    await this.expectRoom(client);
    const parts = await partsOf(this.#options.ctx, upload, fields, this.#options);
    const isLow = priorityOf(fields) === "low";
    const name = await files.keep(upload.path, upload.hash);
    let added: Awaited<ReturnType<FleetRecords["add"]>> | undefined;
    try {
      const jobs = jobsOf(submission, parts, name);
      added = await records.add({ jobs, rules, hash: upload.hash, low: isLow }, maxClientImports);
    } finally {
      if (added?.isNew !== true) await files.remove(name).catch(() => undefined);
    }
    const { jobs, isNew } = added;
    for (const job of isNew ? jobs : [])
      log(`${JSON.stringify(job.fileName)}: accepted as import ${job.id}`, { import: job.id });
    // It is stored, so it runs: if it could not be sent now, the next sweep sends it.
    if (isNew) await this.#dispatch(dispatcher, jobs[0]!.id);
    return { jobs, isNew };
  }

  async #dispatch(dispatcher: Dispatcher, id: string): Promise<void> {
    try {
      await dispatcher.dispatch(id);
    } catch (error) {
      const { log, hidePlaces } = this.#options;
      log(`import ${id}: it waits, and is sent later: ${hidePlaces(describeReason(error))}`, { import: id });
    }
  }

  /** The file of an import that was accepted is in the store, and what was received is gone. */
  owns(): boolean {
    return false;
  }

  find(id: string): Promise<Job | undefined> {
    return this.#options.records.find(id);
  }

  known(ids: readonly string[]): Promise<ReadonlyMap<string, Job>> {
    return this.#options.records.known(ids);
  }

  unrecorded(query: HistoryQuery): Promise<readonly Job[]> {
    return this.#options.records.unrecorded(query);
  }

  dead(query: HistoryQuery): Promise<readonly Job[]> {
    return this.#options.records.dead(query);
  }

  live(id: string): Watched | undefined {
    return this.#options.watch.live(id);
  }

  now(): number {
    return this.#options.watch.now();
  }

  lives(): readonly Live[] {
    return [];
  }

  whenDone(id: string): Promise<void> | undefined {
    return this.#options.dispatcher.whenDone(id);
  }

  /** Ends an import. Its caller waits 10 s at most; what takes longer goes on here. */
  async cancel(id: string): Promise<void> {
    const { records, target, allowed } = this.#options;
    const job = await records.find(id);
    if (!job) {
      const recorded = await this.recorded(id);
      if (!recorded) throw noSuchImport(id);
      await allowed.check(recorded.table);
      if (recorded.state === "finished" || recorded.state === "cancelled") throw notRunning(id, recorded.state);
      await cancelImport(target, id);
      return;
    }
    const cancelled = this.#cancelJob(job);
    cancelled.catch(() => undefined);
    await Promise.race([cancelled, sleep(ANSWER_MS)]);
  }

  /**
   * A worker that is at work on it ends it by itself. If it does not soon, it is ended over its
   * head: the ledger lets it write no more.
   */
  async #cancelJob({ id, state, upload }: Job): Promise<void> {
    const { records, dispatcher } = this.#options;
    if (state === "finished" || state === "cancelled") throw notRunning(id, state);
    if (state === "failed" && upload === null) throw notRunning(id, state);
    if (state === "running") await Promise.race([dispatcher.stop(id), sleep(STOP_MS)]);
    const now = await records.find(id);
    if (!now || now.state === "cancelled") return;
    if (now.state === "finished") throw notRunning(id, now.state);
    await this.#endInLedger(now);
    if (!(await records.end(id, ["queued", "running", "failed"], "cancelled"))) return;
    await removeFile(records, this.#options.files, id).catch(() => undefined);
    await this.#dispatch(dispatcher, id);
  }

  async #endInLedger({ ledger, id }: Job): Promise<void> {
    // It may have begun without having noted so.
    const recorded = await this.recorded(ledger ?? id);
    if (recorded && (recorded.state === "running" || recorded.state === "failed"))
      await cancelImport(this.#options.target, recorded.id, true).catch((error: unknown) => {
        if (describeError(error).code !== "import_ended") throw error;
      });
  }

  recorded(id: string): Promise<Details | undefined> {
    return recordedIn(this.#options.reads, id);
  }

  planOf(id: string): Promise<string | undefined> {
    return planIn(this.#options.reads, id);
  }

  /** Lets workers try a failed import again, with the file that the store still has. */
  async resume(id: string): Promise<void> {
    const { records, dispatcher } = this.#options;
    const job = await records.find(id);
    if (!job) throw notResumableHere(id, await this.recorded(id));
    if (job.state !== "failed") throw notResumable(id, job.state);
    if (job.upload === null) throw fileGone(id);
    await this.expectRoom(job.client);
    if (!(await records.requeue(id))) throw notResumable(id, (await records.find(id))?.state ?? "gone");
    await this.#dispatch(dispatcher, id);
  }

  async forget(id: string, forced: boolean): Promise<void> {
    const { records, target, allowed, files } = this.#options;
    const job = await records.find(id);
    // It may have begun without having noted so.
    const recorded = await this.recorded(job?.ledger ?? id);
    if (!job && !recorded) throw noSuchImport(id);
    if (recorded) await allowed.check(recorded.table);
    expectForgettable(id, recorded, forced);
    if (job) {
      const gone = await records.forget(id);
      if (!gone) throw stillRunning(id);
      if (gone.file !== undefined) await files.remove(gone.file).catch(() => undefined);
    }
    if (recorded?.id === id) await deleteImport(target, id);
  }

  /** Nothing runs here: workers go on. */
  async close(): Promise<void> {
    this.#options.watch[Symbol.dispose]();
    await this.#options.dispatcher.close();
  }
}

/** @throws HttpFailure 400 (`bad_field`) */
function priorityOf(fields: FormFields): string {
  const texts = fields.get(PRIORITY) ?? ["normal"];
  if (texts.length === 1 && PRIORITIES.includes(texts[0]!)) return texts[0]!;
  throw new HttpFailure(
    400,
    `The field "${PRIORITY}": Expected ${PRIORITIES.join(" or ")}, got ${texts.map((text) => JSON.stringify(text)).join(", ")}.`,
    {},
    "bad_field",
    { field: PRIORITY },
  );
}
