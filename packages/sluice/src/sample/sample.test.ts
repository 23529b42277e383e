import { execFileSync } from "node:child_process";
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { open } from "@sluice/sheets";
import { businessColumns, businessRows, type SampleOptions, writeSample } from "./sample.ts";
import { ZipWriter } from "../xlsx/zip-writer.ts";
import { inflated } from "../test/zip.ts";

const goodEmail = /^[\w.+-]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/;
const isBad = (row: readonly string[]): boolean => row.length < 9 || row[0] === "" || !goodEmail.test(row[3]!);

describe("businessRows()", () => {
  test("makes the same rows for a seed, other rows for another", () => {
    const rows = (seed: number): string[][] => [...businessRows({ rows: 50, bad: 5, seed })];
    expect(rows(7)).toEqual(rows(7));
    expect(rows(7)).not.toEqual(rows(8));
    expect(rows(7)).not.toEqual(rows(7 + 2 ** 32));
  });

  test("makes a smaller sample the beginning of a larger one", () => {
    const larger = [...businessRows({ rows: 100 })];
    expect([...businessRows({ rows: 10 })]).toEqual(larger.slice(0, 10));
  });

  test.each([
    [1000, 0],
    [1000, 1],
    [1000, 13],
    [997, 100],
    [30, 30],
    [0, 0],
  ])("makes of %i rows exactly %i bad", (rows, bad) => {
    const made = [...businessRows({ rows, bad, seed: 3 })];
    expect(made).toHaveLength(rows);
    expect(made.filter(isBad)).toHaveLength(bad);
    expect(made.every((row) => row.length === businessColumns.length || isBad(row))).toBe(true);
    expect(new Set(made.map((row) => JSON.stringify(row))).size).toBe(rows);
  });

  test("cycles through the kinds of bad rows and spreads them over the file", () => {
    const rows = [...businessRows({ rows: 900, bad: 9 })];
    const places = [...rows.keys()].filter((i) => isBad(rows[i]!));
    const kinds: string[] = [];
    for (const [k, i] of places.entries()) {
      expect(Math.floor(i / 100)).toBe(k);
      const row = rows[i]!;
      kinds.push(row.length < 9 ? "short" : row[0] === "" ? "nameless" : "email");
    }
    expect(kinds.join(" ")).toBe("short nameless email short nameless email short nameless email");
  });

  test("spoils e-mails in several ways", () => {
    const bad = [...businessRows({ rows: 60, bad: 60 })].filter((row) => row.length === 9 && row[0] !== "");
    const emails = bad.map((row) => row[3]!);
    expect(emails.some((email) => !email.includes("@"))).toBe(true);
    expect(emails.some((email) => email.split("@").length > 2)).toBe(true);
    expect(emails.some((email) => email.includes(" "))).toBe(true);
    expect(emails.filter((email) => goodEmail.test(email))).toEqual([]);
  });

  test("makes no e-mail twice, and has what makes text hard", () => {
    const rows = [...businessRows({ rows: 5000 })];
    expect(new Set(rows.map((row) => row[3])).size).toBe(5000);
    const all = rows.flat().join("\u0000");
    for (const hard of ["'", '"', "\t", "\n", "\r\n", "\\", "&", "<b>", "🎉", "𠮷", "\\N", "_x0041_"])
      expect(all).toContain(hard);
    for (const script of [
      "Latin",
      "Cyrillic",
      "Greek",
      "Arabic",
      "Hebrew",
      "Devanagari",
      "Thai",
      "Han",
      "Hangul",
      "Katakana",
    ])
      expect(all).toMatch(new RegExp(`\\p{Script=${script}}`, "u"));
    expect(rows.some((row) => row[2]!.startsWith("0"))).toBe(true);
    expect(rows.some((row) => row[2] === "")).toBe(true);
  });

  test("makes rows of about 29 bytes a cell, most of them text of their own", () => {
    const rows = [...businessRows({ rows: 10_000 })];
    const cells = rows.flat();
    const size = cells.reduce((sum, cell) => sum + Buffer.byteLength(cell), 0);
    expect(size / cells.length).toBeGreaterThan(27);
    expect(size / cells.length).toBeLessThan(30);
    expect(new Set(cells).size / rows.length).toBeGreaterThan(5.8);
    expect(new Set(cells).size / rows.length).toBeLessThan(6.1);
  });

  test.each([
    [{ rows: -1 }, "rows must be a whole number"],
    [{ rows: 1.5 }, "rows must be a whole number"],
    [{ rows: Number.NaN }, "rows must be a whole number"],
    [{ rows: 5, bad: -1 }, "bad must be a whole number from 0 to the number of rows (5), got -1"],
    [{ rows: 5, bad: 6 }, "bad must be a whole number from 0 to the number of rows (5), got 6"],
    [{ rows: 5, bad: 0.5 }, "bad must be a whole number from 0 to the number of rows (5), got 0.5"],
    [{ rows: 5, seed: -1 }, "seed must be a whole number"],
    [{ rows: 1_048_576 }, "at most 1048575 rows below its header, got 1048576"],
  ])("refuses %o before the first byte", async (options, message) => {
    let written = 0;
    const output = new Writable({ write: (_piece, _, done) => (written++, done()) });
    await expect(writeSample(output, options)).rejects.toThrow(
      expect.objectContaining({ name: "RangeError", message: expect.stringContaining(message) as string }) as Error,
    );
    expect(written).toBe(0);
  });
});

describe("writeSample()", () => {
  const folder = mkdtempSync(join(tmpdir(), "sample-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  describe.each(["shared", "inline"] as const)("with %s strings", (strings) => {
    const options = { rows: 2500, bad: 12, seed: 5, strings };
    const file = join(folder, `${strings}.xlsx`);
    beforeAll(() => write(file, options));

    test("writes a workbook that reads back cell for cell", async () => {
      await using workbook = await open(file);
      const read: { number: number; width: number; values: readonly unknown[] }[] = [];
      for await (const { number, width, values } of workbook.sheet("Sheet1").rows())
        read.push({ number, width, values });
      const expected = [businessColumns.map((column) => column.title), ...businessRows(options)].map((row, i) => {
        const last = row.findLastIndex((text) => text !== "") + 1;
        return {
          number: i + 1,
          width: row.length,
          values: row.slice(0, last).map((text) => (text === "" ? null : text)),
        };
      });
      expect(read).toEqual(expected);
    });

    test("writes the same bytes again", async () => {
      expect((await bytes(options)).equals(readFileSync(file))).toBe(true);
    });

    test("writes an archive that unzip accepts, where there is one", () => {
      if (!existsSync("/usr/bin/unzip")) return;
      expect(execFileSync("unzip", ["-t", file], { encoding: "utf8" })).toContain("No errors detected");
    });
  });

  test("writes an archive that reads back in its zip64 forms too", async () => {
    const options = { rows: 100, bad: 3 };
    const plain = await bytes(options);
    const { output, pieces } = collector();
    const zip = new ZipWriter(output, { zip64From: 1 });
    for (const [name, content] of inflated(plain)) await zip.entry(name, [content], { large: true });
    await zip.end();
    expect(await cells(Buffer.concat(pieces))).toEqual(await cells(plain));
  });

  test("writes the same cells with either kind of strings", async () => {
    const options = { rows: 400, bad: 9, seed: 11 };
    const shared = await cells(await bytes({ ...options, strings: "shared" }));
    expect(shared).toHaveLength(401);
    expect(await cells(await bytes({ ...options, strings: "inline" }))).toEqual(shared);
  });

  test("writes other parts for another seed", async () => {
    const sheet = async (seed: number): Promise<string> =>
      inflated(await bytes({ rows: 20, seed }))
        .get("xl/sharedStrings.xml")!
        .toString();
    expect(await sheet(1)).toBe(await sheet(1));
    expect(await sheet(1)).not.toBe(await sheet(2));
  });

  test("keeps the counts of the string table", async () => {
    const parts = inflated(await bytes({ rows: 300, bad: 30 }));
    const table = parts.get("xl/sharedStrings.xml")!.toString();
    const sheet = parts.get("xl/worksheets/sheet1.xml")!.toString();
    expect(table).toContain(` count="${sheet.split(' t="s"').length - 1}" `);
    expect(table).toContain(` uniqueCount="${table.split("<si>").length - 1}"`);
  });

  test("rejects when the output fails, at once or on the way", async () => {
    for (const room of [0, 100_000]) {
      let written = 0;
      const full = new Writable({
        write: (piece: Buffer, _, done) =>
          (written += piece.length) > room ? done(new Error("no space left")) : done(),
      });
      full.on("error", () => {});
      await expect(writeSample(full, { rows: 20_000, strings: "inline" })).rejects.toThrow("no space left");
    }
  });

  test("rejects when the output is closed on the way", async () => {
    const closing = new Writable({
      write(_piece, _, done) {
        this.destroy();
        done();
      },
    });
    await expect(writeSample(closing, { rows: 10 })).rejects.toMatchObject({ code: "ERR_STREAM_DESTROYED" });
  });

  test("makes examples/data/businesses.xlsx as it is checked in", async () => {
    // Deflate output differs between versions of zlib: what counts is what the parts hold.
    const checkedIn = readFileSync(join(import.meta.dirname, "../../../../examples/data/businesses.xlsx"));
    const made = inflated(await bytes({ rows: 10_000, bad: 13 }));
    const kept = inflated(checkedIn);
    expect([...kept.keys()]).toEqual([...made.keys()]);
    for (const [name, content] of made) expect([name, content.equals(kept.get(name)!)]).toEqual([name, true]);
  });
});

async function write(file: string, options: SampleOptions): Promise<void> {
  await using out = createWriteStream(file);
  await writeSample(out, options);
  await new Promise<void>((resolve) => out.end(resolve));
}

async function bytes(options: SampleOptions): Promise<Buffer<ArrayBuffer>> {
  const { output, pieces } = collector();
  await writeSample(output, options);
  return Buffer.concat(pieces);
}

function collector(): { readonly output: Writable; readonly pieces: Buffer[] } {
  const pieces: Buffer[] = [];
  return { pieces, output: new Writable({ write: (piece: Buffer, _, done) => (pieces.push(piece), done()) }) };
}

async function cells(archive: Buffer<ArrayBuffer>): Promise<(readonly unknown[])[]> {
  await using workbook = await open(new Blob([archive]));
  const rows: (readonly unknown[])[] = [];
  for await (const row of workbook.sheet().rows()) rows.push([row.number, row.width, ...row.values]);
  return rows;
}
