// The stages: read → validate and encode → load, three kinds of goroutines joined by channels of small capacity.
//
// A slow database fills the channels and so holds the reader back. Chunks that are on their way are limited in bytes as well, so
// that many loaders of heavy chunks take no more memory than a few. The first failure, or the caller's cancellation, ends the
// group's context, which every stage watches. Loaders finish the chunk that they are at.
import type { RowBatch } from "@sluice/sheets";
import { chan, recv, select, send, type SendChan } from "@sluice/go";
import type { Context } from "@sluice/go/context";
import { withContext } from "@sluice/go/errgroup";
import { Weighted } from "@sluice/go/semaphore";
import type { LoadPlan } from "./chunk.ts";
import { Encoder, type Encoded } from "./encode.ts";
import type { Plan } from "./ledger/plan.ts";
import type { Source } from "./source.ts";

/** What the chunks that are loaded, or wait for it, weigh at most, in bytes. A chunk is let in alone if it weighs more. */
const IN_FLIGHT_BYTES = 32 * 1024 ** 2;

/** What rejects bear. */
export interface Names {
  readonly file: string;
  readonly sheet: string;
}

/** Where chunks go. */
export interface Sink {
  /** How many chunks it takes at the same time. */
  readonly loaders: number;
  /** Whether a chunk is in the table already. */
  isDone(n: number): boolean;
  commit(encoded: Encoded): Promise<void>;
}

/** How far a sheet has come. */
export interface Outcome {
  /** Records that went through. */
  readonly records: number;
  /** They are all that the sheet has, and all of them are committed, even if there was a cancellation meanwhile. */
  readonly complete: boolean;
}

/**
 * Runs a sheet through its stages, until all chunks are committed, or, where `ctx` is cancelled, those in flight are.
 *
 * @throws what ended a stage
 */
export async function runPipeline(
  ctx: Context,
  source: Source,
  plan: Plan,
  names: Names,
  sink: Sink,
): Promise<Outcome> {
  const loadPlan: LoadPlan = {
    ...names,
    table: plan.table,
    columns: plan.load,
    statement: plan.method === "copy" ? "copy" : "insert",
    step: plan.step,
    conflict: plan.conflict,
  };
  const isDone = (n: number): boolean => sink.isDone(n);
  const withHeader = plan.headers.map(({ sheetColumn }) => sheetColumn);
  const { width, firstRows, rowsPerChunk, bytesPerChunk } = plan;
  const encoder = new Encoder(loadPlan, withHeader, width, firstRows, rowsPerChunk, isDone, bytesPerChunk);
  const room = new Weighted(IN_FLIGHT_BYTES);
  const batches = chan<RowBatch>(1);
  // One waits while the loaders are at theirs: more take memory and no time off.
  const chunks = chan<Encoded>(1);
  const [group, stop] = withContext(ctx);
  let [readAll, sentAll, leftOut] = [false, false, false];

  await group.go(async () => {
    try {
      for (let batch = await source.next(); batch; batch = await source.next())
        if (!(await put(stop, batches, batch))) return;
      readAll = true;
    } finally {
      batches.close();
    }
  });

  await group.go(async () => {
    const pass = async (): Promise<boolean> => {
      if (encoder.done) {
        encoder.pass();
        return stop.err() === undefined;
      }
      const encoded = encoder.take();
      try {
        await room.acquire(stop, weightOf(encoded));
      } catch {
        return false; // it is being stopped
      }
      return await put(stop, chunks, encoded);
    };
    try {
      for await (const batch of batches) {
        for (let row = 0; row < batch.rowCount;) {
          row = encoder.fill(batch, row);
          if (encoder.full && !(await pass())) return;
        }
        batch.release();
      }
      sentAll = encoder.empty || (stop.err() === undefined && (await pass()));
    } finally {
      chunks.close();
    }
  });

  for (let n = 0; n < sink.loaders; n++) {
    await group.go(async () => {
      for await (const encoded of chunks) {
        if (stop.err() !== undefined) {
          leftOut = true;
          return;
        }
        await sink.commit(encoded);
        encoded.chunk.release();
        room.release(weightOf(encoded));
      }
    });
  }
  await group.wait();
  return { records: encoder.records, complete: readAll && sentAll && !leftOut };
}

function weightOf({ weight }: Encoded): number {
  return Math.min(weight, IN_FLIGHT_BYTES);
}

/** Sends unless the import is being stopped; false then. */
async function put<T>(stop: Context, out: SendChan<T>, value: T): Promise<boolean> {
  if (stop.err() !== undefined) return false;
  if (out.trySend(value)) return true;
  const won = await select({ sent: send(out, value), stopped: recv(stop.done()) });
  return won.case === "sent";
}
