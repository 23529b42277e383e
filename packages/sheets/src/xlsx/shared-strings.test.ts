import fc from "fast-check";
import { expect, test } from "vitest";
import { defaultLimits } from "../limits.ts";
import { SharedStrings } from "./shared-strings.ts";
import { collect, source, workbook } from "../test/workbook-writer.ts";
import { open } from "../workbook.ts";

async function* pieces(text: string, size = 100_000): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function text(strings: SharedStrings, index: number): string {
  strings.find(index);
  const { page, word } = strings;
  return Buffer.from(page.buffer, page.byteOffset + 4 * word + 4, page[word]! >>> 1).toString();
}

const nth = (i: number): string => `string ${i} ${"é".repeat(i % 40)}|`;

test("strings are read only as far as they are asked for", async () => {
  const all = Array.from({ length: 50_000 }, (_, i) => `<si><t>${nth(i)}</t></si>`).join("");
  const strings = new SharedStrings(pieces(`<sst>${all}</sst>`), {}, defaultLimits);
  expect(await strings.load(10)).toBe(true);
  expect(strings.count).toBeLessThan(10_000);
  expect(text(strings, 10)).toBe(nth(10));
  const [last, beyond, first] = await Promise.all([strings.load(49_999), strings.load(50_000), strings.load(0)]);
  expect([last, beyond, first]).toEqual([true, false, true]);
  expect(text(strings, 49_999)).toBe(nth(49_999));
});

test("past the limit strings move to a temporary file and come back, in any order", async () => {
  const count = 60_000;
  const all = Array.from({ length: count }, (_, i) => `<si><t>${nth(i)}</t></si>`);
  // One that is larger than a page, in the middle.
  const large = "L".repeat(700_000);
  all[30_000] = `<si><t>${large}</t></si>`;
  const limits = { ...defaultLimits, sharedStringBytesInMemory: 1 };
  const strings = new SharedStrings(pieces(`<sst>${all.join("")}</sst>`), {}, limits);
  expect(await strings.load(count - 1)).toBe(true);
  const check = (i: number): void => {
    expect(text(strings, i)).toBe(i === 30_000 ? large : nth(i));
  };
  for (let i = 0; i < count; i += 17) check(i);
  check(30_000);
  fc.assert(fc.property(fc.integer({ min: 0, max: count - 1 }), check), { numRuns: 300 });
  await strings.close();
});

test("a sheet reads the same whether its strings are in memory or in the file", async () => {
  const strings = Array.from({ length: 40_000 }, (_, i) => `<si><t>${nth(i)}</t></si>`).join("");
  const order = Array.from({ length: 3000 }, (_, i) => (i * 7919) % 40_000);
  const rows = order.map(
    (n, i) => `<row r="${i + 1}"><c r="A${i + 1}" t="s"><v>${n}</v></c><c r="B${i + 1}" t='s'><v>${i}</v></c></row>`,
  );
  await using book = await open(source(workbook({ strings, rows: rows.join("") })), {
    limits: { sharedStringBytesInMemory: 1 },
  });
  const found = (await collect(book.sheet().rows())).map(({ values }) => values);
  expect(found).toEqual(order.map((n, i) => [nth(n), nth(i)]));
});

test("two sheets that are read at once share the strings", async () => {
  const strings = Array.from({ length: 20_000 }, (_, i) => `<si><t>${nth(i)}</t></si>`).join("");
  const rows = Array.from(
    { length: 20_000 },
    (_, i) => `<row r="${i + 1}"><c r="A${i + 1}" t="s"><v>${i}</v></c></row>`,
  ).join("");
  await using book = await open(source(workbook({ strings, sheets: [{ rows }, { rows }] })));
  const [one, two] = await Promise.all([0, 1].map((index) => collect(book.sheet(index).rows())));
  expect(one!.map(({ values }) => values[0])).toEqual(Array.from({ length: 20_000 }, (_, i) => nth(i)));
  expect(two).toEqual(one);
});

test("wrong counts in the part are of no account", async () => {
  const strings = new SharedStrings(
    pieces('<sst count="0" uniqueCount="999999999"><si><t>a</t></si></sst>'),
    {},
    defaultLimits,
  );
  expect(await strings.load(0)).toBe(true);
  expect(await strings.load(1)).toBe(false);
});

test("strings in every usual shape are the same however the part is cut into pieces", async () => {
  const shapes = [
    ["<si><t>plain</t></si>", "plain"],
    ['<si><t xml:space="preserve"> spaces at both ends </t></si>', " spaces at both ends "],
    ['<si><t xml:space="preserve">Fish &amp; Chips_x000A_</t></si>', "Fish & Chips\n"],
    ['<si><t xml:space="default">other</t></si>', "other"],
    ["<si><t/></si>", ""],
    ["<si/>", ""],
    ["<si><r><t>rich </t></r><r><t>text</t></r></si>", "rich text"],
  ] as const;
  const items = Array.from({ length: 70 }, (_, i) => shapes[(i * 3) % shapes.length]!);
  const part = `<sst>${items.map(([xml]) => xml).join("")}</sst>`;
  for (let size = 1; size < 120; size++) {
    const strings = new SharedStrings(pieces(part, size), {}, defaultLimits);
    expect(await strings.load(items.length - 1)).toBe(true);
    expect(items.map((_, i) => text(strings, i))).toEqual(items.map(([, wanted]) => wanted));
  }
});
