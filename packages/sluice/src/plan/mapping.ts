// Finds the column of each header.
//
// In this order: what `--map` says; the column's name, or a header that the schema gives it; the
// name that an import makes of the header; the same letters and digits (`E-Mail` → `email`); and at
// last likeness, if exactly one column that no other header means is alike enough. What is not
// clear is an error that names the candidates: nothing is guessed.
import { usageError, SluiceError } from "../errors.ts";
import { columnLetters } from "../xlsx/text.ts";
import type { LoadColumn } from "../chunk/chunk.ts";
import {
  normalizeName,
  SYSTEM_COLUMNS,
  toIdentifier,
  unusedIdentifier,
  nameOfColumn,
  spellSigns,
} from "../schema/identifiers.ts";
import { likeness, LIKENESS_BOUND, LIKENESS_MARGIN } from "./likeness.ts";
import type { Column } from "../schema/schema.ts";
import type { Header, HeaderMap } from "../options.ts";

/** The place of the sheet, for messages. */
export interface Place {
  readonly file: string;
  readonly sheet: string;
  readonly headerRow: number;
  /**
   * The reader of messages may not know the table's columns, except those that the headers mean.
   */
  readonly hidden?: boolean;
  /** Columns that the sheet may bring though the database fills them: rows are updated by them. */
  readonly keys?: readonly string[];
  /** Columns that rows could be updated by. */
  readonly unique?: readonly string[];
}

/**
 * The way in which a header found its column: `map`, `name`, or `likeness` with a score from 0 to
 * 1.
 */
export interface Match {
  readonly by: "map" | "name" | "likeness";
  readonly score: number;
}

export interface Mapping {
  /** The columns to load, in the sheet's order. */
  readonly load: readonly LoadColumn[];
  /** Headers that no column fits. */
  readonly homeless: readonly Header[];
  /** The matches, by the column of the header in the sheet. */
  readonly matches: ReadonlyMap<number, Match>;
}

/**
 * The most headers without a column for which likeness is used. If there are more, it is probably
 * another sheet.
 */
const MOST_ALIKE = 50;
/** Headers are longer in sheets than in messages. */
const SHOWN = 60;
/** Candidates that are named in a message, and how alike they must at least be. */
const NEAREST = 3;
const NEAREST_BOUND = 0.4;

/**
 * Goes through the headers and finds each its column in the table.
 *
 * @param isSource a header that columns are made from, which needs no column of its name
 * @throws SluiceError if two headers are one column, one header could be two, or `map` names what
 *   does not exist
 */
export function mapHeaders(
  headers: readonly Header[],
  columns: readonly Column[],
  map: HeaderMap,
  place: Place,
  isSource: (header: Header) => boolean = () => false,
): Mapping {
  const named = byNames(columns);
  checkMap(headers, named.exact, map, place);
  const candidates = candidatesFor(headers, map, named);
  const owner = new Map<Column, Header>();
  const matches = new Map<number, Match>();
  const load: LoadColumn[] = [];
  const give = (header: Header, column: Column, match: Match): void => {
    owner.set(column, header);
    matches.set(header.sheetColumn, match);
    load.push({ column, sheetColumn: header.sheetColumn, header: header.text });
  };
  const without: Header[] = [];
  for (const header of headers) {
    const wanted = map.get(header.text);
    if (wanted === "") continue;
    const found = candidates(header);
    // Two headers that come to one name were numbered when an import made the table from them, and
    // are so again.
    const column = found.find((candidate) => !owner.has(candidate)) ?? found[0];
    if (!column) {
      without.push(header);
      continue;
    }
    if (column.generated && wanted === undefined && !place.keys?.includes(column.name))
      throw isGenerated(header, column, place);
    const other = owner.get(column);
    if (other) throw bothMean(other, header, column, place);
    give(header, column, { by: wanted === undefined ? "name" : "map", score: 1 });
  }
  const homeless: Header[] = [];
  for (const { header, column, score } of alike(
    without.filter((header) => !isSource(header)),
    columns.filter((one) => !owner.has(one)),
    place,
  )) {
    if (column) give(header, column, { by: "likeness", score });
    else homeless.push(header);
  }
  load.sort((a, b) => a.sheetColumn - b.sheetColumn);
  return { load, homeless, matches };
}

/** The columns by their names and headers. If two share one, the first counts. */
interface ByNames {
  /** The columns by their own names alone. */
  readonly own: ReadonlyMap<string, Column>;
  readonly exact: ReadonlyMap<string, Column>;
  readonly normalized: ReadonlyMap<string, Column>;
}

function byNames(columns: readonly Column[]): ByNames {
  const own = new Map(columns.map((column) => [column.name, column]));
  const exact = new Map<string, Column>();
  const normalized = new Map<string, Column>();
  for (const column of columns) {
    for (const name of [column.name, ...column.headers]) {
      if (!exact.has(name)) exact.set(name, column);
      const plain = normalizeName(name);
      if (!normalized.has(plain)) normalized.set(plain, column);
    }
  }
  return { own, exact, normalized };
}

/** A function that gives the columns whose name fits a header, best first. */
function candidatesFor(
  headers: readonly Header[],
  map: HeaderMap,
  { own, exact, normalized }: ByNames,
): (header: Header) => Column[] {
  const names = columnNames(headers, map);
  const numbered = columnNames(headers, map, new Set(), false);
  return (header) => {
    const wanted = map.get(header.text);
    const found =
      wanted === undefined
        ? [
            exact.get(header.text),
            exact.get(names.get(header)!),
            exact.get(numbered.get(header)!),
            normalized.get(normalizeName(header.text)),
          ]
        : [own.get(wanted) ?? exact.get(wanted)];
    return found.filter((column) => column !== undefined);
  };
}

function isGenerated(header: Header, column: Column, place: Place): SluiceError {
  const update = place.unique?.includes(column.name)
    ? ` Or write over the rows that have these values: --on-conflict update --key ${column.name}.`
    : "";
  return new SluiceError(
    "generated_column",
    `${where(place)}: the header ${show(header)} means the column "${column.name}", which the database fills itself. ` +
      `Leave it out with --map ${JSON.stringify(`${header.text}=`)}.${update}`,
  );
}

/** The columns most like a header, best first, with their scores; for messages. */
export function nearest(header: Header, columns: readonly Column[]): { name: string; score: number }[] {
  return scores(header, columns)
    .filter(({ score }) => score >= NEAREST_BOUND)
    .slice(0, NEAREST)
    .map(({ column, score }) => ({ name: column.name, score }));
}

/**
 * The names that columns get from their headers: what `map` says, else the header as an identifier.
 * If two come to one name, or one or a part of it gives no name, signs such as `%` become words
 * first (`Yes` and `Yes %` → `yes`, `yes_percent`; `2019 / %` → `_2019_percent`); what is still
 * taken gets a number.
 *
 * @param signs false for the names of earlier versions, which only had numbers
 */
export function columnNames(
  headers: readonly Header[],
  map: HeaderMap,
  taken: Set<string> = new Set(),
  signs = true,
): Map<Header, string> {
  const names = new Map<Header, string>();
  for (const name of SYSTEM_COLUMNS) taken.add(name);
  const plain = new Map<string, number>();
  for (const { text } of headers) plain.set(toIdentifier(text), (plain.get(toIdentifier(text)) ?? 0) + 1);
  const nameOf = ({ text, sheetColumn }: Header): string => {
    const name = toIdentifier(text);
    const inWords = signs && (hasEmptyPart(text) || plain.get(name)! > 1) ? toIdentifier(spellSigns(text)) : name;
    return inWords || nameOfColumn(sheetColumn);
  };
  for (const header of headers) {
    const wanted = map.get(header.text);
    if (wanted === "") continue;
    names.set(header, unusedIdentifier(wanted ?? nameOf(header), taken));
  }
  return names;
}

/** Whether a header, or a part of one with groups, is signs alone: `%`, `2019 / %`. */
function hasEmptyPart(header: string): boolean {
  return header.split(" / ").some((part) => toIdentifier(part) === "");
}

/** Finds each header the one free column that is alike enough. */
function alike(
  headers: readonly Header[],
  columns: readonly Column[],
  place: Place,
): { header: Header; column: Column | undefined; score: number }[] {
  const free = headers.length > MOST_ALIKE ? [] : columns.filter((column) => !column.generated);
  const found = headers.map((header) => {
    const [best, second] = scores(header, free);
    if (!best || best.score < LIKENESS_BOUND) return { header, column: undefined, score: 0 };
    if (second && second.score >= LIKENESS_BOUND && best.score - second.score < LIKENESS_MARGIN) {
      if (place.hidden)
        throw new SluiceError(
          "ambiguous_header",
          `${where(place)}: the header ${show(header)} could mean more than one column of the table. Write it exactly as the column is called.`,
        );
      throw new SluiceError(
        "ambiguous_header",
        `${where(place)}: the header ${show(header)} could mean ${best.column.name} (${best.score.toFixed(2)}) or ${second.column.name} (${second.score.toFixed(2)}). ` +
          `Say which with --map ${JSON.stringify(`${header.text}=${best.column.name}`)}.`,
      );
    }
    return { header, ...best };
  });
  const owner = new Map<Column, Header>();
  for (const { header, column } of found) {
    const other = column && owner.get(column);
    if (other) throw bothMean(other, header, column, place);
    if (column) owner.set(column, header);
  }
  return found;
}

function scores(header: Header, columns: readonly Column[]): { column: Column; score: number }[] {
  return columns
    .map((column) => ({
      column,
      score: Math.max(...[column.name, ...column.headers].map((name) => likeness(header.text, name))),
    }))
    .sort((a, b) => b.score - a.score);
}

function bothMean(one: Header, two: Header, column: Column, place: Place): SluiceError {
  const leftOut = JSON.stringify(`${two.text}=`);
  return new SluiceError(
    "duplicate_header",
    one.text === two.text
      ? `${where(place)}: two columns have the header "${one.text}": ${columnLetters(one.sheetColumn)} and ${columnLetters(two.sheetColumn)}, and there is one column "${column.name}". ` +
          `Rename one of them in the sheet: a header must name one column.`
      : `${where(place)}: the headers ${show(one)} and ${show(two)} both mean the column "${column.name}". ` +
          `Rename one of them, or leave one out with --map ${leftOut}.`,
  );
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
  const { text } = header;
  return `"${text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}" (column ${columnLetters(header.sheetColumn)})`;
}
