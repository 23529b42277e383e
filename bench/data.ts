// What the benchmarks work on: workbooks of the sample generator and the same rows as CSV, made
// once and kept in bench/tmp.
import { createHash } from "node:crypto";
import { createWriteStream, existsSync, globSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { businessColumns, businessRows, writeSample } from "../packages/sluice/src/sample/sample.ts";

export const root: string = join(import.meta.dirname, "..");
export const tmp: string = join(import.meta.dirname, "tmp");

const generator = createHash("sha256")
  .update(
    globSync("packages/sluice/src/{sample,xlsx}/*.ts", { cwd: root })
      .filter((file) => !file.endsWith(".test.ts"))
      .sort()
      .map((file) => readFileSync(join(root, file), "utf8"))
      .join("\0"),
  )
  .digest("hex")
  .slice(0, 8);

/** A workbook of `rows` good rows. */
export function workbook(rows: number, strings: "shared" | "inline"): Promise<string> {
  return kept(`${rows}-${strings}.xlsx`, (out) => writeSample(out, { rows, strings }));
}

/**
 * The same rows as CSV with a header; an empty field is NULL to COPY, as an empty cell is to the
 * importer. To be read with `escape '\'`: psql 15 ends the data at a line that is just `\.`, even
 * inside quotes, and so no text makes such a line.
 */
export function csv(rows: number): Promise<string> {
  return kept(`${rows}.csv`, async (out) => {
    let text = businessColumns.map(({ title }) => title.toLowerCase()).join(",") + "\n";
    for (const row of businessRows({ rows })) {
      text += row.map(csvField).join(",") + "\n";
      if (text.length < 1 << 16) continue;
      if (!out.write(text)) await once(out, "drain");
      text = "";
    }
    out.write(text);
  });
}

function csvField(text: string): string {
  return /[",\r\n\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"` : text;
}

/** What is kept bears the generator's version in its name, so that a new one makes new files. */
export async function kept(name: string, write: (out: Writable) => Promise<void>): Promise<string> {
  const file = join(tmp, `${generator}-${name}`);
  if (existsSync(file)) return file;
  mkdirSync(tmp, { recursive: true });
  process.stderr.write(`making ${name} …\n`);
  const unfinished = `${file}.${process.pid}`;
  const out = createWriteStream(unfinished);
  await write(out);
  out.end();
  await once(out, "close");
  renameSync(unfinished, file);
  return file;
}
