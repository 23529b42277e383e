// Rejects as lines of the table that holds them, in the transaction that is open.
//
// Each COPY takes a piece of them, however long their cells are. If the cells are kept as bytes,
// they do not become strings: a line's last field is JSON inside of COPY's text format, and both
// have the same few bytes to escape.
import { isAscii } from "node:buffer";
import { discard } from "../chunk/buffers.ts";
import type { KeptCell } from "../chunk/originals.ts";
import { KeptReject, type Kept } from "../chunk/kept-reject.ts";
import { quoteLiteral } from "../schema/identifiers.ts";
import { inAscii, rejectCell, type Reject } from "../reject.ts";
import { isUntranslatable } from "./row-fault.ts";
import { underSavepoint } from "./savepoint.ts";
import type { Connection } from "../target.ts";

/** Bytes of a piece: the reject that reaches them is its last one. */
export const PIECE_BYTES: number = 1024 ** 2;

/**
 * Records rejects.
 *
 * @param id the import's
 * @param table the ledger's, or one like it
 */
export async function record(
  connection: Connection,
  rejects: readonly Reject[],
  id: string,
  table: string = "sluice.rejects",
): Promise<void> {
  const into = `${table} (${COLUMNS})`;
  for (let from = 0; from < rejects.length;) {
    const lines = new Lines();
    let to = from;
    while (to < rejects.length && lines.length < PIECE_BYTES) lines.add(id, rejects[to++]!);
    const piece = rejects.slice(from, to);
    try {
      if (isAscii(lines.bytes)) await connection.copy(into, lines.bytes);
      else await underSavepoint(connection, () => connection.copy(into, lines.bytes));
    } catch (error) {
      // What the database's encoding cannot hold may be why a row was rejected.
      if (!isUntranslatable(error)) throw error;
      const text = piece.map((reject) => head(id, reject, inAscii) + field(inAscii(JSON.stringify(reject.cells))));
      await connection.copy(into, Buffer.from(`${text.join("\n")}\n`));
    }
    lines.release();
    from = to;
  }
}

/**
 * A reject that goes into one message with other statements is no longer than this, in characters.
 */
const SHORT = 16 * 1024;

/**
 * The statement that records a single reject, for the last message of a transaction: where each row
 * commits by itself, a COPY would be two messages more. Undefined for several rejects, a long one,
 * and one that the database's encoding may not hold.
 */
export function recordSql(rejects: readonly Reject[], id: string): string | undefined {
  const [reject] = rejects;
  if (reject === undefined || rejects.length > 1) return undefined;
  const { row, column, value, code, reason, cells } = reject;
  const fields = [id, String(row), column, value, code, reason, JSON.stringify(cells)];
  const text = fields.join("");
  if (text.length > SHORT || text.includes("\0") || !isAscii(Buffer.from(text))) return undefined;
  const values = fields.map((field) => (field === undefined ? "null" : quoteLiteral(field)));
  return `insert into sluice.rejects (${COLUMNS}) values (${values.join(", ")})`;
}

const COLUMNS = "import, row_number, column_name, value, code, reason, cells";

/** All fields but the last one, each with its tab. @param shown makes the text of each */
function head(
  id: string,
  { row, column, value, code, reason }: Reject,
  shown: (text: string) => string = (text) => text,
): string {
  const fields = [id, String(row), column, value, code, reason];
  return fields.map((text) => `${text === undefined ? "\\N" : field(shown(text))}\t`).join("");
}

/** COPY's escapes. What PostgreSQL cannot store in a text, NUL, is shown as its picture. */
function field(value: string): string {
  return value.replaceAll(/[\\\t\n\r\0]/g, (character) => ESCAPED[character]!);
}

const ESCAPED: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
  "\0": "\u2400",
};

/** The text for a byte in a JSON string that is a field of COPY; undefined if the byte stays. */
const IN_JSON: readonly (string | undefined)[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  const json = byte < 0x80 ? JSON.stringify(character).slice(1, -1) : character;
  return json === character ? undefined : field(json);
});
const FIRST_CAPACITY = 64 * 1024;

/** Lines of COPY text, written one after the other. */
class Lines {
  length = 0;
  #buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY);

  /** The bytes that have been written, a view. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  add(id: string, reject: Reject): void {
    this.#write(head(id, reject));
    if (reject instanceof KeptReject) this.#cells(reject.kept);
    else this.#write(field(JSON.stringify(reject.cells)));
    this.#write("\n");
  }

  release(): void {
    discard(this.#buffer);
  }

  /** Writes the row's cells as `JSON.stringify` would. */
  #cells({ store, begin, row, width }: Kept): void {
    let next = 1;
    let separator = "[";
    for (const cell of store.at(begin, row)) {
      for (; next < cell.column; next++, separator = ",") this.#write(`${separator}null`);
      this.#write(separator);
      this.#cell(cell);
      next = cell.column + 1;
      separator = ",";
    }
    for (; next <= width; next++, separator = ",") this.#write(`${separator}null`);
    this.#write(separator === "[" ? "[]" : "]");
  }

  #cell({ type, bytes }: KeptCell): void {
    const letter = typeof rejectCell("", type) === "string" ? undefined : rejectCell("", type)![0];
    this.#write(letter === undefined ? '"' : `["${letter}","`);
    for (let from = 0; from < bytes.length;) {
      let to = from;
      while (to < bytes.length && IN_JSON[bytes[to]!] === undefined) to++;
      this.#room(to - from);
      this.length += bytes.copy(this.#buffer, this.length, from, to);
      if (to < bytes.length) this.#write(IN_JSON[bytes[to]!]!);
      from = to + 1;
    }
    this.#write(letter === undefined ? '"' : '"]');
  }

  #write(text: string): void {
    this.#room(text.length * 3);
    this.length += this.#buffer.write(text, this.length);
  }

  /** Makes room for this many bytes more. */
  #room(size: number): void {
    if (this.length + size <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, this.length + size));
    this.#buffer.copy(larger, 0, 0, this.length);
    discard(this.#buffer);
    this.#buffer = larger;
  }
}
