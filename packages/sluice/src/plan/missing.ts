// The texts that stand for a missing value: those that `--null` states, and the marks that are
// found among values of one type.
import type { LoadColumn } from "../chunk/chunk.ts";
import { inferred } from "./design.ts";
import type { NullTexts } from "../options.ts";
import { statedFor } from "../sheet/null-texts.ts";
import type { Sample } from "../sheet/source.ts";
import { baseType } from "../schema/types.ts";
import { scalarOf } from "../values/values.ts";

/**
 * Columns with the texts that mean that there is no value: those that are stated, and, in a column
 * that does not hold text, the marks that the sheet has among values of one type.
 *
 * @param sample undefined if a schema says what the columns are
 */
export async function withNulls(
  load: readonly LoadColumn[],
  sample: (() => Promise<Sample>) | undefined,
  nulls: NullTexts,
): Promise<LoadColumn[]> {
  const known = new Set(load.flatMap(({ column, header }) => [column.name, header]));
  const result: LoadColumn[] = [];
  for (const entry of load) {
    const { column, header, sheetColumn } = entry;
    const stated = statedFor(nulls, [column.name, header], known);
    const found = sample && !holdsText(entry) ? inferred(await sample(), sheetColumn, header).missing : [];
    const all = [...new Set([...(column.nulls ?? []), ...stated, ...found.map(({ text }) => text)])];
    result.push(all.length === 0 ? entry : { ...entry, column: { ...column, nulls: all } });
  }
  return result;
}

/** Reports whether a column holds texts unchanged. */
export function holdsText({ column }: LoadColumn): boolean {
  return /^(?:text|varchar|char|bpchar|citext|name)$/.test(baseType(scalarOf(column)));
}

/** Columns of `timestamptz`, with the zone for times without one. */
export function withTimeZone(load: readonly LoadColumn[], timeZone: string | undefined): readonly LoadColumn[] {
  if (timeZone === undefined) return load;
  return load.map((entry) => {
    const isZoned =
      baseType(scalarOf(entry.column)) === "timestamp with time zone" && entry.column.timeZone === undefined;
    return isZoned ? { ...entry, column: { ...entry.column, timeZone } } : entry;
  });
}
