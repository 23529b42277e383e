import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { workbook } from "../test/workbook-writer.ts";

const folder = mkdtempSync(join(tmpdir(), "sheets-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

const good = join(folder, "good.xlsx");
writeFileSync(
  good,
  workbook({
    formats: ["yyyy-mm-dd"],
    sheets: [
      {
        name: "Data",
        rows: '<row r="1"><c r="A1"><v>1.5</v></c><c r="B1" t="str"><v>085"2</v></c><c r="C1" t="b"><v>1</v></c><c r="D1" t="e"><v>#DIV/0!</v></c><c r="E1" s="1"><v>43861</v></c><c r="F1"><f>1</f></c></row>',
      },
      { name: "Hidden", state: "hidden" },
    ],
  }),
);
const bad = join(folder, "bad.xlsx");
writeFileSync(bad, "%PDF-1.7");

function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return runWith("", ...args);
}

function runWith(input: string | Uint8Array, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const bin = join(import.meta.dirname, "../../bin/sluice-sheets.js");
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [bin, ...args], (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err });
    });
    child.stdin!.end(input);
  });
}

test("cells --json prints one line a file, and exits 1 where one could not be read", async () => {
  const { code, out } = await run("cells", good, bad, "--json");
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  expect(code).toBe(1);
  expect(lines).toEqual([
    {
      file: good,
      sheets: [
        {
          name: "Data",
          hidden: false,
          cells: {
            A1: ["n", 1.5],
            B1: ["s", '085"2'],
            C1: ["b", true],
            D1: ["e", "#DIV/0!"],
            E1: ["d", "2020-01-31T00:00:00.000"],
          },
        },
        { name: "Hidden", hidden: true, cells: {} },
      ],
    },
    { file: bad, error: { code: "not_a_workbook", message: expect.stringContaining("a PDF document") } },
  ]);
});

test("cells without --json prints for people, warnings and all", async () => {
  const { code, out } = await run("cells", good);
  expect(code).toBe(0);
  expect(out).toContain('sheet 0 "Data"\nA1\tn\t1.5\n');
  expect(out).toContain("row 1\twarning\tF1 is a formula without a saved value");
  expect(out).toContain('sheet 1 "Hidden" (hidden)\n');
});

test("a failure is told on the error output with its code", async () => {
  const { code, out, err } = await run("cells", bad);
  expect([code, out]).toEqual([1, ""]);
  expect(err).toContain("[not_a_workbook]");
});

test("- reads standard input, whatever is in it, and leaves nothing behind", async () => {
  const env = process.env["TMPDIR"];
  process.env["TMPDIR"] = folder;
  try {
    const csv = await runWith("a;b\n1;2\n", "cells", "-", "--json");
    expect(JSON.parse(csv.out)).toEqual({
      file: "-",
      sheets: [
        { name: "stdin", hidden: false, cells: { A1: ["s", "a"], B1: ["s", "b"], A2: ["s", "1"], B2: ["s", "2"] } },
      ],
    });
    const xlsx = await runWith(readFileSync(good), "cells", "-");
    expect(xlsx.out).toContain('-  sheet 0 "Data"\nA1\tn\t1.5\n');
    const nothing = await runWith("", "cells", "-", "--json");
    expect([nothing.code, JSON.parse(nothing.out)]).toEqual([
      1,
      {
        file: "-",
        error: {
          code: "empty_file",
          message: "standard input is empty (0 bytes); was it saved or uploaded completely?",
        },
      },
    ]);
    expect(readdirSync(folder).filter((name) => name.startsWith("sluice-sheets-"))).toEqual([]);
  } finally {
    if (env === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = env;
  }
});

test("--help explains and exits 0; a wrong command line explains and exits 2", async () => {
  const help = await run("--help");
  expect([help.code, help.err]).toEqual([0, ""]);
  expect(help.out).toContain("Usage: sluice-sheets cells FILE");
  for (const args of [[], ["print"], ["cells"], ["cells", good, "--csv"]]) {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain("Usage:");
  }
});
