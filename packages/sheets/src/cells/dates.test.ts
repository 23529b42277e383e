import { expect, test } from "vitest";
import { ISO_LENGTH, neverWas, readIso, writeDate, writeIsoText } from "./dates.ts";

const out = Buffer.alloc(ISO_LENGTH + 1);
const iso = (serial: number, date1904 = false): string | undefined =>
  writeDate(out, 1, serial, date1904) ? out.toString("latin1", 1) : undefined;
const isoText = (text: string, date1904 = false): string | undefined =>
  writeIsoText(out, 1, text, date1904) ? out.toString("latin1", 1) : undefined;

test.each([
  [0, "1899-12-31T00:00:00.000"],
  [0.5, "1899-12-31T12:00:00.000"],
  [1, "1900-01-01T00:00:00.000"],
  [59, "1900-02-28T00:00:00.000"],
  [59.75, "1900-02-28T18:00:00.000"],
  [60, "1900-02-28T00:00:00.000"],
  [61, "1900-03-01T00:00:00.000"],
  [25_569, "1970-01-01T00:00:00.000"],
  [36_585, "2000-02-29T00:00:00.000"],
  [43_861.5, "2020-01-31T12:00:00.000"],
  [2_958_465, "9999-12-31T00:00:00.000"],
])("in the 1900 system serial %d is %s", (serial, want) => {
  expect(iso(serial)).toBe(want);
});

test.each([
  [0, "1904-01-01T00:00:00.000"],
  [0.25, "1904-01-01T06:00:00.000"],
  [60, "1904-03-01T00:00:00.000"],
  [1462, "1908-01-02T00:00:00.000"],
])("in the 1904 system serial %d is %s", (serial, want) => {
  expect(iso(serial, true)).toBe(want);
});

test("fractions are rounded to milliseconds, and what rounds up to a day is the next day", () => {
  expect(iso(43_861.123_456_789)).toBe("2020-01-31T02:57:46.667");
  expect(iso(43_861 + 0.1 / 86_400)).toBe("2020-01-31T00:00:00.100");
  expect(iso(43_861.999_999_999)).toBe("2020-02-01T00:00:00.000");
  expect(iso(59.999_999_999_9)).toBe("1900-02-28T00:00:00.000");
  for (let second = 0; second < 86_400; second += 7) {
    const want = new Date(Date.UTC(2020, 0, 31) + second * 1000).toISOString().slice(0, -1);
    expect(iso(43_861 + second / 86_400)).toBe(want);
  }
});

test("what no calendar has is no date", () => {
  expect([-1, -0.001, 2_958_466, 1e300, Number.NaN].map((serial) => iso(serial))).toEqual(Array(5).fill(undefined));
});

test("0 January and 29 February 1900 exist in the 1900 system alone", () => {
  const shown = (date1904: boolean): unknown[] =>
    [0, 0.5, 1, 59.9, 60, 60.5, 61].map((serial) => neverWas(serial, date1904));
  const zero = ["0 January 1900", "31 December 1899"];
  const leap = ["29 February 1900", "28 February 1900"];
  expect(shown(false)).toEqual([zero, zero, undefined, undefined, leap, leap, undefined]);
  expect(shown(true)).toEqual(Array(7).fill(undefined));
});

test("every day agrees with the calendar of Date, and is read back", () => {
  for (let serial = 61; serial < 2_958_466; serial += 97) {
    const date = new Date((serial - 25_569) * 86_400_000);
    expect(iso(serial)).toBe(date.toISOString().slice(0, -1));
    expect(readIso(out, 1)).toEqual(date);
  }
});

test.each([
  ["2020-01-31", "2020-01-31T00:00:00.000"],
  ["2020-01-31T10:20", "2020-01-31T10:20:00.000"],
  ["2020-01-31T10:20:30.5+02:00", "2020-01-31T10:20:30.500"],
  ["0001-01-01", "0001-01-01T00:00:00.000"],
  ["T10:20:30", "1899-12-31T10:20:30.000"],
  ["2020-02-29T24:00:00", "2020-03-01T00:00:00.000"],
  ["9998-12-31T24:00", "9999-01-01T00:00:00.000"],
  ["2020-01-31T23:59:59.25", "2020-01-31T23:59:59.250"],
  ["2020-01-31T10:20:30-0930", "2020-01-31T10:20:30.000"],
  ["2019-02-29", undefined],
  ["2020-13-01", undefined],
  ["2020-00-10", undefined],
  ["2020-01-00", undefined],
  ["9999-12-31T24:00", undefined],
  ["2020-01-31T25:00", undefined],
  ["2020-01-31T10:60", undefined],
  ["2020-01-31T10:20:60", undefined],
  ["x2020-01-31", undefined],
  ["2020-01-31x", undefined],
  ["x10:20", undefined],
  ["10:20x", undefined],
  ["2020-01-31T24:00:01", undefined],
  ["31.01.2020", undefined],
  ["", undefined],
])("the ISO text %j is %s", (text, want) => {
  expect(isoText(text)).toBe(want);
  if (want) expect(readIso(out, 1)).toEqual(new Date(`${want}Z`));
});

test("a time without a date lies on the first day of the system", () => {
  expect(isoText("06:00:00", true)).toBe("1904-01-01T06:00:00.000");
});
