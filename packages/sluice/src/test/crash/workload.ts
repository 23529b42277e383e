// What a crash test imports, and what must be in the table afterwards: worked out from the rows themselves, by no code of the importer.
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { businesses } from "../../businesses.ts";
import { tableDdl } from "../../schema.ts";
import { businessRows, writeSample } from "../../sample/sample.ts";

/**
 * The table that an import finds. `made`: none, it makes one. `checked`: one that refuses some rows, so that chunks are cut.
 * `unique`: one with a unique index as well, so that rows that are not committed hold others up.
 */
export type Kind = "made" | "checked" | "unique";
export const KINDS: readonly Kind[] = ["made", "checked", "unique"];

export interface Workload {
  /** A workbook of the guide's businesses. */
  readonly file: string;
  readonly rows: number;
}

export interface Expected {
  /** The nine texts of each row in the table, null for NULL; sorted. */
  readonly rows: readonly string[];
  /** The sheet's rows that are rejected, in order. */
  readonly rejected: readonly number[];
}

/** The columns of the sheet, as a query sees them. */
export const COLUMNS = "name, category, phone, email, address, city, country, website, description";

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
export function ddlOf(kind: Kind): string[] {
  if (kind === "made") return [];
  const { create } = tableDdl(businesses);
  const check = "alter table businesses add constraint not_today check (char_length(description) % 67 <> 5)";
  return kind === "checked" ? [...create, check] : [...create, check, "alter table businesses add unique (email)"];
}

export function expectedOf({ rows }: Workload, kind: Kind): Expected {
  const kept: string[] = [];
  const rejected: number[] = [];
  const clean = businessRows({ rows, seed: SEED });
  const given = [...businessRows({ rows, bad: Math.floor(rows / BAD_IN), seed: SEED })];
  for (const [n, row] of given.entries()) {
    const isBad = String(row) !== String(clean.next().value);
    const isRefused = kind !== "made" && [...row.at(-1)!].length % 67 === 5;
    if (isBad || isRefused) rejected.push(n + 2);
    else kept.push(JSON.stringify(row.map((text) => text || null)));
  }
  return { rows: kept.sort(), rejected };
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
