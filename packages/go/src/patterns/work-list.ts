// workList: jobs that create further jobs, as in a crawler or a walk over folders.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { Channel } from "../internal/channel.ts";
import { stage, type Stage, type Workers } from "./stage.ts";

/** Adds jobs to the list. Never waits. Does nothing after the list has ended. */
export type Add<T> = (...jobs: readonly T[]) => void;

/**
 * Calls fn for each job of a list to which fn itself adds jobs, and gives the results as soon as
 * they are ready. Ends when the list is empty and all jobs are finished.
 *
 * At most `workers` jobs run at the same time (1 by default), in the order in which they were
 * added. The list itself has no bound, since a job that had to wait for space would wait for
 * itself. Remember the jobs that were seen, so that the list ends. A slow reader holds back the
 * work, not the list. The first error ends everything.
 *
 * @example
 * ```ts
 * import { background } from "@sluice/go/context";
 * import { workList } from "@sluice/go/patterns";
 *
 * const links: Record<string, string[]> = { a: ["b", "c"], b: ["c"], c: ["a"] };
 * const seen = new Set(["a"]);
 * const pages = workList(background(), ["a"], (page, add) => {
 *   for (const link of links[page] ?? []) {
 *     if (seen.has(link)) continue;
 *     seen.add(link);
 *     add(link);
 *   }
 *   return page;
 * });
 * const got: string[] = [];
 * for await (const page of pages) got.push(page);
 * got; // => ["a", "b", "c"]
 * ```
 */
export function workList<T, R>(
  ctx: Context,
  jobs: Iterable<T>,
  fn: (job: T, add: Add<T>, ctx: Context) => R | PromiseLike<R>,
  { workers = 1, grace }: Workers = {},
): RecvChan<R> {
  const list = new List(jobs, workers);
  return stage<R>(ctx, [], { name: "workList", workers, grace }, async (s) => {
    try {
      for (let job = await list.next(s); job !== undefined; job = await list.next(s)) {
        await s.emit(await fn(job.value, list.add, s.ctx));
        list.done();
      }
    } finally {
      list.leave();
    }
  });
}

class List<T> {
  /** Jobs that have not begun. Those before `#first` are gone. */
  #jobs: T[];
  #first = 0;
  /** The number of jobs that have begun and are not finished. */
  #running = 0;
  #workers: number;
  /** A worker that finds no job waits for a call here. */
  readonly #calls: Channel<undefined>;

  constructor(jobs: Iterable<T>, workers: number) {
    this.#jobs = [...jobs];
    this.#workers = workers;
    this.#calls = new Channel(Number.isInteger(workers) && workers > 0 ? workers : 0);
  }

  readonly add: Add<T> = (...jobs) => {
    if (this.#workers === 0) return;
    for (const job of jobs) {
      this.#jobs.push(job);
      this.#call();
    }
  };

  /** The next job; `undefined` if no further job will come. */
  async next<R>(s: Stage<R>): Promise<{ readonly value: T } | undefined> {
    for (;;) {
      if (this.#first < this.#jobs.length) {
        this.#running++;
        return { value: this.#shift() };
      }
      if (this.#running === 0) return undefined;
      await s.next(this.#calls);
    }
  }

  /** Records that a job is finished. The last one ends all workers. */
  done(): void {
    this.#running--;
    if (this.#running > 0 || this.#first < this.#jobs.length) return;
    for (let i = 0; i < this.#workers; i++) this.#call();
  }

  /** Records that a worker has ended. */
  leave(): void {
    this.#workers--;
  }

  /** Calls a worker. More calls than workers would have no effect. */
  #call(): void {
    this.#calls.trySend(undefined);
  }

  #shift(): T {
    const job = this.#jobs[this.#first] as T;
    this.#jobs[this.#first++] = undefined as T;
    if (this.#first >= 1024 && 2 * this.#first >= this.#jobs.length) {
      this.#jobs = this.#jobs.slice(this.#first);
      this.#first = 0;
    }
    return job;
  }
}
