import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dateFormatsOf, dateReader, isDay } from "./date-format.ts";

test.each([
  ["31/01/2020", ["DD/MM/YYYY"]],
  ["1/31/2020", ["MM/DD/YYYY"]],
  ["01/02/2020", ["DD/MM/YYYY", "MM/DD/YYYY"]],
  ["31.01.2020", ["DD.MM.YYYY"]],
  ["2020/01/31", ["YYYY/MM/DD"]],
  ["2020-1-5", ["YYYY-MM-DD"]],
  ["31 Jan 2020", ["DD MMM YYYY"]],
  ["31-JAN-2020", ["DD-MMM-YYYY"]],
  ["3 September 2020", ["DD MMM YYYY"]],
  ["Sept. 3, 2020", ["MMM DD, YYYY"]],
  ["January 31, 2020", ["MMM DD, YYYY"]],
  ["31/01/2020 12:30", ["DD/MM/YYYY HH:mm"]],
  ["1/31/2020 3:45 PM", ["MM/DD/YYYY hh:mm A"]],
  ["1/31/2020, 3:45:10 p.m.", ["MM/DD/YYYY hh:mm A"]],
  // Not a day, or not one that can be told.
  ["31/02/2020", []],
  ["29/02/2023", []],
  ["32/13/2020", []],
  ["31/01/20", ["DD/MM/YY"]],
  ["06/07/08", ["DD/MM/YY", "MM/DD/YY", "YY/MM/DD"]],
  ["26.06.26", ["DD.MM.YY", "YY.MM.DD"]],
  ["3-Jan-24", ["DD-MMM-YY"]],
  // Which century?
  ["31/01/45", []],
  // More often a version.
  ["13.2.10", []],
  ["000/0.0", []],
  ["31-01/2020", []],
  ["31 Foo 2020", []],
  ["31/01/2020 25:00", []],
  ["1/31/2020 13:00 PM", []],
  ["12.30.15", []],
  ["1.2.3", []],
  ["555-123-4567", []],
  ["", []],
])("%j can be read as %j", (text, formats) => {
  expect(dateFormatsOf(text)).toEqual(formats);
});

test.each([
  ["DD/MM/YYYY", "1/2/2020", "2020-02-01", undefined],
  ["MM/DD/YYYY", "1/2/2020", "2020-01-02", undefined],
  ["DD.MM.YYYY HH:mm", "31.01.2020 9:05", "2020-01-31", "09:05:00"],
  ["DD.MM.YYYY HH:mm", "31.01.2020", "2020-01-31", undefined],
  ["DD.MM.YYYY HH:mm", "31.01.2020 09:05:07.25", "2020-01-31", "09:05:07.25"],
  ["MM/DD/YYYY hh:mm A", "1/31/2020 12:00 AM", "2020-01-31", "00:00:00"],
  ["MM/DD/YYYY hh:mm A", "1/31/2020 12:59 pm", "2020-01-31", "12:59:00"],
  ["MMM DD, YYYY", "may 3, 2020", "2020-05-03", undefined],
  ["DD.MM.YY", "1.2.68", "2068-02-01", undefined],
  ["DD.MM.YY", "1.2.69", "1969-02-01", undefined],
  ["YYYYMMDD", "20200131", "2020-01-31", undefined],
  ["DD.MM.YYYY HH:mm", "31.01.2020 09:05:07.1234560", "2020-01-31", "09:05:07.123456"],
])("as %j, %j is %s %s", (format, text, date, time) => {
  expect(dateReader(format)?.(text)).toEqual({ date, time });
});

describe("what is no notation", () => {
  test.each(["", "DD/MM", "DD/MM/YYY", "YYYY", "DD/DD/YYYY", "MM MMM YYYY", "HH:mm", "DD/MM/YYYY hh", "(.*)+$"])(
    "%j",
    (format) => {
      expect(dateReader(format)).toBeUndefined();
    },
  );
});

test("what is written in a notation is read back as the same day, and never as another in a second one that fits alone", () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date("0001-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }),
      fc.constantFrom("/", ".", "-"),
      (day, sep) => {
        const iso = day.toISOString().slice(0, 10);
        const [y, m, d] = iso.split("-") as [string, string, string];
        for (const [format, text] of [
          [`DD${sep}MM${sep}YYYY`, `${Number(d)}${sep}${m}${sep}${y}`],
          [`MM${sep}DD${sep}YYYY`, `${m}${sep}${d}${sep}${y}`],
          [`YYYY${sep}MM${sep}DD`, `${y}${sep}${m}${sep}${d}`],
        ] as const) {
          expect(dateReader(format)!(text)).toEqual({ date: iso, time: undefined });
          const formats = dateFormatsOf(text);
          expect(formats).toContain(format);
          if (formats.length === 1) expect(formats).toEqual([format]);
          else expect(Number(d) <= 12).toBe(true);
        }
      },
    ),
  );
});

test("isDay() knows leap years as the Gregorian calendar has them", () => {
  expect([isDay(2000, 2, 29), isDay(1900, 2, 29), isDay(2024, 2, 29), isDay(0, 1, 1)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});
