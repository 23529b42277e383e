// What is opened is closed, however reading ends.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { open } from "../workbook.ts";
import { workbook } from "./workbook-writer.ts";

const folder = mkdtempSync(join(tmpdir(), "sheets-leaks-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = join(folder, "large.xlsx");
const text = join(folder, "large.csv.gz");
const row = (_: unknown, i: number): string =>
  `<row r="${i + 1}"><c r="A${i + 1}" t="s"><v>${i}</v></c><c r="B${i + 1}"><v>${Math.sin(i)}</v></c></row>`;
writeFileSync(
  file,
  workbook({
    rows: Array.from({ length: 60_000 }, row).join(""),
    strings: Array.from({ length: 60_000 }, (_, i) => `<si><t>text ${i}</t></si>`).join(""),
  }),
);

writeFileSync(text, gzipSync(Array.from({ length: 60_000 }, (_, i) => `text ${i},"${Math.sin(i)}"\n`).join("")));

/** Open files of this process. */
const descriptors = (): number => readdirSync("/proc/self/fd").length;

const ends = ["break", "throw", "abort", "close", "end"] as const;

test.skipIf(!existsSync("/proc/self/fd")).each(ends.flatMap((how) => [[how, file] as const, [how, text] as const]))(
  "reading that ends by %s leaves nothing open: %s",
  async (how, file) => {
    const before = descriptors();
    for (let round = 0; round < 10; round++) {
      const book = await open(file, { limits: { sharedStringBytesInMemory: 1 } });
      const control = new AbortController();
      try {
        for await (const { number } of book.sheet().rows({ signal: control.signal })) {
          if (number !== 5000 || how === "end") continue;
          if (how === "break") break;
          if (how === "throw") throw new Error("enough");
          if (how === "abort") control.abort(new Error("enough"));
          if (how === "close") await book.close();
        }
        expect(["break", "end"]).toContain(how);
      } catch (error) {
        const want = { throw: "enough", abort: "enough", close: "closed" }[how as "throw"];
        expect((error as Error).message).toContain(want);
      }
      await book.close();
    }
    expect(descriptors()).toBe(before);
  },
);

test("nothing of a source is being read any more when reading has ended", async () => {
  for (const bytes of [readFileSync(file), readFileSync(text)]) {
    let [reading, late, closed] = [0, 0, false];
    const source = {
      size: bytes.length,
      read: async (offset: number, length: number) => {
        reading++;
        if (closed) late++;
        await new Promise((resolve) => {
          setTimeout(resolve, 5);
        });
        reading--;
        return bytes.subarray(offset, offset + Math.min(length, 10_000));
      },
    };
    const book = await open(source);
    for await (const _ of book.sheet().rows()) break;
    await book.close();
    closed = true;
    const left = reading;
    // A reading that nobody waits for would begin by now.
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
    expect([left, late]).toEqual([0, 0]);
  }
});

test("a file that is no workbook is closed again", async () => {
  const bad = join(folder, "bad.xlsx");
  writeFileSync(bad, "%PDF-1.7");
  const before = descriptors();
  for (let round = 0; round < 10; round++) await expect(open(bad)).rejects.toThrow("a PDF document");
  expect(descriptors()).toBe(before);
});
