// What the command line says about a reject file that was there before.
import { mkdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { describeError, failureOf } from "../errors.ts";
import type { ImportResult } from "../options.ts";
import type { Reject } from "../reject.ts";
import { RejectFile } from "../rejects/file.ts";
import { newFolder } from "../test/database.ts";
import { RejectReport } from "./reject-report.ts";

const HEADERS = [{ sheetColumn: 1, text: "n" }];
const REJECT: Reject = {
  file: "a.csv",
  sheet: "a",
  row: 2,
  column: "n",
  value: "x",
  code: "c",
  reason: "r",
  cells: ["x"],
};
const FLAGS = { data: "./sluice-data", map: new Map(), type: new Map(), onConflict: "error", empty: "null" } as const;
const RESULT: ImportResult = {
  id: "k3m9x2w7qa", file: "a.csv", sheet: "a", table: "t", method: "copy", total: 3, inserted: 2, updated: 0, skipped: 0, rejected: 1,
  milliseconds: 1, reasons: {}, rejects: [], assumptions: [], notes: [], interrupted: false,
}; // prettier-ignore

const MINUTE = 60_000;
const at = (minutes: number): Date => new Date(Date.now() - minutes * MINUTE);

/** A report into a file that was changed 10 minutes ago. */
async function reportInto(path: string): Promise<RejectReport> {
  await writeFile(path, "repaired\n");
  await utimes(path, at(10), at(10));
  return new RejectReport(new RejectFile(path), FLAGS);
}

describe("a reject file that was there", () => {
  test.each<[what: string, begun: (Date | undefined)[], stays: boolean]>([
    ["changed since the earliest of the imports of then", [at(5), at(20), at(5)], true],
    ["changed before all of them began", [at(5), at(8)], false],
    ["and one of the imports is a new one", [at(20), undefined], false],
    ["and the new one comes first", [undefined, at(20)], false],
  ])("%s", async (_, begun, stays) => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.csv");
    const report = await reportInto(path);
    for (const when of begun) await report.write(HEADERS, [REJECT], when);
    report.add(RESULT, undefined);
    const said = (await report.close()).join("\n");
    expect(said.includes("has other content, so it stays as it is")).toBe(stays);
    expect((await readFile(path, "utf8")) === "repaired\n").toBe(stays);
  });

  test("stays if the new one cannot be written, and the message says so", async () => {
    await using folder = newFolder();
    const path = join(folder.path, "bad.csv");
    const report = await reportInto(path);
    await mkdir(`${path}.${process.pid}.new`);
    await report.write(HEADERS, [REJECT], undefined);
    report.add(RESULT, undefined);
    const { code, message } = describeError(await failureOf(report.close()));
    expect(code).toBe("reject_file");
    expect(message).toContain(". The file that was there stays as it is.\n2 rows of this import are in the table");
    expect(await readFile(path, "utf8")).toBe("repaired\n");
  });

  test("and was not there: the message says that it is not complete", async () => {
    await using folder = newFolder();
    const report = new RejectReport(new RejectFile(join(folder.path, "none", "bad.csv")), FLAGS);
    await report.write(HEADERS, [REJECT], undefined);
    expect(describeError(await failureOf(report.close())).message).toContain(". The file is not complete.\n");
  });
});
