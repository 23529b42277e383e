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

/**
 * A table's name: `schema.table` names a table in a schema, anything else is one name in the search
 * path.
 */
export function quoteTable(table: string): string {
  const schema = schemaOf(table);
  if (schema === undefined) return quoteIdentifier(table);
  return `${quoteIdentifier(schema)}.${quoteIdentifier(table.slice(schema.length + 1))}`;
}

/** The schema that a table's name states: the part before its first dot. */
export function schemaOf(table: string): string | undefined {
  const dot = table.indexOf(".");
  return dot > 0 && dot < table.length - 1 ? table.slice(0, dot) : undefined;
}

/**
 * A text as a literal, whatever its characters are.
 *
 * @throws RangeError for a NUL character, which no text can hold.
 */
export function quoteLiteral(text: string): string {
  if (text.includes("\0")) throw new RangeError(`a text cannot hold a NUL character: ${JSON.stringify(text)}`);
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return quoted.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/** The words for signs, if only these tell headers apart. */
const SIGNS: Readonly<Record<string, string>> = {
  "%": "percent",
  "#": "number",
  $: "dollar",
  "€": "euro",
  "£": "pound",
  "&": "and",
  "+": "plus",
};

/** `Yes %` → `Yes percent` */
export function spellSigns(header: string): string {
  return header.replaceAll(/[%#$€£&+]/g, (sign) => ` ${SIGNS[sign]!} `);
}

/**
 * A header as an identifier: lower case, words joined by `_`, at most 63 bytes; letters of every
 * alphabet stay. `"E-mail  (work)"` → `e_mail_work`, `createdAt` → `created_at`, `PCON11CD` →
 * `pcon11cd`. Empty if nothing is left. If a long name is joined from groups (`Group / Name`), the
 * groups are cut and the last part stays, because that part differs.
 */
export function toIdentifier(header: string): string {
  const words = wordsOf(header);
  const at = header.lastIndexOf(" / ");
  const last = at < 0 ? "" : wordsOf(header.slice(at + 3));
  const rest = MAX_BYTES - Buffer.byteLength(last) - 1;
  const name =
    last !== "" && Buffer.byteLength(words) > MAX_BYTES - 1 && rest >= MAX_BYTES / 3
      ? `${cut(wordsOf(header.slice(0, at)), rest - 1).replace(/_$/, "")}_${last}`
      : words;
  return cut(/^\p{N}/u.test(name) ? `_${name}` : name, MAX_BYTES);
}

/** The words of a header, joined by `_`. */
function wordsOf(header: string): string {
  const words = header
    .normalize("NFC")
    .replaceAll(/(\p{Ll})(\p{Lu})|(\p{N})(?=\p{Lu}\p{Ll})/gu, (_, lower: string, upper: string, digit: string) =>
      digit === undefined ? `${lower}_${upper}` : `${digit}_`,
    )
    .toLowerCase()
    // The Turkish İ becomes an i and a separate dot, which nobody can type.
    .replaceAll("i\u0307", "i");
  return withSigns(words, "_").replaceAll(/^_+|_+$/g, "");
}

/**
 * Puts `sign` in place of all that is not a letter or a digit, in a text of small letters. The
 * pattern for all alphabets takes long to compile, so ASCII has one of its own.
 */
function withSigns(text: string, sign: string): string {
  const isAscii = Buffer.byteLength(text) === text.length;
  return text.replaceAll(isAscii ? /[^a-z\d]+/g : /[^\p{L}\p{M}\p{N}]+/gu, sign);
}

/** The part that two headers share if they are "the same": letters and digits only, lower case. */
export function normalizeName(name: string): string {
  return withSigns(name.normalize("NFKC").toLowerCase(), "");
}

/**
 * `name`, or `name_2`, `name_3`, … whichever is first not in `taken`; still at most 63 bytes. Adds
 * it to `taken`.
 */
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

/** The name of a column without a header. */
export function nameOfColumn(sheetColumn: number): string {
  return `column_${sheetColumn}`;
}

/** A table's name from a file's: `Q3 Report (final).xlsx` → `q3_report_final`. */
export function tableNameFor(file: string): string {
  const stem = file.replace(/^.*[\\/]/, "").replace(/\.[^.]+?(?:\.gz)?$/i, "");
  return toIdentifier(stem) || "import";
}
