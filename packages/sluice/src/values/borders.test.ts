// The ends of each integer type, and each scale of numeric, with the last value that fits and the
// first that does not.
import { CellType } from "@sluice/sheets";
import { describe, expect, test } from "vitest";
import { table } from "../schema/schema.ts";
import { checkFor, typedCheckFor } from "./values.ts";

/** What becomes of a cell: the text that is loaded, or the code of the reject. */
function judge(type: string, text: string, cell: CellType): string | null {
  const column = table({ name: "t", columns: { c: { type } } }).columns[0]!;
  const check = cell === CellType.string ? checkFor(column) : typedCheckFor(column);
  const bytes = Buffer.from(text);
  const verdict = check?.(bytes, 0, bytes.length, cell);
  if (verdict === undefined) return text;
  return typeof verdict === "object" && verdict !== null ? `! ${verdict.code}` : verdict;
}

const CELLS = [CellType.string, CellType.number];

const ENDS: Readonly<Record<string, readonly [least: bigint, most: bigint]>> = {
  smallint: [-(2n ** 15n), 2n ** 15n - 1n],
  integer: [-(2n ** 31n), 2n ** 31n - 1n],
  bigint: [-(2n ** 63n), 2n ** 63n - 1n],
  oid: [0n, 2n ** 32n - 1n],
};

describe.each(Object.entries(ENDS))("%s", (type, [least, most]) => {
  test.each(CELLS)("takes its least and its most, and not one more: cells of type %i", (cell) => {
    for (const fits of [least, least + 1n, most - 1n, most]) expect(judge(type, `${fits}`, cell)).toBe(`${fits}`);
    for (const not of [least - 1n, most + 1n]) expect(judge(type, `${not}`, cell)).toBe("! out_of_range");
  });

  test("takes every number of digits up to its most, by the way that is fast and by the other", () => {
    for (let digits = 1; digits <= 20; digits++) {
      for (const text of ["9", "1"].map((first) => first + "0".repeat(digits - 1))) {
        const fits = BigInt(text) <= most;
        expect([text, judge(type, text, CellType.string)]).toEqual([text, fits ? text : "! out_of_range"]);
        if (least < 0n)
          expect([text, judge(type, `-${text}`, CellType.string)]).toEqual([
            text,
            -BigInt(text) >= least ? `-${text}` : "! out_of_range",
          ]);
      }
    }
  });

  test("takes a number in another spelling as the same number, and its half never", () => {
    expect(judge(type, "12.0", CellType.number)).toBe("12");
    expect(judge(type, "1.2E1", CellType.number)).toBe("12");
    expect(judge(type, "12.5", CellType.number)).toBe("! invalid_number");
    expect(judge(type, "12.5", CellType.string)).toBe("! invalid_number");
    expect(judge(type, "", CellType.string)).toBe("! invalid_number");
    expect(judge(type, "-", CellType.string)).toBe("! invalid_number");
  });
});

const scales = Array.from({ length: 16 }, (_, scale) => scale);

test.each(scales)("numeric(15,%i) takes as many digits before and after the point as it has", (scale) => {
  const type = `numeric(15,${scale})`;
  const before = "9".repeat(15 - scale) || "0";
  const after = scale === 0 ? "" : `.${"9".repeat(scale)}`;
  for (const cell of CELLS) {
    expect(judge(type, before + after, cell)).toBe(before + after);
    expect(judge(type, `-${before}${after}`, cell)).toBe(`-${before}${after}`);
  }
  // One digit more before the point, and one more after it.
  expect(judge(type, `1${"0".repeat(15 - scale)}`, CellType.string)).toBe("! out_of_range");
  expect(judge(type, `1${"0".repeat(15 - scale)}`, CellType.number)).toBe("! out_of_range");
  expect(judge(type, `0.${"0".repeat(scale)}1`, CellType.string)).toBe("! too_many_digits");
  // A zero there is no digit.
  expect(judge(type, `0.${"0".repeat(scale)}0`, CellType.string)).toMatch(/^0(?:\.0+)?$/);
});

test.each([
  ["numeric(3,5)", "0.00999", "0.01", "! out_of_range"],
  ["numeric(3,5)", "0.00001", "0.000001", "! too_many_digits"],
  ["numeric(2,-3)", "99000", "100000", "! out_of_range"],
  ["numeric(2,-3)", "1000", "1500", "! too_many_digits"],
  ["numeric(1000)", "9".repeat(1000), "1".padEnd(1001, "0"), "! out_of_range"],
  ["varchar(2)", "ä\u{1F600}", "ä\u{1F600}a", "! too_long"],
  ["date", "9999-12-31", "9999-12-32", "! invalid_date"],
  ["date", "2024-02-29", "2023-02-29", "! invalid_date"],
  ["numeric(1000,100)", "9".repeat(900), "9".repeat(901), "! out_of_range"],
  ["numeric(1000,1000)", `0.${"9".repeat(1000)}`, `0.${"9".repeat(1001)}`, "! too_many_digits"],
  ["time", "23:59:59.999999", "24:00:00", "! invalid_time"],
  ["timestamp", "9999-12-31 23:59:59.999999", "9999-12-31 23:59:60.5", "! invalid_timestamp"],
])("%s takes %s, and not %s", (type, fits, not, code) => {
  expect(judge(type, fits, CellType.string)).toBe(fits);
  expect(judge(type, not, CellType.string)).toBe(code);
});

test.each([
  ["numeric(10,2)", "1e7", "10000000"],
  ["numeric(10,2)", "1E+8", "! out_of_range"],
  ["numeric(10,2)", "1e999", "! out_of_range"],
  ["numeric(10,2)", "1e-2", "0.01"],
  ["numeric(10,2)", "1e-3", "! too_many_digits"],
  ["numeric(10,2)", "1e-999", "! too_many_digits"],
])("%s takes %s as %s", (type, text, want) => {
  expect(judge(type, text, CellType.string)).toBe(want);
});
