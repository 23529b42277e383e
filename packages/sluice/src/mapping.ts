// Which header goes to which column, and what table an import without a schema makes.
import { usageError, SluiceError } from "./errors.ts";
import { columnLetters } from "./encode.ts";
import type { LoadColumn } from "./chunk.ts";
import { normalizeName, toIdentifier, unusedIdentifier } from "./identifiers.ts";
import { table, textColumn, type Column, type TableSchema } from "./schema.ts";

/** A cell of the header row. */
export interface Header {
  /** 1-based. */
  readonly sheetColumn: number;
  /** Trimmed. */
  readonly text: string;
}

/** Where the sheet is, for messages. */
export interface Place {
  readonly file: string;
  readonly sheet: string;
  readonly headerRow: number;
}

/** `--map`: header → column; an empty column leaves the header out. */
export type HeaderMap = ReadonlyMap<string, string>;

/**
 * Goes through the headers and finds each its column in the table: by `map`, by name, then by normalised name (`E-Mail` → `email`).
 *
 * @returns the columns to load in the sheet's order, and the headers that no column fits
 * @throws SluiceError where two headers are one column, or `map` names what does not exist
 */
export function mapHeaders(
  headers: readonly Header[],
  columns: readonly Column[],
  map: HeaderMap,
  place: Place,
): { load: LoadColumn[]; homeless: Header[] } {
  checkDuplicates(headers, map, place);
  const byName = new Map<string, Column>();
  const byNormalized = new Map<string, Column>();
  for (const column of columns) {
    for (const name of [column.name, ...column.headers]) {
      if (!byName.has(name)) byName.set(name, column);
      const normalized = normalizeName(name);
      if (!byNormalized.has(normalized)) byNormalized.set(normalized, column);
    }
  }
  checkMap(headers, byName, map, place);

  const inferred = inferNames(headers, map);
  const load: LoadColumn[] = [];
  const homeless: Header[] = [];
  const owner = new Map<Column, Header>();
  for (const header of headers) {
    const wanted = map.get(header.text);
    if (wanted === "") continue;
    const candidates =
      wanted === undefined
        ? [byName.get(header.text), byName.get(inferred.get(header)!), byNormalized.get(normalizeName(header.text))]
        : [byName.get(wanted)];
    const found = candidates.filter((column) => column !== undefined);
    // Two headers that come to one name were numbered when an import made the table from them, and are so again.
    const column = found.find((candidate) => !owner.has(candidate)) ?? found[0];
    if (!column) {
      homeless.push(header);
      continue;
    }
    if (column.generated && wanted === undefined) {
      throw new SluiceError(
        "generated_column",
        `${where(place)}: the header ${show(header)} means the column "${column.name}", which the database fills itself. ` +
          `Leave it out with --map ${JSON.stringify(`${header.text}=`)}.`,
      );
    }
    const other = owner.get(column);
    if (other) {
      throw new SluiceError(
        "duplicate_header",
        `${where(place)}: the headers ${show(other)} and ${show(header)} both mean the column "${column.name}". ` +
          `Rename one of them, or leave one out with --map ${JSON.stringify(`${header.text}=`)}.`,
      );
    }
    owner.set(column, header);
    load.push({ column, sheetColumn: header.sheetColumn, header: header.text });
  }
  return { load, homeless };
}

/** The table that a header row alone describes: every column text, named after its header. */
export function tableFromHeaders(name: string, headers: readonly Header[], map: HeaderMap, place: Place): TableSchema {
  checkDuplicates(headers, map, place);
  const names = inferNames(headers, map);
  return table({
    name,
    columns: Object.fromEntries([...names].map(([header, column]) => [column, { header: header.text }])),
  });
}

/** The names that columns get from their headers: what `map` says, else the header as an identifier, numbered where two agree. */
function inferNames(headers: readonly Header[], map: HeaderMap): Map<Header, string> {
  const taken = new Set<string>();
  const names = new Map<Header, string>();
  for (const header of headers) {
    const wanted = map.get(header.text);
    if (wanted === "") continue;
    names.set(header, unusedIdentifier(wanted ?? (toIdentifier(header.text) || `column_${header.sheetColumn}`), taken));
  }
  return names;
}

/** Columns that the table lacks, as text columns that `--migrate` can add. */
export function columnsFor(headers: readonly Header[], existing: readonly Column[]): Column[] {
  const taken = new Set(existing.map((column) => column.name));
  return headers.map((header) =>
    textColumn(unusedIdentifier(toIdentifier(header.text) || `column_${header.sheetColumn}`, taken), [header.text]),
  );
}

/** A table's name from a file's: `Q3 Report (final).xlsx` → `q3_report_final`. */
export function tableNameFor(file: string): string {
  const stem = file.replace(/^.*[\\/]/, "").replace(/\.[^.]+$/, "");
  return toIdentifier(stem) || "import";
}

/** The same header twice: nobody can tell which is meant. */
function checkDuplicates(headers: readonly Header[], map: HeaderMap, place: Place): void {
  const seen = new Map<string, Header>();
  for (const header of headers) {
    const other = seen.get(header.text);
    if (other && map.get(header.text) !== "") {
      throw new SluiceError(
        "duplicate_header",
        `${where(place)}: two columns have the header "${header.text}": ${columnLetters(other.sheetColumn)} and ${columnLetters(header.sheetColumn)}. ` +
          `Rename one of them in the sheet: a header must name one column.`,
      );
    }
    seen.set(header.text, header);
  }
}

function checkMap(headers: readonly Header[], byName: ReadonlyMap<string, Column>, map: HeaderMap, place: Place): void {
  const texts = new Set(headers.map((header) => header.text));
  for (const [header, column] of map) {
    if (!texts.has(header)) {
      throw usageError(
        "unknown_header",
        `--map "${header}=${column}": ${where(place)} has no header "${header}". It has: ${[...texts].join(", ")}.`,
      );
    }
    if (column !== "" && !byName.has(column)) {
      throw usageError(
        "unknown_column",
        `--map "${header}=${column}": the table has no column "${column}". It has: ${[...byName.keys()].join(", ")}.`,
      );
    }
  }
}

/** `people.xlsx, sheet "Data", row 1` */
export function where(place: Place): string {
  return `${place.file}, sheet "${place.sheet}", row ${place.headerRow}`;
}

/** `"Name" (column A)` */
export function show(header: Header): string {
  return `"${header.text}" (column ${columnLetters(header.sheetColumn)})`;
}
