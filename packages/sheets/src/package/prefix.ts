// Removes the prefix of the root element from all tags: `<x:row>` becomes `<row>`. Programs based
// on the Open XML SDK write the first form, and all others the second. Names are compared without
// their prefix anyway (xml.ts), so the result is the same. But without the prefix the fast readers
// of sheets and strings recognise the markup. The general reader reads such a sheet at a third of
// the speed. A part whose root has no prefix passes unchanged.
//
// Only `<` begins a tag. Any other `<` is in a comment, in CDATA or in a processing instruction,
// and those are copied.
import { BANG, LT, QUESTION, SLASH } from "../ascii.ts";
import { SheetError } from "../errors.ts";
import { isSpace } from "./xml.ts";

/** The number of bytes at the start of a part that are searched for its root element. */
const HEAD_MAX = 65_536;
/** The number of bytes from a `<` on that tell which markup it begins. */
const KIND = "<![CDATA[".length;

export class Unprefixed implements AsyncIterable<Uint8Array> {
  readonly #pieces: AsyncIterable<Uint8Array>;
  /**
   * The prefix with its colon. Empty if there is none, or if the root element has not been seen
   * yet.
   */
  #prefix: Uint8Array = new Uint8Array(0);
  #out: Buffer = Buffer.alloc(0);
  /** The bytes of the last piece that were not taken: the beginning of some markup. */
  #rest: Buffer = Buffer.alloc(0);
  /** The end of the comment, CDATA or processing instruction that is being copied. */
  #until = "";

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces;
  }

  /** The error without its offset, if the offset would not count the bytes that were removed. */
  place(error: unknown): unknown {
    if (this.#prefix.length === 0 || !(error instanceof SheetError) || error.offset === undefined) return error;
    const { code, message, file, part, sheet, cell, cause } = error;
    return new SheetError(code, message, { file, part, sheet, cell }, cause === undefined ? undefined : { cause });
  }

  /** A piece lasts until the next one is asked for. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    let head: Buffer | undefined = Buffer.alloc(0);
    for await (let piece of this.#pieces) {
      if (head) {
        if (head.length > 0) piece = Buffer.concat([head, piece]);
        const prefix = rootPrefix(asBuffer(piece));
        if (prefix === undefined && piece.length < HEAD_MAX) {
          head = Buffer.from(piece);
          continue;
        }
        this.#prefix = Buffer.from(prefix ?? "", "latin1");
        head = undefined;
      }
      yield this.#prefix.length === 0 ? piece : this.#take(piece, false);
    }
    if (head && head.length > 0) yield head;
    if (this.#rest.length > 0) yield this.#take(new Uint8Array(0), true);
  }

  /**
   * Takes the prefix out of the tags of a piece, and keeps what may continue in the next one.
   *
   * It has more than 15 branches because text, tags, comments and CDATA all move the same two
   * positions: the one that is read, and the one that is written.
   */
  #take(piece: Uint8Array, final: boolean): Uint8Array {
    const prefix = this.#prefix;
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, piece]) : asBuffer(piece);
    if (this.#out.length < bytes.length) this.#out = Buffer.allocUnsafeSlow(bytes.length);
    const out = this.#out;
    const end = bytes.length;
    // The start of a tag is taken only when all of its significant bytes are there.
    const last = final ? end : end - Math.max(KIND, prefix.length + 2);
    let pos = 0;
    let to = 0;
    while (pos < end) {
      if (this.#until !== "") {
        const found = bytes.indexOf(this.#until, pos, "latin1");
        const stop = found >= 0 ? found + this.#until.length : final ? end : Math.max(pos, end - 2);
        to += bytes.copy(out, to, pos, stop);
        pos = stop;
        if (found < 0) break;
        this.#until = "";
        continue;
      }
      let byte = 0;
      while (pos < end && (byte = bytes[pos]!) !== LT) {
        out[to++] = byte;
        pos++;
      }
      if (pos === end || (pos >= last && !final)) break;
      out[to++] = LT;
      const next = bytes[++pos];
      if (next === BANG || next === QUESTION) {
        const kind = bytes.toString("latin1", pos - 1, pos - 1 + KIND);
        this.#until = next === QUESTION ? "?>" : kind.startsWith("<!--") ? "-->" : kind === "<![CDATA[" ? "]]>" : "";
        // The start of a comment cannot be its end too: <!--> does not end a comment.
        const stop = Math.min(end, pos + (this.#until === "-->" ? 3 : 1));
        to += bytes.copy(out, to, pos, stop);
        pos = stop;
        continue;
      }
      if (next === SLASH) {
        out[to++] = SLASH;
        pos++;
      }
      let i = 0;
      while (i < prefix.length && bytes[pos + i] === prefix[i]) i++;
      if (i === prefix.length) pos += i;
    }
    this.#rest = Buffer.from(bytes.subarray(pos));
    return out.subarray(0, to);
  }
}

/** The same memory. */
function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

/**
 * The prefix of the first element with its colon, or ""; undefined if the head ends before that can
 * be told.
 */
function rootPrefix(head: Buffer): string | undefined {
  for (let pos = 0; pos < head.length;) {
    if (isSpace(head[pos]!)) {
      pos++;
      continue;
    }
    const begin = head.toString("latin1", pos, pos + 4);
    const close = begin.startsWith("<?") ? "?>" : begin === "<!--" ? "-->" : undefined;
    if (close === undefined) {
      const name = /^<([^\s<>/:]+:)?[^\s<>/:]+[\s>/]/.exec(head.toString("latin1", pos, pos + 300));
      return name ? (name[1] ?? "") : head.length - pos < 300 ? undefined : "";
    }
    const found = head.indexOf(close, pos + begin.length, "latin1");
    if (found < 0) return undefined;
    pos = found + close.length;
  }
  return undefined;
}
