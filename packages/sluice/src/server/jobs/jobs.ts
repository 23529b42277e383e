// The imports that callers asked for: accepted, kept, run in the background, cancelled, resumed,
// and gone on with after a restart.
//
// What was accepted is on the disk before its caller hears of it, and runs whether that caller
// stays or hangs up. It has the id that its row in the ledger gets. So after a crash the ledger
// knows whether it has begun, and which rows are in: it goes on exactly there.
//
//   queued ──▶ running ──▶ finished
//     ▲          ├───────▶ failed ───▶ resume: queued again, while its file is kept (7 days)
//     │          └───────▶ cancelled
//     └── after a restart, what was queued or running is started again
//
// The file of an import is kept as long as the import can continue with it.
import { rm } from "node:fs/promises";
import { basename } from "node:path";
import type { Context } from "@sluice/go/context";
import { sleep } from "@sluice/go/time";
import { cancelImport, deleteImport, type Details, type HistoryQuery } from "../../ledger/history.ts";
import type { Target } from "../../target.ts";
import type { Rooms } from "../rooms.ts";
import type { Upload } from "../upload.ts";
import type { UploadRoom } from "../upload-room.ts";
import { InThisProcess, type Dispatcher } from "./dispatcher.ts";
import { Live } from "./live.ts";
import type { ImportJobs, Submission } from "./port.ts";
import { planIn, recordedIn } from "./recorded.ts";
import {
  contentOf,
  expectForgettable,
  fileGone,
  noSuchImport,
  notResumable,
  notResumableHere,
  notRunning,
  sameContent,
  stillRunning,
  tooManyImports,
  unexpected,
} from "./refusals.ts";
import { attempt, type Attempt, type Attempting } from "./run.ts";
import { jobsOf, newestFirst, partsOf, placeOf, searched } from "./submitted.ts";
import type { Job, JobStore } from "./store.ts";

export interface JobsOptions extends Omit<Attempting, "made" | "onBegin"> {
  readonly store: JobStore;
  /** The database, for what only reads. */
  readonly reads: Target;
  readonly room: UploadRoom;
  readonly rooms: Rooms;
  /** Imports of one client that wait or run, at most. */
  readonly maxClientImports: number;
  /** Called when an import has ended here. */
  readonly onEnd: (job: Job) => void;
}

/** The time for which the file of an import that has failed is kept, so that it can go on. */
const KEPT_MS = 7 * 24 * 3_600_000;
/** The time in which an import that is cancelled may end by itself, after its chunks in flight. */
const STOP_MS = 2000;
/** The time after which its caller hears that it is being cancelled. */
const ANSWER_MS = 10_000;
/**
 * Imports that a restart goes on with wait so long for a database that is away, or for a process
 * that is not quite gone.
 */
const PATIENCE_MS = 10 * 60_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** The imports of this process. */
export class Jobs implements ImportJobs {
  readonly isFleet = false;
  readonly fields: readonly string[] = [];
  readonly #ctx: Context;
  readonly #options: JobsOptions;
  readonly #dispatcher: Dispatcher;
  readonly #live = new Map<string, Live>();
  /** The imports that callers have cancelled and that have not stopped yet. */
  readonly #cancelling = new Map<string, Promise<void>>();
  /** The imports that an earlier process of the server was asked for. */
  readonly #restored = new Set<string>();
  /** The room that kept files take, by their names. */
  readonly #shares = new Map<string, Disposable>();

  /**
   * @param ctx when it ends, imports stop after their chunks in flight, and are gone on with by the
   *   next server
   */
  constructor(ctx: Context, options: JobsOptions) {
    this.#ctx = ctx;
    this.#options = options;
    this.#dispatcher = new InThisProcess(ctx, (own, id) => this.#run(own, id));
  }

  /** Goes on with what earlier servers were asked for. Returns how many imports these are. */
  async restore(): Promise<number> {
    const { store, room } = this.#options;
    if (!store.isFilled) return 0;
    await store.open();
    const waiting: Job[] = [];
    for (const job of store.all()) {
      if (job.upload === null) continue;
      const size = await store.sizeOf(job);
      if (!this.#shares.has(job.upload)) this.#shares.set(job.upload, room.keep(size));
      if (job.state === "queued" || job.state === "running") waiting.push(job);
    }
    for (const job of waiting) {
      this.#restored.add(job.id);
      this.#start(job);
    }
    return waiting.length;
  }

  folder(): Promise<string> {
    return this.#options.store.open();
  }

  async find(id: string): Promise<Job | undefined> {
    const job = this.#options.store.get(id);
    return job && { ...job };
  }

  async known(ids: readonly string[]): Promise<ReadonlyMap<string, Job>> {
    const jobs = ids.flatMap((id) => this.#options.store.get(id) ?? []);
    return new Map(jobs.map((job) => [job.id, { ...job }]));
  }

  async unrecorded({ search, after, limit }: HistoryQuery): Promise<readonly Job[]> {
    return this.#options.store
      .all()
      .filter((job) => job.ledger !== job.id && searched(job).includes(search.toLowerCase()))
      .filter((job) => after === undefined || newestFirst(after, placeOf(job)) < 0)
      .sort((a, b) => newestFirst(placeOf(a), placeOf(b)))
      .slice(0, limit)
      .map((job) => ({ ...job }));
  }

  /** Without a fleet nothing is tried again by itself, so nothing is given up. */
  async dead(): Promise<readonly Job[]> {
    return [];
  }

  /** How many of a client's imports wait or run. */
  #countOf(client: string): number {
    return this.#options.store.all().filter((job) => job.client === client && isOpen(job)).length;
  }

  async expectRoom(client: string): Promise<void> {
    this.#expectRoom(client);
  }

  #expectRoom(client: string): void {
    const { maxClientImports } = this.#options;
    if (this.#countOf(client) >= maxClientImports) throw tooManyImports(maxClientImports);
  }

  async submit({
    upload,
    fields,
    client,
    key,
  }: Submission): Promise<{ readonly jobs: readonly Job[]; readonly isNew: boolean }> {
    const { store } = this.#options;
    const content = contentOf(upload, fields);
    const known = (): readonly Job[] =>
      key === undefined ? [] : store.all().filter((job) => job.client === client && job.key?.name === key);
    const before = sameContent(known(), content);
    if (before.length > 0) {
      await upload[Symbol.asyncDispose]();
      return { jobs: before, isNew: false };
    }
    this.#expectRoom(client);
    const parts = await partsOf(this.#ctx, upload, fields, this.#options);
    // The same request may have come meanwhile. From here to the last job nothing else runs.
    const meanwhile = sameContent(known(), content);
    if (meanwhile.length > 0) {
      await upload[Symbol.asyncDispose]();
      return { jobs: meanwhile, isNew: false };
    }
    const name = basename(upload.path);
    const jobs = jobsOf({ upload, fields, client, key }, parts, name);
    this.#shares.set(name, { [Symbol.dispose]: () => void upload[Symbol.asyncDispose]() });
    await Promise.all(jobs.map((job) => store.save(job)));
    for (const job of jobs) this.#start(job);
    return { jobs, isNew: true };
  }

  #start(job: Job): void {
    this.#live.set(job.id, new Live());
    void this.#dispatcher.dispatch(job.id);
  }

  owns({ path }: Upload): boolean {
    return this.#shares.has(basename(path));
  }

  live(id: string): Live | undefined {
    return this.#live.get(id);
  }

  now(): number {
    return Date.now();
  }

  lives(): readonly Live[] {
    return [...this.#live.values()];
  }

  whenDone(id: string): Promise<void> | undefined {
    return this.#dispatcher.whenDone(id);
  }

  async cancel(id: string): Promise<void> {
    const { store, target } = this.#options;
    const job = store.get(id);
    if (!job) {
      await this.#expectOpen(id, await this.recorded(id));
      await cancelImport(target, id);
      return;
    }
    let cancelled = this.#cancelling.get(id);
    if (!cancelled) {
      cancelled = this.#cancelJob(job).finally(() => this.#cancelling.delete(id));
      cancelled.catch(() => undefined);
      this.#cancelling.set(id, cancelled);
    }
    await Promise.race([cancelled, sleep(ANSWER_MS)]);
  }

  /** Stops an import, and ends it in the ledger. Those who cancel it note its end, and not #run. */
  async #cancelJob(job: Job): Promise<void> {
    const { id } = job;
    const stopped = this.#dispatcher.stop(id);
    await Promise.race([stopped, sleep(STOP_MS)]);
    // What waits for a lock waits as long as its holder likes. Its connections are ended, as
    // `sluice imports cancel --force` does.
    if (this.#dispatcher.whenDone(id)) await this.#endInLedger(job);
    await stopped;
    if (job.state === "finished" || job.state === "cancelled") throw notRunning(id, job.state);
    if (job.state === "failed" && job.upload === null) throw notRunning(id, "failed");
    await this.#endInLedger(job);
    await this.#end(job, { state: "cancelled" });
  }

  async #expectOpen(id: string, recorded: Details | undefined): Promise<void> {
    if (!recorded) throw noSuchImport(id);
    await this.#options.allowed.check(recorded.table);
    if (recorded.state === "finished" || recorded.state === "cancelled") throw notRunning(id, recorded.state);
  }

  /** Ends what the ledger has of a job that nobody works on any more. */
  async #endInLedger(job: Job): Promise<void> {
    const { target } = this.#options;
    if (job.ledger === undefined) return;
    const recorded = await this.recorded(job.ledger);
    if (recorded && (recorded.state === "running" || recorded.state === "failed"))
      await cancelImport(target, job.ledger, true);
  }

  recorded(id: string): Promise<Details | undefined> {
    return recordedIn(this.#options.reads, id);
  }

  planOf(id: string): Promise<string | undefined> {
    return planIn(this.#options.reads, id);
  }

  async resume(id: string): Promise<void> {
    const { store } = this.#options;
    const job = store.get(id);
    if (!job) throw notResumableHere(id, await this.recorded(id));
    if (job.state !== "failed") throw notResumable(id, job.state);
    if (job.upload === null) throw fileGone(id);
    this.#expectRoom(job.client);
    job.state = "queued";
    delete job.outcome;
    delete job.finishedAt;
    await store.save(job);
    this.#start(job);
  }

  async forget(id: string, forced: boolean): Promise<void> {
    const { store, target, allowed } = this.#options;
    const job = store.get(id);
    const ledger = job ? job.ledger : id;
    const recorded = ledger === undefined ? undefined : await this.recorded(ledger);
    if (!job && !recorded) throw noSuchImport(id);
    if (recorded) await allowed.check(recorded.table);
    expectForgettable(id, recorded, forced);
    if (job) {
      // Somebody may have resumed it meanwhile; from here to the end of `remove` nobody can.
      if (isOpen(job) || this.#live.has(id)) throw stillRunning(id);
      await store.remove(id);
      if (job.upload !== null) await this.#release(job.upload, id);
    }
    // If it continued another import, that one has a line in the history too.
    if (recorded?.id === id) await deleteImport(target, id);
  }

  /** Runs a job when it is its turn, to its end. */
  async #run(ctx: Context, id: string): Promise<void> {
    const { store, rooms } = this.#options;
    const job = store.get(id)!;
    const live = this.#live.get(id)!;
    try {
      const path = store.pathOf(job.upload!);
      // Sheets of one file go one after the other: the first makes the table of those that are
      // alike.
      await this.#afterEarlier(job);
      if (ctx.err() !== undefined) return;
      const found = await this.#attempts(ctx, job, path, live, rooms);
      // Of one that was cancelled the end is noted by those who cancel it, unless it was faster.
      if (found.state === undefined || (found.state === "failed" && this.#cancelling.has(id))) return;
      await this.#end(job, { ...found, state: found.state });
    } catch (error) {
      // The server stops, so there is no place; or what is kept cannot be written.
      if (ctx.err() === undefined)
        await this.#end(job, { state: "failed", outcome: { error: unexpected(error) } }).catch(() => undefined);
    } finally {
      this.#live.delete(id);
      this.#restored.delete(id);
    }
  }

  async #afterEarlier({ id, siblings = [] }: Job): Promise<void> {
    for (const other of siblings.slice(0, siblings.indexOf(id))) await this.#dispatcher.whenDone(other);
  }

  /**
   * Makes one attempt. After a restart it makes further ones, while the database is away or the
   * earlier process has not quite ended.
   */
  async #attempts(ctx: Context, job: Job, path: string, live: Live, rooms: Rooms): Promise<Attempt> {
    const since = performance.now();
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const found = await this.#attemptInPlace(ctx, job, path, live, rooms);
      const isPatient = this.#restored.has(job.id) && performance.now() - since < PATIENCE_MS;
      if (found.again !== true || !isPatient || ctx.err() !== undefined)
        return ctx.err() !== undefined && found.again ? { state: undefined } : found;
      await sleep(pause, ctx).catch(() => undefined);
    }
  }

  async #attemptInPlace(ctx: Context, job: Job, path: string, live: Live, rooms: Rooms): Promise<Attempt> {
    const { store } = this.#options;
    using _place = await rooms.enter(ctx, path);
    live.begin();
    job.state = "running";
    job.startedAt ??= new Date().toISOString();
    await store.save(job);
    return await attempt(ctx, job, path, live, {
      ...this.#options,
      made: (one) => this.#tablesMade(one),
      onBegin: (one, ledger) => {
        one.ledger = ledger;
        void store.save(one).catch(() => undefined);
      },
    });
  }

  /** The tables that sheets of the same file went to before this one. */
  #tablesMade({ id, siblings = [] }: Job): ReadonlySet<string> {
    const earlier = siblings.slice(0, siblings.indexOf(id)).map((other) => this.#options.store.get(other));
    return new Set(
      earlier.flatMap((job) => (job?.state === "finished" && job.outcome?.table ? [job.outcome.table] : [])),
    );
  }

  /**
   * Notes the end of a job. @param again true if the same file may work later, so that it is kept
   */
  async #end(
    job: Job,
    { state, outcome, again }: Omit<Attempt, "state"> & { readonly state: Job["state"] },
  ): Promise<void> {
    const { store, onEnd } = this.#options;
    const isKept = state === "failed" && (again === true || (await this.#isUnfinished(job)));
    const { upload } = job;
    const ended = {
      state,
      finishedAt: new Date().toISOString(),
      ...(outcome ? { outcome } : {}),
      upload: isKept ? upload : null,
    };
    // Nobody hears of the end before it is on the disk and the file is gone.
    await store.write({ ...job, ...ended });
    if (!isKept && upload !== null) await this.#release(upload, job.id);
    onEnd({ ...job, ...ended });
    Object.assign(job, ended);
    await this.#expire();
  }

  /** Forgets what has been of no use for long. */
  async #expire(): Promise<void> {
    const { store } = this.#options;
    for (const job of store.all()) {
      const { state, upload, finishedAt } = job;
      if (state !== "failed" || upload === null || Date.now() - Date.parse(finishedAt ?? "") < KEPT_MS) continue;
      job.upload = null;
      await store.save(job);
      await this.#release(upload, job.id);
    }
    await store.prune();
  }

  /** Reports whether the ledger has rows of it, or may have, with which it can go on. */
  async #isUnfinished({ ledger }: Job): Promise<boolean> {
    if (ledger === undefined) return false;
    try {
      const recorded = await this.recorded(ledger);
      return recorded !== undefined && (recorded.state === "running" || recorded.state === "failed");
    } catch {
      return true;
    }
  }

  /** Removes a file that no other job needs. */
  async #release(upload: string, by: string): Promise<void> {
    const { store } = this.#options;
    if (store.all().some((job) => job.upload === upload && job.id !== by)) return;
    await rm(store.pathOf(upload), { force: true });
    this.#shares.get(upload)?.[Symbol.dispose]();
    this.#shares.delete(upload);
  }

  async close(): Promise<void> {
    await this.#dispatcher.close();
    await this.#options.store.close();
  }
}

function isOpen({ state }: Job): boolean {
  return state === "queued" || state === "running";
}
