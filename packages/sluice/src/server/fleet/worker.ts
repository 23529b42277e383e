// A worker of a fleet: it claims imports, runs each with the same engine as everybody, and says
// what became of it.
//
// What it believes to have is only what others last let it have. Rows are safe whatever it
// believes, since each commit names the epoch that it has in the ledger; records are safe since
// each write names its attempt.
//
//   a notice, or 2 s ─▶ Claims.take ─▶ #attempt: the file from the store, a place, the engine
//                                          │
//                                      #conclude, by what the attempt came to:
//      finished, or failed for good        its end is recorded; its file goes, unless it can resume
//      cancelled by somebody               it is ended in the ledger too
//      this worker is stopping             the claim is released: another worker continues
//      failed, and may work later          the claim is given back, up to `maxAttempts` times, and
//                                          this worker takes no other until it can reach what it needs
//      another worker has it now           nothing is written
//      its record was deleted              nothing can be written, and the log says so
import { withCancel, type CancelFunc, type Context } from "@sluice/go/context";
import { sleep } from "@sluice/go/time";
import { describeError } from "../../errors.ts";
import { cancelImport } from "../../ledger/history.ts";
import type { Target } from "../../target.ts";
import { AllowedTables } from "../allowed.ts";
import { describeReason, isUnavailable } from "../failure.ts";
import { createProbe } from "../health.ts";
import { Live } from "../jobs/live.ts";
import { recordedIn } from "../jobs/recorded.ts";
import { unexpected } from "../jobs/refusals.ts";
import { attempt, failedAttempt, type Attempt, type Attempting } from "../jobs/run.ts";
import type { Job } from "../jobs/store.ts";
import type { LogFields } from "../options.ts";
import { Rooms } from "../rooms.ts";
import { Claims, type Claim, type FleetLimits } from "./claims.ts";
import type { FleetDatabase, Notice } from "./database.ts";
import type { FileStore } from "./file-store.ts";
import { FleetRecords } from "./records.ts";

export interface WorkerOptions {
  /** The worker's name in the records and in logs. */
  readonly name: string;
  readonly target: Target;
  /** The target, for what only reads. */
  readonly reads: Target;
  readonly database: FleetDatabase;
  readonly files: FileStore;
  /** A private folder of this process. */
  readonly scratch: string;
  /** Imports that it runs at the same time. */
  readonly maxImports: number;
  readonly limits: FleetLimits;
  /** Attempts in a row that may come to nothing. */
  readonly maxAttempts: number;
  readonly hide: (text: string) => string;
  readonly hidePlaces: (text: string) => string;
  readonly log: (line: string, about?: LogFields) => void;
  /** Called when an import has ended here. */
  readonly onEnd?: (job: Pick<Job, "state" | "outcome">) => void;
}

/** Between two questions for work, if nobody says that there is some. */
const LOOK_MS = 2000;
/** The pause after the queue, the database or the store could not be used. */
const BREAK_MS = 1000;
/** How often a worker says that it lives. */
const BEAT_MS = 2000;
/** How often it shows a picture of each import. */
const SHOW_MS = 500;

/** The cause if an import has no record. The file in the store belongs to nobody then. */
const GONE =
  "somebody has deleted its record from sluice_fleet.imports. Send its file again with the same fields: what is in the table does not go in again";

/** An import that runs here. */
interface Running {
  readonly claim: Claim;
  readonly live: Live;
  readonly stop: CancelFunc;
  /** Somebody has asked for its end. */
  cancelled: boolean;
  /** The claim has passed to somebody else. */
  lost: boolean;
  /** The id of the last picture that was shown. */
  shown: number;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #claims: Claims;
  readonly #records: FleetRecords;
  readonly #rooms: Rooms;
  readonly #running = new Map<string, Running>();
  readonly #probe: () => Promise<void>;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();
  /** The last attempt has failed, perhaps since this worker is cut off. */
  #isInDoubt = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    const settled = async (ledger: string): Promise<number> => (await recordedIn(options.reads, ledger))?.total ?? 0;
    this.#claims = new Claims(options.database, options.name, options.limits, settled);
    this.#records = new FleetRecords(options.database);
    this.#rooms = new Rooms(options.maxImports);
    this.#probe = createProbe(options.target);
  }

  /** The imports that run here. */
  lives(): readonly Live[] {
    return [...this.#running.values()].map(({ live }) => live);
  }

  /** To be called for every notice. */
  heard({ what, id }: Notice): void {
    if (what === "queued") this.lookAgain();
    if (what === "cancel") this.#stop(this.#running.get(id), true);
  }

  /** Asks for work now. */
  lookAgain(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  /**
   * Works until `ctx` is done. Then each import finishes its chunks in flight and is left to other
   * workers.
   */
  async run(ctx: Context): Promise<void> {
    const beat = setInterval(() => void this.#beat().catch(() => undefined), BEAT_MS);
    const show = setInterval(() => void this.#show().catch(() => undefined), SHOW_MS);
    try {
      await Promise.all(Array.from({ length: this.#options.maxImports }, () => this.#work(ctx)));
    } finally {
      clearInterval(beat);
      clearInterval(show);
    }
  }

  /** Claims and runs one import after the other. */
  async #work(ctx: Context): Promise<void> {
    const { log, hidePlaces } = this.#options;
    let said = "";
    while (ctx.err() === undefined) {
      const woken = this.#wake.promise;
      try {
        if (this.#isInDoubt) await this.#findFit();
        const taken = await this.#claims.take();
        said = "";
        if (taken && "claim" in taken) await this.#run(ctx, taken.claim);
        else if (taken?.gone) log(`import ${taken.settled}: not run, since ${GONE}`, { import: taken.settled });
        else if (!taken) await Promise.race([woken, sleep(LOOK_MS, ctx).catch(() => undefined)]);
      } catch (error) {
        const reason = `cannot ask for work: ${hidePlaces(describeReason(error))}`;
        if (reason !== said) log(reason);
        said = reason;
        await sleep(BREAK_MS, ctx).catch(() => undefined);
      }
    }
  }

  /**
   * Asks for the database and the store before it takes work again. A worker that is cut off is
   * always free, so it would take import after import from those that can run them.
   *
   * @throws if one of the two cannot be used
   */
  async #findFit(): Promise<void> {
    await Promise.all([this.#probe(), this.#options.files.start()]);
    this.#isInDoubt = false;
  }

  /** Runs a claim to its end. Never rejects, so a worker's place is always free again. */
  async #run(ctx: Context, claim: Claim): Promise<void> {
    const { log, hidePlaces } = this.#options;
    const { job } = claim;
    const about = { import: job.id };
    const [own, stop] = withCancel(ctx);
    const running: Running = { claim, live: new Live(), stop, cancelled: false, lost: false, shown: 0 };
    this.#running.set(job.id, running);
    const goesOn = job.ledger === undefined ? "" : ", goes on";
    log(`${JSON.stringify(job.fileName)}: import ${job.id}, attempt ${claim.attempt}${goesOn}`, about);
    try {
      const found = await this.#attempt(own, running);
      await this.#conclude(running, found);
    } catch (error) {
      // What became of it could not be written down. Its claim runs out, and another worker asks
      // the ledger.
      log(`import ${job.id}: what became of it could not be noted: ${hidePlaces(describeReason(error))}`, about);
    } finally {
      stop();
      this.#running.delete(job.id);
    }
  }

  async #attempt(ctx: Context, running: Running): Promise<Attempt> {
    const { files, scratch, hide, hidePlaces, target, reads, log } = this.#options;
    const { claim, live } = running;
    const { job, rules, hash } = claim;
    let noted: Promise<void> = Promise.resolve();
    const allowed = new AllowedTables(reads, rules.allow);
    const shared = { target, allowed, reading: rules.reading, hide, hidePlaces };
    try {
      const made = await this.#claims.made(job);
      await using file = await files.take(job.upload!, hash, scratch);
      using _place = await this.#rooms.enter(ctx, file.path);
      live.begin();
      const by: Attempting = {
        ...shared,
        made: () => made,
        onBegin: (one, ledger) => {
          one.ledger = ledger;
          noted = this.#claims.began(claim, ledger).catch(() => undefined);
        },
      };
      const found = await attempt(ctx, job, file.path, live, by);
      await noted;
      return found;
    } catch (error) {
      if (ctx.err() !== undefined) return { state: undefined };
      if (isUnavailable(error) && error instanceof Error && error.cause !== undefined)
        log(`import ${job.id}: ${hidePlaces(describeReason(error.cause))}`, { import: job.id });
      return isUnavailable(error) || describeError(error).code === "stored_file"
        ? failedAttempt(error, job, job.upload ?? job.id, shared)
        : { state: "failed", outcome: { error: unexpected(error) } };
    }
  }

  /** Writes down what an attempt came to. */
  async #conclude(running: Running, { state, outcome, again }: Attempt): Promise<void> {
    const { maxAttempts, log } = this.#options;
    const { claim, cancelled, lost } = running;
    const { id } = claim.job;
    const about = { import: id };
    if (lost) return await this.#sayOvertaken(id, state);
    if (state === "finished") return await this.#ended(running, "finished", outcome);
    if (cancelled) {
      await this.#endInLedger(claim.job);
      return await this.#ended(running, "cancelled");
    }
    if (state === undefined) {
      await this.#claims.release(claim);
      return log(`import ${id}: left to another worker`, about);
    }
    if (again !== true) return await this.#ended(running, "failed", outcome);
    this.#isInDoubt = true;
    const now = await this.#claims.giveBack(claim, outcome ?? {}, maxAttempts);
    if (now === "failed") this.#options.onEnd?.({ state: "failed", ...(outcome ? { outcome } : {}) });
    log(`import ${id}: attempt ${claim.attempt} came to nothing: ${outcome?.error?.message ?? ""}`, about);
  }

  async #ended(
    running: Running,
    state: "finished" | "failed" | "cancelled",
    outcome?: Attempt["outcome"],
  ): Promise<void> {
    const { log, onEnd } = this.#options;
    const { claim } = running;
    const { id } = claim.job;
    const about = { import: id };
    const isKept = state === "failed" && (await this.#isUnfinished(claim.job));
    if (!(await this.#claims.end(claim, state, outcome))) return await this.#sayOvertaken(id, state);
    const { total = 0, inserted = 0, updated = 0, table } = outcome ?? {};
    const said =
      state === "finished"
        ? `finished: ${inserted + updated} of ${total} rows in ${table}`
        : state === "failed"
          ? `failed: ${outcome?.error?.message ?? ""}`
          : "cancelled";
    log(`import ${id}: ${said}`, about);
    onEnd?.({ state, ...(outcome ? { outcome } : {}) });
    if (!isKept) await removeFile(this.#records, this.#options.files, id).catch(() => undefined);
  }

  /** Says why this worker does not note what an attempt came to. */
  async #sayOvertaken(id: string, state: Attempt["state"] | "cancelled"): Promise<void> {
    const isThere = (await this.#records.find(id)) !== undefined;
    const what = state === undefined ? "stopped" : state;
    const said = isThere ? "another worker has it now" : `${what}, and nobody can follow it, since ${GONE}`;
    this.#options.log(`import ${id}: ${said}`, { import: id });
  }

  /** Reports whether the ledger has rows of it, or may have, with which it can go on. */
  async #isUnfinished({ ledger }: Job): Promise<boolean> {
    if (ledger === undefined) return false;
    try {
      const recorded = await recordedIn(this.#options.reads, ledger);
      return recorded !== undefined && (recorded.state === "running" || recorded.state === "failed");
    } catch {
      return true;
    }
  }

  async #endInLedger({ ledger }: Job): Promise<void> {
    if (ledger === undefined) return;
    const recorded = await recordedIn(this.#options.reads, ledger);
    if (recorded && (recorded.state === "running" || recorded.state === "failed"))
      await cancelImport(this.#options.target, ledger, true);
  }

  /** @param cancelled by somebody; else another worker has it */
  #stop(running: Running | undefined, cancelled: boolean): void {
    if (!running) return;
    if (cancelled) running.cancelled = true;
    else running.lost = true;
    running.stop();
  }

  /** Says of each import that its worker lives, and hears what has become of it meanwhile. */
  async #beat(): Promise<void> {
    const all = [...this.#running.values()];
    if (all.length === 0) return;
    await Promise.all(
      all.map(async (running) => {
        if (!(await this.#claims.touch(running.claim))) this.#stop(running, false);
      }),
    );
    for (const { id, cancelled } of await this.#claims.stopped(all.map(({ claim }) => claim)))
      this.#stop(this.#running.get(id), cancelled);
  }

  /** Stores the pictures that have changed, for those who follow the imports on any server. */
  async #show(): Promise<void> {
    for (const running of this.#running.values()) {
      const { id, event } = running.live.picture();
      if (id === running.shown) continue;
      running.shown = id;
      await this.#claims.show(running.claim, event);
    }
  }
}

/** Removes the file of an import that has ended, unless another one needs it. */
export async function removeFile(records: FleetRecords, files: FileStore, id: string): Promise<void> {
  const name = await records.letGo(id);
  if (name !== undefined) await files.remove(name);
}
