import { expect, test } from "vitest";
import { readStyles, Shown, shownBy, shownByBuiltIn } from "./styles.ts";

test.each([
  "yyyy-mm-dd",
  "d/m/yy h:mm",
  "[$-804]yyyy年m月d日",
  '"Date: "dd.mm.yyyy',
  "[Red]dd mmm",
  "[$-F800]dddd, mmmm dd, yyyy",
  "[$-411]ggge年m月d日",
  "yyyy\\-mm\\-dd;@",
  "B2yyyy",
  "mmm",
])("%s is a date", (code) => {
  expect(shownBy(code)).toBe(Shown.date);
});

test.each(["h:mm", "[<1]h:mm;General", "mm:ss", "mm:ss.0", "[$-409]h:mm:ss AM/PM", "ss", "h"])(
  "%s is a time",
  (code) => {
    expect(shownBy(code)).toBe(Shown.time);
  },
);

test.each(["[h]:mm", "[hh]:mm:ss", "[mm]:ss", "[s].00", '[h] "hours"', "[Red][h]:mm"])("%s is a duration", (code) => {
  expect(shownBy(code)).toBe(Shown.duration);
});

test.each([
  "General",
  "GENERAL",
  "0.00E+00",
  "#,##0.00",
  '0.0" days"',
  '#,##0 "hours"',
  "0\\d",
  "_d0_m",
  "*d0",
  "[Red]0.00",
  "[Blue][>100]0",
  "[$USD] #,##0",
  "@",
  "0%",
  "# ??/??",
  '"unclosed d',
  "[unclosed d",
  "0;yyyy",
  '_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-',
  "",
])("%s is no date", (code) => {
  expect(shownBy(code)).toBe(Shown.number);
});

test("the formats without a code: dates from 14 on, those of East Asia and Thailand too, and durations", () => {
  const ids = (shown: Shown): number[] =>
    Array.from({ length: 164 }, (_, id) => id).filter((id) => shownByBuiltIn(id) === shown);
  expect(ids(Shown.date)).toEqual([
    14, 15, 16, 17, 22, 27, 28, 29, 30, 31, 34, 35, 36, 50, 51, 52, 53, 54, 55, 56, 57, 58, 71, 72, 73, 74, 77, 81,
  ]);
  expect(ids(Shown.time)).toEqual([18, 19, 20, 21, 32, 33, 45, 47, 75, 76, 78, 80]);
  expect(ids(Shown.duration)).toEqual([46, 79]);
});

test("only the formats of cellXfs count, wherever in the part they are defined", async () => {
  const xml =
    '<styleSheet><dxfs><dxf><numFmt numFmtId="170" formatCode="yyyy"/></dxf></dxfs><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"><alignment/></xf><xf numFmtId="170"/><xf numFmtId="14"/><xf/><xf numFmtId="46"/></cellXfs><numFmts><numFmt numFmtId="164" formatCode="yyyy&quot;-d&quot;"/><numFmt numFmtId="15" formatCode="0"/></numFmts></styleSheet>';
  const { shown, formatOf } = await readStyles(pieces(xml), {});
  expect([...shown]).toEqual([0, 1, 0, 1, 0, 3]);
  expect([0, 1, 2, 3, 4, 5, 6].map(formatOf)).toEqual([
    "General",
    'yyyy"-d"',
    "General",
    "m/d/yy",
    "General",
    "[h]:mm:ss",
    "General",
  ]);
});

test("all cell formats of a workbook that has many", async () => {
  const xfs = Array.from({ length: 600 }, (_, n) => `<xf numFmtId="${n % 2 === 0 ? 14 : 2}"/>`);
  const { shown, formatOf } = await readStyles(
    pieces(`<styleSheet><cellXfs>${xfs.join("")}</cellXfs></styleSheet>`),
    {},
  );
  expect([...shown]).toEqual(xfs.map((_, n) => (n % 2 === 0 ? Shown.date : Shown.number)));
  expect([0, 1, 599].map(formatOf)).toEqual(["m/d/yy", "0.00", "0.00"]);
});

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  for (const byte of Buffer.from(text)) yield Uint8Array.of(byte);
}

test("a part of tiny elements ends at their number, before its bytes are too many", async () => {
  const filler = Buffer.from("<a/>".repeat(2 ** 16));
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from("<styleSheet>");
    for (let n = 0; n < 100; n++) yield filler;
    yield Buffer.from("</styleSheet>");
  };
  await expect(readStyles(pieces(), { part: "xl/styles.xml" })).rejects.toMatchObject({
    code: "limit",
    message: expect.stringContaining("has more than 4000000 elements") as string,
  });
});
