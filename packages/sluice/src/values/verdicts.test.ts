// What each type makes of each sort of text and cell, with the whole reason of each refusal. The
// snapshot has, for each type, the verdicts and the values that get them. A cell that is not text
// has its kind in front.
import { CellType } from "@sluice/sheets";
import { expect, test } from "vitest";
import { table, type ColumnSpec, type Storage } from "../schema/schema.ts";
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

type Cell = string | readonly [type: CellType, text: string];
type Spec = ColumnSpec & { readonly storage?: Storage };

/** The verdict on one cell in a column, in a few words. */
function verdictOf({ storage, dateFormat, timeZone, ...spec }: Spec, cell: Cell): string {
  const made = table({ name: "t", columns: { c: spec } }).columns[0]!;
  const column = { ...made, storage, dateFormat, timeZone };
  const [type, text] = typeof cell === "string" ? ([string, cell] as const) : cell;
  const bytes = Buffer.from(`7${text}7`);
  const check = type === string ? checkFor(column) : typedCheckFor(column);
  const verdict = check?.(bytes, 1, bytes.length - 1, type);
  const value = `${KINDS[type]!}${shown(JSON.stringify(text))}`;
  if (verdict === undefined || verdict === text) return `${value} stays`;
  if (verdict === null) return `${value} is null`;
  return typeof verdict === "string" ? `${value} → ${JSON.stringify(verdict)}` : `${value} is refused, ${verdict.code}: ${verdict.reason}`;
} // prettier-ignore

const INTERVALS = [
  "1 millennium", "1 mil", "0.5 c", "1 century", "1 dec", "2 decades", "1.5 y", "1.5 yrs", "0.01 year", "1 mon", "0.5 mons", "1.25 months", "0.7 months", "0.001 months", "1 w", "0.5 weeks", "0.1 w", "1 d", "0.5 days",
  "0.25 day", "1 h", "1.5 hrs", "0.1 hours", "90 m", "1.5 min", "1 minutes", "1 s", "1.5 secs", "61 seconds", "0.1 s", "0.0000001 s", "0.0000005 secs", "1 ms", "1.5 msecs", "0.0001 milliseconds", "1 us", "0.5 us", "1.5 microseconds",
  "12:30", "12:30:15", "12:30:15.1234567", "12:30:15.123456", "-12:30", "36:00:00", "@ 1 day", "@1 day ago", "1 day ago", "1 DAY", " 1 day ", "1 day 2:03", "1 year 2 mons 3 days 04:05:06.7", "1day2h", "13 mons", "14.4 mons", "1 fortnight", "P1D", "PT1.1234567S", "PT1.1234560S", "1-2",
  "1.5", ".5 days", "5. days", "0 s", "0 mons 5 us", "-0.5 days", "+1 d", "30 days", "3600 s", "60.000001 s", "86400 us", "soon", "",
]; // prettier-ignore

test.each(["interval", "interval(0)", "interval(3)", "INTERVAL YEAR", "interval year to month", "interval day", "interval day to hour", "interval hour to minute", "interval day to second(2)"])("what %s keeps", (type) => {
  const verdicts = INTERVALS.map((text) => [text, verdictOf({ type }, text)] as const);
  const kept = verdicts.filter(([, verdict]) => verdict.endsWith(" stays")).map(([text]) => text);
  const reasons = verdicts.filter(([text]) => !kept.includes(text)).map(([text, verdict]) => verdict.replace(JSON.stringify(text), ""));
  expect(`${kept.join(" | ")}\n${[...new Set(reasons)].join("\n")}`).toMatchSnapshot();
}); // prettier-ignore

test("values inside of values", () => {
  const amount = "numeric(3,1)";
  const of = (storage: Storage, ...texts: readonly string[]): string =>
    `${JSON.stringify(storage)}\n${texts.map((text) => `    ${verdictOf({ type: "nested", storage }, text)}`).join("\n")}`;
  expect([
    of({ array: amount }, "{1.5,2}", "{1.55}", "{1,2.55,3.66}", "{null,NULL,}", '{"null"}', '{" 1.55"}', "{ 1.55 }", "{{1.5},{2.55}}", "[2:3]={1,2.55}", " [0:0][1:2]={{1,2.55}} ", "[1.5, null, 2.55]", "[1.50]", "[[1],[2.55]]", "{1,2", "1.5", "", "{}", "[]", '{"1.5\\\\5"}', "{1.5\\\\5}", '{"1""5"}', "{x}", "{1,\\"),
    of({ array: "text" }, "{a,b}", '["a\\"b", "c\\\\d", 1.50, true, null, {"x": 1.50}, [12345678901234567890]]', "a", '{"a":1}', "[1:2]", "[1:2]=x"),
    of({ array: "date" }, "{2020-01-31}", "{2020-02-30}", '["2020-01-31"]', '["2020-02-30"]', "{20200131}"),
    of({ array: "integer" }, "{1.5}"), of({ array: "smallint" }, "{99999}"), of({ array: "numeric" }, "{1.55}"), of({ array: "real" }, "{x}"), of({ array: "boolean" }, "{x}"), of({ array: "uuid" }, "{x}"), of({ array: "json" }, "{x}"), of({ array: "char(1)" }, "{xx}"),
    of({ range: amount }, "[1,2)", "[1.55,2)", "(1,2.55]", "empty", " EMPTY ", "(,2.55)", "(,)", "[ ,2.5]", '["1.55",2)', '("",1)', "[1,2.5) 3.55"),
    of({ multirange: { range: amount } }, "{[1,2),[3,4.55)}", "{}", "{(,1.5]}", "{empty}"),
    of({ row: [amount, "text", "varchar(2)"] }, "(1.5,a,b)", "(1.55,a,b)", "(1.5,1.55,b)", "(1.5,a,bcd)", '("1.55",,)', "(,,)", '(1.5,"a,b",bcd)', '("",a,b)', "(1.5,a(b,cc)", '(1.5,a,"b\\\\c")', "(1,a,b,cccc)"),
    of({ row: ["text", "integer"] }, "(a,1.5)"), of({ row: [{ array: amount }, { row: ["date"] }] }, '("{1,2.55}",)', '("{1,2}","(2020-02-30)")', '("{1,2}","(2020-01-31)")'), of({ array: { row: [amount] } }, '{"(1.55)"}', "{(1.55)}", '["(1.55)"]'),
    of({ multirange: { range: "integer" } }, "{[1.5,2)}"),
  ].join("\n")).toMatchSnapshot();
}); // prettier-ignore

test("values around a border of what a type takes", () => {
  const of = (spec: Spec, ...cells: readonly Cell[]): string =>
    `${JSON.stringify(spec)}\n${cells.map((cell) => `    ${verdictOf(spec, cell)}`).join("\n")}`;
  const blanks = (...texts: readonly string[]): string[] => texts.map((text) => `\t${text} `);
  const zone = { type: "timestamptz", timeZone: "Europe/Berlin" };
  expect([
    // Blanks around a value.
    of({ type: "integer" }, ...blanks("7", "7.0", "x"), "1 2"), of({ type: "numeric(4,1)" }, ...blanks("7.5", "7.55")), of({ type: "numeric" }, ...blanks("7.5")), of({ type: "real" }, ...blanks("7.5", "1e99")), of({ type: "boolean" }, ...blanks("t", "FALSE", "x"), "", "yy", [number, " 1"], [boolean, "false"], [boolean, "maybe"], [error, "1"], [number, "10"]),
    of({ type: "date" }, ...blanks("2020-01-31", "20200131", "x"), [number, "20200131"], [number, " 20200131"], [boolean, "20200131"], "30200131", "2020-01-31T00:00:00.001", "2020-02-30T00:00:00.000", [date, "2020-01-31T00:00:00.000"], [date, "2020-01-31T10:00:00.000"]),
    of({ type: "timestamp" }, ...blanks("2020-01-31 12:30", "x"), "2020-01-31 12:30:15.1234560", [number, "2020-01-31"], "2020-01-31 23:59:59", "2020-01-31 23:60", "2020-01-31 24:00"), of({ type: "time" }, ...blanks("12:30", "3:45 pm", "x"), "12:30:15.1234567", [number, "12:30"], "12:45 a.m.", "12:45 P.M.", "00:45 am", "0:45", "1:05:30.25 PM", "13:00 pm", "1899-12-30T12:30:00.000", "1899-12-29T12:30:00.000", [date, "2020-01-31T12:30:00.000"]),
    of({ type: "timetz" }, "12:30", "12:30Z", "12:30 +01", "12:30+0130", "12:30+1", "x"), of({ type: "uuid" }, ...blanks("123e4567-e89b-12d3-a456-426614174000")), of({ type: "jsonb" }, ...blanks("[1]"), [number, "1"], [boolean, "true"], [date, "1"], [error, "1"], [error, "x"]), of({ type: "interval" }, [date, "1899-12-31T12:30:00.000"], [date, "2020-01-31T12:30:00.000"], [number, "1"], "1", ""),
    of({ type: "integer", nulls: ["-", "n/a", "0", "é"] }, ...blanks("-", "n/a", "0", "é", "-1"), "-", "N/A", `${" ".repeat(20)}n/a`, `${" ".repeat(21)}n/a`, "\u00a0-\u00a0", [number, "0"], [error, "-"], "~"), of({ type: "text", nulls: ["-"] }, "-", "--", [number, "7"], [date, "2020-01-31T00:00:00.000"]), of({ type: "text", nulls: [""] }, "", " ", "x"), of({ type: "integer", nulls: [] }, "-"),
    // Numbers of each length.
    of({ type: "smallint" }, "9999", "32767", "32768", "-32768", "-32769", "00032767", "1e4", "1e5", "1.0", "1.5", "/", ":", "12:", "", "1e9999", "1e99999", `1${"0".repeat(39)}`, `1${"0".repeat(40)}`, ".0", "-.0", "-"), of({ type: "integer" }, "999999999", "2147483647", "2147483648", "-2147483648", [boolean, "1"], [date, "1"], [error, "1"]), of({ type: "bigint" }, "999999999999999999", "9223372036854775807", "9223372036854775808"), of({ type: "oid" }, "0", "-1", "4294967295", "4294967296"),
    of({ type: "numeric(4,1)" }, "999.9", "1000", "0999.90", "99.99", "1e3", "1e2", "9.99e1", "1e-1", "1e-2", "-999.9", [number, "0.30000000000000004"], [number, "1E+2"], "0.30000000000000004", [CellType.duration, "12:00:00"], [boolean, "1"]), of({ type: "numeric(3,5)" }, "0.00999", "0.01", "0.009999"), of({ type: "numeric(2,-2)" }, "9900", "9950", "10000", "9900.5", "0"), of({ type: "numeric(1000)" }, "1e999", "1e1000", "1e-2000", "1e2001", "1e9999"), of({ type: "real" }, "1e308", "1e309", [boolean, "1"], [CellType.duration, "12:00:00"], "x"),
    of({ type: "money" }, "1.25", "1.250", "1.255", "1.2505"), of({ type: "time(2)" }, "12:30:15.12", "12:30:15.120", "12:30:15.123", "x"), of({ type: "timestamp(0)" }, "2020-01-31 12:30:15.0", "2020-01-31 12:30:15.5", [date, "2020-01-31T12:30:15.500"]), of({ type: "timestamp(6)" }, "2020-01-31 12:30:15.123456"),
    // Lengths, in characters and in bytes.
    of({ type: "varchar(3)" }, "äöü", "äöü€", "abc", "abcd", [number, "1234"], [boolean, "true"]), of({ type: "varchar" }, "x".repeat(300)), of({ type: "char" }, "a", "ab"), of({ type: "bpchar" }, "abcd"), of({ type: "name" }, "x".repeat(63), "x".repeat(64), "é".repeat(32)), of({ type: '"char"' }, "a", "é"), of({ type: "text", maxLength: 3 }, "äöü", "äöü€", ""), of({ type: "integer", maxLength: 2 }, "12", "123", "x"),
    of({ type: "text", format: "email" }, "a@b.co", "a@b.c", "@b.co", "a@.co", "a@b..co", "a@b.", "a@b", "a@b@c.co", "a b@c.co", "a@b.co ", "a.@b.co", ".a@b.co", "a@b.c.d", "a\u007f@b.co", "a\u0020@b.co", "a\u001f@b.co", "a!@b.co", "a@@b.co", "", "é@b.co", "a.b", "a@b.c."),
    // Time zones, and types under types.
    of(zone, "2024-07-01 12:00", "2024-01-01 12:00", "2024-07-01", "2024-03-31 02:30", "2024-10-27 02:30", "2024-07-01 12:00Z", " 2024-07-01 12:00 ", "2024-07-01T12:00:05.25", "x", [date, "2024-07-01T12:00:00.000"]), of({ ...zone, nulls: ["-"] }, "-"), of({ type: "timestamp", timeZone: "Europe/Berlin" }, "2024-07-01 12:00"), of({ type: "day", storage: "timestamptz", timeZone: "Europe/Berlin" }, "2024-07-01 12:00"),
    of({ type: "integer", storage: "smallint" }, "40000", "7.0", "x", "40000.0"), of({ type: "integer", storage: "numeric(3,1)" }, "99", "100", "7.0"), of({ type: "timestamp", storage: "date" }, "2020-01-31 12:00", "2020-01-31"), of({ type: "text", storage: "varchar(4)" }, "abcde", "abcd"), of({ type: "amount", storage: "numeric(3,1)" }, "99.9", "99.99"), of({ type: "day", storage: "date", dateFormat: "DD.MM.YYYY" }, "31.12.2024", "2024-12-31"), of({ type: "date", storage: "timestamp", dateFormat: "DD.MM.YYYY" }, "31.12.2024"), of({ type: "text", storage: "integer" }, "x", "7.0", [number, "7"]), of({ type: "kind", storage: "kind" }, "x", [number, "7"], [date, "2020-01-31T00:00:00.000"], [boolean, "true"]),
    of({ type: "boolean", nulls: ["t"] }, "t", "f"),
    // Notations of numbers.
    of({ type: "integer", numberFormat: "1.234,56" }, "1.234", "1.234,5", "7", "7 €", "x", [number, "7"], [number, "7.5"], [boolean, "1"]), of({ type: "integer", numberFormat: "1234.56 %" }, "5 %", "5", "5 €", [number, "7"], [boolean, "1"], [CellType.duration, "1:00:00"]), of({ type: "numeric", numberFormat: "1,234.56 $" }, "$7", "7", "7 €", [number, "7"]),
    // Advice.
    of({ type: "integer" }, "1,234", "1.234,5", "1.234.567", "1'234", "5 €", "(5)", "5-", "1 234", "n/a", [error, "#N/A"], [number, "1.5"]), of({ type: "numeric(9,2)" }, "1,234", "1.234,50", "12 %", "1,5"), of({ type: "date" }, "31.12.2024", "01.02.2024", "01.01.2024", "31.12.2024 12:00", "1/2/24"), of({ type: "timestamp" }, "31.12.2024", "01.02.2024 12:00", "01.01.2024 3:00 PM"), of({ type: "timestamptz" }, "31.12.2024 12:00"), of({ type: "date", dateFormat: "DD.MM.YYYY" }, "12/31/2024", "-"), of({ type: "uuid" }, "n/a", "1,234"),
  ].join("\n")).toMatchSnapshot();
}); // prettier-ignore

test("a check of the schema's own gets numbers as such, and what it returns is loaded", () => {
  const seen: unknown[] = [];
  const returns = (value: unknown) => ({ "~standard": { version: 1 as const, vendor: "test", validate: (given: unknown) => (seen.push(given), value === "same" ? { value: given } : value) as { value: unknown } } });
  const of = (type: string, text: string, value: unknown, more: Partial<Spec> = {}): string => {
    try {
      return verdictOf({ type, ...more, check: returns(value) }, text);
    } catch (error) {
      return String(error);
    }
  };
  const throws = { "~standard": { version: 1 as const, vendor: "test", validate: () => { throw new Error("oh"); } } };
  expect([
    of("boolean", "yes", "same"), of("boolean", "no", "same"), of("bigint", "9007199254740991", "same"), of("bigint", "9007199254740993", "same"), of("integer", "7.0", "same"), of("numeric", "1.50", "same"), of("real", "1e5", "same"), of("double precision", "2", "same"), of("text", "7", "same"), of("date", "2020-01-31", "same"), of("oid", "7", "same"),
    of("text", "x", { value: null }), of("text", "x", { value: undefined }), of("text", "x", { value: new Date(0) }), of("text", "x", { value: { a: 1 } }), of("text", "x", { value: 7n }), of("text", "x", { value: true }), of("text", "x", { value: "" }), of("text", "x", { issues: [{ message: "one" }, { message: "two" }] }),
    of("integer", "x", "same"), of("integer", "-", "same", { nulls: ["-"] }), of("text", "xx", "same", { maxLength: 1 }), of("text", "x", "same", { format: "email" }), of("text", "x", Promise.reject(new Error("late"))),
    (() => { try { return verdictOf({ type: "text", check: throws }, "x"); } catch (error) { return String(error); } })(),
    seen.map((value) => `${typeof value} ${String(value)}`),
  ]).toMatchSnapshot();
}); // prettier-ignore
