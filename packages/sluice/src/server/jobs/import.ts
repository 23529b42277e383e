// Imports as the service shows them: one, a page of them, and what is told of one while it runs.
import type { Assumption, ChannelView, Method, WorkerView } from "../../options.ts";

export const STATES = ["queued", "running", "finished", "failed", "cancelled", "interrupted"] as const;
export type State = (typeof STATES)[number];

/** An import, as the service shows it. */
export interface Import {
  readonly id: string;
  readonly state: State;
  readonly file: string;
  readonly sheet: string | null;
  readonly table: string | null;
  readonly method: Method;
  readonly total: number;
  readonly inserted: number;
  readonly updated: number;
  readonly skipped: number;
  readonly rejected: number;
  readonly reasons: Readonly<Record<string, number>>;
  readonly assumptions: readonly Assumption[];
  readonly notes: readonly string[];
  readonly error: { readonly code: string; readonly message: string; readonly import?: string } | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly milliseconds: number | null;
  readonly rowsPerSecond: number | null;
  readonly takenBack: number | null;
  readonly dryRun: boolean;
  readonly continues: string | null;
  readonly resumable: boolean;
  readonly repairable: boolean;
  readonly retry?: { readonly attempts: number; readonly reason: string; readonly at: string | null };
  readonly imports?: readonly string[];
}

/** A page of imports, the newest first. */
export interface ImportList {
  readonly imports: readonly Import[];
  readonly next: string | null;
}

/** The progress of an import while it runs. */
export interface ProgressEvent {
  readonly state: State;
  readonly phase: "queued" | "rows" | "indexes" | "ended";
  readonly read: number;
  readonly total: number;
  readonly inserted: number;
  readonly updated: number;
  readonly skipped: number;
  readonly rejected: number;
  readonly rate: number;
  readonly fraction: number;
  readonly etaSeconds: number | null;
  readonly milliseconds: number;
  readonly channels: readonly ChannelView[];
  readonly workers: readonly WorkerView[];
}
