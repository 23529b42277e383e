// The repair of an import's rejected rows: what somebody has typed into them, and its way to the
// service. It outlives the view, so that another view or a lost connection takes nothing away.
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Client, MendedRow } from "../api/client.ts";
import type { Problem } from "../api/problem.ts";
import { forget, NO_EDITS, type Edits } from "./edits.ts";
import { asProblem } from "./job.ts";

/** A row that nobody can repair any more, with what was typed into it here. */
export interface Settled {
  readonly row: number;
  readonly texts: readonly string[];
  /** True if it was sent and no answer came, so that it may have gone in. */
  readonly unanswered: boolean;
}

/** The result of the last sending, as far as it was answered. */
export interface Outcome {
  readonly inserted: number;
  readonly skipped: number;
  readonly refused: number;
}

/** The number of rows that are sent at a time. */
const SENT_ROWS = 500;
const NOTHING: Outcome = { inserted: 0, skipped: 0, refused: 0 };

export class Mending {
  readonly #client: Client;
  readonly #id: string;
  readonly #edits: Signal<Edits> = signal(NO_EDITS);
  readonly #settled: Signal<readonly Settled[]> = signal<readonly Settled[]>([]);
  readonly #sent: Signal<number | undefined> = signal<number | undefined>(undefined);
  readonly #ended: Signal<number> = signal(0);
  readonly #outcome: Signal<Outcome> = signal(NOTHING);
  readonly #problem: Signal<Problem | undefined> = signal<Problem | undefined>(undefined);
  /** Rows whose answer was lost. */
  readonly #unanswered = new Set<number>();

  constructor(client: Client, id: string) {
    this.#client = client;
    this.#id = id;
  }

  get edits(): ReadonlySignal<Edits> {
    return this.#edits;
  }

  /** The rows that were repaired elsewhere before what was typed here could go in. */
  get settled(): ReadonlySignal<readonly Settled[]> {
    return this.#settled;
  }

  /** The part of the rows that has been sent; undefined if none are on their way. */
  get sent(): ReadonlySignal<number | undefined> {
    return this.#sent;
  }

  /** How often rows were sent and answered. */
  get ended(): ReadonlySignal<number> {
    return this.#ended;
  }

  get outcome(): ReadonlySignal<Outcome> {
    return this.#outcome;
  }

  /** The reason why the last sending failed. */
  get problem(): ReadonlySignal<Problem | undefined> {
    return this.#problem;
  }

  get isUnsent(): boolean {
    return this.#edits.value.now.size > 0;
  }

  step(step: (edits: Edits) => Edits): void {
    this.#edits.value = step(this.#edits.value);
  }

  /** Sends repaired rows, part by part. If a part fails, its edits stay. */
  async send(repaired: readonly MendedRow[]): Promise<void> {
    if (this.#sent.value !== undefined) return;
    this.#problem.value = undefined;
    this.#outcome.value = NOTHING;
    this.#sent.value = 0;
    let problem: Problem | undefined;
    for (let from = 0; from < repaired.length && !problem; from += SENT_ROWS) {
      problem = await this.#sendPart(repaired.slice(from, from + SENT_ROWS));
      this.#sent.value = Math.min(1, (from + SENT_ROWS) / repaired.length);
    }
    this.#sent.value = undefined;
    this.#problem.value = problem;
    // If the server is away, all is asked for again as soon as it is back.
    if (!problem?.isAway) this.#ended.value++;
  }

  /**
   * Takes the rows away that nobody can repair any more. @param open reports whether one can be
   * repaired
   */
  keepOpen(open: (row: number) => boolean): void {
    // What is on its way has its own answer.
    if (this.#sent.value !== undefined) return;
    this.#settle([...this.#edits.value.now.keys()].filter((row) => !open(row)));
    if (this.#problem.value?.isAway) this.#problem.value = undefined;
  }

  /** The import is gone, or its rows are: there is nothing to repair. */
  drop(): void {
    this.#unanswered.clear();
    this.#edits.value = NO_EDITS;
    this.#settled.value = [];
  }

  /** Somebody has read of the rows that were repaired elsewhere. */
  read(): void {
    this.#settled.value = [];
  }

  /** @returns the reason why it failed */
  async #sendPart(part: readonly MendedRow[]): Promise<Problem | undefined> {
    const rows = part.map(({ row }) => row);
    try {
      const { inserted, updated, skipped, rejects, settled } = await this.#client.repair(this.#id, part);
      const before = this.#outcome.value;
      this.#outcome.value = {
        inserted: before.inserted + inserted + updated,
        skipped: before.skipped + skipped,
        refused: before.refused + rejects.length,
      };
      this.#settle(settled);
      this.#forget(rows);
      return undefined;
    } catch (error) {
      const problem = asProblem(error);
      if (problem.isAway) for (const row of rows) this.#unanswered.add(row);
      return problem;
    }
  }

  #settle(rows: readonly number[]): void {
    if (rows.length === 0) return;
    const { now } = this.#edits.value;
    const settled = rows.map((row) => {
      const texts = [...(now.get(row)?.values() ?? [])];
      return { row, texts, unanswered: this.#unanswered.has(row) };
    });
    this.#settled.value = [...this.#settled.value, ...settled];
    this.#forget(rows);
  }

  #forget(rows: readonly number[]): void {
    for (const row of rows) this.#unanswered.delete(row);
    this.step((edits) => forget(edits, rows));
  }
}
