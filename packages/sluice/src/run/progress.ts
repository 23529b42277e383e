// The counts of an import while it runs, for anybody who watches. What counts in the end is the
// ledger.
import type { ChunkState } from "../target.ts";
import type { Totals } from "../ledger/ledger.ts";
import type { ImportOptions, Progress } from "../options.ts";

/** Counts chunks as they are committed. */
export class Tally {
  inserted: number;
  updated: number;
  skipped: number;
  rejected: number;
  /** The number of the sheet's records, as soon as that is known. */
  records: number = 0;
  /** All of them are committed, so that a cancellation that came meanwhile came too late. */
  complete: boolean = false;
  readonly #started: number;
  readonly #progress: () => number;
  readonly #options: ImportOptions;

  /** @param before what earlier processes did */
  constructor(started: number, progress: () => number, options: ImportOptions, before: Totals) {
    ({ inserted: this.inserted, updated: this.updated, skipped: this.skipped, rejected: this.rejected } = before);
    this.#started = started;
    this.#progress = progress;
    this.#options = options;
  }

  get totals(): Totals {
    const { inserted, updated, skipped, rejected } = this;
    return { total: inserted + updated + skipped + rejected, inserted, updated, skipped, rejected };
  }

  /** A chunk is farther than it was `before`. */
  add(after: ChunkState, before: ChunkState | undefined): void {
    this.inserted += after.inserted - (before?.inserted ?? 0);
    this.updated += after.updated - (before?.updated ?? 0);
    this.skipped += after.skipped - (before?.skipped ?? 0);
    this.rejected += after.rejected - (before?.rejected ?? 0);
    this.report("rows");
  }

  /** Says how far the import is. */
  report(phase: Progress["phase"]): void {
    const { inserted, updated, skipped, rejected } = this;
    const milliseconds = performance.now() - this.#started;
    this.#options.onProgress?.({
      phase,
      inserted,
      updated,
      skipped,
      rejected,
      milliseconds,
      fraction: this.#progress(),
    });
  }
}
