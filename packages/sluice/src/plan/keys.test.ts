// What becomes of a key: which unique index decides, or the whole refusal with its way out; and
// which rows no index would hold back a second time. Without a database: the table is as described
// here.
import { expect, test } from "vitest";
import type { Conflict } from "../chunk/chunk.ts";
import { describeError } from "../errors.ts";
import type { Method } from "../options.ts";
import { table, type ColumnSpec } from "../schema/schema.ts";
import type { TableInfo, UniqueIndex } from "../target.ts";
import { aliasSql, checkEmpty, conflictNow, conflictOf, freshSql, onConflictSql } from "./conflict.ts";
import { defaultKey, uniqueOf, withKey } from "./key.ts";
import { shapeOf } from "./method.ts";
import { unheldRows } from "./repeat.ts";

const index = (columns: readonly string[], more: Partial<UniqueIndex> = {}): UniqueIndex => ({
  name: `t_${columns.join("_")}_key`,
  columns,
  expression: false,
  primary: false,
  where: undefined,
  arbiter: true,
  deferrable: false,
  nullsDistinct: true,
  ...more,
});

const COLUMNS: Readonly<Record<string, ColumnSpec>> = {
  id: { type: "integer", notNull: true, generated: true },
  code: { type: "text", notNull: true },
  email: { type: "text" },
  name: { type: "text", default: "'x'" },
  deleted_at: { type: "timestamptz" },
};

const tableOf = (unique: readonly UniqueIndex[], kind = "r", without: readonly string[] = []) => ({
  columns: table({ name: "t", columns: COLUMNS }).columns.filter(({ name }) => !without.includes(name)),
  unique,
  kind,
});

const loaded = (names: readonly string[], { columns }: Pick<TableInfo, "columns">) =>
  names.map((name, n) => ({ column: columns.find((one) => one.name === name)!, sheetColumn: n + 1, header: name }));

const INDEXES = {
  primary: index(["id"], { name: "t_pkey", primary: true }),
  code: index(["code"]),
  pair: index(["code", "email"]),
  soft: index(["email"], { where: "(deleted_at IS NULL)" }),
  some: index(["email"], { name: "t_some", where: "(name = 'a'::text)" }),
  late: index(["code"], { name: "t_late", arbiter: false, deferrable: true }),
  latePrimary: index(["code", "email"], { name: "t_pkey", primary: true, arbiter: false, deferrable: true }),
  expression: index([], { name: "t_lower", expression: true, arbiter: false }),
  exclusion: index(["email"], { name: "t_excl", arbiter: false }),
  nulls: index(["email"], { name: "t_nulls", nullsDistinct: false }),
  named: index(["name"]),
};

type Case = readonly [
  what: string,
  onConflict: "error" | "skip" | "update",
  key: readonly string[] | undefined,
  indexes: readonly (keyof typeof INDEXES)[],
  more?: {
    readonly load?: readonly string[];
    readonly fallback?: readonly string[];
    readonly lacking?: readonly string[];
    readonly kind?: string;
    readonly without?: readonly string[];
  },
];

const CASES: readonly Case[] = [
  ["no key, and an error at a conflict", "error", undefined, ["code"]],
  ["a key, and an error at a conflict", "error", ["code"], ["code"]],
  ["a key that is checked late, and an error at a conflict", "error", ["code"], ["late"]],
  ["a key without an index, and an error at a conflict", "error", ["email"], ["code"]],
  ["skip by any index", "skip", undefined, ["code"]],
  ["skip by an index of other columns only", "skip", undefined, ["primary"]],
  ["skip by an expression", "skip", undefined, ["expression"]],
  ["skip without an index", "skip", undefined, []],
  ["skip by a key", "skip", ["code"], ["code"]],
  ["update without a key", "update", undefined, ["code"]],
  ["update by a key", "update", ["code"], ["code"]],
  ["update by the usual key", "update", undefined, ["code"], { fallback: ["code"] }],
  ["update by a key with another index beside it", "update", ["code"], ["code", "pair"]],
  ["update by a key with an index of other columns beside it", "update", ["code"], ["code", "primary"]],
  ["update by two columns in another order", "update", ["email", "code"], ["pair"]],
  ["update by a part of an index", "update", ["code"], ["pair"]],
  ["update by more than an index", "update", ["code", "email"], ["code"]],
  ["update by a key of rows that are not deleted", "update", ["email"], ["soft"]],
  ["that one before one of all rows", "update", ["email"], ["nulls", "soft"]],
  ["update by a key of some rows", "update", ["email"], ["some"]],
  ["update by an exclusion constraint", "update", ["email"], ["exclusion"]],
  ["update by a key that is checked late", "update", ["code"], ["late"]],
  ["update by a primary key that is checked late", "update", ["code", "email"], ["latePrimary"]],
  ["update by a key that is also checked late", "update", ["code"], ["code", "late"]],
  ["update without an index", "update", ["code"], []],
  ["update without an index, nor a column deleted_at", "update", ["code"], [], { without: ["deleted_at"] }],
  ["update by the primary key", "update", ["id"], ["primary"], { load: ["id", "name"] }],
  ["update of rows that are there", "update", ["code"], ["code"], { lacking: ["name"] }],
  ["update of rows that are there, by a key that may be empty", "update", ["email"], ["soft"], { lacking: ["name"] }],
  ["update of partitions", "update", ["code"], ["code"], { kind: "p" }],
  ["skip in partitions", "skip", ["code"], ["code"], { kind: "p" }],
  ["update of a view", "update", ["code"], ["code"], { kind: "v" }],
  ["update of a foreign table", "update", ["code"], ["code"], { kind: "f" }],
  ["a key that the table does not have", "update", ["kode"], ["code"]],
  ["a key that the sheet does not bring", "update", ["email"], ["soft"], { load: ["code"] }],
  ["an error at a conflict in a view", "error", undefined, [], { kind: "v" }],
  ["an error at a conflict in a foreign table", "error", undefined, [], { kind: "f" }],
  ["skip in a view", "skip", undefined, [], { kind: "v" }],
  ["skip by an index of a key that is loaded, beside one that is not", "skip", undefined, ["code", "primary"]],
  ["skip by the key that the database fills, if it is loaded", "skip", ["id"], ["primary"], { load: ["id", "name"] }],
  ["skip of rows that are there", "skip", ["code"], ["code"], { lacking: ["name"] }],
  [
    "update by the primary key of rows that are there",
    "update",
    ["id"],
    ["primary"],
    { load: ["id", "name"], lacking: ["code"] },
  ],
  ["update of a generated column beside the key", "update", ["code"], ["code"], { load: ["id", "code"] }],
  ["update of nothing but the key", "update", ["code"], ["code"], { load: ["code"] }],
  [
    "update of nothing but the key, in partitions",
    "update",
    ["code", "email"],
    ["pair"],
    { kind: "p", load: ["code", "email"] },
  ],
  ["update by two columns, in partitions", "update", ["code", "email"], ["pair"], { kind: "p" }],
  ["update by two columns without an index", "update", ["code", "email"], []],
  [
    "update by two columns that are checked late",
    "update",
    ["code", "email"],
    ["latePrimary"],
    { without: ["deleted_at"] },
  ],
  ["update by an index that is checked late after one that does not do", "update", ["email"], ["exclusion", "some"]],
  [
    "update by a key of rows that are not deleted, and that are deleted",
    "update",
    ["email"],
    ["soft"],
    { load: ["email", "name", "deleted_at"] },
  ],
  ["update by a key that may be empty, with no two nulls", "update", ["email"], ["nulls"]],
  ["update by a key with a default", "update", ["name"], ["named"]],
  ["an error at a conflict by an index that is not loaded", "error", undefined, ["primary", "code"]],
  ["a key twice", "update", ["code", "code"], ["code"]],
];

/** What is done with a key, or why it is refused; and what that means in SQL. */
function decided([, onConflict, key, names, more = {}]: Case): string {
  const { load = ["code", "email", "name"], fallback = [], lacking = [], kind, without } = more;
  const info = tableOf(names.map((name) => INDEXES[name]), kind, without); // prettier-ignore
  const columns = loaded(load, info);
  let conflict: Conflict | undefined;
  try {
    const options = { onConflict, ...(key ? { key } : {}) };
    conflict = conflictOf(options, "shop.t", info, columns, fallback, lacking);
  } catch (error) {
    const { code, message } = describeError(error);
    return `${code}: ${message}`;
  }
  const loads = columns.map(({ column }) => column.name);
  const sql = conflict && `${aliasSql(conflict)}${onConflictSql(conflict, loads, (name) => `excluded.${name}`)} → ${freshSql(conflict)}`; // prettier-ignore
  const unheld = ([undefined, "default"] as const).map((empty) => {
    const found = unheldRows(conflict, info, columns, empty);
    return found === undefined ? "none" : `${found.where} (${found.why})`;
  });
  return `${JSON.stringify(conflict ?? "an error")}\n    ${sql ?? "no clause"}\n    may come twice: ${[...new Set(unheld)].join("; with defaults ")}`;
}

test("each key is decided by the index that is over it, or refused with what to do", () => {
  expect(CASES.map((one) => `${one[0]}\n    ${decided(one)}`).join("\n")).toMatchSnapshot();
});

function messageOf(work: () => unknown): string {
  try {
    return JSON.stringify(work()) ?? "nothing";
  } catch (error) {
    const { code, message, exitCode } = describeError(error);
    return `${code} (${exitCode}): ${message}`;
  }
}

test("the rule of an import that continues has the condition that its index has now", () => {
  const stored = { action: "update", key: ["email"], others: true, only: ["name"] } as const;
  const now = (rule: Omit<Conflict, "where"> | undefined, indexes: readonly UniqueIndex[]) =>
    messageOf(() => conflictNow(rule, "shop.t", tableOf(indexes)));
  expect([
    now(undefined, []),
    now({ action: "skip", key: [], others: false }, []),
    now(stored, [INDEXES.soft]),
    now(stored, [INDEXES.nulls]),
    now(stored, [INDEXES.pair]),
    now(stored, [INDEXES.some]),
    messageOf(() => onConflictSql(undefined, ["a"])),
    messageOf(() => onConflictSql({ action: "update", key: ["a"], where: undefined, others: false }, ["a", 'b"'])),
  ]).toMatchSnapshot();
});

test("--empty keep goes with an update alone", () => {
  for (const empty of [undefined, "null", "default", "keep"] as const)
    for (const onConflict of [undefined, "error", "skip", "update"] as const) {
      const refused = messageOf(() => checkEmpty({ ...(empty && { empty }), ...(onConflict && { onConflict }) }));
      expect([empty, onConflict, refused]).toEqual([
        empty,
        onConflict,
        empty === "keep" && onConflict !== "update"
          ? "empty_keep (2): --empty keep says what an update leaves in a row that is there, so it goes with --on-conflict update. For new rows there is --empty default."
          : "nothing",
      ]);
    }
});

test("the keys of a table that is made", () => {
  const of = (columns: Readonly<Record<string, ColumnSpec>>, key: readonly string[] = []) =>
    table({ name: "t", columns, ...(key.length > 0 ? { key: [...key] } : {}) });
  const plain = of({ a: {}, b: { unique: true }, deleted_at: { type: "timestamptz" } });
  const keyed = of({ a: {}, b: { primaryKey: true }, c: {} }, ["a", "c"]);
  const soft = of({ a: {}, deleted_at: { type: "timestamptz" } }, ["a"]);
  const whole = of({ a: {}, deleted_at: { type: "timestamptz" } }, ["a", "deleted_at"]);
  expect([plain, keyed, soft, whole].map((schema) => uniqueOf(schema))).toMatchSnapshot("its indexes");
  const key = (schema: typeof plain, wanted: readonly string[] | undefined): string => {
    const made = withKey(schema, wanted);
    return made === schema ? "as it was" : JSON.stringify({ ...made, columns: made.columns === schema.columns });
  };
  expect([
    key(plain, undefined), key(plain, ["a"]), key(plain, ["b"]), key(plain, ["a", "b"]), key(plain, ["a", "z"]), key(plain, ["z"]),
    key(keyed, ["c", "a"]), key(keyed, ["b"]), key(keyed, ["a"]), key(keyed, ["c"]), key(soft, ["a"]),
  ]).toMatchSnapshot("with the key of an import"); // prettier-ignore
  const primary = [INDEXES.soft, index(["b", "c"], { primary: true })];
  const usual = (schema: typeof plain, unique: readonly UniqueIndex[], loaded: readonly string[]) => defaultKey(schema, unique, new Set(loaded)); // prettier-ignore
  expect([
    usual(keyed, primary, ["a", "b", "c"]), usual(keyed, primary, ["b", "c"]), usual(keyed, primary, ["b"]), usual(plain, primary, ["a", "b", "c", "email"]),
    usual(plain, [INDEXES.soft], ["email"]), usual(plain, [], ["a"]),
  ]).toEqual([["a", "c"], ["b", "c"], [], ["b", "c"], [], []]); // prettier-ignore
});

test("how each method cuts the rows up", () => {
  const shape = (method: Method, columns: number, more = {}) =>
    `${method} of ${columns} ${JSON.stringify(more)}: ${JSON.stringify(shapeOf({ method, ...more }, columns))}`;
  expect([
    shape("copy", 3), shape("copy", 3, { chunkRows: 1_999 }), shape("copy", 3, { chunkRows: 2_001 }), shape("sequential", 3), shape("concurrent", 3, { chunkRows: 7, batchSize: 9 }),
    shape("batch", 3), shape("batch", 3, { batchSize: 7 }), shape("batch", 3, { batchSize: 1e6 }), shape("batch", 1, { batchSize: 1e6 }), shape("batch", 1_600, { batchSize: 1e6 }),
    shape("batch", 65_000, { batchSize: 1e6 }),
  ]).toMatchSnapshot(); // prettier-ignore
});
