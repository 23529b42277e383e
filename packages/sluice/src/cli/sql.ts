// `sluice sql`: a look at what is in the database.
import { SluiceError } from "../errors.ts";
import { pgliteExists } from "../targets/pglite.ts";
import { connect, serverAddress, type TargetFlags } from "./common.ts";
import { columns } from "./format.ts";

export interface SqlFlags extends TargetFlags {
  readonly json?: boolean;
}

/** Longer values are cut where people read; `--json` gives them whole. */
const WIDEST = 60;

export async function sqlCommand(query: string, flags: SqlFlags): Promise<number> {
  if (serverAddress(flags) === undefined && !pgliteExists(flags.data)) {
    throw new SluiceError(
      "no_database",
      `there is no embedded database in ${flags.data} yet. Import a file first, or name a server with --to postgres://…`,
    );
  }
  await using target = await connect(flags);
  const { columns: names, rows, count } = await target.query(query);
  if (flags.json) {
    console.log(JSON.stringify(rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? null])))));
  } else if (names.length > 0) {
    const cells = rows.map((row) => row.map((value) => (value === null ? "" : show(value))));
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
