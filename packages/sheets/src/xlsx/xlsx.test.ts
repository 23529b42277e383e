// The scanner's windows: wherever they end, and whichever way a row is taken, the rows are the
// same.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RowBatch } from "../cells/batch.ts";
import { defaultLimits } from "../limits.ts";
import { SharedStrings } from "./shared-strings.ts";
import { collect, plainRows, worksheet } from "../test/workbook-writer.ts";
import { readBatches } from "./pump.ts";

const strings =
  '<sst count="9"><si><t>plain</t></si><si><t xml:space="preserve"> kept </t></si><si><t>  cut </t></si><si><r><t>ri</t></r><r><t>ch</t></r><rPh sb="0" eb="1"><t>no</t></rPh></si><si><t>&amp;中&lt;&#x1F600;_x000D_</t></si><si><t/></si><si><t>a_b "c"</t></si></sst>';

const rows = [
  '<row r="1" spans="1:9" ht="15"><c r="A1" t="s"><v>0</v></c><c r="B1" s="1"><v>43861.5</v></c><c r="C1" t="inlineStr"><is><t>in &amp; line</t></is></c></row>',
  '<row r="2"><c r="A2" t="inlineStr"><is><t>plain</t></is></c><c r="B2" t="inlineStr"><is><t xml:space="preserve"> x </t></is></c><c r="C2" t="inlineStr"><is><t> x </t></is></c></row>',
  '\n  <row r="3">\n <c r="B3"><v>-1.5E-7</v></c> <c r="AA3" t="b"><v>1</v></c><c r="AAA3" s="1" t="n"><v>60</v></c></row>',
  '<!-- </row> --><row r="4"><c r="C4" t="str"><f>A1&gt;"&lt;/row&gt;"</f><v>x</v></c><c r="A4"><v>1</v></c><c r="A4" t="s"><v>6</v></c></row>',
  '<row r="5"/><row r="6"><c r="A6" s="1"/></row><row r="7"><c><v>1</v></c><c t="s"><v>3</v></c><c><f>1</f></c></row>',
  "<row r='8'><c r='A8' t='inlineStr'><is><t><![CDATA[<c>&]]></t></is></c><c r='B8' t='e'><v>#N/A</v></c></row>",
  '<row r="123456"><c r="A123456" t="s"><v>4</v></c><c r="B123456" t="s"><v>5</v></c><c r="C123456" t="d"><v>2020-01-31</v></c><c r="D123456" t="inlineStr"><is><r><t>ri</t></r><t>ch</t></is></c></row>',
  '<row r="1048576" a=">"><c r="XFD1048576" t="inlineStr"><is><t>' + "long 长 ".repeat(40) + "</t></is></c></row>",
];
const xml = worksheet(rows.join(""));

interface Way {
  readonly cut?: (left: number) => number;
  readonly inputBytes?: number;
  readonly fast?: boolean;
  /** The number of batches that are not released yet when the next one is asked for. */
  readonly held?: number;
}

async function read(
  text: string,
  { cut = () => Infinity, inputBytes = 4096, fast = true, held = 0 }: Way,
): Promise<unknown[]> {
  const shared = new SharedStrings(pieces(strings, cut), {}, defaultLimits);
  const context = {
    place: { part: "sheet1.xml" },
    limits: defaultLimits,
    textMax: Number.POSITIVE_INFINITY,
    strings: shared,
    dateStyles: Uint8Array.of(0, 1),
    date1904: false,
    from: 1,
    to: Number.POSITIVE_INFINITY,
    fast,
  };
  const found: unknown[] = [];
  const batches: RowBatch[] = [];
  for await (const batch of readBatches(pieces(text, cut), context, undefined, text.length, inputBytes)) {
    found.push(...plainRows([batch]));
    batches.push(batch);
    if (batches.length > held) batches.shift()!.release();
  }
  return found;
}

/**
 * Each piece lies in memory that is overwritten when the next one is asked for, as the archive's
 * are.
 */
async function* pieces(text: string, cut: (left: number) => number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) {
    const piece = Uint8Array.from(bytes.subarray(at, at + Math.max(1, cut(bytes.length - at))));
    at += piece.length;
    yield piece;
    piece.fill(0xff);
  }
}

const whole = await read(xml, {});

test("the sheet that is cut up has cells of each kind", () => {
  expect(whole.length).toBe(8);
  expect(JSON.stringify(whole)).toContain("&中<😀\\r");
});

test("rows are the same when the window ends at any byte", async () => {
  const size = Buffer.byteLength(xml);
  for (let at = 1; at < size; at++) {
    let first = true;
    const cut = (left: number): number => (first && left > at ? ((first = false), at) : left);
    expect(await read(xml, { cut }), `cut at ${at}`).toEqual(whole);
  }
});

test("rows are the same when pieces have one byte each, and stores are small and grow", async () => {
  for (const inputBytes of [16, 64, 333, 4096]) expect(await read(xml, { cut: () => 1, inputBytes })).toEqual(whole);
});

test("rows are the same in stores of any size", async () => {
  for (let inputBytes = 16; inputBytes < 1400; inputBytes += 7) expect(await read(xml, { inputBytes })).toEqual(whole);
});

test("rows are the same if stores grow while batches still hold the smaller ones", async () => {
  const text = (n: number): string => String(n).repeat(n < 100 ? 10 : 1000);
  const row = (n: number): string => `<row r="${n}"><c r="A${n}" t="inlineStr"><is><t>${text(n)}</t></is></c></row>`;
  const numbers = Array.from({ length: 130 }, (_, i) => i + 1);
  const sheet = worksheet(numbers.map(row).join(""));
  const expected = await read(sheet, { inputBytes: 2 ** 20 });
  expect(expected).toHaveLength(130);
  for (const held of [1, 2, 3, 8]) expect(await read(sheet, { inputBytes: 500, held })).toEqual(expected);
});

test("rows are the same with pieces and stores of random sizes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
      fc.integer({ min: 16, max: 2000 }),
      fc.boolean(),
      async (sizes, inputBytes, fast) => {
        let i = 0;
        const cut = (): number => sizes[i++ % sizes.length]!;
        expect(await read(xml, { cut, inputBytes, fast })).toEqual(whole);
      },
    ),
    { numRuns: 150 },
  );
});

test("the fast way and the general way give the same", async () => {
  expect(await read(xml, { fast: false })).toEqual(whole);
  const text = fc
    .array(
      fc.constantFrom(
        "a",
        "é",
        "中",
        "😀",
        " ",
        "\n",
        "&amp;",
        "&lt;",
        "&#10;",
        "_x000A_",
        "_",
        '"',
        "\\",
        "\x7f",
        "]",
        "&quot;",
      ),
      { maxLength: 12 },
    )
    .map((parts) => parts.join(""));
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.integer().map(String),
    fc.constantFrom(
      "60",
      "0.5",
      "-1",
      "2958465.9999999999",
      "1E+05",
      "1e400",
      "00",
      "1.",
      ".5",
      "-",
      "+1",
      "1e",
      " 1 ",
      "43861.123456789",
    ),
  );
  const style = fc.constantFrom("", ' s="0"', ' s="1"', ' s="7"');
  const formula = fc.constantFrom(
    "",
    "<f></f>",
    "<f>A1&amp;B2</f>",
    "<f/>",
    '<f t="shared" si="0">x</f>',
    "<f>中<![CDATA[<]]></f>",
  );
  const cell = fc.oneof(
    fc
      .tuple(style, text, fc.boolean())
      .map(([s, t, keep]) => `${s} t="inlineStr"><is><t${keep ? ' xml:space="preserve"' : ""}>${t}</t></is></c>`),
    fc.tuple(style, fc.integer({ min: 0, max: 6 })).map(([s, n]) => `${s} t="s"><v>${n}</v></c>`),
    fc.tuple(style, number).map(([s, n]) => `${s}><v>${n}</v></c>`),
    fc.tuple(number, style).map(([n, s]) => ` t="n"${s}><v>${n}</v></c>`),
    style.map((s) => `${s}/>`),
    fc.tuple(style, text).map(([s, t]) => `${s} t="str"><v>${t}</v></c>`),
    fc.tuple(formula, text).map(([f, t]) => ` t="str">${f}<v>${t}</v></c>`),
    fc.tuple(style, formula, number).map(([s, f, n]) => `${s}>${f}<v>${n}</v></c>`),
    fc.tuple(formula, fc.constantFrom("0", "1", "true", "2", "")).map(([f, b]) => ` t="b">${f}<v>${b}</v></c>`),
    fc.tuple(formula, text).map(([f, t]) => ` t="inlineStr">${f}<is><t>${t}</t></is></c>`),
    fc.tuple(formula, fc.integer({ min: 0, max: 6 })).map(([f, n]) => ` t="s">${f}<v>${n}</v></c>`),
    formula.map((f) => `>${f}</c>`),
  );
  const sheet = fc.array(fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), cell), { maxLength: 6 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(sheet, fc.integer({ min: 16, max: 800 }), async (rows, inputBytes) => {
      const text = worksheet(
        rows
          .map((cells, r) => {
            const items = cells.map(
              ([c, rest]) => `<c r="${c > 26 ? "A" : ""}${String.fromCharCode(65 + (c % 26))}${r + 1}"${rest}`,
            );
            return `<row r="${r + 1}">${items.join("")}</row>`;
          })
          .join(""),
      );
      expect(await read(text, { inputBytes })).toEqual(await read(text, { fast: false }));
    }),
    { numRuns: 600 },
  );
});

test("a batch that is never released keeps its bytes", async () => {
  const text = worksheet(
    Array.from({ length: 400 }, (_, i) => `<row r="${i + 1}"><c r="A${i + 1}" t="s"><v>${i % 2}</v></c></row>`).join(
      "",
    ),
  );
  const context = {
    place: {},
    limits: defaultLimits,
    textMax: Number.POSITIVE_INFINITY,
    strings: new SharedStrings(
      pieces(strings, () => 100),
      {},
      defaultLimits,
    ),
    dateStyles: Uint8Array.of(0),
    date1904: false,
    from: 1,
    to: Number.POSITIVE_INFINITY,
  };
  const kept: RowBatch[] = await collect(
    readBatches(
      pieces(text, () => 100),
      context,
      undefined,
      text.length,
      500,
    ),
  );
  expect(kept.length).toBeGreaterThan(5);
  expect(plainRows(kept)).toEqual(await read(text, {}));
  const progress = kept.map((batch) => batch.progress);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  expect(progress[0]).toBeGreaterThan(0);
  expect(progress.at(-1)).toBeGreaterThan(0.9);
  expect(progress.at(-1)).toBeLessThanOrEqual(1);
});

test("releasing a batch twice does not give its memory away twice", async () => {
  const text = worksheet(
    Array.from({ length: 400 }, (_, i) => `<row r="${i + 1}"><c r="A${i + 1}"><v>${i}</v></c></row>`).join(""),
  );
  const context = {
    place: {},
    limits: defaultLimits,
    textMax: Number.POSITIVE_INFINITY,
    strings: new SharedStrings(undefined, {}, defaultLimits),
    dateStyles: Uint8Array.of(0),
    date1904: false,
    from: 1,
    to: Number.POSITIVE_INFINITY,
  };
  const found: unknown[] = [];
  let last: RowBatch | undefined;
  for await (const batch of readBatches(
    pieces(text, () => 64),
    context,
    undefined,
    text.length,
    500,
  )) {
    last?.release();
    last?.release();
    found.push(...plainRows([batch]));
    last = batch;
  }
  expect(found).toEqual(await read(text, {}));
});
