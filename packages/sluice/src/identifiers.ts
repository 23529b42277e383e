// Names in SQL. Every identifier is quoted, so a hostile header or table name is just a name.

/** PostgreSQL cuts longer identifiers silently, so we do it first, and visibly. */
const MAX_BYTES = 63;

/** Columns that every table has already. */
export const SYSTEM_COLUMNS: readonly string[] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/** `a"b` → `"a""b"`. @throws RangeError for a NUL character, which no identifier can hold. */
export function quoteIdentifier(name: string): string {
  if (name.includes("\0")) throw new RangeError(`an identifier cannot hold a NUL character: ${JSON.stringify(name)}`);
  return `"${name.replaceAll('"', '""')}"`;
}

/** A table's name: `schema.table` names a table in a schema, anything else is one name in the search path. */
export function quoteTable(table: string): string {
  const schema = schemaOf(table);
  if (schema === undefined) return quoteIdentifier(table);
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table.slice(schema.length + 1))}`;
}

/** The schema that a table's name states: what stands before its first dot. */
export function schemaOf(table: string): string | undefined {
  const dot = table.indexOf(".");
  return dot > 0 && dot < table.length - 1 ? table.slice(0, dot) : undefined;
}

/** A text as a literal, whatever stands in it. @throws RangeError for a NUL character, which no text can hold. */
export function quoteLiteral(text: string): string {
  if (text.includes("\0")) throw new RangeError(`a text cannot hold a NUL character: ${JSON.stringify(text)}`);
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return quoted.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/**
 * A header as an identifier: lower case, words joined by `_`, at most 63 bytes; letters of every alphabet stay.
 * `"E-mail  (work)"` → `e_mail_work`. Empty where nothing is left.
 */
export function toIdentifier(header: string): string {
  const words = header
    .normalize("NFC")
    .replaceAll(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1_$2")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, "_")
    .replaceAll(/^_+|_+$/g, "");
  return cut(/^\p{N}/u.test(words) ? `_${words}` : words, MAX_BYTES);
}

/** What two headers have in common that are "the same": letters and digits only, lower case. */
export function normalizeName(name: string): string {
  return name
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, "");
}

/** `name`, or `name_2`, `name_3`, … whichever is first not in `taken`; still at most 63 bytes. Adds it to `taken`. */
export function unusedIdentifier(name: string, taken: Set<string>): string {
  let candidate = name;
  for (let n = 2; taken.has(candidate); n++) {
    const suffix = `_${n}`;
    candidate = cut(name, MAX_BYTES - suffix.length) + suffix;
  }
  taken.add(candidate);
  return candidate;
}

/** The longest prefix of whole characters that fits. */
function cut(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let length = 0;
  let kept = "";
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > bytes) break;
    kept += character;
  }
  return kept;
}
