// POST /upload, as the guide has it: the file goes in while the client waits. A client that hangs
// up does not stop its import.
//
// It answers when the import has ended: 200 with its counts and rejects. A failure is `{"error":
// …}` as in the guide (failing.ts), and not a problem.
import type { Context } from "@sluice/go/context";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { HttpFailure, toFailure } from "./failure.ts";
import { parseUploadQuery, type Imports, type UploadQuery } from "./importing.ts";
import { receiveUpload, type UploadPlace } from "./upload.ts";

export interface UploadRoutes {
  readonly imports: Imports;
  readonly place: UploadPlace;
  /** When it ends, imports stop after their chunks in flight. */
  readonly ctx: Context;
  /** Rejects when callers are to be answered at once. */
  readonly halted: Promise<never>;
  /** The answers that are being made. */
  readonly running: Set<Promise<unknown>>;
  readonly clientOf: (request: FastifyRequest) => string;
  readonly log: (line: string) => void;
  readonly hide: (text: string) => string;
}

/**
 * Adds the route. `running` has an answer until it is made, even if its client was answered by
 * `halted`. So `close()` can wait for imports whose clients are gone.
 */
export function uploadRoutes(app: FastifyInstance, routes: UploadRoutes): void {
  const { running, halted } = routes;
  app.post("/upload", async (request, reply) => {
    void reply.header("cache-control", "no-store");
    const answer = upload(request, routes);
    running.add(answer);
    try {
      return await Promise.race([answer, halted]);
    } finally {
      void answer.catch(() => undefined).finally(() => running.delete(answer));
    }
  });
}

/**
 * Receives a file and imports it. The query is checked before the file is read, and the file is
 * removed in any case.
 */
async function upload(
  request: FastifyRequest,
  { imports, place, ctx, clientOf, log, hide }: UploadRoutes,
): Promise<unknown> {
  let query: UploadQuery | undefined;
  await using received = await receiveUpload(request, place, clientOf(request), async () => {
    query = parseUploadQuery(request.query as Record<string, unknown>);
    await imports.admit(query);
  });
  const name = JSON.stringify(received.fileName);
  try {
    const { answer, before } = await imports.run(ctx, received, query!);
    const { stats } = answer;
    log(
      `${name} → ${answer.table}: ${stats.success_count} of ${stats.total_records} rows in ${stats.duration} (${answer.method})${before ? ", which was before: nothing was put in again" : ""}`,
    );
    const rejects = answer.rejects.map((reject) => ({ ...reject, reason: hide(reject.reason) }));
    const { others } = received;
    const left =
      others.length === 0
        ? []
        : [`not imported, since an upload has one file: ${others.map((file) => JSON.stringify(file)).join(", ")}`];
    return { ...answer, rejects, notes: [...answer.notes.map(hide), ...left] };
  } catch (error) {
    const failure = toFailure(error);
    if (failure.status < 500 || error instanceof HttpFailure) log(`${name}: ${hide(failure.message)}`);
    throw error;
  }
}
