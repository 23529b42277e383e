// Chooses the sheet of a workbook that is imported if none is named: the first one that looks as
// much like a table as the best of them.
//
// Many workbooks begin with a cover, a list of contents, terms or notes. These facts tell a table
// from them: several columns that most rows fill, some of them of numbers or dates, a name over
// each, more than a few rows, and no prose. The rows at the top are enough for it.
import { SheetError, type Workbook } from "@sluice/sheets";
import { SluiceError } from "../errors.ts";
import type { SheetView } from "../rejects/as-source.ts";
import { isForm, isReport } from "./form.ts";
import { HEAD_ROWS } from "./head-rows.ts";
import { findLayout, type LayoutOptions } from "./source.ts";
import { scoreOf } from "./table-score.ts";

/** A sheet that holds rows, and how much it looks like a table. */
export interface SheetLook {
  readonly name: string;
  /** Records among the rows that were looked at. */
  readonly rows: number;
  /** True if there are more than these. */
  readonly more: boolean;
  /** The sheet's score, from 0 to 1. */
  readonly score: number;
  /** The reason why it is hardly a table; undefined if it may be one. */
  readonly doubt: string | undefined;
}

/**
 * A share of the best score. The first sheet that reaches it is taken, since people put what counts
 * first.
 */
const NEAR = 0.7;
const ABOUT_NAMES =
  /^(?:cover|cover ?(?:page|sheet)|contents?|table of contents|toc|index|read ?me|notes?|about|info(?:rmation)?|meta-?(?:data|daten|datos|dados|dati|données|informa\p{L}+)|terms|title(?: ?page)?|legend|introduction|intro|glossary|definitions?|disclaimer|change ?log|inhalt(?:sverzeichnis)?|deckblatt|hinweise?|erläuterungen|titel|vorbemerkung|impressum|sommaire|lisez-?moi|índice|indice|portada|notas?|leia-?me|inhoud|toelichting|spis treści|obsah|содержание|目录|说明|目次)\b/iu;

/** The looks of a sheet; undefined if it holds no rows below a header. */
export async function lookAt(file: string, sheet: SheetView, options: LayoutOptions): Promise<SheetLook | undefined> {
  try {
    const { layout, rows } = await findLayout(file, sheet, options);
    const records = rows.filter(({ number }) => number >= layout.firstRow);
    if (records.length === 0) return undefined;
    const { score, doubt } = scoreOf(records, layout);
    const named = ABOUT_NAMES.test(sheet.name.trim());
    const other = isForm(rows) ? "a form" : isReport(records, layout) ? "a printed report" : undefined;
    return {
      name: sheet.name,
      rows: records.length,
      more: rows.length >= HEAD_ROWS,
      score: named || other !== undefined ? score / 2 : score,
      doubt: named
        ? "its name says that it holds something else"
        : other === undefined
          ? doubt
          : `it looks like ${other}`,
    };
  } catch (error) {
    if (error instanceof SluiceError && error.exitCode === 1) return undefined;
    // If a sheet cannot be read, the others are not refused for that.
    if (error instanceof SheetError) return undefined;
    throw error;
  }
}

/** The sheet that is taken; undefined if none holds rows. */
export function chooseSheet(looks: readonly SheetLook[]): SheetLook | undefined {
  const best = Math.max(...looks.map(({ score }) => score));
  return looks.find(({ score }) => score >= best * NEAR);
}

/**
 * The visible sheets that are looked at to choose one of them. A file of 300 kB can list 60,000,
 * which takes minutes.
 */
export const LOOKED_AT = 250;

/**
 * Looks at the first {@link LOOKED_AT} visible sheets, and returns those that hold rows, in their
 * order.
 */
export async function lookAtAll(
  file: string,
  workbook: Workbook,
  viewOf: (name: string) => SheetView,
  optionsFor: (name: string) => LayoutOptions,
): Promise<SheetLook[]> {
  const looks: SheetLook[] = [];
  for (const { name } of workbook.sheets.filter(({ state }) => state === "visible").slice(0, LOOKED_AT)) {
    const look = await lookAt(file, viewOf(name), optionsFor(name));
    if (look) looks.push(look);
  }
  return looks;
}
