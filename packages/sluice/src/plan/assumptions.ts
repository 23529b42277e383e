// The assumptions of an import about a file: in its result, each with the option that settles it.
import type { Assumption } from "../options.ts";
import type { Column } from "../schema/schema.ts";
import { baseType } from "../schema/types.ts";
import { scalarOf } from "../values/values.ts";
import type { Plan } from "./plan.ts";

type Assumed = Pick<Plan, "created" | "load" | "firstRow" | "headerRows">;

/** The assumptions of a plan; types only if the import made the table. */
export function assumptionsOf(plan: Assumed, sheet: string): Assumption[] {
  const types = plan.load.map(({ column }) => {
    const notation = column.dateFormat === undefined ? "" : ` as ${column.dateFormat}`;
    return `${column.name} ${column.type}${notation}`;
  });
  return [
    { about: "sheet", said: sheet, option: "--sheet" },
    ...headerAssumption(plan),
    { about: "records", said: `from row ${plan.firstRow} on`, option: "--header, --range or --skip-last" },
    ...(plan.created ? [{ about: "types" as const, said: types.join(", "), option: '--type "column=type"' }] : []),
    ...stated("notations", notationsOf(plan), "--type"),
    ...stated("marks", marksOf(plan), "--null"),
  ];
}

function headerAssumption({ headerRows }: Assumed): Assumption[] {
  if (headerRows === undefined) return [];
  const [first, last] = [headerRows[0], headerRows.at(-1)];
  const said = first === undefined ? "no row" : first === last ? `row ${first}` : `rows ${first} to ${last}`;
  return [{ about: "header", said, option: "--header" }];
}

function stated(about: "notations" | "marks", values: readonly string[], option: string): Assumption[] {
  return values.length === 0 ? [] : [{ about, said: values.join(", "), option, values }];
}

/** `pay=numeric(1.234,56)` for each column with a notation of its own, as `--type` states it. */
function notationsOf({ load }: Assumed): string[] {
  return load.flatMap(({ column }) => {
    const notation = column.dateFormat ?? column.numberFormat;
    return notation === undefined ? [] : [`${column.name}=${notedType(column)}(${notation})`];
  });
}

/**
 * The type of a column as `--type` has it before a notation: `timestamp` for `timestamp with time
 * zone`.
 */
export function notedType(column: Column): string {
  return baseType(scalarOf(column)).replace(/ with(?:out)? time zone$/, "");
}

/** `pay=n/a` for each text that means a missing value in a column, as `--null` states it. */
function marksOf({ load }: Assumed): string[] {
  return load.flatMap(({ column }) => (column.nulls ?? []).map((text) => `${column.name}=${text}`));
}
