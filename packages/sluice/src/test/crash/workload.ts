// What a crash test imports, and what must be in the table afterwards: worked out from the rows
// themselves, by no code of the importer.
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { businesses } from "../../schema/businesses.ts";
import { quoteLiteral } from "../../schema/identifiers.ts";
import { tableDdl } from "../../schema/schema.ts";
import { businessRows, writeSample } from "../../sample/sample.ts";

/**
 * The table that an import finds.
 *
 * - `made`: none, the import makes one.
 * - `checked`: one that refuses some rows, so that chunks are cut.
 * - `unique`: one with a unique index as well, so that rows that are not committed hold others up.
 * - `keyed`: one that holds every other row already, to be updated by its e-mail. Each row counts
 *   how often it was written over, so an update that is applied twice shows.
 */
export type Kind = "made" | "checked" | "unique" | "keyed";
export const KINDS: readonly Kind[] = ["made", "checked", "unique", "keyed"];

export interface Workload {
  /** A workbook of the guide's businesses. */
  readonly file: string;
  readonly rows: number;
}

export interface Expected {
  /** The texts of each row in the table, null for NULL; sorted. */
  readonly rows: readonly string[];
  readonly inserted: number;
  readonly updated: number;
  /** The sheet's rows that are rejected, in order. */
  readonly rejected: readonly number[];
}

const COLUMNS = "name, category, phone, email, address, city, country, website, description";
/** Where the e-mail stands among them. */
const EMAIL = 3;

/**
 * The query for what is compared: the columns of the sheet and, of a keyed table, how often a row
 * was updated.
 */
export function queryOf(kind: Kind): string {
  return `select ${COLUMNS}${kind === "keyed" ? ", updates::text" : ""} from businesses`;
}

const BAD_IN = 60;
const SEED = 7;

export async function makeWorkload(folder: string, rows: number): Promise<Workload> {
  const file = join(folder, `businesses-${rows}.xlsx`);
  const output = createWriteStream(file);
  await writeSample(output, { rows, bad: Math.floor(rows / BAD_IN), seed: SEED, strings: "inline" });
  output.end();
  await finished(output);
  return { file, rows };
}

/** The statements that make the table beforehand. */
export function ddlOf(kind: Kind, workload: Workload): string[] {
  if (kind === "made") return [];
  const { create } = tableDdl(businesses);
  const check = "alter table businesses add constraint not_today check (char_length(description) % 67 <> 5)";
  if (kind === "checked") return [...create, check];
  const unique = [...create, check, "alter table businesses add unique (email)"];
  if (kind === "unique") return unique;
  const emails = [...held(workload)].map((email) => `(${quoteLiteral(OLD_NAME)}, ${quoteLiteral(email)})`);
  return [
    ...unique,
    "alter table businesses add updates integer not null default 0",
    `insert into businesses (name, email) values ${emails.join(", ")}`,
    `create function counted() returns trigger language plpgsql
     as $$ begin new.updates := old.updates + 1; return new; end $$`,
    "create trigger counted before update on businesses for each row execute function counted()",
  ];
}

const OLD_NAME = "held before";

/** The e-mails of the rows that a keyed table holds before the import. */
function* held({ rows }: Workload): Generator<string> {
  for (const [n, row] of enumerate(businessRows({ rows, seed: SEED }))) if (n % 2 === 0) yield row[EMAIL]!;
}

function* enumerate<T>(items: Iterable<T>): Generator<[number, T]> {
  let n = 0;
  for (const item of items) yield [n++, item];
}

export function expectedOf(workload: Workload, kind: Kind): Expected {
  const { rows } = workload;
  const kept: string[] = [];
  const rejected: number[] = [];
  const before = new Set(kind === "keyed" ? held(workload) : []);
  const inserts = rows - before.size;
  const clean = businessRows({ rows, seed: SEED });
  let refusedInserts = 0;
  for (const [n, row] of enumerate(businessRows({ rows, bad: Math.floor(rows / BAD_IN), seed: SEED }))) {
    const good = clean.next().value!;
    const isBad = String(row) !== String(good);
    const isRefused = kind !== "made" && [...row.at(-1)!].length % 67 === 5;
    const isHeld = before.has(good[EMAIL]!);
    const cells: (string | null)[] = row.map((text) => text || null);
    if (!isBad && !isRefused) {
      kept.push(JSON.stringify(kind === "keyed" ? [...cells, isHeld ? "1" : "0"] : cells));
      continue;
    }
    rejected.push(n + 2);
    if (!isHeld) refusedInserts++;
    else kept.push(JSON.stringify([OLD_NAME, null, null, good[EMAIL]!, null, null, null, null, null, "0"]));
  }
  const inserted = inserts - refusedInserts;
  return { rows: kept.sort(), inserted, updated: rows - inserted - rejected.length, rejected };
}

/** What differs between the table and what must be in it; empty where nothing does. */
export function differences(stored: readonly (readonly (string | null)[])[], expected: Expected): string[] {
  const left = new Map<string, number>();
  for (const row of expected.rows) left.set(row, (left.get(row) ?? 0) + 1);
  const found: string[] = [];
  for (const row of stored) {
    const text = JSON.stringify(row);
    const times = left.get(text) ?? 0;
    if (times === 0) found.push(`in the table, and not once more in the file: ${text}`);
    else left.set(text, times - 1);
  }
  for (const [text, times] of left) if (times > 0) found.push(`in the file, and not in the table: ${text}`);
  return found;
}
