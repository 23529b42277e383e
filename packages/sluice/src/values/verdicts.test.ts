// What each type makes of each sort of text and cell, with the whole reason of each refusal. The
// snapshot has, for each type, the verdicts and the values that get them. A cell that is not text
// has its kind in front.
import { CellType } from "@sluice/sheets";
import { expect, test } from "vitest";
import { table, type ColumnSpec } from "../schema/schema.ts";
import { checkFor, plainFor, typedCheckFor } from "./values.ts";

const { string, number, boolean, date, duration, error } = CellType;
const KINDS = ["number ", "", "boolean ", "error ", "date ", "duration "];

const TEXTS = [
  "abc", " abc ", "0", "7", "-7", "+7", "007", "32768", "2147483648", "9223372036854775808", "4294967296", "12.5", "12.50",
  ".5", "12.345", "1e3", "1,234", "1.234", "1,234.50", "1.234,50", "12 %", "$12.5", "(12)", "12-", "99999999999.99",
  "true", "F", "y", "no", "On", "off", "1", "maybe", "n/a", "-", "NULL", "?", "\\N", "#N/A",
  "2020-01-31", "20200131", "2020-02-30", "31.01.2020", "01/02/2020", "1/31/20", "31-Jan-2020", "2020-01-31T00:00:00.000",
  "2020-01-31 12:30", "2020-01-31T12:30:15.25", "2020-01-31 12:30Z", "2020-01-31 12:30+01:00", "2020-01-31 24:00",
  "2020-01-31 12:30:15.1234567", "31.01.2020 12:30", "1899-12-31T12:30:00.000",
  "12:30", "8:05", "08:05:30.25", "3:45 PM", "12:00 am", "25:00", "36:00:00", "-01:30:00", "12:30+01", "2 days", "1 year 2 mons", "PT36H",
  "123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000", '{"a":1}', "[1,2", "{1,2}", "a@b.co", "a@b",
  "x".repeat(64), "äöü€",
]; // prettier-ignore

const CELLS: readonly (readonly [type: CellType, text: string])[] = [
  ...TEXTS.map((text) => [string, text] as const),
  ...["7", "-7.5", "1E+05", "0.30000000000000004", "1E+300", "20200131", "1", "0", "99999"].map((text) => [number, text] as const),
  ...["true", "false"].map((text) => [boolean, text] as const),
  ...["2020-01-31T00:00:00.000", "2020-01-31T12:30:00.500", "1899-12-31T12:30:00.000", "1904-01-01T12:30:00.000"].map((text) => [date, text] as const),
  ...["37:30:00", "-00:00:01.500", "08:00:00"].map((text) => [duration, text] as const),
  [error, "#N/A"],
]; // prettier-ignore

const COLUMNS: readonly ColumnSpec[] = [
  ...[
    "smallint", "integer", "bigint", "oid", "numeric", "numeric(4,1)", "numeric(6,-2)", "real", "double precision", "money", "boolean",
    "date", "timestamp", "timestamp(0)", "timestamptz", "time", "timetz", "time(1)", "interval", "interval hour to minute",
    "text", "varchar(3)", "char", "char(2)", "name", '"char"', "uuid", "json", "jsonb", "integer[]",
  ].map((type) => ({ type })),
  { type: "date", dateFormat: "DD.MM.YYYY" },
  { type: "timestamp", dateFormat: "DD.MM.YYYY HH:mm" },
  { type: "timestamptz", timeZone: "Europe/Berlin" },
  { type: "numeric", numberFormat: "1.234,56" },
  { type: "numeric(8,2)", numberFormat: "1,234.56 $" },
  { type: "integer", numberFormat: "1234.56 %" },
  { type: "text", maxLength: 3 },
  { type: "text", format: "email" },
  { type: "integer", nulls: ["-", "n/a", "0"] },
]; // prettier-ignore

const shown = (text: string): string => (text.length > 40 ? `${text.slice(0, 3)}…(${text.length})` : text);

test.each(COLUMNS)("a column %j", (spec) => {
  const column = table({ name: "t", columns: { c: spec } }).columns[0]!;
  const verdicts = new Map<string, string[]>();
  for (const [type, text] of CELLS) {
    const bytes = Buffer.from(`7${text}7`);
    const check = type === string ? checkFor(column) : typedCheckFor(column);
    const verdict = check?.(bytes, 1, bytes.length - 1, type);
    const value = `${KINDS[type]!}${shown(text)}`;
    const [what, entry] =
      verdict === undefined || verdict === text
        ? ["as it stands", value]
        : verdict === null
          ? ["null", value]
          : typeof verdict === "string"
            ? ["changed", `${value} → ${shown(verdict)}`]
            : [`${verdict.code}: ${verdict.reason.replaceAll(`"${text}"`, `"…"`)}`, value];
    verdicts.set(what, [...(verdicts.get(what) ?? []), entry]);
    // What passes as plain is loaded, as it stands or as what it is changed to.
    const plain = plainFor(column)?.(bytes, 1, bytes.length - 1, type) ?? 0;
    if (plain > 0) expect(typeof verdict === "string" ? verdict : text).toBe(text.slice(0, plain));
  }
  expect([...verdicts].map(([what, values]) => `${what}\n    ${values.join(" | ")}`).join("\n")).toMatchSnapshot(
    "all of it",
  );
});
