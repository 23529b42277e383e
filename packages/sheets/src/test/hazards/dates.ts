// Hazards of dates: a date is a number with a date format, and everything depends on the format and
// the date system.
import { Duration } from "../../cells/duration.ts";
import { styleSheet, xf } from "../workbook-writer.ts";
import { at, inSheet, row, type HazardGroup } from "./hazard.ts";

const dated = (...serials: readonly (number | string)[]): string =>
  row(...serials.map((serial, i) => ` s="${i + 1}"><v>${serial}</v></c>`));
const day = Array.from({ length: 8 }, () => "yyyy-mm-dd hh:mm:ss.000");
/** Serial 43861.75 is 2020-01-31 18:00. */
const moment = at("2020-01-31T18:00:00");
const hours = (count: number): Duration => new Duration(count * 3_600_000);
const all = <T extends number | Date | Duration>(count: number, value: T): Record<string, T> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${String.fromCharCode(65 + i)}1`, value]));
/** A workbook of one row: in each of these formats the same number. */
const shown = (formats: readonly string[]): { rows: string; formats: readonly string[] } => ({
  rows: dated(...formats.map(() => 43_861.75)),
  formats,
});
/** The same with formats by number, which have no code in the file. */
const builtIn = (ids: readonly number[]): Parameters<typeof inSheet>[1] => ({
  rows: row(...ids.map((_, i) => ` s="${i}"><v>43861.75</v></c>`)),
  formats: [],
  entries: [
    {
      name: "xl/styles.xml",
      data: styleSheet(ids.map((id) => xf(id)).join("")),
    },
  ],
});

export const dates: HazardGroup = {
  title: "Dates",
  hazards: [
    inSheet(
      "days before 1 March 1900 are counted as Excel counts them",
      { rows: dated(1, 59, 61), formats: day },
      { A1: at("1900-01-01"), B1: at("1900-02-28"), C1: at("1900-03-01") },
      { seen: "excelize #2192, calamine #602" },
    ),
    inSheet(
      "29 February 1900, the day that never was, is read as 28 February, with a warning",
      { rows: dated(60, 60.5), formats: day },
      { A1: at("1900-02-28"), B1: at("1900-02-28T12:00:00") },
      {
        choice: true,
        warnings: ["A1", "B1"].map(
          (cell) => `${cell} shows 29 February 1900, a day that never was; it is read as 28 February 1900`,
        ),
      },
    ),
    inSheet(
      "0 January 1900 is read as 31 December 1899, with a warning where a day is shown",
      { rows: dated(0, 0.25, 0, 0.25), formats: ["yyyy-mm-dd", "d/m/yy h:mm", "h:mm", "mm:ss"] },
      {
        A1: at("1899-12-31"),
        B1: at("1899-12-31T06:00:00"),
        C1: at("1899-12-31"),
        D1: at("1899-12-31T06:00:00"),
      },
      {
        choice: true,
        warnings: ["A1", "B1"].map(
          (cell) => `${cell} shows 0 January 1900, a day that never was; it is read as 31 December 1899`,
        ),
      },
    ),
    inSheet(
      "dates since 1904 are four years later",
      { rows: dated(0, 1, 43_861.75), formats: day, properties: '<workbookPr date1904="1"/>' },
      { A1: at("1904-01-01"), B1: at("1904-01-02"), C1: at("2024-02-01T18:00:00") },
      { seen: "excelize #1212" },
    ),
    inSheet(
      "fractions of a second are rounded to milliseconds, with carry into the next day",
      { rows: dated("43861.42715277778", "43861.123456789", "43861.9999999999"), formats: day },
      { A1: at("2020-01-31T10:15:06"), B1: at("2020-01-31T02:57:46.667"), C1: at("2020-02-01") },
      { seen: "excelize #2192" },
    ),
    inSheet(
      "elapsed time such as [h]:mm is a duration",
      { rows: dated(1.5, 1.5, 1.5, 1.5), formats: ["[h]:mm", "[hh]:mm:ss", "[mm]:ss", "[s].00"] },
      all(4, hours(36)),
      { choice: true, seen: "calamine #602" },
    ),
    inSheet(
      "the formats 14 to 22, 45 and 47 are dates without a code in the file",
      builtIn([14, 15, 16, 17, 18, 19, 20, 21, 22, 45, 47]),
      all(11, moment),
    ),
    inSheet(
      "a duration may be negative, and has milliseconds if there are any",
      {
        rows: dated(-0.0625, "1.1574074074074074E-5", "4.6296296296296294E-8", 0),
        formats: Array(4).fill("[h]:mm:ss.000"),
      },
      { A1: hours(-1.5), B1: new Duration(1000), C1: new Duration(4), D1: new Duration(0) },
      { choice: true, seen: "calamine #318" },
    ),
    inSheet("the format 46 is elapsed time, without a code in the file", builtIn([46]), all(1, hours(1_052_682)), {
      choice: true,
    }),
    inSheet(
      "the formats of East Asia (27 to 36, 50 to 58) are dates without a code in the file",
      builtIn([27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 50, 51, 52, 53, 54, 55, 56, 57, 58]),
      all(19, moment),
    ),
    inSheet(
      "the formats of Thai Excel (71 to 81) are dates without a code in the file, but for 79, elapsed time",
      builtIn([71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81]),
      { ...all(11, moment), I1: hours(1_052_682) },
      { choice: true },
    ),
    inSheet(
      "the formats 0 to 13, 37 to 40, 44, 48 and 49 are no dates",
      builtIn([0, 1, 2, 3, 4, 9, 10, 11, 12, 13, 37, 38, 39, 40, 44, 48, 49]),
      all(17, 43_861.75),
    ),
    inSheet(
      "a built-in number with another code in the file is what the code says",
      {
        rows: row(' s="0"><v>43861.75</v></c>', ' s="1"><v>43861.75</v></c>'),
        formats: [],
        entries: [
          {
            name: "xl/styles.xml",
            data: styleSheet(
              xf(14) + xf(44),
              '<numFmts count="2"><numFmt numFmtId="14" formatCode="0.00"/><numFmt numFmtId="44" formatCode="yyyy"/></numFmts>',
            ),
          },
        ],
      },
      { A1: 43_861.75, B1: moment },
    ),
    inSheet(
      "formats of a date in many ways are dates",
      shown([
        "dd/mm/yyyy",
        "m/d/yy h:mm AM/PM",
        "mmm-yy",
        "dddd",
        "yyyy\\-mm\\-dd;@",
        "d. mmmm yyyy",
        "A/P h",
        "mm:ss.0",
      ]),
      all(8, moment),
    ),
    inSheet(
      "formats with a locale or of another calendar are dates",
      shown([
        "[$-409]d-mmm-yy;@",
        "[$-F800]dddd, mmmm dd, yyyy",
        "[$-804]yyyy年m月d日",
        "[$-411]ggge年m月d日",
        "[$-F400]h:mm:ss AM/PM",
        "[$-41E]bbbb",
      ]),
      all(6, moment),
      { choice: true },
    ),
    inSheet(
      "letters of dates in quotes, brackets, escapes and fillers are no date",
      shown([
        '0.0" days"',
        "0\\d",
        "_d0_m",
        "*y0",
        "[Red]0.00",
        "[$USD] #,##0",
        '"yyyy"0',
        '#,##0 "Mth"',
        "[Magenta]0",
      ]),
      all(9, 43_861.75),
      { seen: "SheetJS #815" },
    ),
    inSheet(
      "colours and conditions in front of a date do not hide it",
      shown(["[Red]yyyy-mm-dd", "[>100]d/m/yy", "[Blue]h:mm", '"on "dd.mm.yyyy']),
      all(4, moment),
    ),
    inSheet(
      "a negative date, and one past the year 9999, is a number",
      { rows: dated(-1, 2_958_466), formats: day },
      { A1: -1, B1: 2_958_466 },
      { choice: true },
    ),
    inSheet(
      'ISO dates (t="d") are dates, whatever the format',
      {
        rows: row(
          ' t="d"><v>2020-01-31</v></c>',
          ' t="d"><v>2020-01-31T10:20:30.5</v></c>',
          ' t="d"><v>2020-01-31T10:20:30Z</v></c>',
          ' t="d"><v>10:20:30</v></c>',
        ),
      },
      {
        A1: at("2020-01-31"),
        B1: at("2020-01-31T10:20:30.5"),
        C1: at("2020-01-31T10:20:30"),
        D1: at("1899-12-31T10:20:30"),
      },
      { seen: "PhpSpreadsheet #2373" },
    ),
    inSheet(
      "the format of a cell comes from cellXfs, not from cellStyleXfs or dxfs",
      {
        rows: row(' s="0"><v>1.5</v></c>', ' s="1"><v>43861.75</v></c>'),
        formats: [],
        entries: [
          {
            name: "xl/styles.xml",
            data: styleSheet(
              xf(0) + xf(164),
              '<numFmts count="1"><numFmt numFmtId="164" formatCode="d.m.yyyy"/></numFmts>',
              '<dxfs count="1"><dxf><numFmt numFmtId="164" formatCode="0"/></dxf></dxfs>',
            ),
          },
        ],
      },
      { A1: 1.5, B1: moment },
    ),
    inSheet(
      "a style that the workbook does not have is no date",
      { rows: row(' s="99"><v>1.5</v></c>', ' s="4294967296"><v>2.5</v></c>'), formats: ["0"] },
      { A1: 1.5, B1: 2.5 },
      { choice: true },
    ),
  ],
};
