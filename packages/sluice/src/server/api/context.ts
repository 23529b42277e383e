// What the routes of the API share.
import { withCancel, type Context } from "@sluice/go/context";
import type { KeyedLimiter } from "@sluice/go/rate";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Target } from "../../target.ts";
import type { AllowedTables } from "../allowed.ts";
import { HttpFailure } from "../failure.ts";
import type { Reading } from "../importing.ts";
import type { ImportJobs } from "../jobs/port.ts";
import { showImport } from "../jobs/shown.ts";
import { noSuchImport } from "../jobs/refusals.ts";
import type { KeptUploads } from "../jobs/uploads.ts";
import type { UploadPlace } from "../upload.ts";
import type { Import } from "../jobs/import.ts";

export interface Api {
  /** The version of this program. */
  readonly version: string;
  readonly target: Target;
  readonly allowed: AllowedTables;
  readonly reading: Reading;
  readonly jobs: ImportJobs;
  readonly kept: KeptUploads;
  /** The limits of files; they are received in the jobs' folder. */
  readonly place: Omit<UploadPlace, "folder">;
  /** A folder of this process, for files that nobody needs after it. */
  readonly scratch: string;
  /** Requests that bring a file or rows, by client. */
  readonly pace: KeyedLimiter<string>;
  /** Readers of events at the same time, at most. */
  readonly maxReaders: number;
  /** Ends when the server stops. */
  readonly closing: Context;
  /** The caller of a request: the user that the operator's proxy names, or the address. */
  readonly clientOf: (request: FastifyRequest) => string;
  /** Takes addresses out of what callers see. */
  readonly hide: (text: string) => string;
}

/** An import by its id, as the service shows it. @throws HttpFailure 404 */
export async function importOf({ jobs, target }: Pick<Api, "jobs" | "target">, id: string): Promise<Import> {
  // As it is now: the ledger is asked after it, so that an import which ends meanwhile is not shown
  // as ended with earlier counts.
  const job = await jobs.find(id);
  const ledger = job ? job.ledger : id;
  if (!job) await target.start();
  const recorded = ledger === undefined ? undefined : await jobs.recorded(ledger);
  if (!job && !recorded) throw noSuchImport(id);
  return showImport(job, recorded && { ...recorded, plan: await jobs.planOf(ledger!) });
}

/** Counts a request that is not cheap. @throws HttpFailure 429 (`too_many_requests`) */
export function keepPace({ pace, clientOf }: Pick<Api, "pace" | "clientOf">, request: FastifyRequest): void {
  if (pace.allow(clientOf(request))) return;
  throw new HttpFailure(
    429,
    "This client sends more requests than one may. Ask again in 5 seconds.",
    { "retry-after": "5" },
    "too_many_requests",
  );
}

/** A context that ends with the server, or when the caller of a request has gone. */
export function whileHeard({ closing }: Pick<Api, "closing">, { raw }: FastifyReply): Context {
  const [ctx, end] = withCancel(closing);
  if (raw.closed) end();
  else raw.once("close", end);
  return ctx;
}
