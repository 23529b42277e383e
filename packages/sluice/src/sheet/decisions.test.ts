// What inference decides of each sort of column, and all that it says of it: the type, the
// notation, the marks, the reason of a doubt, the nearest type and what speaks against it.
import { expect, test } from "vitest";
import { batchOfRows, type BatchCell } from "../test/batch.ts";
import { kindOf } from "../values/cell-kind.ts";
import { Inference } from "./infer.ts";
import { CellType } from "@sluice/sheets";

const day = (text: string): Date => new Date(`${text}Z`);
const times = (n: number, of: (i: number) => BatchCell): BatchCell[] => Array.from({ length: n }, (_, i) => of(i));

const COLUMNS: readonly (readonly [values: readonly BatchCell[], header?: string])[] = [
  [[]],
  [[1, 2, 3]],
  [[1, 2.5]],
  [[1, 2_147_483_648]],
  [[1, 1e21]],
  [[0.1 + 0.2, 1]],
  [["1", "2", "n/a"]],
  [["1", "2", "many"]],
  [["1", "many", "more"]],
  [["007", "12"]],
  [["+7", "12"]],
  [["1234567890123456", "2"]],
  [["9123456789", "9123456780"]],
  [["9123456789", "91"]],
  [[912345678, 912345679], "Phone"],
  [[912345678, 912345679], "Phone 2 (work)"],
  [[912345678, 912345679], "Phones sold"],
  [["912 345 678", "912 345 679", "912 345 670"]],
  [["912 345 678", "12 345 679", "912 345 670"]],
  [["912 345 678", "912 345 679"]],
  [["1,234.50", "12.00"]],
  [["1.234,50", "12,00"]],
  [["1.234", "5.678"]],
  [["1.234", "5.67"]],
  [["1'234.50", "7"]],
  [["$1", "$2.50"]],
  [["1 €", "2,50 €"]],
  [["1 €", "$2"]],
  [["5 %", "7.5 %"]],
  [["5 %", "7"]],
  [["(5)", "(7)"]],
  [["(5)", "7"]],
  [["12-", "7"]],
  [["5 kg", "7 kg"]],
  [["5 kg", "7 g"]],
  [["1e5", "2e5"]],
  [["1.5e5", "2"]],
  [["4.00612E+12", "4.00613E+12"]],
  [["4.00612E+12", "3.2E+05"]],
  [["4.00612E+12", "1"], "EAN"],
  [["true", "FALSE"]],
  [["yes", "No"]],
  [["y", "n"]],
  [["y", "y"]],
  [["t", "f", "t"]],
  [[true, "true"]],
  [["1", "0"]],
  [[day("2020-01-31"), day("2020-02-01")]],
  [[day("2020-01-31"), day("2020-02-01T12:00")]],
  [[day("2020-01-31"), "2020-02-01"]],
  [[day("1899-12-31T12:00"), "12:30"]],
  [["2020-01-31", "2020-02-01 12:00"]],
  [["2020-01-31 12:00Z", "2020-01-31 12:00+02"]],
  [["2020-01-31 12:00Z", "2020-01-31 12:00"]],
  [["31.12.2024", "01.02.2024"]],
  [["01.02.2024", "03.04.2024"]],
  [["12/31/24", "1/2/24"]],
  [["31.12.2024 12:00", "01.02.2024"]],
  [["31-Jan-2020", "1-Feb-2020"]],
  [["31.12.2024", "soon", "01.02.2024"]],
  [["12:30", "8:05"]],
  [["12:30", "3:45 PM"]],
  [["12:30", "26:10"]],
  [["26:10:00", "-1:30:00"]],
  [["26:10:00", "8:00:00"]],
  [["58:30", "1:02:11"]],
  [[{ duration: "37:30:00" }, "8:00"]],
  [["123e4567-e89b-12d3-a456-426614174000"]],
  [[" 123e4567-e89b-12d3-a456-426614174000"]],
  [['{"a":1}', "[]"]],
  [['{"a":1,"a":2}']],
  [["a@b.co", "c@d.co"]],
  [["https://example.org/a", "x"]],
  [[{ error: "#N/A" }, 1, { error: "#N/A" }, { error: "#REF!" }]],
  [["n/a", "-", "1", "-"]],
  [["n/a", "-"]],
  [["a", "-", "b"]],
  [times(12, (i) => (i < 7 ? i : `word ${i}`))],
  [times(12, (i) => (i < 5 ? i : `word ${i}`))],
  [times(3, (i) => "x".repeat(90 + 20 * i))],
];

const shown = (value: BatchCell): string =>
  value instanceof Date ? value.toISOString() : typeof value === "object" ? JSON.stringify(value) : typeof value === "string" && value.length > 40 ? `"…"(${value.length})` : JSON.stringify(value); // prettier-ignore

test("each column has the type of its values, and what is said of it", () => {
  const lines = COLUMNS.map(([values, header = "h"]) => {
    const inference = new Inference();
    inference.add(batchOfRows(values.map((value) => [value]), 2)); // prettier-ignore
    const { type, nearest, ...rest } = inference.column(1, header, values.length <= 5);
    const said = Object.entries(rest).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0) && value !== ""); // prettier-ignore
    const near = nearest && `nearest ${nearest.type}${nearest.notation === undefined ? "" : ` as ${nearest.notation}`}, ${nearest.fits} fit, not ${nearest.against.map(({ row, value }) => `${value} (${row})`).join(", ")}`; // prettier-ignore
    const about = said.filter(([name]) => name !== "values").map(([name, value]) => `${name === "because" ? "" : `${name} `}${typeof value === "string" ? value : JSON.stringify(value)}`); // prettier-ignore
    return `${values.slice(0, 4).map(shown).join(", ")}${header === "h" ? "" : ` under ${header}`}\n    ${[type, ...about, ...(near === undefined ? [] : [near])].join("; ")}`;
  });
  expect(lines.join("\n")).toMatchSnapshot("all of it");
});

const PAIRS: readonly BatchCell[] = [
  7, 2_147_483_648, 9.25, 1e21, true, day("2020-01-31"), day("2020-01-31T12:00"), day("1899-12-31T12:00"), { duration: "37:30:00" }, { error: "#N/A" },
  "12", "345", "3000000000", "9223372036854775808", "912345678901", "007", "0.5", "4.00612E+12", "3.2E+05", "4.0E+09",
  "1.234", "1,234", "1,5", "1.234.567", "1 234", "12'345", "$5", "5 $", "1,50 €", "5 %", "(5)", "5-", "-5", "9.999.999.999.999.999.999",
  "true", "yes", "y", "n", "n/a", "2020-01-31", "2020-01-31 12:00", "2020-01-31 12:00Z", "31.12.2024", "01.02.2024", "1/2/24", "31.12.2024 12:00",
  "12:30", "12:30:01", "3:45 PM", "26:10", "58:30:01", "-1:30:00", "123e4567-e89b-12d3-a456-426614174000", '{"a":1}', "a@b.co", "word",
]; // prettier-ignore

test("two values of any two kinds: the type that both have", () => {
  const decided = (values: readonly BatchCell[]): string => {
    const inference = new Inference();
    inference.add(batchOfRows(values.map((value) => [value]), 2)); // prettier-ignore
    const { type, dateFormat, numberFormat, missing, because } = inference.column(1, "h", true);
    const notation = dateFormat ?? numberFormat;
    const why = because === undefined ? "" : ` (${because.replace(/^(.{12}).*/su, "$1…")})`;
    return `${type}${notation === undefined ? "" : ` as ${notation}`}${missing.length > 0 ? " missing" : ""}${why}`;
  };
  const all = PAIRS.map((first) => PAIRS.map((second) => decided([first, second])));
  const lines = PAIRS.flatMap((first, i) => {
    const others = new Map<string, string[]>();
    for (const [j, second] of PAIRS.entries()) {
      const is = all[i]![j]!;
      // The order of two values changes nothing.
      expect(all[j]![i]).toBe(is);
      if (is !== "text") others.set(is, [...(others.get(is) ?? []), shown(second)]);
    }
    return [shown(first), ...[...others].map(([is, second]) => `    ${is} with ${second.join(", ")}`)];
  });
  expect(lines.join("\n")).toMatchSnapshot();
});

test("what a header says of digits", () => {
  const headers = [
    "Phone", "Phone 2", "phones", "Tel. (work)", "Mobile", "Mobile sales", "Fax no.", "ZIP code", "zip 4", "Customer number", "EAN", "Home phone number", "Phone / Fax", "IBAN id", "2", "",
  ]; // prettier-ignore
  const of = (header: string, values: readonly BatchCell[]): string => {
    const inference = new Inference();
    inference.add(batchOfRows(values.map((value) => [value]), 2)); // prettier-ignore
    const { type, because, nearest } = inference.column(1, header, true);
    return `${type}${because === undefined ? "" : `: ${because}`}${nearest ? `; nearest ${nearest.type}` : ""}`;
  };
  expect(
    headers.map((header) => [header, of(header, [12, 7]), of(header, [12, 7, "x y"]), of(header, ["4.1E+09", "1.5"]), of(header, ["0.5"])].join(" | ")), // prettier-ignore
  ).toMatchSnapshot();
});

test("values that make a doubt, and one that does not any more", () => {
  const of = (...values: readonly BatchCell[]): string => {
    const inference = new Inference();
    inference.add(batchOfRows(values.map((value) => [value]), 2)); // prettier-ignore
    const { values: count, ...rest } = inference.column(1, "h", true);
    return `${values.slice(0, 6).map(shown).join(", ")} → ${count} ${JSON.stringify(rest)}`;
  };
  expect([
    // Groups of digits, each as long as the other.
    of("12 345 678", "12 345 679"), of("12 345 678", "12 345 679", "12 345 670"), of("1 234 567", "1 234 568", "1 234 569"), of("12 345 678", "12 345 679", "1 345 670"), of("12 345 678", "12345679", "12 345 670"),
    // Digits, each as long as the other.
    of("1234567890", "1234567891"), of("1234567890", "-", "1234567891"), of("123456789", "123456780"), of("1234567890", "12345678901"), of("1234567890", 5),
    // What a spreadsheet has cut.
    of("4.1E+10", "4.1E+12"), of("4.1E+10", "4.1E+13"), of("4.1E+09", "4.1E+10"), of("4.1E+15"), of("4.1E+16"), of("4.1E+15", "12"), of("4.1E+15", "1.5"), of("4.1E+15", "-"), of("12", "13", "14", "15", "4.1E+12", "4.2E+12"),
    // Thousands that a column shows by itself.
    of("1.150", "2.330", "925"), of("1.150", "925"), of("1.150", "2.330", "25"), of("1.150", "2.330", "9250"), of("1.155", "2.333", "925"), of("1,150", "2,330", "925"), of("1.150 €", "2.330 €", "925"),
    // Units.
    of("5 %", "7 %", "8"), of("5 €", "7 €", "8"), of("5 €", "7"), of("5 €", "7,5", "3000000000"), of("5 €", "9223372036854775808"), of("5 %", "1.5"), of("5", "7 €", "$7"), of("(5) €", "7 €"), of("(5)", "(7)", "8"), of("1.234 %"), of("9.999.999.999 €", "1,5"),
    // Days and times.
    of("01.02.2024", "03.04.2024", "13.04.2024"), of("01.02.2024", "13.04.2024 12:00"), of("2024-01-31", "31.12.2024"), of("2024-01-31", "1/31/2024"), of(day("2024-01-31"), "31.12.2024"), of(day("2024-01-31"), "31.12.2024 12:00"), of(day("2024-01-31T12:00"), "31.12.2024"),
    of("2024-01-31 1:00 PM", "2024-02-01"), of("2024-01-31 12:00:00", "1/31/2024"), of("31.12.2024", "12:00"),
    // Durations.
    of("26:10"), of("26:10", "1:30"), of("1:30", "26:10:00"), of("26:10:00"), of("26:10:00", "27:10:00"), of("26:10:00", "1:30:00"), of({ duration: "1:00:00" }, "1:30"), of({ duration: "1:00:00" }, "26:10"), of("12:30", "n/a"),
    // Marks and errors.
    of("n/a", "n/a", "-", "1"), of("n/a"), of("n/a", "word"), of({ error: "#N/A" }, { error: "#REF!" }, { error: "#N/A" }), of({ error: "#N/A" }, "n/a", 1),
    // The nearest type, and what speaks against it: the first three, by row.
    of(1, "a", 2, "b", 3, "c", 4, "d"), of(1, "a", 2, "b", 3, "c"), of(1, "a", "b"), of("y", "y", "n", "maybe"), of("y", "y", "y", "maybe"), of("31.12.2024", "30.12.2024", "soon"), of("1,5 €", "2,5 €", "?!"), of(1, 2, 2.5, "x"), of("word", "31.12.2024", { error: "#N/A" }, "30.12.2024"), of("a", 5, "007", 6, { error: "#N/A" }, 7, 8),
  ].join("\n")).toMatchSnapshot();
}); // prettier-ignore

/** Rows of an item, a sum and a note. */
const ITEMS: readonly (readonly BatchCell[])[] = [["a", 1, "x"], ["b", 2, null], ["c", 3, "z"]]; // prettier-ignore

test("rows of totals at the end: what they do to the columns, and which are left out", () => {
  const of = (rows: readonly (readonly BatchCell[])[], type?: string, ends = true): unknown => {
    const inference = new Inference();
    inference.add(batchOfRows(rows, 2));
    if (ends) inference.endSheet();
    const columns = inference.columns;
    inference.leaveOutTotals((sheetColumn) => ({ header: `h${sheetColumn}`, type: sheetColumn === 1 ? type : undefined }));
    return JSON.stringify({ columns, records: inference.records, leftOut: inference.leftOut, now: inference.columns, types: [1, 2, 3, 4].map((n) => { const { type: is, values, nearest } = inference.column(n, "h", true); return `${is} ${values} ${JSON.stringify(nearest?.against ?? [])}`; }) });
  };
  const numbers = ITEMS.map(([, sum], n) => [n + 1, sum!]);
  const total = (sum: BatchCell = 6): readonly BatchCell[] => ["Total", sum];
  expect([
    of([...ITEMS, total()]), of([...ITEMS, total()], "integer"), of([...ITEMS, total()], "character varying(9)"), of([...ITEMS, total()], "text", false),
    of([...numbers, total()]), of([...numbers, total("six")]), of([...numbers, total()], "integer", false), of([...numbers, total(), [9, 9]]), of([...numbers, ["Total", 6, null, "new"]]),
    of([...numbers, [null, "Total", 7]]), of([...numbers, [null, "Total", 7], total()]),
    ...[1, 2, 3, 4, 5, 6, 9].map((count) => of([...numbers, ...Array.from({ length: count }, () => total())])), of([...numbers, ...Array.from({ length: 9 }, () => total()), [7, 7], total()]),
    of([total(), ...numbers]), of([total()]), of([...numbers, ["Totally", 6]]), of([...numbers, [{ error: "Total" }, 6]]),
  ]).toMatchSnapshot();
}); // prettier-ignore

test("inference looks at records until it has enough, and at the rows that it is told to", () => {
  const batch = batchOfRows([[1, "x"], [null, " "], [2], ["n/a", "-"], [4], [5]], 2); // prettier-ignore
  const of = (limit?: number, from?: number, to?: number): unknown => {
    const inference = new Inference((column, text) => column === 1 && text() === "n/a");
    const more = inference.add(batch, limit, from, to);
    return JSON.stringify([more, inference.records, inference.columns, inference.statedIn(1), inference.statedIn(2), [1, 2].map((n) => { const { type, values, confidence, missing } = inference.column(n, "h", false); return [type, values, confidence.toFixed(3), missing]; })]);
  };
  expect([of(), of(5), of(4), of(1), of(0), of(9, 2), of(9, 0, 2), of(9, 3, 99), of(2, 1, 4)]).toMatchSnapshot();
  const guessing = new Inference(() => false, false);
  guessing.add(batch);
  expect(guessing.column(1, "h", true)).toMatchObject({ type: "text", missing: [], values: 5 });
}); // prettier-ignore

test("an example is the start of a long value, without half a character", () => {
  const of = (text: string): unknown => {
    const inference = new Inference();
    inference.add(batchOfRows([[1], [2], [text]])); // prettier-ignore
    const [example] = inference.column(1, "h", true).nearest!.against;
    return [example!.row, example!.value.length, example!.value.slice(-3)];
  };
  expect([of("x".repeat(1_000)), of("x".repeat(1_001)), of(`${"x".repeat(999)}é`), of(`${"x".repeat(998)}éx`)]).toEqual(
    [[3, 1_000, "xxx"], [3, 1_001, "xx…"], [3, 1_000, "xx…"], [3, 1_000, "xé…"]], // prettier-ignore
  );
});

test("columns decide together how a point is read", () => {
  const decided = (rows: readonly (readonly BatchCell[])[], delimiter?: string): string[] => {
    const inference = new Inference(() => false, true, delimiter);
    inference.add(batchOfRows(rows, 2));
    return rows[0]!.map((_, n) => {
      const { type, numberFormat } = inference.column(n + 1, "h", true);
      return numberFormat === undefined ? type : `${type} ${numberFormat}`;
    });
  };
  expect([
    decided([["1.234", "0.5"]]),
    decided([["1.234", "7,25"]]),
    decided([["1,234", "0.5"]]),
    decided([["1,234", "7,25"]]),
    decided([["1.234", "0.5", "7,25"]]),
    decided([["1.234", "x"]]),
    decided([["1.234", "x"]], ","),
    decided([["1.234", "x"]], ";"),
    decided([["1.234"]], ","),
    decided([["1.234", "7,25"]], ","),
    decided([["1.234", "0.5", "1,234"]]),
    decided([["1.234", "5 %", "7,5 %"]]),
    decided([
      ["1.234", "1.150"],
      ["5.678", "2.330"],
      ["9.012", "925"],
    ]),
    decided([
      ["1.234", "1,150"],
      ["5.678", "2,330"],
      ["9.012", "925"],
    ]),
    decided([
      ["1.234", "0.5"],
      ["7", "n/a"],
    ]),
    decided(
      [
        ["1.234", "x"],
        [7, "y"],
      ],
      ",",
    ),
    decided([["1.234", 7]]),
    decided([["1.234", "1e5"]]),
    decided([["1.234", "1.234.567"]]),
    decided([["1.234 €", "0.5"]]),
  ]).toMatchSnapshot("all of it");
});

test("the kind of each sort of text", () => {
  const texts = [
    "0", "-0", "7", "+7", "007", "-12", "2147483647", "2147483648", "-2147483648", "1234567890", "123456789012345",
    "1234567890123456", ".5", "0.5", "00.5", "12.", "1.234", "12.3456", "1.5e7", "1e5", "1E+5", "1e-5", "1.5E+11", "1.123456E+11",
    "9e+09", "1e999", "1,5", "1,234", "1,23", "1.234.567", "1 234", "12'345", "$5", "5$", "€ 5", "5 %", "(5)", "5-", "-5 kg",
    "TRUE", "f", "Yes", "nope", "n/a", "NA", "-", "--", "?", ".", "null", "[]", "{}", "[1", "{a}", "2020-01-31", "2020-02-30",
    "2020-01-31T12:00", "2020-01-31 24:00", "2020-01-31 12:00:00.1234567", "2020-01-31 12:00Z", "2020-01-31 12:00 +0100", "1/2/2020",
    "31.12.20", "12:00", "1:2", "23:59:59.5", "24:00", "3:45pm", "13:45 pm", "-1:30", "99999:59:59", "100000:00", "a@b.co", "a@b", "a b@c.de",
    "http://x", "HTTPS://x", "ftp://x", "http:// x", "word", "x1", "A-17",
  ]; // prettier-ignore
  const kinds = texts.map((text) => {
    const bytes = Buffer.from(` ${text} `);
    return `${text} → ${kindOf(bytes, 0, bytes.length, CellType.string)}`;
  });
  expect(kinds.join("\n")).toMatchSnapshot("all of it");
});
