// The stages: read → validate and encode → load, three kinds of goroutines joined by channels of
// small capacity.
//
// A slow database fills the channels and so holds the reader back. Chunks that are on their way are
// limited in bytes as well, so that many loaders of heavy chunks take no more memory than a few.
// The first failure, or the caller's cancellation, ends the group's context, which every stage
// watches. Loaders finish the chunk that they are at.
import type { RowBatch } from "@sluice/sheets";
import { chan, recv, select, send, type RecvChan, type SendChan } from "@sluice/go";
import type { Context } from "@sluice/go/context";
import { withContext } from "@sluice/go/errgroup";
import { Weighted } from "@sluice/go/semaphore";
import type { LoadPlan } from "../chunk/chunk.ts";
import { Encoder, type Encoded } from "../chunk/encode.ts";
import type { ImportOptions } from "../options.ts";
import { Apart } from "./apart.ts";
import type { Loading } from "./run.ts";
import { Stages, type Worker } from "./view.ts";
import { traced } from "../tracing.ts";

/**
 * The most that the chunks which load, or wait for it, weigh together, in bytes. A chunk that
 * weighs more is let in alone.
 */
const IN_FLIGHT_BYTES = 32 * 1024 ** 2;

/** The consumer of chunks. */
export interface Sink {
  /** The number of chunks that it takes at the same time. */
  readonly loaders: number;
  /** Reports whether a chunk is in the table already. */
  isDone(n: number): boolean;
  commit(encoded: Encoded): Promise<void>;
}

/** The part of a sheet that went through the pipeline, when it has ended. */
export interface PipelineEnd {
  /** Records that went through. */
  readonly records: number;
  /**
   * True if these are all records of the sheet, and all of them are committed, even if there was a
   * cancellation meanwhile.
   */
  readonly complete: boolean;
}

/**
 * Runs a sheet through its stages, until all chunks are committed, or, if `ctx` is cancelled, those
 * in flight are.
 *
 * @throws what ended a stage
 */
export async function runPipeline(
  {
    ctx,
    rows,
    plan,
    names,
    options,
  }: Pick<Loading, "ctx" | "rows" | "plan" | "names"> & { readonly options?: Pick<ImportOptions, "onPipeline"> },
  sink: Sink,
): Promise<PipelineEnd> {
  const loadPlan = loadPlanOf(plan, names);
  const isDone = (n: number): boolean => sink.isDone(n);
  const withHeader = plan.headers.map(({ sheetColumn }) => sheetColumn);
  const { width, firstRows, rowsPerChunk, bytesPerChunk } = plan;
  const encoder = new Encoder(loadPlan, withHeader, width, firstRows, rowsPerChunk, isDone, bytesPerChunk);
  const batches = chan<RowBatch>(1);
  // One waits while the loaders are at theirs: more take memory and no time off.
  const chunks = chan<Encoded>(1);
  const [group, stop] = withContext(ctx);
  const room = new Weighted(IN_FLIGHT_BYTES);
  const apart = plan.apart && sink.loaders > 1 ? new Apart(loadPlan, plan.apart) : undefined;
  const stages = new Stages({ batches, chunks });
  options?.onPipeline?.(stages);
  let [readAll, sentAll, leftOut] = [false, false, false];
  await group.go(async () => {
    readAll = await read(stop, rows, batches, stages);
  });
  await group.go(async () => {
    sentAll = await encode(stop, batches, encoder, { room, apart }, chunks, stages.worker("encode"));
  });
  for (let n = 0; n < sink.loaders; n++) {
    const worker = stages.worker(`load ${n + 1}`);
    await group.go(async () => {
      worker.waiting("chunks");
      for await (const encoded of chunks) {
        if (stop.err() !== undefined) {
          leftOut = true;
          break;
        }
        worker.busy();
        const { chunk } = encoded;
        const attributes = { "sluice.chunk": chunk.index, "sluice.chunk.rows": chunk.rowCount };
        await traced("sluice.commit", attributes, () => sink.commit(encoded));
        chunk.release();
        apart?.leave(chunk.index);
        room.release(weightOf(encoded));
        worker.waiting("chunks");
      }
      worker.idle();
    });
  }
  await group.wait();
  return { records: encoder.records, complete: readAll && sentAll && !leftOut };
}

/** The part of an import's plan that its chunks need. */
export function loadPlanOf(plan: Loading["plan"], names: Loading["names"]): LoadPlan {
  return {
    ...names,
    table: plan.table,
    columns: plan.load,
    statement: plan.method === "copy" ? "copy" : "insert",
    step: plan.step,
    conflict: plan.conflict,
    empty: plan.empty,
    ...(plan.sequences === undefined ? {} : { sequences: plan.sequences }),
    ...(plan.miscounts === undefined ? {} : { miscounts: plan.miscounts }),
    ...(plan.defaults === undefined ? {} : { defaults: plan.defaults }),
  };
}

/** Sends a sheet's batches, and closes the channel. Returns whether all have been sent. */
async function read(stop: Context, rows: Loading["rows"], out: SendChan<RowBatch>, stages: Stages): Promise<boolean> {
  const worker = stages.worker("read");
  try {
    worker.busy();
    for (let batch = await rows.next(); batch; batch = await rows.next()) {
      stages.read += batch.rowCount;
      if (!(await put(stop, out, batch, worker, "batches"))) return false;
    }
    return true;
  } catch (error) {
    // The reader stops with the import, and fails by that.
    if (stop.err() === undefined) throw error;
    return false;
  } finally {
    worker.idle();
    out.close();
  }
}

/**
 * Makes chunks of batches, sends those that are not done, and closes the channel. Returns whether
 * all have been sent.
 */
async function encode(
  stop: Context,
  batches: RecvChan<RowBatch>,
  encoder: Encoder,
  { room, apart }: { readonly room: Weighted; readonly apart: Apart | undefined },
  out: SendChan<Encoded>,
  worker: Worker,
): Promise<boolean> {
  const pass = async (): Promise<boolean> => {
    if (encoder.done) {
      encoder.pass();
      return stop.err() === undefined;
    }
    const encoded = encoder.take();
    try {
      await worker.waits("memory", room.acquire(stop, weightOf(encoded)));
    } catch {
      return false; // it is being stopped
    }
    if (apart && !(await worker.waits("keys", apart.enter(stop, encoded.chunk)))) return false;
    return await put(stop, out, encoded, worker, "chunks");
  };
  try {
    worker.waiting("batches");
    for await (const batch of batches) {
      worker.busy();
      for (let row = 0; row < batch.rowCount;) {
        row = encoder.fill(batch, row);
        if (encoder.full && !(await pass())) return false;
      }
      batch.release();
      worker.waiting("batches");
    }
    return encoder.empty || (stop.err() === undefined && (await pass()));
  } finally {
    worker.idle();
    out.close();
  }
}

function weightOf({ weight }: Encoded): number {
  return Math.min(weight, IN_FLIGHT_BYTES);
}

/** Sends unless the import is being stopped; false then. */
async function put<T>(stop: Context, out: SendChan<T>, value: T, worker: Worker, channel: string): Promise<boolean> {
  if (stop.err() !== undefined) return false;
  if (out.trySend(value)) return true;
  const won = await worker.waits(channel, select({ sent: send(out, value), stopped: recv(stop.done()) }));
  return won.case === "sent";
}
