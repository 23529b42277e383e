// The counts of an import, and the way of its rejects.
import type { ImportOptions, Progress } from "./import.ts";
import type { Reject } from "./reject.ts";

/** How many rejects a result holds; all of them go to `onRejects`. */
const REJECTS_KEPT = 100;

/** The counts, kept by commit; rejects are passed on in the sheet's order whatever order chunks commit in. */
export class Tally {
  inserted = 0;
  skipped = 0;
  rejected = 0;
  readonly reasons: Record<string, number> = {};
  readonly rejects: Reject[] = [];
  readonly #started: number;
  readonly #progress: () => number;
  readonly #options: ImportOptions;
  readonly #held = new Map<number, readonly Reject[]>();
  #next = 0;

  constructor(started: number, progress: () => number, options: ImportOptions) {
    this.#started = started;
    this.#progress = progress;
    this.#options = options;
  }

  async add(index: number, inserted: number, skipped: number, rejects: readonly Reject[]): Promise<void> {
    this.inserted += inserted;
    this.skipped += skipped;
    this.rejected += rejects.length;
    this.#held.set(index, rejects);
    for (let held = this.#held.get(this.#next); held; held = this.#held.get(this.#next)) {
      this.#held.delete(this.#next++);
      if (held.length > 0) await this.#pass(held);
    }
    this.report("rows");
  }

  /** Says how far the import is. */
  report(phase: Progress["phase"]): void {
    const { inserted, skipped, rejected } = this;
    const milliseconds = performance.now() - this.#started;
    this.#options.onProgress?.({ phase, inserted, skipped, rejected, milliseconds, fraction: this.#progress() });
  }

  /** Passes on what waited for a chunk that never came. */
  async finish(): Promise<void> {
    const rest = [...this.#held.entries()].sort(([a], [b]) => a - b);
    this.#held.clear();
    for (const [, rejects] of rest) if (rejects.length > 0) await this.#pass(rejects);
  }

  async #pass(rejects: readonly Reject[]): Promise<void> {
    for (const reject of rejects) {
      this.reasons[reject.code] = (this.reasons[reject.code] ?? 0) + 1;
      if (this.rejects.length < REJECTS_KEPT) this.rejects.push(reject);
    }
    await this.#options.onRejects?.(rejects);
  }
}
