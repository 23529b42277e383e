// Which sheets of a file are imported, and into which tables.
//
// A file is a table, named after it, and of its sheets the first visible one counts unless others are named. `--sheet all` takes every
// visible sheet that holds rows: where all have the same headers they are one table, named after the file; otherwise each is a table
// of its own, FILE_SHEET. `--table`, or a schema, makes it one table in any case. Several files are several tables, unless `--table`
// names one for all of them.
import type { Workbook } from "@sluice/sheets";
import { SluiceError } from "./errors.ts";
import { normalizeName, toIdentifier, unusedIdentifier } from "./identifiers.ts";
import type { ImportOptions } from "./import.ts";
import { tableNameFor } from "./mapping.ts";
import { findLayout, findSheet, layoutOptions, sheetOf, type SheetView } from "./source.ts";

/** A sheet to import. */
export interface SheetToImport {
  readonly sheet: SheetView;
  /** The table, where it is not what the options say. */
  readonly table: string | undefined;
  /** The sheets that go into one new table with it, itself among them: the types of its columns are inferred from all. */
  readonly alike: readonly string[];
}

/** The sheets that the options mean. @throws SluiceError where there are none */
export async function sheetsToImport(
  workbook: Workbook,
  options: Pick<ImportOptions, "file" | "sheet" | "table" | "schema" | "header" | "skip" | "map">,
): Promise<{ sheets: SheetToImport[]; notes: string[] }> {
  const { file, sheet: wanted } = options;
  if (wanted !== "all" || workbook.sheets.some(({ name }) => name === "all")) {
    const sheet = wanted === undefined ? sheetOf(workbook) : findSheet(file, workbook, wanted);
    return { sheets: [{ sheet, table: undefined, alike: [sheet.name] }], notes: [] };
  }
  const filled: { sheet: SheetView; headers: string }[] = [];
  const empty: string[] = [];
  for (const { name, state } of workbook.sheets) {
    if (state !== "visible") continue;
    const sheet = sheetOf(workbook, name);
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
  const notes = empty.length === 0 ? [] : [`without rows, and so left out: ${empty.join(", ")}`];
  const stem = tableNameFor(file);
  const same = filled.every(({ headers }) => headers === filled[0]!.headers);
  const one = options.table !== undefined || options.schema !== undefined;
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

/** The headers as they are compared, in order; undefined where there is nothing to import. */
async function headersOf(
  file: string,
  sheet: SheetView,
  options: Pick<ImportOptions, "schema" | "header" | "skip" | "map">,
): Promise<string | undefined> {
  try {
    const { layout, rows } = await findLayout(file, sheet, layoutOptions(options));
    if (rows.at(-1)!.number < layout.firstRow) return undefined;
    if (layout.headerRows.length === 0)
      return `none, ${Math.max(...rows.map((row) => row.cells.at(-1)!.column))} columns`;
    return layout.headers.map(({ sheetColumn, text }) => `${sheetColumn} ${normalizeName(text)}`).join("\n");
  } catch (error) {
    if (error instanceof SluiceError && error.exitCode === 1) return undefined;
    throw error;
  }
}
