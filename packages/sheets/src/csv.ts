// Delimited text (CSV, TSV) as a workbook of one sheet, read as a stream: bytes, inflated where they are gzip, become UTF-8,
// records go into stores, and what is left of the last, incomplete record goes over to the next store.
import { isUtf8 } from "node:buffer";
import { basename } from "node:path";
import { createGunzip } from "node:zlib";
import type { RowBatch } from "./batch.ts";
import type { Book, Range } from "./book.ts";
import { findDialect, type CsvOptions, type Dialect } from "./csv-dialect.ts";
import { CsvScanner, CsvStatus, type CsvContext } from "./csv-scanner.ts";
import { asciiView, decodeText, type Text } from "./encoding.ts";
import { SheetError, type Place } from "./errors.ts";
import { INFLATE_BYTES, inflated } from "./inflate.ts";
import type { Limits } from "./limits.ts";
import { isText } from "./sniff.ts";
import { readPieces, type Source } from "./source.ts";
import { Batch, StorePool, type Store } from "./store.ts";

/** How much text a store holds; a small file needs no large one. */
const INPUT_BYTES = 512 * 1024;
/** One record must fit in this. */
const RECORD_BYTES_MAX = 64 * 2 ** 20;
/** The begin of the text, which shows how it is written. */
const HEAD_BYTES = 64 * 1024;

/** @throws SheetError where the file cannot be read, or an option makes no sense */
export async function openCsv(
  source: Source,
  gzip: boolean,
  limits: Limits,
  options: { readonly csv?: CsvOptions; readonly signal?: AbortSignal },
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
  return new CsvBook(source, gzip, limits, dialect, csv.encoding);
}

class CsvBook implements Book {
  readonly format: "csv" | "tsv";
  readonly date1904 = false;
  readonly sheets: Book["sheets"];
  readonly #source: Source;
  readonly #gzip: boolean;
  readonly #limits: Limits;
  readonly #dialect: Dialect;
  readonly #encoding: string | undefined;

  constructor(source: Source, gzip: boolean, limits: Limits, dialect: Dialect, encoding: string | undefined) {
    this.#source = source;
    this.#gzip = gzip;
    this.#limits = limits;
    this.#dialect = dialect;
    this.#encoding = encoding;
    this.format = dialect.delimiter === 0x09 ? "tsv" : "csv";
    this.sheets = [{ name: sheetName(source.file), state: "visible" }];
  }

  place(): Place {
    return { file: this.#source.file, sheet: this.sheets[0]!.name };
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
    const context = { place, limits: this.#limits, dialect: this.#dialect, from, to };
    const inputBytes = Math.max(4096, Math.min(INPUT_BYTES, size + 1));
    yield* readRecords(decodeText(raw, this.#encoding, place), context, () => read / size, signal, inputBytes);
  }

  async close(): Promise<void> {}
}

/** @param progress how much of the file has been read, from 0 to 1 */
export async function* readRecords(
  text: Text,
  context: CsvContext,
  progress: () => number,
  signal: AbortSignal | undefined,
  inputBytes: number,
): AsyncGenerator<RowBatch, void, undefined> {
  const { place } = context;
  const scanner = new CsvScanner(context);
  const pool = new StorePool(inputBytes);
  const pieces = text.pieces[Symbol.asyncIterator]();
  let store = pool.take();
  let end = 0;
  let piece: Uint8Array = new Uint8Array(0);
  let final = false;
  let guessTold = false;
  /** Gives the text from `pos` on to another store, or to the begin of the same one. */
  const carry = (to: Store, pos: number): void => {
    store.bytes.copy(to.bytes, 0, pos, end);
    store = to;
    end -= pos;
  };
  try {
    for (let status: CsvStatus = CsvStatus.more; status !== CsvStatus.done;) {
      while (end < store.inputSize && !final) {
        if (piece.length === 0) {
          const next = await pieces.next();
          if (next.done) final = true;
          else piece = next.value;
          continue;
        }
        const part = piece.subarray(0, store.inputSize - end);
        store.bytes.set(part, end);
        end += part.length;
        piece = piece.subarray(part.length);
      }
      signal?.throwIfAborted();
      scanner.attach(store, end, final);
      status = scanner.run();
      const { pos, rowCount, cell, warnings } = scanner;
      if (!isUtf8(store.bytes.subarray(0, pos))) throw notUtf8(store, scanner, place);
      if (rowCount > 0) {
        if (text.guessed() && !guessTold) {
          guessTold = true;
          warnings.unshift({ row: store.rowNumbers[0]!, message: guessNote(text.encoding()) });
        }
        const batch = new Batch(store, rowCount, cell, warnings, progress(), pool);
        carry(pool.take(), pos);
        yield batch;
      } else if (pos > 0) {
        carry(store, pos);
      } else if (status !== CsvStatus.done) {
        if (store.inputSize >= RECORD_BYTES_MAX)
          throw new SheetError(
            "limit",
            `${place.file ?? "The text"}: the record that begins on line ${scanner.line} has more than ${RECORD_BYTES_MAX} bytes. Is a line end or a closing quote missing there?`,
            place,
          );
        carry(pool.takeLarger(store), 0);
      }
    }
  } finally {
    await pieces.return?.();
  }
}

/** The file's bytes, inflated. `watch` sees them as they are in the file. */
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

async function readHead(pieces: AsyncIterable<Uint8Array>): Promise<{ head: Buffer; whole: boolean }> {
  const found: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    found.push(Uint8Array.from(piece.subarray(0, HEAD_BYTES)));
    length += piece.length;
    if (length >= HEAD_BYTES) break;
  }
  return { head: Buffer.concat(found), whole: length < HEAD_BYTES };
}

/** As Excel calls the sheet of a text file: after the file. */
function sheetName(file: string | undefined): string {
  const name = basename(file ?? "").replace(/(?:\.[a-z]{1,4})?(?:\.gz)?$/i, "");
  return name === "" ? "Sheet1" : name;
}

function guessNote(encoding: string): string {
  return `the text is not UTF-8; it is read as ${encoding}. If letters come out wrong, set the option encoding`;
}

/** Names the first row with bytes that are not UTF-8. */
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
    `${place.file ?? "The text"} is UTF-8 up to there, and line ${line} holds bytes that are not: it mixes encodings. Save it in one, or set the option encoding, for example to windows-1252.`,
    { ...place, cell: `A${line}` },
  );
}
