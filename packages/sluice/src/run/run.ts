// An import of one sheet while it runs, as the functions that carry it out hand it to each other.
import type { Context } from "@sluice/go/context";
import type { Job } from "../ledger/resume.ts";
import type { ImportOptions } from "../options.ts";
import type { Plan } from "../plan/plan.ts";
import type { Source } from "../sheet/source.ts";
import type { Tally } from "./progress.ts";

/** The names of the file and its sheet in rejects and results. */
export interface Names {
  readonly file: string;
  readonly sheet: string;
}

/** An import, from the moment that its sheet is open. */
export interface Run {
  /** The context of the import. Its end stops the import after the chunks in flight. */
  readonly ctx: Context;
  readonly options: ImportOptions;
  readonly names: Names;
  readonly source: Source;
  /** The hash by which the ledger knows the file. */
  readonly contentHash: string;
  /** The state of the file before it was opened; see `stateOf`. */
  readonly fileState: string | undefined;
  /** True if the file is delimited text. */
  readonly isText: boolean;
  /**
   * The time of its start, as `performance.now()` counts, without the time that the database took
   * to start.
   */
  readonly started: number;
  /** The notes of its result, besides the counts. Functions add to it. */
  readonly notes: string[];
}

/** An import whose rows go in. */
export interface Loading extends Run {
  readonly plan: Plan;
  /** The rows of {@link Run.source}, and what looks at them on their way. */
  readonly rows: Pick<Source, "next">;
  readonly tally: Tally;
}

/** An import whose rows go in, and which the ledger knows. */
export interface Recorded extends Loading {
  readonly job: Job;
}
