import { execFileSync } from "node:child_process";
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inflateRawSync } from "node:zlib";
import { open } from "@sluice/sheets";
import { businessColumns, businessRows, type SampleOptions, writeSample } from "./sample.ts";

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
    for (const hard of ["'", '"', "\t", "\n", "\r\n", "\\", "&", "<b>", "🎉", "𠮷", "\\N", "\\.", "_x0041_"])
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

  test.each([
    [{ rows: -1 }, "rows must be a whole number"],
    [{ rows: 1.5 }, "rows must be a whole number"],
    [{ rows: 5, bad: 6 }, "bad must be a whole number from 0 to the number of rows (5), got 6"],
    [{ rows: 5, seed: -1 }, "seed must be a whole number"],
    [{ rows: 1_048_576 }, "at most 1048575 rows"],
  ])("refuses %o", async (options, message) => {
    await expect(bytes(options)).rejects.toThrow(message);
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

    test.skipIf(!existsSync("/usr/bin/unzip"))("writes an archive without faults", () => {
      expect(execFileSync("unzip", ["-t", file], { encoding: "utf8" })).toContain("No errors detected");
    });
  });

  test("keeps the counts of the string table", async () => {
    const parts = inflated(await bytes({ rows: 300, bad: 30 }));
    const table = parts.get("xl/sharedStrings.xml")!.toString();
    const sheet = parts.get("xl/worksheets/sheet1.xml")!.toString();
    expect(table).toContain(` count="${sheet.split(' t="s"').length - 1}" `);
    expect(table).toContain(` uniqueCount="${table.split("<si>").length - 1}"`);
  });

  test("rejects when the stream fails", async () => {
    const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error("no space left")) });
    full.on("error", () => {});
    await expect(writeSample(full, { rows: 10 })).rejects.toThrow("no space left");
  });

  test("makes examples/data/businesses.xlsx as it is checked in", async () => {
    // Deflate output differs between versions of zlib: what counts is what the parts hold.
    const checkedIn = readFileSync(join(import.meta.dirname, "../../../../examples/data/businesses.xlsx"));
    const made = inflated(await bytes({ rows: 10_000, bad: 13, seed: 2026 }));
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

async function bytes(options: SampleOptions): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const output = new Writable({ write: (piece: Buffer, _, done) => (pieces.push(piece), done()) });
  await writeSample(output, options);
  return Buffer.concat(pieces);
}

/** The parts of an archive without zip64, by its directory. */
function inflated(archive: Buffer): Map<string, Buffer> {
  const parts = new Map<string, Buffer>();
  const end = archive.length - 22;
  let at = archive.readUInt32LE(end + 16);
  for (let i = 0; i < archive.readUInt16LE(end + 10); i++) {
    const nameLength = archive.readUInt16LE(at + 28);
    const name = archive.toString("utf8", at + 46, at + 46 + nameLength);
    const local = archive.readUInt32LE(at + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    parts.set(name, inflateRawSync(archive.subarray(start, start + archive.readUInt32LE(at + 20))));
    at += 46 + nameLength + archive.readUInt16LE(at + 30);
  }
  return parts;
}
