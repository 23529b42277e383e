// The records of a sheet as a load reads them.
import type { RowBatch } from "@sluice/sheets";
import { asFlags } from "../errors.ts";
import type { SheetView } from "../rejects/as-source.ts";
import { FirstBatches } from "./first-batches.ts";
import { leftOutNotes } from "./record-notes.ts";
import { EVERY_ROW, RecordFilter, type RecordRules } from "./records.ts";

export type Warning = RowBatch["warnings"][number];

/** The batches of records; one is read ahead while the last one is encoded. */
export class RecordReader {
  progress = 0;
  readonly #sheet: SheetView;
  /**
   * The reader's warnings about rows above the records. The notes have the first of all warnings,
   * and the number of the others.
   */
  readonly #above: readonly Warning[];
  #first: Warning | undefined;
  #warnings: number;
  #batches: FirstBatches;
  #filter: RecordFilter;
  /**
   * Batches that the filter has released. It holds rows back until it knows whether they are
   * remarks at the end of the sheet. So one batch that goes in may give no batch, or several.
   */
  #ready: RowBatch[] = [];
  #ended = false;

  /** @param above what the reader said of rows above the records */
  constructor(sheet: SheetView, from: number, above: readonly Warning[]) {
    this.#sheet = sheet;
    this.#batches = new FirstBatches(sheet, from);
    this.#filter = new RecordFilter({ ...EVERY_ROW, firstRow: from });
    this.#above = above;
    this.#first = above[0];
    this.#warnings = above.length;
  }

  /** The first batches, to look at before the first one is taken. */
  get first(): FirstBatches {
    return this.#batches;
  }

  /** Says where the records begin. If that is not as guessed, the sheet is read from there. */
  async beginAt(row: number): Promise<void> {
    if (row === this.#batches.from) return;
    await this.close();
    this.#batches = new FirstBatches(this.#sheet, row);
  }

  /** Says which rows are records, before the first batch is taken. */
  async startWith(rules: RecordRules): Promise<void> {
    this.#filter = new RecordFilter(rules);
    await this.beginAt(rules.firstRow);
  }

  async next(): Promise<RowBatch | undefined> {
    for (;;) {
      const ready = this.#ready.shift();
      if (ready || this.#ended) return ready;
      const batch = this.#filter.full ? undefined : await this.#batches.take();
      if (batch) {
        this.progress = batch.progress; // race:ignore: whoever shows it may be a batch behind
        this.#hear(batch.warnings);
        this.#ready.push(...this.#filter.add(batch));
      } else {
        this.#ended = true;
        this.#ready.push(...this.#filter.end());
      }
    }
  }

  notes(): string[] {
    const { leftOut, doubtful, otherTitles } = this.#filter;
    const notes = leftOutNotes(leftOut, doubtful, otherTitles);
    if (!this.#first) return notes;
    const more = this.#warnings > 1 ? ` (and ${this.#warnings - 1} more like it)` : "";
    return [`row ${this.#first.row}: ${asFlags(this.#first.message)}${more}`, ...notes];
  }

  #hear(warnings: readonly Warning[]): void {
    for (const warning of warnings) {
      // What is said of the file as a whole is said each time that it is read.
      if (this.#above.some(({ message }) => message === warning.message)) continue;
      this.#first ??= warning;
      this.#warnings++;
    }
  }

  async close(): Promise<void> {
    await this.#batches.close();
  }
}
