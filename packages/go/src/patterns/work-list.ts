// workList: jobs that make jobs, as in a crawler or a walk over folders.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { Channel } from "../internal/channel.ts";
import { stage, type Stage } from "./stage.ts";

/** Puts more jobs on the list. Never waits; does nothing once the list has ended. */
export type Add<T> = (...jobs: readonly T[]) => void;

/**
 * Calls fn for each job of a list to which fn adds jobs itself, and gives the results as they are ready.
 * Ends when no job is left and none is being worked on.
 *
 * At most `workers` jobs run at the same time (1 by default), in the order in which they were added. The list
 * itself has no bound, since a job that had to wait for room would wait for itself: keep those that were
 * seen, so that it ends. A slow reader holds back the work, not the list. The first error ends it all.
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
  { workers = 1 }: { readonly workers?: number | undefined } = {},
): RecvChan<R> {
  const list = new List(jobs, workers);
  return stage<R>(ctx, [], { name: "workList", workers }, async (s) => {
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
  /** Jobs that nobody has begun; those before `#first` are gone. */
  #jobs: T[];
  #first = 0;
  /** How many were begun and are not done. */
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

  /** The next job; `undefined` when there will be none. */
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

  /** A job is done; the last one sends all workers home. */
  done(): void {
    this.#running--;
    if (this.#running > 0 || this.#first < this.#jobs.length) return;
    for (let i = 0; i < this.#workers; i++) this.#call();
  }

  /** A worker has ended. */
  leave(): void {
    this.#workers--;
  }

  /** More calls than workers tell nobody anything. */
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
