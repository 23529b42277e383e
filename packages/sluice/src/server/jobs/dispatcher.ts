// Who runs the imports that were asked for: a port, and its implementation in this process. That of
// a fleet is fleet/dispatcher.ts.
import { withCancel, type CancelFunc, type Context } from "@sluice/go/context";

/** Runs jobs, each once at a time. What a job is, its runner knows. */
export interface Dispatcher {
  /** Has a job run, as soon as there is room for it. Twice is as good as once. */
  dispatch(id: string): void | Promise<void>;
  /**
   * Stops a job: its runner's context ends. Resolves when nobody works on it any more; at once if
   * nobody did.
   */
  stop(id: string): Promise<void>;
  /** Resolves when a job has come to an end, whichever; undefined if it is not known here. */
  whenDone(id: string): Promise<void> | undefined;
  /**
   * Stops those that run in this process, and resolves when they have stopped. No job is dispatched
   * afterwards.
   */
  close(): Promise<void>;
}

/** Runs a job to its end. It waits for its turn by itself, and never rejects. */
export type Runner = (ctx: Context, id: string) => Promise<void>;

/** A dispatcher whose jobs run here, as goroutines of this process. */
export class InThisProcess implements Dispatcher {
  readonly #ctx: Context;
  readonly #run: Runner;
  readonly #jobs = new Map<string, { readonly done: Promise<void>; readonly cancel: CancelFunc }>();

  /** @param ctx when it ends, all jobs are to stop */
  constructor(ctx: Context, run: Runner) {
    this.#ctx = ctx;
    this.#run = run;
  }

  dispatch(id: string): void {
    if (this.#ctx.err() !== undefined || this.#jobs.has(id)) return;
    const [ctx, cancel] = withCancel(this.#ctx);
    const done = this.#run(ctx, id).finally(() => {
      this.#jobs.delete(id);
      cancel();
    });
    this.#jobs.set(id, { done, cancel });
  }

  async stop(id: string): Promise<void> {
    const job = this.#jobs.get(id);
    job?.cancel();
    await job?.done;
  }

  whenDone(id: string): Promise<void> | undefined {
    return this.#jobs.get(id)?.done;
  }

  async close(): Promise<void> {
    for (const { cancel } of this.#jobs.values()) cancel();
    await Promise.all([...this.#jobs.values()].map(({ done }) => done));
  }
}
