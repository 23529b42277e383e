// What the server keeps of imports that it was asked for: a file of JSON for each, in a private
// folder, written before the caller hears of it. The rows, and which of them are in, are the
// ledger's; this is what was asked for, and what the ledger has no room for.
import { randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Import, State } from "./import.ts";
import type { TracePlace } from "../../tracing.ts";
import { hasJobFolder, isLock, takeJobFolder, type JobFolder } from "./folder.ts";

/** The states of a job that is to run: at the next start too. */
export type JobState = Exclude<State, "interrupted">;

/** An import that was asked for. */
export interface Job {
  readonly id: string;
  /** The file's name in the folder; null when it is gone. */
  upload: string | null;
  readonly fileName: string;
  /** The form's fields, as they were sent. */
  readonly fields: readonly (readonly [name: string, texts: readonly string[]])[];
  /** The sheet of this job and what belongs to it, with `sheet=all`. */
  readonly part?: { readonly sheet: string; readonly table?: string; readonly alike: readonly string[] };
  /** All imports of the request. */
  readonly siblings?: readonly string[];
  /** Whom its limits count for. */
  readonly client: string;
  readonly key?: { readonly name: string; readonly content: string };
  /** The place in a trace at which it was asked for. */
  readonly trace?: TracePlace;
  readonly createdAt: string;
  state: JobState;
  /**
   * The ledger's import; another one than its own if it went on with that. Undefined until it has
   * begun.
   */
  ledger?: string;
  startedAt?: string;
  finishedAt?: string;
  /** The result of the import, at its end. */
  outcome?: Outcome;
  /** The reason why it waits again, in a fleet. */
  retry?: Retry;
}

/** The attempts that came to nothing in a row, and what the last one said. */
export interface Retry {
  readonly attempts: number;
  readonly reason: string;
  /** ISO 8601: not before. Null if it goes on as soon as a worker is free. */
  readonly at: string | null;
}

/** The data that are shown of an import that has ended. */
export type Outcome = Partial<Omit<Import, "id" | "state" | "createdAt" | "startedAt" | "finishedAt">>;

/** The most ended imports of which more is known than the ledger has. */
const MOST_ENDED = 1000;

/** The jobs of a server. */
export class JobStore {
  readonly #parent: string;
  readonly #database: string;
  #folder: Promise<JobFolder> | undefined;
  #path = "";
  readonly #jobs = new Map<string, Job>();
  /** The last write of each job that is under way. */
  readonly #writing = new Map<string, Promise<void>>();

  /** @param database what the database is called that the imports go to */
  constructor(parent: string, database: string) {
    this.#parent = parent;
    this.#database = database;
  }

  /** Reports whether earlier servers left anything. */
  get isFilled(): boolean {
    return hasJobFolder(this.#parent, this.#database);
  }

  /**
   * Makes the folder if need be, the first time, and returns its path.
   * @throws SluiceError (`upload_folder`)
   */
  async open(): Promise<string> {
    this.#folder ??= this.#take();
    return (await this.#folder).path;
  }

  /** Reads what earlier servers left, and removes files that no job needs. */
  async #take(): Promise<JobFolder> {
    const folder = await takeJobFolder(this.#parent, this.#database);
    this.#path = folder.path;
    const names = await readdir(folder.path);
    for (const name of names.filter((one) => one.endsWith(".json"))) {
      const job = await readJob(join(folder.path, name));
      if (job) this.#jobs.set(job.id, job);
    }
    const needed = new Set([...this.#jobs.values()].flatMap(({ id, upload }) => [`${id}.json`, upload]));
    for (const name of names)
      if (!needed.has(name) && !isLock(name)) await rm(join(folder.path, name), { force: true });
    return folder;
  }

  /** Leaves the folder to the next server. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#writing.values());
    const folder = await this.#folder?.catch(() => undefined);
    folder?.[Symbol.dispose]();
  }

  get(id: string): Job | undefined {
    return this.#jobs.get(id);
  }

  /** All jobs, in the order in which they were asked for. */
  all(): Job[] {
    return [...this.#jobs.values()].sort((a, b) =>
      a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : 0,
    );
  }

  pathOf(upload: string): string {
    return join(this.#path, upload);
  }

  async sizeOf(job: Job): Promise<number> {
    return job.upload === null
      ? 0
      : await stat(this.pathOf(job.upload)).then(
          ({ size }) => size,
          () => 0,
        );
  }

  /** Remembers a job as it is now. Resolves when it is on the disk. */
  async save(job: Job): Promise<void> {
    this.#jobs.set(job.id, job);
    await this.write(job);
  }

  /** Writes what a job is to be, before it is known to be so. Resolves when it is on the disk. */
  async write(job: Job): Promise<void> {
    const written = this.#write(job, this.#writing.get(job.id));
    this.#writing.set(job.id, written);
    try {
      await written;
    } finally {
      if (this.#writing.get(job.id) === written) this.#writing.delete(job.id);
    }
  }

  /** Writes after an earlier write, whatever became of that. */
  async #write(job: Job, before: Promise<void> | undefined): Promise<void> {
    await before?.catch(() => undefined);
    if (!this.#jobs.has(job.id)) return;
    const path = join(this.#path, `${job.id}.json`);
    const passing = `${path}.${randomUUID()}`;
    await writeFile(passing, JSON.stringify(job), { mode: 0o600, flush: true });
    await rename(passing, path);
  }

  /** Forgets a job. */
  async remove(id: string): Promise<void> {
    this.#jobs.delete(id);
    await this.#writing.get(id)?.catch(() => undefined);
    await rm(join(this.#path, `${id}.json`), { force: true });
  }

  /**
   * Forgets the oldest of those that have ended, if there are too many. Those whose file is kept
   * stay.
   */
  async prune(): Promise<void> {
    const ended = this.all().filter(
      ({ state, upload }) => state !== "queued" && state !== "running" && upload === null,
    );
    for (const { id } of ended.slice(0, Math.max(0, ended.length - MOST_ENDED))) await this.remove(id);
  }
}

/** A file that a crash cut off is no job. */
async function readJob(path: string): Promise<Job | undefined> {
  try {
    const job = JSON.parse(await readFile(path, "utf8")) as Job;
    return typeof job.id === "string" && Array.isArray(job.fields) ? job : undefined;
  } catch {
    return undefined;
  }
}
