// The shape of a preview: what `sluice preview --json` prints, the first raw rows of each sheet,
// and a token for the file.
import type { FilePreview } from "../../preview.ts";
import { byName, flag, list, named, object, oneOf, orNull, ref, says, text, whole, type Schema } from "./schema.ts";

/** The first rows of a sheet, as they are. */
export type Grid = readonly { readonly row: number; readonly cells: readonly (string | null)[] }[];

/** The answer of `POST /preview`. */
export interface Preview extends Omit<FilePreview, "sheets"> {
  readonly sheets: readonly (FilePreview["sheets"][number] & {
    readonly grid: Grid;
    readonly rows: number;
    readonly more: boolean;
  })[];
  /** The field `upload` of a later preview or import, in the place of `file`. */
  readonly upload: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}

/**
 * The type and the notation that the values of a column look like, whether or not the column of the
 * table is like that.
 */
const INFERRED: Schema = object({
  type: says(text, "The type that its values look like, whatever type the table has."),
  "dateFormat?": text,
  "numberFormat?": text,
  "unit?": text,
  missing: list({}, { description: "Marks for missing values that were seen." }),
  errors: list({}, { description: "Error cells, by code." }),
  confidence: { type: "number" },
  values: says(whole, "Cells that hold a value, of those looked at."),
  "because?": says(text, "Why it is text although its values are not just words."),
  "nearest?": object(
    {
      type: text,
      "notation?": says(text, "Of its dates or numbers, if PostgreSQL would not read them as they are."),
      fits: whole,
      against: list(object({ row: whole, value: text }), {
        description: "The first values that are not of that type.",
      }),
    },
    { description: "Of a column of text: the type that most of its values have." },
  ),
});

/**
 * A row that would be rejected. It names the file and the sheet too, as `sluice preview --json`
 * does.
 */
const REJECT: Schema = object({
  file: text,
  sheet: text,
  row: whole,
  "column?": text,
  "value?": text,
  code: text,
  reason: text,
  cells: list(ref("Cell")),
});

/** `ColumnPreview` is a column of a `SheetPreview`, and that an import of a `Preview`. */
export const PREVIEW_SCHEMAS: readonly Schema[] = [
  named(
    "ColumnPreview",
    object({
      letter: says(text, "`A`, `B`, …"),
      header: text,
      unit: orNull(text),
      column: orNull(says(text, "The table's column; null if the header is left out.")),
      type: orNull(text),
      dateFormat: orNull(text),
      numberFormat: orNull(text),
      nulls: list(text, { description: "Texts that mean that there is no value." }),
      match: orNull(
        object(
          { by: oneOf("map", "name", "likeness"), score: { type: "number" } },
          { description: "How the header found its column." },
        ),
      ),
      inferred: INFERRED,
    }),
  ),
  named(
    "SheetPreview",
    object({
      sheet: text,
      table: text,
      exists: says(flag, "The table is there already."),
      headerRows: list(whole),
      unitsRow: orNull(whole),
      firstRow: whole,
      records: says(whole, "Records that were looked at."),
      complete: says(flag, "They are all that there are."),
      columns: list(ref("ColumnPreview")),
      ddl: list(text),
      indexes: list(text),
      sample: list(object({ row: whole, values: list(orNull(text)) }), { description: "As they would be loaded." }),
      rejects: object({ total: whole, reasons: byName(whole), first: list(REJECT) }),
      leftOut: list(object({ why: text, count: whole, rows: list(whole), text }), {
        description: "Rows that are not records, and why.",
      }),
      notes: list(text),
      error: orNull(object({ code: text, message: text })),
    }),
  ),
  named(
    "Preview",
    object({
      file: text,
      format: text,
      sheets: list(
        object({
          name: text,
          state: oneOf("visible", "hidden", "veryHidden"),
          rows: says(whole, "Rows that hold something, as far as they were counted."),
          more: says(flag, "There may be more of them."),
          grid: list(
            object({ row: whole, cells: list(orNull(text), { description: "From column A on, as texts." }) }),
            {
              description: "The sheet's first rows as they are, to choose a header from.",
            },
          ),
        }),
      ),
      imports: list(ref("SheetPreview"), { description: "One for each sheet that would be imported." }),
      notes: list(text),
      upload: says(
        text,
        "The field `upload` of a later preview or import, in the place of `file`: the file need not be sent again.",
      ),
      expiresAt: says(text, "ISO 8601: the file is removed then, unless it is used before."),
    }),
  ),
];
