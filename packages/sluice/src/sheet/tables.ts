// Finds the sheets of a file that are imported, and their tables.
//
// A file is a table, named after it. Of its sheets the first one that looks like a table counts,
// unless others are named. `--sheet all` takes every visible sheet that holds rows. If all have the
// same headers they are one table, named after the file; otherwise each is a separate table,
// FILE_SHEET. `--table`, or a schema, makes it one table in any case. Several files are several
// tables, unless `--table` names one for all of them.
import type { Workbook } from "@sluice/sheets";
import { grouped } from "../grouped.ts";
import { SluiceError } from "../errors.ts";
import { normalizeName, toIdentifier, unusedIdentifier, tableNameFor } from "../schema/identifiers.ts";
import type { ImportOptions } from "../options.ts";
import { chooseSheet, lookAtAll, LOOKED_AT, type SheetLook } from "./choose.ts";
import { HARDLY } from "./table-score.ts";
import { findLayout, findSheet, layoutOptions, sheetOf, type SheetView } from "./source.ts";

/** A sheet to import. */
export interface SheetToImport {
  readonly sheet: SheetView;
  /** The table, if it is not what the options say. */
  readonly table: string | undefined;
  /**
   * The sheets that go into one new table with it, itself among them: the types of its columns are
   * inferred from all.
   */
  readonly alike: readonly string[];
}

/**
 * The visible sheets of a file that are imported at once. A workbook can list 60,000. Each is an
 * import of its own, and its notes name the others.
 */
const MOST_SHEETS = 1000;

/** The options that say which sheets are imported, and into which tables. */
type TableOptions = Pick<
  ImportOptions,
  "file" | "sheet" | "table" | "schema" | "header" | "headers" | "skip" | "skips" | "range" | "text" | "links" | "map"
>;

/** The sheets that the options mean. @throws SluiceError if there are none */
export async function sheetsToImport(
  workbook: Workbook,
  options: TableOptions,
): Promise<{ sheets: SheetToImport[]; notes: string[] }> {
  const { sheet: wanted } = options;
  const unknown = unknownNames(workbook, options);
  if (wanted !== "all" || workbook.sheets.some(({ name }) => name === "all")) {
    const { sheet, notes } = await sheetToImport(workbook, options);
    return { sheets: [{ sheet, table: undefined, alike: [sheet.name] }], notes };
  }
  const { filled, notes } = await filledSheets(workbook, options);
  return tablesOf(filled, options, [...unknown, ...notes]);
}

/** A sheet with rows, and its headers as they are compared. */
interface FilledSheet {
  readonly sheet: SheetView;
  readonly headers: string;
}

/**
 * The visible sheets that hold a table, and notes of those that are left out.
 * @throws SluiceError if no sheet does, or if there are too many
 */
async function filledSheets(
  workbook: Workbook,
  options: TableOptions,
): Promise<{ filled: FilledSheet[]; notes: string[] }> {
  const { file } = options;
  const visible = workbook.sheets.filter(({ state }) => state === "visible");
  if (visible.length > MOST_SHEETS) {
    throw new SluiceError(
      "too_many_sheets",
      `${file}: it has ${grouped(visible.length)} visible sheets, and at most ${grouped(MOST_SHEETS)} are imported at once. Name each sheet with --sheet, or split the file.`,
    );
  }
  const viewOf = (name: string): SheetView => sheetOf(workbook, name, options);
  const covers = coversAmong(await lookAtAll(file, workbook, viewOf, (name) => layoutOptions(options, name)));
  const filled: FilledSheet[] = [];
  const empty: string[] = [];
  for (const { name } of visible) {
    if (covers.has(name)) continue;
    const sheet = viewOf(name);
    const headers = await headersOf(file, sheet, options);
    if (headers === undefined) empty.push(`"${name}"`);
    else filled.push({ sheet, headers });
  }
  if (filled.length === 0) {
    throw new SluiceError(
      "empty_sheet",
      `${file}: no sheet holds a header and rows below it, so there is nothing to import.`,
    );
  }
  const notes: string[] = [];
  if (empty.length > 0) notes.push(`without rows, and so left out: ${empty.join(", ")}`);
  if (covers.size > 0) {
    const names = [...covers].map((name) => JSON.stringify(name)).join(", ");
    notes.push(`not tables, and so left out: ${names} (--sheet NAME takes one of them)`);
  }
  return { filled, notes };
}

/**
 * The table of each sheet: one table if all have the same headers or one is named, else one for
 * each sheet.
 */
function tablesOf(
  filled: readonly FilledSheet[],
  { file, table, schema }: Pick<ImportOptions, "file" | "table" | "schema">,
  notes: string[],
): { sheets: SheetToImport[]; notes: string[] } {
  const stem = tableNameFor(file);
  const same = filled.every(({ headers }) => headers === filled[0]!.headers);
  const one = table !== undefined || schema !== undefined;
  if (one || same) {
    if (!one && filled.length > 1) notes.push(`all sheets have the same headers, so they go into one table, ${stem}`);
    const names = filled.map(({ sheet }) => sheet.name);
    return {
      sheets: filled.map(({ sheet }) => ({ sheet, table: undefined, alike: same ? names : [sheet.name] })),
      notes,
    };
  }
  notes.push(
    `the sheets have different headers, so each goes into a table of its own, ${stem}_…; --table puts them into one`,
  );
  const taken = new Set<string>();
  const sheets = filled.map(({ sheet }) => {
    const name = toIdentifier(`${stem} ${toIdentifier(sheet.name) || sheet.index + 1}`);
    return { sheet, table: unusedIdentifier(name, taken), alike: [sheet.name] };
  });
  return { sheets, notes };
}

/** Says which sheets `--header` and `--skip` name that are not there. */
function unknownNames(workbook: Workbook, { headers, skips }: Pick<ImportOptions, "headers" | "skips">): string[] {
  const names = new Set(workbook.sheets.map(({ name }) => name));
  return [["--header", headers] as const, ["--skip", skips] as const].flatMap(([option, bySheet]) =>
    [...(bySheet?.keys() ?? [])]
      .filter((name) => !names.has(name))
      .map((name) => `${option} names the sheet "${name}", which is not there, and so changes nothing`),
  );
}

/**
 * The one sheet that the options mean, and what there is to say of it and of others.
 * @throws SluiceError if it is not there
 */
export async function sheetToImport(
  workbook: Workbook,
  options: Omit<TableOptions, "table">,
): Promise<{ sheet: SheetView; notes: string[] }> {
  const { file, sheet: wanted } = options;
  const unknown = unknownNames(workbook, options);
  if (wanted !== undefined) return { sheet: findSheet(file, workbook, wanted, options), notes: unknown };
  const first = sheetOf(workbook, undefined, options);
  const visible = workbook.sheets.filter(({ state }) => state === "visible").length;
  if (visible < 2) return { sheet: first, notes: unknown };
  const viewOf = (name: string): SheetView => sheetOf(workbook, name, options);
  const looks = await lookAtAll(file, workbook, viewOf, (name) => layoutOptions(options, name));
  const chosen = chooseSheet(looks);
  const notes = visible > LOOKED_AT ? [...unknown, notLookedAt(visible)] : unknown;
  if (!chosen) return { sheet: first, notes };
  const others = looks.filter(({ name }) => name !== chosen.name);
  return { sheet: viewOf(chosen.name), notes: [...notes, ...sheetNotes(chosen, first.name, others)] };
}

/**
 * The sheets that are hardly tables, compared with the others, by their name or their cells:
 * covers, contents, notes.
 */
function coversAmong(looks: readonly SheetLook[]): ReadonlySet<string> {
  const best = Math.max(...looks.map(({ score }) => score));
  return new Set(
    looks
      .filter(({ score, doubt }) => doubt !== undefined && score < HARDLY && score * 3 < best)
      .map(({ name }) => name),
  );
}

function notLookedAt(visible: number): string {
  return `of ${grouped(visible)} sheets the first ${LOOKED_AT} were looked at, and one of them is taken (--sheet NAME takes another one)`;
}

/** Sheets that a note names. */
const NAMED = 8;

function sheetNotes(chosen: SheetLook, first: string, others: readonly SheetLook[]): string[] {
  if (others.length === 0 && chosen.name === first) return [];
  const taken =
    chosen.name === first
      ? ""
      : `the sheet ${JSON.stringify(chosen.name)} is taken, since it looks most like a table; `;
  if (others.length === 0) return [`${taken}no other sheet holds rows below a header`];
  const names = others
    .slice(0, NAMED)
    .map(
      ({ name, rows, more }) =>
        `${JSON.stringify(name)} (${more ? "more than " : ""}${rows} ${rows === 1 ? "row" : "rows"})`,
    );
  const rest = others.length > NAMED ? ` and ${others.length - NAMED} more` : "";
  const hold = others.length === 1 ? "another sheet holds rows and is" : "other sheets hold rows and are";
  return [`${taken}${hold} left out: ${names.join(", ")}${rest} (--sheet NAME takes one, --sheet all takes all)`];
}

/** The headers as they are compared, in order; undefined if the sheet has nothing to import. */
async function headersOf(
  file: string,
  sheet: SheetView,
  options: Pick<ImportOptions, "schema" | "header" | "headers" | "skip" | "skips" | "map">,
): Promise<string | undefined> {
  try {
    const { layout, rows } = await findLayout(file, sheet, layoutOptions(options, sheet.name));
    if (rows.at(-1)!.number < layout.firstRow) return undefined;
    if (layout.headerRows.length === 0)
      return `none, ${Math.max(...rows.map((row) => row.cells.at(-1)!.column))} columns`;
    return layout.headers.map(({ sheetColumn, text }) => `${sheetColumn} ${normalizeName(text)}`).join("\n");
  } catch (error) {
    if (error instanceof SluiceError && error.exitCode === 1) return undefined;
    throw error;
  }
}
