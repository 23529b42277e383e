// `sluice sql`: a look at what is in the database.
import { connectExisting, type TargetFlags } from "./common.ts";
import { columns } from "./format.ts";

export interface SqlFlags extends TargetFlags {
  readonly json?: boolean;
}

/** Longer values are cut for people; `--json` gives them whole. */
const WIDEST = 60;

export async function sqlCommand(query: string, flags: SqlFlags): Promise<number> {
  await using target = await connectExisting(flags);
  const { columns: names, types = [], rows, count } = await target.query(query);
  if (flags.json) {
    const keys = distinct(names);
    console.log(
      JSON.stringify(
        rows.map((row) => Object.fromEntries(keys.map((key, i) => [key, jsonValue(row[i] ?? null, types[i])]))),
      ),
    );
  } else if (names.length > 0) {
    const cells = rows.map((row) => row.map((value) => (value === null ? "NULL" : show(value))));
    for (const line of columns([[...names], ...cells])) console.log(line);
    console.log(`(${rows.length} ${rows.length === 1 ? "row" : "rows"})`);
  } else {
    console.log(count === undefined ? "done" : `${count} ${count === 1 ? "row" : "rows"} changed`);
  }
  return 0;
}

/** OIDs: int8, int2, int4, oid, float4, float8, numeric. */
const NUMBERS: ReadonlySet<number | undefined> = new Set([20, 21, 23, 26, 700, 701, 1700]);

/** A number as such, if JSON's readers keep all of its digits; everything else as text. */
function jsonValue(text: string | null, type: number | undefined): string | number | null {
  if (text === null || !NUMBERS.has(type)) return text;
  const number = Number(text);
  if (!Number.isFinite(number)) return text;
  return type === 700 || type === 701 || sameDigits(text, number) ? number : text;
}

/**
 * Reports whether a number, written out, has the digits of a text, apart from zeros at the end of
 * its decimals.
 */
function sameDigits(text: string, number: number): boolean {
  return String(number) === (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
}

function show(value: string): string {
  const line = value.replaceAll(/\s+/g, " ");
  return line.length > WIDEST ? `${line.slice(0, WIDEST)}…` : line;
}

/**
 * Columns of one name are told apart as `name`, `name_2`, …: an object can hold each of them once.
 */
function distinct(names: readonly string[]): string[] {
  const used = new Set<string>();
  return names.map((name) => {
    let key = name;
    for (let n = 2; used.has(key); n++) key = `${name}_${n}`;
    used.add(key);
    return key;
  });
}
