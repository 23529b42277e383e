// A worksheet part as batches. Inflated pieces go into stores, and the scanner makes rows of them.
// The rest of an incomplete row moves to the next store.
import { isUtf8 } from "node:buffer";
import type { RowBatch } from "../cells/batch.ts";
import { SheetError, type Place } from "../errors.ts";
import { fixed } from "../limits.ts";
import { Unprefixed } from "../package/prefix.ts";
import { unterminated, utf8, xmlError } from "../package/part.ts";
import { Status, type SheetContext } from "./context.ts";
import { SheetScanner } from "./rows.ts";
import { Batch, storeSize } from "../cells/store.ts";
import { Window } from "../cells/window.ts";

/** The most XML in a store for those who ask for raised characters: they look at the first rows. */
const HEAD_BYTES = 64 * 1024;

/**
 * Batches of the rows of a worksheet part. What comes of a window that the scanner has been
 * through:
 *
 *     it has rows                a batch is given, and the bytes after the last row move on
 *     it has none, but markup    the bytes that were read are dropped
 *     a row does not fit         the window grows
 *
 * It has more than 15 branches because each reason for which the scanner stops has one.
 *
 * @throws SheetError if the part is damaged, ends too early, or goes beyond a limit
 */
export async function* readBatches(
  pieces: AsyncIterable<Uint8Array>,
  context: SheetContext,
  signal: AbortSignal | undefined,
  partSize: number,
  inputBytes: number = Math.min(storeSize(partSize), context.raised === true ? HEAD_BYTES : Number.POSITIVE_INFINITY),
): AsyncGenerator<RowBatch, void, undefined> {
  const { place, strings } = context;
  const scanner = new SheetScanner(context);
  const xml = new Unprefixed(utf8(pieces, place));
  const window = new Window(xml, inputBytes);
  /** Bytes of text that are not in the sheet itself: shared strings, mostly. */
  let text = 0;
  try {
    for (;;) {
      await window.fill();
      signal?.throwIfAborted();
      const { store, end, base, final, pool } = window;
      store.seal(end);
      scanner.attach(store, end, final, base);
      let status = scan(scanner, base);
      while (status === Status.string) {
        if (!(await strings.load(scanner.state.wanted))) throw noSuchString(scanner, context);
        status = scan(scanner, base);
      }
      const { rowCount, state } = scanner;
      const { pos, cell, warnings, shown, linked: links, raised } = state;
      if (!isUtf8(store.bytes.subarray(0, pos))) throw notUtf8(scanner, context, base);
      text += state.spare - store.spareAt;
      if (text > context.textMax) throw tooMuchText(scanner, context, base);
      if (rowCount > 0) {
        const progress = Math.min(1, (base + pos) / Math.max(1, partSize));
        const batch = new Batch(store, rowCount, cell, warnings, progress, pool, { shown, links, raised });
        window.handOver(pos);
        yield batch;
      } else if (pos > 0) {
        window.skip(pos);
      } else if (status === Status.full || (status === Status.more && window.isFull)) {
        if (store.inputSize >= fixed.rowBytes) throw rowTooLong(scanner, context, base);
        window.grow();
      }
      if (status === Status.done) break;
      if (status === Status.more && final && (pos === 0 || window.end === 0))
        throw unterminated(place, window.base + window.end);
    }
    if (context.to === Number.POSITIVE_INFINITY) await drain(window, scanner.openRoot, place);
  } catch (error) {
    throw xml.place(error);
  } finally {
    await window.close();
  }
}

function scan(scanner: SheetScanner, base: number): Status {
  try {
    return scanner.run();
  } catch (error) {
    throw xmlError(error, { ...scanner.state.context.place }, base);
  }
}

/**
 * Reads the rest of the part after the rows. At its end the checksum is compared, and the root
 * element must be closed.
 */
async function drain(window: Window, openRoot: string | undefined, place: Place): Promise<void> {
  let tail = Buffer.alloc(0);
  let offset = window.base;
  for await (const piece of window.rest()) {
    offset += piece.length;
    tail = Buffer.concat([tail, piece.subarray(-1024)]).subarray(-1024);
  }
  const last = tail.toString("latin1").trimEnd();
  if (openRoot === undefined || last.endsWith("-->") || last.endsWith("?>")) return;
  if (/<\/([^<>\s]+)\s*>$/.exec(last)?.[1] !== openRoot) throw unterminated(place, offset);
}

function notUtf8(scanner: SheetScanner, { place }: SheetContext, offset: number): SheetError {
  return new SheetError(
    "bad_encoding",
    `${place.part ?? "The sheet"} holds bytes that are not UTF-8, at or before row ${scanner.state.row}; open the workbook in Excel and save it again.`,
    { ...place, offset },
  );
}

function tooMuchText(scanner: SheetScanner, { place, textMax, limits }: SheetContext, offset: number): SheetError {
  return new SheetError(
    "limit",
    `The cells up to row ${scanner.state.row} repeat shared strings to more than ${textMax} bytes of text; raise the limit inflation = ${limits.inflation} if you trust the file.`,
    { ...place, offset },
  );
}

function rowTooLong(scanner: SheetScanner, { place }: SheetContext, offset: number): SheetError {
  return new SheetError(
    "limit",
    `The row after row ${scanner.state.row} has more than ${fixed.rowBytes} bytes; a sheet like this is not meant to be read.`,
    { ...place, offset },
  );
}

function noSuchString(scanner: SheetScanner, context: SheetContext): SheetError {
  return new SheetError(
    "shared_string_out_of_range",
    `Cell ${scanner.state.wantedBy} names shared string ${scanner.state.wanted}, and the workbook has ${context.strings.count} of them (counted from 0). The file was written badly; open it in Excel and save it again.`,
    { ...context.place, cell: scanner.state.wantedBy },
  );
}
