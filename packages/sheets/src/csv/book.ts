// Delimited text (CSV, TSV) as a workbook of one sheet, read as a stream. The reader inflates the
// bytes if they are gzip, converts them to UTF-8, and puts records into stores. The rest of an
// incomplete record moves to the next store.
//
//   file ─▶ rawPieces: gunzip, counted ─▶ decodeText: to UTF-8 ─▶ Window: stores ─▶ CsvScanner
//
// The start of the file is read twice: once for its dialect (openCsv), and again with the rows.
import { isUtf8 } from "node:buffer";
import { basename } from "node:path";
import { createGunzip } from "node:zlib";
import type { RowBatch } from "../cells/batch.ts";
import type { Book, Range } from "../book.ts";
import { findDialect, type CsvOptions, type Dialect } from "./dialect.ts";
import { CsvScanner, CsvStatus, type CsvContext } from "./scanner.ts";
import { asciiView, decodeText, type Text } from "../encoding.ts";
import { SheetError, type Place } from "../errors.ts";
import { INFLATE_BYTES, inflated } from "../package/inflate.ts";
import type { Limits } from "../limits.ts";
import { isText } from "../sniff.ts";
import { readPieces, type Source } from "../source.ts";
import { Batch, storeSize, type Store } from "../cells/store.ts";
import { Window } from "../cells/window.ts";

const QUESTION_MARK = 0x3f;
/** The most bytes that one record may have, unless four times the longest allowed field is more. */
const RECORD_BYTES_MAX = 64 * 2 ** 20;
/** The size of the start of the text from which the dialect is detected. */
const HEAD_BYTES = 64 * 1024;

/**
 * Opens a delimited text. Its dialect is found in its first bytes.
 *
 * @throws SheetError if the file cannot be read, or an option makes no sense
 */
export async function openCsv(
  source: Source,
  gzip: boolean,
  limits: Limits,
  options: { readonly csv?: CsvOptions; readonly badBytes?: "refuse" | "mark"; readonly textName?: string },
): Promise<Book> {
  const csv = options.csv ?? {};
  const { head, whole } = await readHead(rawPieces(source, gzip, limits));
  if (gzip && !isText(head, csv.encoding)) {
    const { file } = source;
    throw new SheetError(
      "not_a_workbook",
      `${file ?? "The file"} is a gzip file, and what is in it is no text; unpack it first.`,
      { file },
    );
  }
  const text = asciiView(head, csv.encoding);
  const dialect = findDialect(text, whole, csv, /\.(?:tsv|tab)(?:\.gz)?$/i.test(source.file ?? ""));
  const name = sheetName(options.textName ?? source.file);
  return new CsvBook(source, name, gzip, limits, dialect, csv.encoding, options.badBytes === "mark");
}

/** An open text. It holds no file position: each read starts at the beginning of the source. */
class CsvBook implements Book {
  readonly format: "csv" | "tsv";
  readonly date1904 = false;
  readonly sheets: Book["sheets"];
  readonly #source: Source;
  readonly #gzip: boolean;
  readonly #limits: Limits;
  readonly delimiter: string;
  readonly escapes: boolean;
  readonly #dialect: Dialect;
  readonly #encoding: string | undefined;
  readonly #markBad: boolean;

  constructor(
    source: Source,
    name: string,
    gzip: boolean,
    limits: Limits,
    dialect: Dialect,
    encoding: string | undefined,
    markBad: boolean,
  ) {
    this.#markBad = markBad;
    this.#source = source;
    this.#gzip = gzip;
    this.#limits = limits;
    this.#dialect = dialect;
    this.#encoding = encoding;
    this.format = dialect.delimiter === 0x09 ? "tsv" : "csv";
    this.delimiter = String.fromCharCode(dialect.delimiter);
    this.escapes = dialect.escapes;
    this.sheets = [{ name, state: "visible" }];
  }

  place(): Place {
    return { file: this.#source.file, sheet: this.sheets[0]!.name };
  }

  size(): number {
    return this.#source.size;
  }

  async *read(_: number, { signal, from, to }: Range): AsyncGenerator<RowBatch, void, undefined> {
    const place = this.place();
    const { size } = this.#source;
    let read = 0;
    const counted = async function* (pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
      for await (const piece of pieces) {
        read += piece.length;
        yield piece;
      }
    };
    const raw = rawPieces(this.#source, this.#gzip, this.#limits, counted);
    const context = { place, limits: this.#limits, dialect: this.#dialect, from, to, markBad: this.#markBad };
    yield* readRecords(decodeText(raw, this.#encoding, place), context, () => read / size, signal, storeSize(size));
  }

  async close(): Promise<void> {}
}

/**
 * Batches of the records of a text. What comes of a window that the scanner has been through:
 *
 *     it has records             a batch is given, and the bytes after the last record move on
 *     it has blank lines only    they are dropped
 *     a record does not fit      the window grows
 *
 * @param progress returns the share of the file that has been read, from 0 to 1
 */
export async function* readRecords(
  text: Text,
  context: CsvContext,
  progress: () => number,
  signal: AbortSignal | undefined,
  inputBytes: number,
): AsyncGenerator<RowBatch, void, undefined> {
  const { place } = context;
  const scanner = new CsvScanner(context);
  const window = new Window(text.pieces, inputBytes);
  let guessTold = false;
  try {
    for (let status: CsvStatus = CsvStatus.more; status !== CsvStatus.done;) {
      await window.fill();
      signal?.throwIfAborted();
      const { store, pool } = window;
      scanner.attach(store, window.end, window.final);
      status = scanner.run();
      const { pos, rowCount, cell, warnings } = scanner;
      let badRows: ReadonlySet<number> | undefined;
      if (!isUtf8(store.bytes.subarray(0, pos))) {
        if (!context.markBad) throw notUtf8(store, scanner, place);
        badRows = markBad(store, rowCount);
      }
      if (rowCount > 0) {
        if (text.guessed() && !guessTold) {
          guessTold = true;
          warnings.unshift({ row: store.rowNumbers[0]!, message: guessNote(text.encoding()) });
        }
        const { unended } = scanner;
        const batch = new Batch(store, rowCount, cell, warnings, progress(), pool, { badRows, unended });
        window.handOver(pos);
        yield batch;
      } else if (pos > 0) {
        window.skip(pos);
      } else if (status !== CsvStatus.done) {
        const most = Math.max(RECORD_BYTES_MAX, 4 * context.limits.cellBytes);
        if (store.inputSize >= most)
          throw new SheetError(
            "limit",
            `${place.file ?? "The text"}: the record that begins on line ${scanner.line} has more than ${most} bytes. Is a line end or a closing quote missing there?`,
            place,
          );
        window.grow();
      }
    }
  } finally {
    await window.close();
  }
}

/** The file's bytes, inflated. `watch` receives them as they are in the file. */
function rawPieces(
  source: Source,
  gzip: boolean,
  limits: Limits,
  watch: (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> = (pieces) => pieces,
): AsyncIterable<Uint8Array> {
  const raw = watch(readPieces(source, 0, source.size, true));
  if (!gzip) return raw;
  const { file } = source;
  const name = file ?? "The file";
  const stream = createGunzip({ chunkSize: INFLATE_BYTES });
  const text = inflated(stream, raw, (cause) =>
    (cause as NodeJS.ErrnoException).code === "Z_BUF_ERROR"
      ? new SheetError(
          "truncated",
          `${name} is cut off: its gzip data ends too early. Get the file again.`,
          { file },
          { cause },
        )
      : new SheetError(
          "bad_compression",
          `${name} is damaged: its gzip data cannot be inflated (${cause.message}). Get the file again.`,
          { file },
          { cause },
        ),
  );
  return capped(text, limits, name, file);
}

/** The same pieces. @throws SheetError (`limit`) if they are more than a file may inflate to */
async function* capped(
  pieces: AsyncIterable<Uint8Array>,
  { partBytes, totalBytes }: Limits,
  name: string,
  file: string | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  const most = Math.min(partBytes, totalBytes);
  for await (const piece of pieces) {
    length += piece.length;
    if (length > most)
      throw new SheetError(
        "limit",
        `${name} inflates to more than the limit ${most === partBytes ? "partBytes" : "totalBytes"} = ${most}; raise the limit if you trust the file.`,
        { file, offset: length },
      );
    yield piece;
  }
}

/** The first bytes of the text, and whether they are all of it. */
async function readHead(pieces: AsyncIterable<Uint8Array>): Promise<{ head: Buffer; whole: boolean }> {
  const found: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    // A copy, because a piece lasts only until the next one is asked for.
    found.push(Uint8Array.from(piece.subarray(0, HEAD_BYTES)));
    length += piece.length;
    if (length >= HEAD_BYTES) break;
  }
  return { head: Buffer.concat(found), whole: length < HEAD_BYTES };
}

/** The name of a text file's sheet. As in Excel, it is the file's name. */
function sheetName(file: string | undefined): string {
  const name = basename(file ?? "").replace(/(?:\.[a-z]{1,4})?(?:\.gz)?$/i, "");
  return name === "" ? "Sheet1" : name;
}

/** The warning that comes with the first batch, if nothing said which encoding it is. */
function guessNote(encoding: string): string {
  return `the text is not UTF-8; it is read as ${encoding}. If letters come out wrong, set the option encoding`;
}

/**
 * Replaces each byte that is not UTF-8 by a question mark, and returns the rows that have any.
 *
 * The first byte of a character says how long it is: below 80, one byte; below e0, two; below f0,
 * three; else four. If these bytes are not a character, only the first one is replaced.
 */
function markBad(store: Store, rowCount: number): ReadonlySet<number> | undefined {
  const rows = new Set<number>();
  for (let row = 0; row < rowCount; row++) {
    for (let cell = store.firstCell[row]!; cell < store.firstCell[row + 1]!; cell++) {
      const text = store.bytes.subarray(store.starts[cell], store.ends[cell]);
      if (isUtf8(text)) continue;
      rows.add(row);
      for (let at = 0; at < text.length;) {
        const byte = text[at]!;
        const length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
        if (at + length <= text.length && isUtf8(text.subarray(at, at + length))) at += length;
        else text[at++] = QUESTION_MARK;
      }
    }
  }
  return rows.size === 0 ? undefined : rows;
}

/**
 * The error names the first row with such bytes. If none of the complete rows has any, it is the
 * one that is being read.
 */
function notUtf8(store: Store, scanner: CsvScanner, place: Place): SheetError {
  const bad = (row: number): boolean => {
    for (let cell = store.firstCell[row]!; cell < store.firstCell[row + 1]!; cell++)
      if (!isUtf8(store.bytes.subarray(store.starts[cell], store.ends[cell]))) return true;
    return false;
  };
  const rows = Array.from({ length: scanner.rowCount }, (_, row) => row);
  const row = rows.find(bad);
  const line = row === undefined ? scanner.line : store.rowNumbers[row]!;
  return new SheetError(
    "bad_encoding",
    `${place.file ?? "The text"} is UTF-8 up to there, and line ${line} holds bytes that are not: it mixes encodings. Save it as UTF-8; with the option encoding all of it would be read in another one, and its other letters come out wrong.`,
    { ...place, cell: `A${line}` },
  );
}
