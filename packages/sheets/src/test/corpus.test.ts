// Other projects' workbooks, where they lie beside the repository: every cell on which two other
// readers agree must be read the same, and whatever else a file does, it neither hangs nor fails
// with anything but a SheetError. Where this reader differs, or refuses a file,
// corpus-differences.tsv says so, and who is right: that list is compared both ways.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SheetError } from "../errors.ts";
import { Duration } from "../cells/duration.ts";
import { CellError, type CellValue } from "../cells/rows.ts";
import { open } from "../workbook.ts";
import { corpus } from "./corpus.ts";

type Expected = readonly ["n" | "s" | "b" | "e" | "d", string | number | boolean];
interface Workbook {
  readonly sheets: readonly { name: string; hidden: boolean; cells: Record<string, Expected> }[];
}

const files = existsSync(corpus)
  ? readdirSync(corpus, { recursive: true, encoding: "utf8" })
      .filter((file) => /^files.*\.xls[xm]$/.test(file))
      .sort()
  : [];

// A repository that stands alone has nothing to compare with. Where the folder is, an empty one
// must not pass for a good one.
const absent = !existsSync(corpus);
if (absent)
  console.warn("corpus: not here (../shared/corpus beside the repository), so there is nothing to compare with");

test.skipIf(absent)("the corpus is read as other readers read it", { timeout: 600_000 }, async () => {
  expect(files.length).toBeGreaterThan(0);
  let agreed = 0;
  let differ = 0;
  const differences: string[] = [];
  for (const file of files) {
    const path = join(corpus, file.replace(/^files/, "expected")) + ".json";
    const expected = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Workbook) : undefined;
    const name = file.replace(/^files./, "");
    const found = await read(join(corpus, file));
    if (found instanceof SheetError) {
      differences.push(`${name}\t${found.code}`);
      continue;
    }
    for (const { name: sheetName, hidden, cells } of expected?.sheets ?? []) {
      const sheet = found.get(sheetName);
      if (sheet?.hidden !== hidden) differences.push(`${name}\t${sheetName} is hidden: ${String(sheet?.hidden)}`);
      const different = Object.entries(cells).flatMap(([ref, want]) =>
        same(sheet?.cells.get(ref), want) ? [] : [ref],
      );
      agreed += Object.keys(cells).length - different.length;
      differ += different.length;
      if (different.length > 0) differences.push(`${name}\t${sheetName}: ${different.join(" ")}`);
    }
  }
  console.log(
    `corpus: ${files.length} files; ${agreed} of ${agreed + differ} cells are read as the others agree, ${((100 * agreed) / (agreed + differ)).toFixed(3)} %`,
  );
  const list = readFileSync(join(import.meta.dirname, "corpus-differences.tsv"), "utf8");
  const known = list.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(differences.sort()).toEqual(known.map((line) => line.split("\t").slice(0, 2).join("\t")).sort());
  expect(known.filter((line) => (line.split("\t")[2] ?? "") === "")).toEqual([]);
});

interface Found {
  readonly hidden: boolean;
  readonly cells: Map<string, readonly [string, CellValue]>;
}

async function read(path: string): Promise<Map<string, Found> | SheetError> {
  const found = new Map<string, Found>();
  try {
    await using book = await open(path, { signal: AbortSignal.timeout(30_000) });
    for (const { name, index, state } of book.sheets) {
      const cells = new Map<string, readonly [string, CellValue]>();
      found.set(name, { hidden: state !== "visible", cells });
      for await (const row of book.sheet(index).rows())
        for (const { ref, type, value } of row.cells()) cells.set(ref, [type, printable(value)]);
    }
  } catch (error) {
    if (error instanceof SheetError) return error;
    throw error;
  }
  return found;
}

function printable(value: CellValue): CellValue {
  if (value instanceof Date) return value.toISOString().slice(0, -1);
  if (value instanceof Duration) return value.milliseconds;
  return value instanceof CellError ? value.code : value;
}

function same(got: readonly [string, CellValue] | undefined, want: Expected): boolean {
  // Where the others give a number of days, it is the same duration.
  if (got?.[0] === "t" && want[0] === "n") return Math.abs(Number(got[1]) - Number(want[1]) * 86_400_000) <= 0.5;
  if (got?.[0] !== want[0]) return false;
  if (typeof got[1] === "number" && typeof want[1] === "number")
    return Math.abs(got[1] - want[1]) <= 1e-14 * Math.abs(want[1]);
  return got[1] === want[1];
}
