// What somebody has chosen for a file, and the form fields that say it to the service (they are
// named as the command line's options).
import type { Fields } from "../api/client.ts";
import type { ColumnPreview, SheetPreview } from "../api/shapes.ts";

/** The choices for a column. What is not chosen stays as the service found it. */
export interface ColumnChoice {
  /** The table's column. */
  readonly name?: string;
  /** The column is not imported. */
  readonly out?: boolean;
  /** A PostgreSQL type. */
  readonly type?: string;
  /** The notation of its dates or numbers: `DD/MM/YYYY`, `1.234,56`. */
  readonly notation?: string;
  /** The texts that mean that there is no value. */
  readonly nulls?: readonly string[];
}

/** Options that are chosen by name and value, as fields of the form. */
export type Options = Readonly<Record<string, string>>;

export interface Choices {
  readonly sheet?: string;
  /** `none`, a row, or a first and a last row: `4-5`. */
  readonly header?: string;
  readonly table?: string;
  /** By header, or by the column's letter if it has none. */
  readonly columns: Readonly<Record<string, ColumnChoice>>;
  readonly options: Options;
}

export const NO_CHOICES: Choices = { columns: {}, options: {} };

/** The name under which choices for a column are kept. */
export function keyOf({ header, letter }: Pick<ColumnPreview, "header" | "letter">): string {
  return header === "" ? letter : header;
}

/** A preview, as far as choices depend on it. */
export interface Shown extends Pick<SheetPreview, "columns"> {
  /** The sheet that is shown, if the file has several. */
  readonly sheet?: string | undefined;
}

/**
 * The fields that say the choices. It has more than 15 branches because each choice has its own
 * field.
 *
 * @param shown the preview that they were made in
 */
export function toFields(choices: Choices, shown?: Shown): Fields {
  const fields: [string, string][] = [];
  const add = (name: string, value: string | undefined): void => void (value && fields.push([name, value]));
  // A choice is one for the sheet that is seen. Without its name the service would look for a sheet
  // again.
  add("sheet", choices.sheet ?? shown?.sheet);
  add("header", choices.header);
  add("table", choices.table?.trim());
  for (const column of shown?.columns ?? []) {
    const chosen = choices.columns[keyOf(column)];
    if (!chosen) continue;
    // A column without a header can be named by the name that it got.
    const said = column.header === "" ? column.column : column.header;
    if (said === null) continue;
    if (chosen.out || chosen.name) fields.push(["map", `${said}=${chosen.out ? "" : chosen.name}`]);
    const type = chosen.type ?? (chosen.notation ? (column.type ?? column.inferred.type) : undefined);
    if (type !== undefined && !chosen.out)
      fields.push(["type", `${said}=${type}${chosen.notation ? `(${chosen.notation})` : ""}`]);
  }
  for (const mark of marksOf(choices, shown?.columns ?? [])) fields.push(["null", mark]);
  for (const [name, value] of Object.entries(choices.options)) add(name, value);
  return fields;
}

/**
 * Marks of all columns, as soon as those of one are chosen: "" says that no others are to be found.
 */
function marksOf(choices: Choices, columns: readonly ColumnPreview[]): string[] {
  if (!Object.values(choices.columns).some(({ nulls }) => nulls !== undefined)) return [];
  const stated = columns.flatMap((column) => {
    const said = column.header === "" ? column.column : column.header;
    return (choices.columns[keyOf(column)]?.nulls ?? column.nulls).map((text) => `${said}=${text}`);
  });
  return ["", ...stated];
}

/** Choices with those of a column changed. An `undefined` takes one back. */
export function chooseColumn(
  choices: Choices,
  key: string,
  change: { readonly [name in keyof ColumnChoice]?: ColumnChoice[name] | undefined },
): Choices {
  const chosen = Object.entries({ ...choices.columns[key], ...change }).filter(([, value]) => value !== undefined);
  const { [key]: _, ...others } = choices.columns;
  return { ...choices, columns: chosen.length === 0 ? others : { ...others, [key]: Object.fromEntries(chosen) } };
}

/** Choices with one option changed; "" takes it back. */
export function chooseOption(choices: Choices, name: string, value: string): Choices {
  const { [name]: _, ...others } = choices.options;
  return { ...choices, options: value === "" ? others : { ...others, [name]: value } };
}

/**
 * The choices for all sheets of a file at once. What was chosen for the header and columns of one
 * sheet does not hold for the others.
 */
export function chooseAllSheets({ table, options }: Choices): Choices {
  return { columns: {}, options, sheet: "all", ...(table === undefined ? {} : { table }) };
}

/**
 * Another sheet or header row has other columns: what was chosen for the old ones does not hold
 * there.
 */
export function chooseLayout(choices: Choices, change: { readonly sheet?: string; readonly header?: string }): Choices {
  const { header: _, ...others } = choices;
  return { ...others, columns: {}, ...(change.sheet ? {} : choices.sheet ? { sheet: choices.sheet } : {}), ...change };
}

/** Whether anything was chosen that is worth keeping for the next file of this kind. */
export function isWorthKeeping({ header, table, columns, options }: Choices): boolean {
  return header !== undefined || table !== undefined || Object.keys({ ...columns, ...options }).length > 0;
}
