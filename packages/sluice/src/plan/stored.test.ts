// What the ledger stores, changed by somebody else at one place after the other: it is taken, or
// refused with the place.
import { CellType } from "@sluice/sheets";
import { expect, test } from "vitest";
import { describeError } from "../errors.ts";
import { assumptionsOf, notedType } from "./assumptions.ts";
import { table } from "../schema/schema.ts";
import { checkFor } from "../values/values.ts";
import { revivePlan } from "./plan.ts";
import { badLedger, indexesFrom, isId, planFrom, shown, wishFrom } from "./stored.ts";

const COLUMN = { name: "a", type: "numeric", storage: "numeric", headers: ["A"], notNull: false, maxLength: 3, format: "email", dateFormat: "DD.MM.YYYY", numberFormat: "1.234,56", nulls: ["-"], timeZone: "UTC", primaryKey: false, unique: false, generated: false, checked: false, inferred: "values" }; // prettier-ignore
const PLAN = {
  method: "copy", table: "t", created: true, load: [{ column: COLUMN, header: "A", sheetColumn: 1 }, { column: COLUMN, header: "", sheetColumn: 0, made: { row: true } }], headers: [{ sheetColumn: 1, text: "A", unit: "kg", numberFormat: "1.234,56" }], headerRows: [1], firstRow: 2,
  records: { firstRow: 2, all: false, repeated: [[{ column: 1, text: "A" }]], folds: true, drawn: true, usual: 0, sections: { begin: 1, title: "t" }, gaps: true, totals: [9], limit: 5, skipLast: 0, merged: [{ column: 1, firstRow: 2, lastRow: 3 }] },
  range: "A:B", text: "shown", links: true, width: "pad", ordered: true, conflict: { action: "skip", key: ["a"], others: false, only: ["a"] }, atomic: false, replace: false, csv: { delimiter: ";", quote: "", encoding: "utf-8", escape: "none" }, firstRows: 1, rowsPerChunk: 1, step: 1, bytesPerChunk: 1, empty: "keep",
}; // prettier-ignore

const outcome = (work: () => unknown): string => {
  try {
    work();
    return "taken";
  } catch (error) {
    return describeError(error).message.replace(/^what the ledger has of the import i1 is not what this program writes: (.*?)\. Somebody else.*$/, "refused, $1"); // prettier-ignore
  }
}; // prettier-ignore

/** Each place of a value, with the value without it, and with others in its stead. */
function* changed(value: unknown, place = ""): Generator<[place: string, what: string, value: unknown]> {
  for (const [what, other] of Object.entries({ nothing: null, zero: 0, less: -1, half: 1.5, text: "x", empty: "", nul: "\0", yes: true, list: [], object: {}, lists: [[]], texts: ["x"] })) yield [place, what, other]; // prettier-ignore
  if (typeof value !== "object" || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    const here = place === "" ? key : `${place}.${key}`;
    if (!Array.isArray(value)) yield [here, "none", Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))]; // prettier-ignore
    for (const [inner, what, other] of changed(part, here)) yield [inner, what, Array.isArray(value) ? value.with(Number(key), other) : { ...value, [key]: other }]; // prettier-ignore
  }
} // prettier-ignore

/** Of each place, what of it is taken. */
function takenOf(value: unknown, read: (json: string) => unknown): string[] {
  const taken = new Map<string, string[]>();
  for (const [place, what, other] of changed(value)) {
    const list = taken.get(place) ?? [];
    taken.set(place, list);
    if (outcome(() => read(JSON.stringify(other))) === "taken") list.push(what);
  }
  return [...taken].map(([place, list]) => `${place}: ${list.join(", ") || "no other"}`);
}

test("a plan, a wish and a list of indexes that are changed at one place", () => {
  const plan = (json: string): unknown => planFrom(json, "i1", ["copy", "batch"]);
  expect(plan(JSON.stringify(PLAN))).toEqual(PLAN);
  expect(takenOf(PLAN, plan)).toMatchSnapshot("a plan");
  const storages = ["text", { array: "text" }, { range: { array: "x" } }, { multirange: { range: "x" } }, { row: ["x", { array: "y" }] }, { row: [] }, { row: "x" }, { array: 7 }, { other: "x" }, { array: "x", range: "x" }, {}, [], null]; // prettier-ignore
  const mades = [{ row: true }, { row: false }, { section: true }, { section: 1 }, { text: null }, { text: "x" }, { text: 7 }, { from: [1, 2] }, { from: [0] }, { from: "x" }, { link: 1 }, { link: 0 }, {}, { row: true, link: 1 }, 7, null]; // prettier-ignore
  const load = (one: object): string => outcome(() => plan(JSON.stringify({ ...PLAN, load: [one] })));
  expect([
    ...storages.map((storage) => `${JSON.stringify(storage)} ${load({ column: { ...COLUMN, storage }, header: "A", sheetColumn: 1 }).slice(0, 60)}`),
    ...mades.map((made) => `${JSON.stringify(made)} ${[0, 1].map((sheetColumn) => load({ column: COLUMN, header: "A", sheetColumn, made }).slice(0, 30)).join(" | ")}`),
    outcome(() => plan("[]")), outcome(() => plan("7")), outcome(() => plan(JSON.stringify({ ...PLAN, method: "other" }))), outcome(() => plan(JSON.stringify({ ...PLAN, table: undefined }))),
  ]).toMatchSnapshot("its parts"); // prettier-ignore
  const wish = { map: [["A", "a"]], types: [["a", "text"]], key: ["a"], onConflict: "skip" };
  expect([...takenOf(wish, (json) => wishFrom(json, "i1")), outcome(() => wishFrom("{", "i1")), outcome(() => wishFrom('{"a":1}', "i1"))]).toMatchSnapshot("a wish"); // prettier-ignore
  const indexes = ["[]", "{}", "null", '["create index old\\n on t"]', '[{"columns":["a"]}]', '[{"name":"i","columns":["a","b"]}]', '[{"name":"","columns":["a"]}]', '[{"columns":[]}]', '[{"columns":[7]}]', '[{"columns":["a"],"more":1}]', '[{"columns":"a"}]', "[7]", '[{"columns":["a\\u0000"]}]']; // prettier-ignore
  expect(indexes.map((json) => JSON.stringify(indexesFrom(json, "s.t")))).toMatchSnapshot("indexes");
});

test("what can be an id, and how a value is shown", () => {
  expect(["a", "A-_9", "x".repeat(64), "x".repeat(65), "", "a b", "a\n", "é"].map(isId)).toEqual([true, true, true, false, false, false, false, false]); // prettier-ignore
  expect([undefined, null, 7, "a\u001bb", "x".repeat(300), { a: [1] }].map(shown)).toMatchSnapshot("values");
  const { code, message, exitCode } = describeError(badLedger("i1", "w"));
  expect([code, exitCode, message]).toMatchSnapshot("the whole message");
});

test("what an import assumes of a file", () => {
  const { columns } = table({ name: "t", columns: { a: { type: "numeric(9,2)", numberFormat: "1.234,56", nulls: ["-", "n/a"] }, b: { type: "timestamptz", dateFormat: "DD.MM.YYYY HH:mm" }, c: { type: "date" }, d: { nulls: [] } } }); // prettier-ignore
  const load = columns.map((column, n) => ({ column, header: column.name, sheetColumn: n + 1 }));
  const of = (more: object): unknown => JSON.stringify(assumptionsOf({ created: true, load, firstRow: 2, headerRows: [1], ...more }, "S")); // prettier-ignore
  expect([of({}), of({ created: false }), of({ headerRows: [] }), of({ headerRows: [3, 4, 5] }), of({ headerRows: undefined }), of({ load: load.slice(2), firstRow: 9 }), columns.map(notedType)]).toMatchSnapshot(); // prettier-ignore
});

test("what a type was inferred from is a part of the plan, and one of an earlier version has none", () => {
  const column = { ...COLUMN, type: "integer", storage: undefined, maxLength: undefined, format: undefined, dateFormat: undefined, numberFormat: undefined, nulls: undefined, timeZone: undefined }; // prettier-ignore
  const loaded = (one: object): unknown => {
    const plan = JSON.stringify({ ...PLAN, load: [{ column: one, header: "A", sheetColumn: 1 }] });
    return checkFor(revivePlan(plan, undefined, "i1").load[0]!.column)?.(Buffer.from("06"), 0, 2, CellType.string);
  };
  expect(loaded(column)).toMatchObject({ code: "invalid_number" });
  // PostgreSQL takes it for 6, as it did before.
  expect(loaded({ ...column, inferred: undefined })).toBeUndefined();
});
