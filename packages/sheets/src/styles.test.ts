import { expect, test } from "vitest";
import { isBuiltInDate, isDateFormat, readStyles } from "./styles.ts";

test.each([
  "yyyy-mm-dd",
  "d/m/yy h:mm",
  "mm:ss.0",
  "[$-409]h:mm AM/PM",
  "[$-804]yyyy年m月d日",
  '"Date: "dd.mm.yyyy',
  "[Red]dd mmm",
  "[$-F800]dddd, mmmm dd, yyyy",
  "[$-411]ggge年m月d日",
  "yyyy\\-mm\\-dd;@",
  "[<1]h:mm;General",
  "B2yyyy",
])("%s is a date", (code) => {
  expect(isDateFormat(code)).toBe(true);
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
  "[h]:mm",
  "[hh]:mm:ss",
  "[mm]:ss",
  "[s].00",
  "# ??/??",
  '"unclosed d',
  "[unclosed d",
  "0;yyyy",
  '_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-',
  "",
])("%s is no date", (code) => {
  expect(isDateFormat(code)).toBe(false);
});

test("the formats without a code: dates from 14 on, those of East Asia and Thailand too, durations not", () => {
  const dates = Array.from({ length: 100 }, (_, id) => id).filter((id) => isBuiltInDate(id));
  expect(dates).toEqual([
    14, 15, 16, 17, 18, 19, 20, 21, 22, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 45, 47, 50, 51, 52, 53, 54, 55, 56, 57,
    58, 71, 72, 73, 74, 75, 76, 77, 79, 80, 81,
  ]);
});

test("only the formats of cellXfs count, wherever in the part they are defined", async () => {
  const xml =
    '<styleSheet><dxfs><dxf><numFmt numFmtId="170" formatCode="yyyy"/></dxf></dxfs><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"><alignment/></xf><xf numFmtId="170"/><xf numFmtId="14"/><xf/><xf numFmtId="46"/></cellXfs><numFmts><numFmt numFmtId="164" formatCode="yyyy&quot;-d&quot;"/><numFmt numFmtId="15" formatCode="0"/></numFmts></styleSheet>';
  expect([...(await readStyles(pieces(xml), {}))]).toEqual([0, 1, 0, 1, 0, 0]);
});

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  for (const byte of Buffer.from(text)) yield Uint8Array.of(byte);
}
