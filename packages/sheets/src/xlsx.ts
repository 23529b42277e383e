// A worksheet part as batches: inflated pieces go into stores, the scanner makes rows of them, and what is left of the last,
// incomplete row goes over to the next store.
import { isUtf8 } from "node:buffer";
import type { RowBatch } from "./batch.ts";
import { SheetError } from "./errors.ts";
import { fixed } from "./limits.ts";
import { Unprefixed } from "./prefix.ts";
import { unterminated, utf8, xmlError } from "./part.ts";
import { Status, type SheetContext } from "./sheet-context.ts";
import { SheetScanner } from "./sheet-scanner.ts";
import { Batch, StorePool } from "./store.ts";

/** How much XML a store holds. Small enough for the processor's cache, large enough that a batch costs nothing. */
const INPUT_BYTES = 512 * 1024;

/** The store for a part that says it has this size: a small sheet needs no large one. What says too little grows. */
const storeSize = (part: number): number => Math.max(4096, Math.min(INPUT_BYTES, part + 256));

export async function* readBatches(
  pieces: AsyncIterable<Uint8Array>,
  context: SheetContext,
  signal: AbortSignal | undefined,
  partSize: number,
  inputBytes: number = storeSize(partSize),
): AsyncGenerator<RowBatch, void, undefined> {
  const { place, strings } = context;
  const pool = new StorePool(inputBytes);
  const scanner = new SheetScanner(context);
  const xml = new Unprefixed(utf8(pieces, place));
  const source = xml[Symbol.asyncIterator]();
  let store = pool.take();
  let end = 0;
  let base = 0;
  /** Bytes of text that do not stand in the sheet itself: shared strings, mostly. */
  let text = 0;
  let piece: Uint8Array = new Uint8Array(0);
  let final = false;
  /** Gives the store's XML from `pos` on to another store (or to the begin of the same one). */
  const carry = (to: typeof store, pos: number): void => {
    store.bytes.copy(to.bytes, 0, pos, end);
    store = to;
    base += pos;
    end -= pos;
  };
  try {
    for (;;) {
      while (end < store.inputSize && !final) {
        if (piece.length === 0) {
          const next = await source.next();
          if (next.done) final = true;
          else piece = next.value;
          continue;
        }
        const part = piece.length <= store.inputSize - end ? piece : piece.subarray(0, store.inputSize - end);
        store.bytes.set(part, end);
        end += part.length;
        piece = piece.subarray(part.length);
      }
      signal?.throwIfAborted();
      store.seal(end);
      scanner.attach(store, end, final, base);
      let status = scan(scanner, base);
      while (status === Status.string) {
        if (!(await strings.load(scanner.wanted))) throw noSuchString(scanner, context);
        status = scan(scanner, base);
      }
      const { pos, rowCount, cell, warnings } = scanner;
      if (!isUtf8(store.bytes.subarray(0, pos)))
        throw new SheetError(
          "bad_encoding",
          `${place.part ?? "The sheet"} holds bytes that are not UTF-8, at or before row ${scanner.row}; open the workbook in Excel and save it again.`,
          { ...place, offset: base },
        );
      text += scanner.spare - store.spareAt;
      if (text > context.textMax)
        throw new SheetError(
          "limit",
          `The cells up to row ${scanner.row} repeat shared strings to more than ${context.textMax} bytes of text; raise the limit inflation = ${context.limits.inflation} if you trust the file.`,
          { ...place, offset: base },
        );
      if (rowCount > 0) {
        const progress = Math.min(1, (base + pos) / Math.max(1, partSize));
        const batch = new Batch(store, rowCount, cell, warnings, progress, pool);
        carry(pool.take(), pos);
        yield batch;
      } else if (pos > 0) {
        carry(store, pos);
      } else if (status === Status.full || (status === Status.more && end === store.inputSize)) {
        if (store.inputSize >= fixed.rowBytes)
          throw new SheetError(
            "limit",
            `The row after row ${scanner.row} has more than ${fixed.rowBytes} bytes; a sheet like this is not meant to be read.`,
            { ...place, offset: base },
          );
        const outgrown = store;
        carry(pool.takeLarger(store), 0);
        outgrown.discard();
      }
      if (status === Status.done) break;
      if (status === Status.more && final && (pos === 0 || end === 0)) throw unterminated(place, base + end);
    }
    await drain(source, scanner.openRoot, piece, store.bytes.subarray(0, end), context, base + end, final);
  } catch (error) {
    throw xml.place(error);
  } finally {
    // No batch that was given away lies in this store.
    store.discard();
    pool.clear();
    await source.return?.();
  }
}

function scan(scanner: SheetScanner, base: number): Status {
  try {
    return scanner.run();
  } catch (error) {
    throw xmlError(error, { ...scanner.context.place }, base);
  }
}

/** Reads what stands behind the rows: the checksum is compared at its end, and the root element must be closed. */
async function drain(
  source: AsyncIterator<Uint8Array>,
  openRoot: string | undefined,
  piece: Uint8Array,
  rest: Uint8Array,
  context: SheetContext,
  offset: number,
  final: boolean,
): Promise<void> {
  if (context.to !== Number.POSITIVE_INFINITY) return;
  let tail = Buffer.concat([rest, piece]).subarray(-1024);
  offset += piece.length;
  for (;;) {
    const next = final ? undefined : await source.next();
    if (!next || next.done) break;
    offset += next.value.length;
    tail = Buffer.concat([tail, next.value.subarray(-1024)]).subarray(-1024);
  }
  const last = tail.toString("latin1").trimEnd();
  if (openRoot === undefined || last.endsWith("-->") || last.endsWith("?>")) return;
  if (/<\/([^<>\s]+)\s*>$/.exec(last)?.[1] !== openRoot) throw unterminated(context.place, offset);
}

function noSuchString(scanner: SheetScanner, context: SheetContext): SheetError {
  return new SheetError(
    "shared_string_out_of_range",
    `Cell ${scanner.wantedBy} names shared string ${scanner.wanted}, and the workbook has ${context.strings.count} of them (counted from 0). The file was written badly; open it in Excel and save it again.`,
    { ...context.place, cell: scanner.wantedBy },
  );
}
