// GET /imports/:id/events: what an import does, as server-sent events.
//
// A reader asks for the picture of the moment when it is ready for one. So a reader that is slow
// gets fewer pictures, one that never reads gets none, and neither holds anything up. Node's stream
// asks for the next event only when the socket has room.
//
// What a reader gets (HTML, server-sent events):
//
//   : follow                        at once, so that the headers are sent
//   id: 1764525000250               a number that grows: the time, in milliseconds since 1970
//   event: progress
//   data: {"state":"running", …}    again whenever something has changed, every 250 ms at most
//   : still here                    after 15 s of silence
//   id: 1764525009125
//   event: end
//   data: {"id":"k3m9x2w7qa", …}    the Import; then the stream ends
//
// A reader that was cut off comes back with `Last-Event-ID`, and gets only what is new.
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { HttpFailure } from "../failure.ts";
import { nextEventId } from "../jobs/live.ts";
import { importOf, type Api } from "./context.ts";
import type { Import, ProgressEvent } from "../jobs/import.ts";
import { idOf } from "./imports.ts";
import { failures } from "./problem.ts";
import { object, ref, text } from "./schema.ts";

/** The time between two pictures. */
const PICTURE_MS = 250;
/** The same, of an import that another process runs: the ledger is asked for it. */
const LEDGER_MS = 1000;
/** A comment is sent after so much silence, so that proxies keep the connection. */
const HEARTBEAT_MS = 15_000;

/**
 * Adds the route. Readers are counted: one more than `maxReaders` is refused with 503
 * (`too_many_readers`).
 */
export function eventRoutes(app: FastifyInstance, api: Api): void {
  let readers = 0;
  app.get(
    "/imports/:id/events",
    {
      schema: {
        summary: "The progress of an import, as server-sent events.",
        description:
          "`event: progress` has a Progress, `event: end` the Import. The last picture comes first, and `Last-Event-ID` leaves out one that was seen. An import that is over gets its `end` at once; a reader that has seen it gets 204.",
        params: object({ id: text }),
        headers: { type: "object", properties: { "last-event-id": { type: "string" } } },
        response: {
          200: { description: "The events.", content: { "text/event-stream": { schema: ref("Progress") } } },
          204: { description: "The reader has seen the end.", type: "null" },
          ...failures(401, 403, 404, 429, 503),
        },
      },
    },
    async (request, reply) => {
      if (readers >= api.maxReaders)
        throw new HttpFailure(
          503,
          `${api.maxReaders} readers follow imports on this server, which is as many as there may be.`,
          { "retry-after": "10" },
          "too_many_readers",
        );
      const first = await importOf(api, idOf(request));
      const seen = Number(request.headers["last-event-id"] ?? 0) || 0;
      // An id that is later than the end is of another import, or of before the clock was set back.
      if (isOver(first) && seen === endId(first)) return await reply.code(204).send();
      readers++;
      const events = new Events(api, first.id, seen, goneOf(request));
      const stream = Readable.from(events.all(), { objectMode: false, highWaterMark: 16 * 1024 });
      stream.once("close", () => readers--);
      return await sendEvents(reply, stream);
    },
  );
}

function sendEvents(reply: FastifyReply, stream: Readable): FastifyReply {
  return reply
    .headers({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    })
    .send(stream);
}

/** A signal for the end of a request's connection. */
function goneOf({ raw }: FastifyRequest): AbortSignal {
  const gone = new AbortController();
  raw.once("close", () => {
    // A request without a body is closed when it has been read; its connection is not.
    if (raw.socket.destroyed) gone.abort();
  });
  raw.socket.once("close", () => gone.abort());
  return gone.signal;
}

/** The events of one reader. */
class Events {
  readonly #api: Api;
  readonly #id: string;
  readonly #gone: AbortSignal;
  #seen: number;
  #spoke = performance.now();

  /** @param seen the id of the last event that the reader has */
  constructor(api: Api, id: string, seen: number, gone: AbortSignal) {
    this.#api = api;
    this.#id = id;
    this.#seen = seen;
    this.#gone = gone;
  }

  /** The texts of the events, as long as the reader is there. It ends after the `end` event. */
  async *all(): AsyncGenerator<string> {
    const { closing, jobs } = this.#api;
    yield ": follow\n\n";
    // A server of a fleet knows more when it has asked the database for the first time.
    let isFirst = true;
    while (!this.#gone.aborted && closing.err() === undefined) {
      const live = jobs.live(this.#id);
      const text = live ? this.#progress(live.picture()) : await this.#fromLedger();
      if (text !== undefined) yield text;
      if (text?.includes("event: end\n")) return;
      if (performance.now() - this.#spoke > HEARTBEAT_MS) {
        this.#spoke = performance.now();
        yield ": still here\n\n";
      }
      await this.#pause(live || isFirst ? PICTURE_MS : LEDGER_MS);
      isFirst = false;
    }
  }

  /** A picture as an event; undefined if the reader has seen it. */
  #progress({ id, event }: { readonly id: number; readonly event: ProgressEvent }): string | undefined {
    if (id <= this.#seen) return undefined;
    this.#seen = id;
    return this.#say("progress", id, event);
  }

  /**
   * The event for an import that does not run here: its end, or the progress that the ledger has.
   */
  async #fromLedger(): Promise<string | undefined> {
    const found = await importOf(this.#api, this.#id);
    if (this.#api.jobs.live(this.#id)) return undefined;
    if (isOver(found)) return this.#say("end", endId(found), found);
    return this.#progress({ id: nextEventId(this.#api.jobs.now()), event: asProgress(found) });
  }

  #say(event: "progress" | "end", id: number, data: Import | ProgressEvent): string {
    this.#spoke = performance.now();
    return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  /** Waits until it is time, the import has ended, or nobody listens any more. */
  async #pause(ms: number): Promise<void> {
    const { jobs, closing } = this.#api;
    const over = Promise.withResolvers<void>();
    const wake = (): void => over.resolve();
    const timer = setTimeout(wake, ms);
    this.#gone.addEventListener("abort", wake, { once: true });
    closing.signal.addEventListener("abort", wake, { once: true });
    void jobs.whenDone(this.#id)?.then(wake);
    await over.promise;
    clearTimeout(timer);
    this.#gone.removeEventListener("abort", wake);
    closing.signal.removeEventListener("abort", wake);
  }
}

function isOver({ state }: Import): boolean {
  return state !== "queued" && state !== "running";
}

/**
 * The id of an import's end. It is the same whenever it is asked for. An import that is resumed
 * ends again, with a later id.
 */
function endId({ finishedAt, createdAt }: Import): number {
  return Date.parse(finishedAt ?? createdAt) + 1000;
}

/**
 * The picture of an import that another process runs. Only its counts are known: they are the
 * ledger's.
 */
function asProgress({ state, total, inserted, updated, skipped, rejected, startedAt }: Import): ProgressEvent {
  return {
    state,
    phase: state === "queued" ? "queued" : "rows",
    read: total,
    total,
    inserted,
    updated,
    skipped,
    rejected,
    rate: 0,
    fraction: 0,
    etaSeconds: null,
    milliseconds: startedAt === null ? 0 : Math.max(0, Date.now() - Date.parse(startedAt)),
    channels: [],
    workers: [],
  };
}
