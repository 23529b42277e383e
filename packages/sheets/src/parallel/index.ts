// @sluice/sheets/parallel: reads sheets on other cores, by the worker threads of
//   @sluice/go/parallel.
//
// Invariants
// - Each sheet is read by the serial reader, in one task. So cells, warnings and errors are those
//   of the serial reader, in its order.
// - A task is at most `AHEAD` batches ahead of its consumer, so memory is bounded.
// - A task has ended when its iteration has, however that ended.

import { fileURLToPath } from "node:url";
import { recv, select, send } from "@sluice/go";
import { background, type Context, withCancel } from "@sluice/go/context";
import { gomaxprocs, parallel, sharedChan, type SharedChan, transfer } from "@sluice/go/parallel";
import type { SheetInfo } from "../book.ts";
import type { RowBatch } from "../cells/batch.ts";
import { SheetError, type Place, type SheetErrorCode } from "../errors.ts";
import type { ReadOptions } from "../sheet.ts";
import { open, type OpenOptions } from "../workbook.ts";
import { type Packed, pack, unpack } from "./wire.ts";

/** The most batches of a sheet that wait for their consumer. A batch has about 1 MB. */
const AHEAD = 4;

/**
 * Options of the file and of the reading. `show` is missing: a function cannot go to another
 * thread.
 */
export interface ParallelOptions extends Omit<OpenOptions, "signal">, Omit<ReadOptions, "signal" | "show"> {
  /** Stops reading; the iteration fails with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A failure in a form that can be sent to another thread. */
type Failure = { readonly code: SheetErrorCode; readonly message: string } & Place;

/** Reads a sheet on some core. Returns how that failed, if it did. */
const readSheet = parallel(
  import.meta.url,
  async (
    ctx: Context,
    file: string,
    sheet: string | number | undefined,
    options: Omit<ParallelOptions, "signal">,
    out: SharedChan<Packed>,
  ): Promise<Failure | undefined> => {
    try {
      await using book = await open(file, options);
      for await (const batch of book.sheet(sheet).batches({ ...options, signal: ctx.signal })) {
        const packed = transfer(pack(batch));
        batch.release();
        const { case: won } = await select({ sent: send(out, packed), done: recv(ctx.done()) });
        if (won === "done") return undefined;
      }
      return undefined;
    } catch (error) {
      if (ctx.err() !== undefined) return undefined;
      if (error instanceof SheetError) return error.toJSON();
      throw error;
    } finally {
      out.close();
    }
  },
);

/**
 * The batches of one sheet, as `Sheet.batches` gives them, read on another core. So the caller's
 * core is free for the work on them. Each iteration reads the sheet again from its start. `sheet`
 * is a name or an index, as for `Workbook.sheet`; by default the first visible sheet.
 *
 * @throws {SheetError} while iterating, as the serial reader does
 */
export function batches(
  file: string | URL,
  sheet?: string | number,
  options: ParallelOptions = {},
): AsyncIterable<RowBatch> {
  return { [Symbol.asyncIterator]: () => begin(file, sheet, options)() };
}

/** A sheet of several that are read at once. */
export interface ParallelSheet {
  readonly sheet: SheetInfo;
  /** The batches of the sheet, for one iteration. */
  readonly batches: AsyncIterable<RowBatch>;
}

/**
 * The sheets of a workbook, in their order or in that of `sheets` (names or indexes). As many are
 * read at once as there are Ps, each on another core, up to a few batches ahead. The caller reads
 * the batches of each before it asks for the next one; those that it leaves are not read further.
 *
 * @throws {SheetError} if the file cannot be read; what is wrong with a sheet is thrown by its
 * iteration
 */
export async function* sheets(
  file: string | URL,
  { sheets: chosen, ...options }: ParallelOptions & { readonly sheets?: readonly (string | number)[] } = {},
): AsyncGenerator<ParallelSheet, void, undefined> {
  const infos = await list(file, options, chosen);
  const started: Started[] = [];
  const start = (): void => {
    const info = infos[started.length];
    if (info !== undefined) started.push(begin(file, info.index, options));
  };
  try {
    for (let i = 0, width = gomaxprocs(); i < width; i++) start();
    for (const [i, sheet] of infos.entries()) {
      const reading = started[i] as Started;
      yield { sheet, batches: { [Symbol.asyncIterator]: reading } };
      await reading.end();
      start();
    }
  } finally {
    await Promise.all(started.map((reading) => reading.end()));
  }
}

async function list(
  file: string | URL,
  options: ParallelOptions,
  chosen: readonly (string | number)[] | undefined,
): Promise<readonly SheetInfo[]> {
  await using book = await open(file, options);
  return chosen?.map((sheet) => book.sheet(sheet)) ?? book.sheets;
}

/** A reading that has been started, and the iteration of its batches. */
interface Started {
  (): AsyncGenerator<RowBatch, void, undefined>;
  /** Stops it, and resolves when its task has ended. */
  readonly end: () => Promise<void>;
}

function begin(file: string | URL, sheet: string | number | undefined, options: ParallelOptions): Started {
  const { signal, ...others } = options;
  signal?.throwIfAborted();
  const [ctx, cancel] = withCancel(background());
  const out = sharedChan<Packed>(AHEAD);
  const aborted = (): void => cancel();
  signal?.addEventListener("abort", aborted, { once: true });
  const task = readSheet(ctx, file instanceof URL ? fileURLToPath(file) : file, sheet, others, out);
  const ended = task.then(
    () => undefined,
    () => undefined,
  );
  const end = async (): Promise<void> => {
    cancel();
    signal?.removeEventListener("abort", aborted);
    await ended;
  };
  async function* iterate(): AsyncGenerator<RowBatch, void, undefined> {
    try {
      for await (const packed of out) {
        signal?.throwIfAborted();
        yield unpack(packed);
      }
      signal?.throwIfAborted();
      const failure = await task;
      if (failure !== undefined) throw new SheetError(failure.code, failure.message, failure);
    } finally {
      await end();
    }
  }
  return Object.assign(iterate, { end });
}
