// An import at work, for those who watch: its state of the moment, from the engine's own channels,
// workers and counts.
//
// Readers ask; nobody is told. So a reader that is slow, or never reads, holds nobody up and piles
// nothing up.
import type { PipelineView, Progress } from "../../options.ts";
import type { ProgressEvent } from "./import.ts";

/** The time for which a picture is good enough for the next reader. */
const FRESH_MS = 200;
/** The time over which the rate is measured. */
const RATE_MS = 3000;

/** A picture of an import, with the id of its event. */
export interface Picture {
  readonly id: number;
  readonly event: ProgressEvent;
}

/** Event ids grow, also from one process of the server to the next: they begin with the clock. */
let lastId = 0;
/**
 * @param now the time by the clock that all servers share; that of this machine if there is one
 *   server
 */
export function nextEventId(now: number = Date.now()): number {
  lastId = Math.max(lastId + 1, Math.round(now));
  return lastId;
}

/** One import of this process. */
export class Live {
  readonly #queued = performance.now();
  #began: number | undefined;
  #pipeline: PipelineView | undefined;
  #progress: Progress | undefined;
  #picture: Picture | undefined;
  #at = 0;
  /** Settled rows some time ago, for the rate. */
  readonly #history: { readonly at: number; readonly rows: number }[] = [];

  begin(): void {
    this.#began = performance.now();
  }

  /** The stages have started. */
  watch(pipeline: PipelineView): void {
    this.#pipeline = pipeline;
  }

  tell(progress: Progress): void {
    this.#progress = progress; // race:ignore: it was counted in this step, so the last one is right
  }

  /** The stages, for metrics. */
  get pipeline(): PipelineView | undefined {
    return this.#pipeline;
  }

  /** The current state, or that of a moment ago. Its id changes only if something else does. */
  picture(): Picture {
    const now = performance.now();
    if (this.#picture && now - this.#at < FRESH_MS) return this.#picture;
    this.#at = now;
    const event = this.#look(now);
    const before = this.#picture?.event;
    const isSame =
      before !== undefined &&
      JSON.stringify({ ...event, milliseconds: 0 }) === JSON.stringify({ ...before, milliseconds: 0 });
    if (!isSame || !this.#picture) this.#picture = { id: nextEventId(), event };
    return this.#picture;
  }

  #look(now: number): ProgressEvent {
    const {
      inserted = 0,
      updated = 0,
      skipped = 0,
      rejected = 0,
      fraction = 0,
      milliseconds = 0,
      phase,
    } = this.#progress ?? {};
    const total = inserted + updated + skipped + rejected;
    const left = fraction > 0.01 ? Math.round(((milliseconds / fraction) * (1 - fraction)) / 1000) : null;
    return {
      state: this.#began === undefined ? "queued" : "running",
      phase: this.#began === undefined ? "queued" : (phase ?? "rows"),
      read: this.#pipeline?.rowsRead() ?? 0,
      total,
      inserted,
      updated,
      skipped,
      rejected,
      rate: this.#rate(now, total),
      fraction,
      etaSeconds: phase === "indexes" ? null : left,
      milliseconds: Math.round(now - (this.#began ?? this.#queued)),
      channels: this.#pipeline?.channels() ?? [],
      workers: this.#pipeline?.workers() ?? [],
    };
  }

  #rate(now: number, rows: number): number {
    const history = this.#history;
    history.push({ at: now, rows });
    while (history.length > 2 && now - history[1]!.at > RATE_MS) history.shift();
    const { at, rows: before } = history[0]!;
    return now > at ? Math.max(0, Math.round(((rows - before) * 1000) / (now - at))) : 0;
  }
}
