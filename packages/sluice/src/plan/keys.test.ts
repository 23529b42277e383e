// What becomes of a key: which unique index decides, or the whole refusal with its way out; and
// which rows no index would hold back a second time. Without a database: the table is as described
// here.
import { expect, test } from "vitest";
import type { Conflict } from "../chunk/chunk.ts";
import { describeError } from "../errors.ts";
import { table, type ColumnSpec } from "../schema/schema.ts";
import type { TableInfo, UniqueIndex } from "../target.ts";
import { aliasSql, conflictOf, freshSql, onConflictSql } from "./conflict.ts";
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
