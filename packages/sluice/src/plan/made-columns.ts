// Columns that are not cells of the sheet: the origin of a row (`--add`), constants, and the
// results of a schema file's functions of cells.
import { grouped } from "../grouped.ts";
import { usageError, SluiceError } from "../errors.ts";
import type { LoadColumn, Made } from "../chunk/chunk.ts";
import { normalizeName, toIdentifier, unusedIdentifier } from "../schema/identifiers.ts";
import { table, type Column } from "../schema/schema.ts";
import { where, type Place } from "./mapping.ts";
import type { Header } from "../options.ts";
import type { AddedColumns, Origin } from "../options.ts";
import type { Linked } from "../sheet/links.ts";

/** Reports whether a schema says how to fill a column that has no cell. */
export function isMade({ from, value }: Column): boolean {
  return from !== undefined || value !== undefined;
}

/** The columns of `--add` that a table is lacking, to be made. */
export function originColumns(add: AddedColumns, columns: readonly Column[]): Column[] {
  const lacking = [...add].filter(([, name]) => !columns.some((column) => column.name === name));
  if (lacking.length === 0) return [];
  const spec = lacking.map(([origin, name]) => [name, { type: origin === "row" ? "integer" : "text" }]);
  return [...table({ name: "added", columns: Object.fromEntries(spec) }).columns];
}

/** A column of cells with links, and the column for their addresses. */
export interface LinkColumn {
  readonly of: LoadColumn;
  readonly column: Column;
}

/**
 * The columns for the addresses of links, `NAME_link`: of the table, or to be made.
 *
 * @param load the columns of cells
 */
export function linkColumns(load: readonly LoadColumn[], linked: Linked, columns: readonly Column[]): LinkColumn[] {
  const taken = new Set(load.map(({ column }) => column.name));
  return load.flatMap((of): LinkColumn[] => {
    if (!linked.columns.has(of.sheetColumn)) return [];
    const name = unusedIdentifier(toIdentifier(`${of.column.name} link`), taken);
    const there = columns.find((column) => column.name === name);
    const [made] = table({ name: "added", columns: { [name]: { type: "text" } } }).columns;
    return [{ of, column: there ?? made! }];
  });
}

/** Says that addresses are dropped, or what became of them. */
export function linkNotes(links: readonly LinkColumn[], linked: Linked, wanted: boolean): string[] {
  if (!wanted) {
    if (!linked.any) return [];
    const count = [...linked.columns.values()].reduce((sum, one) => sum + one, 0);
    const cells = count === 0 ? "cells have" : count === 1 ? "1 cell has" : `${grouped(count)} cells have`;
    return [`${cells} a link, whose address is not kept; --links keeps it in a column beside the text`];
  }
  if (links.length === 0) return ["--links: no cell of the columns that are loaded has a link"];
  return links.map(({ of, column }) => {
    const count = linked.columns.get(of.sheetColumn)!;
    return `the addresses of ${count === 1 ? "1 link" : `${grouped(count)} links`} in "${of.header}" go into the column "${column.name}"`;
  });
}

/**
 * The columns that are loaded after the cells.
 *
 * @param load the columns of cells
 * @throws SluiceError if two things are meant for one column, or cells are meant that the sheet
 *   does not have
 */
export function madeColumns(
  columns: readonly Column[],
  load: readonly LoadColumn[],
  headers: readonly Header[],
  add: AddedColumns,
  links: readonly LinkColumn[],
  place: Place,
): LoadColumn[] {
  const origins = [...add].map(([origin, name]): LoadColumn => {
    const column = columns.find((one) => one.name === name)!;
    if (isMade(column) || column.generated || load.some((entry) => entry.column.name === name)) {
      throw usageError(
        "added_twice",
        `${where(place)}: --add ${origin} would write to the column "${name}", which gets its values from elsewhere. Name another column: --add ${origin}=COLUMN`,
      );
    }
    return { column, sheetColumn: 0, header: "", made: madeOf(origin, place) };
  });
  const stated = columns.filter(isMade).map((column): LoadColumn => {
    if (column.value !== undefined) return { column, sheetColumn: 0, header: "", made: { text: column.value } };
    const from = column.from!.map((name) => headerNamed(name, headers, column, place).sheetColumn);
    return { column, sheetColumn: 0, header: column.from!.join(" + "), made: { from } };
  });
  const addresses = links.map(({ of, column }): LoadColumn => {
    return { column, sheetColumn: 0, header: `${of.header} (link)`, made: { link: of.sheetColumn } };
  });
  return [...stated, ...addresses, ...origins];
}

function madeOf(origin: Origin, { file, sheet }: Place): Made {
  if (origin === "row") return { row: true };
  if (origin === "section") return { section: true };
  return { text: origin === "file" ? file : sheet };
}

/** The headers that columns are made from; they need not have columns themselves. */
export function sourcesOf(columns: readonly Column[]): (header: Header) => boolean {
  const names = new Set(columns.flatMap(({ from = [] }) => from.map(normalizeName)));
  return ({ text }) => names.has(normalizeName(text));
}

function headerNamed(name: string, headers: readonly Header[], column: Column, place: Place): Header {
  const normalized = normalizeName(name);
  const found =
    headers.find(({ text }) => text === name) ?? headers.find(({ text }) => normalizeName(text) === normalized);
  if (found) return found;
  throw new SluiceError(
    "missing_header",
    `${where(place)}: the schema makes the column "${column.name}" from the header "${name}", which the sheet does not have. ` +
      `It has: ${headers.map(({ text }) => text).join(", ")}. Correct the schema's from, or the sheet.`,
  );
}
