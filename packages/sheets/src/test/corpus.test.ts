// Other projects' workbooks, where they lie beside the repository: every cell on which two other readers agree must be read
// the same, and whatever else a file does, it neither hangs nor fails with anything but a SheetError.
//
// Where this reader differs on purpose:
// - durations (`[h]:mm`) are numbers here, and dates for the others;
// - damaged archives and XML are refused, where one of the others reads on.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SheetError } from "../errors.ts";
import { CellError, type CellValue } from "../rows.ts";
import { open } from "../workbook.ts";

type Expected = readonly ["n" | "s" | "b" | "e" | "d", string | number | boolean];
interface Workbook {
  readonly sheets: readonly { name: string; hidden: boolean; cells: Record<string, Expected> }[];
}

const corpus = join(import.meta.dirname, "../../../../../shared/corpus");
const files = existsSync(corpus)
  ? readdirSync(corpus, { recursive: true, encoding: "utf8" })
      .filter((file) => /^files.*\.xls[xm]$/.test(file))
      .sort()
  : [];

test("the corpus is read as other readers read it", { timeout: 600_000 }, async () => {
  if (files.length === 0) {
    console.log("corpus: not here (../shared/corpus beside the repository), so there is nothing to compare with");
    return;
  }
  let agreed = 0;
  let durations = 0;
  const different: string[] = [];
  const refused: string[] = [];
  for (const file of files) {
    const path = join(corpus, file.replace(/^files/, "expected")) + ".json";
    const expected = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Workbook) : undefined;
    const found = await read(join(corpus, file));
    if (found instanceof SheetError) {
      if (expected?.sheets.some(({ cells }) => Object.keys(cells).length > 0)) refused.push(`${file}: ${found.code}`);
      continue;
    }
    for (const { name, hidden, cells } of expected?.sheets ?? []) {
      const sheet = found.get(name);
      if (sheet?.hidden !== hidden)
        different.push(`${file} ${name}: hidden ${String(hidden)} / ${String(sheet?.hidden)}`);
      for (const [ref, want] of Object.entries(cells)) {
        const got = sheet?.cells.get(ref);
        if (same(got, want)) agreed++;
        else if (want[0] === "d" && got?.[0] === "n") durations++;
        else different.push(`${file} ${name}!${ref}: ${JSON.stringify(want)} / ${JSON.stringify(got)}`);
      }
    }
  }
  console.log(
    `corpus: ${files.length} files, ${agreed} cells agree, ${different.length} do not; ${durations} are durations; ${refused.length} readable elsewhere and refused here`,
  );
  expect(different).toEqual([]);
  expect(refused.map((line) => line.replace(/^.*\//, ""))).toEqual([
    "clusterfuzz-testcase-minimized-POIXSSFFuzzer-5937385319563264.xlsx: crc_mismatch",
    "xlsx-corrupted.xlsx: bad_xml",
  ]);
  expect(agreed / (agreed + durations)).toBeGreaterThan(0.999);
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
  return value instanceof CellError ? value.code : value;
}

function same(got: readonly [string, CellValue] | undefined, want: Expected): boolean {
  if (got?.[0] !== want[0]) return false;
  if (typeof got[1] === "number" && typeof want[1] === "number")
    return Math.abs(got[1] - want[1]) <= 1e-14 * Math.abs(want[1]);
  return got[1] === want[1];
}
