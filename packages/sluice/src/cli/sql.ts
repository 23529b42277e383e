// `sluice sql`: a look at what is in the database.
import { connectExisting, type TargetFlags } from "./common.ts";
import { columns } from "./format.ts";

export interface SqlFlags extends TargetFlags {
  readonly json?: boolean;
}

/** Longer values are cut where people read; `--json` gives them whole. */
const WIDEST = 60;

export async function sqlCommand(query: string, flags: SqlFlags): Promise<number> {
  await using target = await connectExisting(flags);
  const { columns: names, rows, count } = await target.query(query);
  if (flags.json) {
    const keys = distinct(names);
    console.log(JSON.stringify(rows.map((row) => Object.fromEntries(keys.map((key, i) => [key, row[i] ?? null])))));
  } else if (names.length > 0) {
    const cells = rows.map((row) => row.map((value) => (value === null ? "NULL" : show(value))));
    for (const line of columns([[...names], ...cells])) console.log(line);
    console.log(`(${rows.length} ${rows.length === 1 ? "row" : "rows"})`);
  } else {
    console.log(count === undefined ? "done" : `${count} ${count === 1 ? "row" : "rows"} changed`);
  }
  return 0;
}

function show(value: string): string {
  const line = value.replaceAll(/\s+/g, " ");
  return line.length > WIDEST ? `${line.slice(0, WIDEST)}…` : line;
}

/** Columns of one name are told apart as `name`, `name_2`, …: an object can hold each of them once. */
function distinct(names: readonly string[]): string[] {
  const used = new Set<string>();
  return names.map((name) => {
    let key = name;
    for (let n = 2; used.has(key); n++) key = `${name}_${n}`;
    used.add(key);
    return key;
  });
}
