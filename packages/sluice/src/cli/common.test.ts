// The commands that messages tell the user to type.
import { expect, test } from "vitest";
import type { Wish } from "../plan/plan.ts";
import { asTyped, importCommandFor, rejectsCommand, resumeCommand } from "./common.ts";

const to = "postgres://ada:s3cret@localhost/crm";
const rules = {
  map: new Map<string, string>(),
  type: new Map<string, string>(),
  onConflict: "error",
  empty: "null",
} as const;

test("an import command has the options that say what becomes of a row, quoted for a shell, and no others", () => {
  const place = { to, data: "./sluice-data" };
  expect(importCommandFor("my r.csv", "t2", { ...rules, ...place })).toBe(
    "npx sluice import 'my r.csv' --table t2 --to postgres://ada@localhost/crm",
  );
  const map = new Map([
    ["It's $1", "age"],
    ["Notes", ""],
  ]);
  const type = new Map([["born", "date(DD/MM/YYYY)"]]);
  const options = {
    schema: "a.schema.ts",
    map,
    type,
    onConflict: "update",
    empty: "null",
    key: ["id", "the day"],
    null: ["", "n/a", "a=-"],
    timeZone: "Europe/Berlin",
    add: new Map([
      ["file", "file"],
      ["row", "the line"],
    ] as const),
  } as const;
  expect(importCommandFor("r.csv", "t2", { ...options, ...place })).toBe(
    "npx sluice import r.csv --table t2 --schema a.schema.ts --map 'It'\\''s $1=age' --map Notes= " +
      "--type 'born=date(DD/MM/YYYY)' --null '' --null n/a --null a=- --time-zone Europe/Berlin --add file --add 'row=the line' --on-conflict update --key 'id,the day' --to postgres://ada@localhost/crm",
  );
});

/**
 * Options that make an import what it is. A flag: the command for repaired rows has it. `sheet`: it
 * says which cells of the sheet are records, and a reject file has no others. `done`: what it asks
 * for has been done when there are rejects.
 */
const WISHES: { readonly [Option in keyof Required<Wish>]: `--${string}` | "sheet" | "done" } = {
  map: "--map",
  types: "--type",
  nulls: "--null",
  timeZone: "--time-zone",
  onConflict: "--on-conflict",
  key: "--key",
  empty: "--empty",
  add: "--add",
  header: "sheet",
  headers: "sheet",
  skip: "sheet",
  skips: "sheet",
  range: "sheet",
  limit: "sheet",
  skipLast: "sheet",
  allRows: "sheet",
  fillMerged: "sheet",
  text: "sheet",
  links: "sheet",
  csv: "sheet",
  atomic: "done",
  mode: "done",
};

test("a command for repaired rows has each option that changes what becomes of a row", () => {
  const command = importCommandFor("r.csv", "t", {
    data: "./sluice-data",
    map: new Map([["A", "a"]]),
    type: new Map([["a", "text"]]),
    onConflict: "skip",
    key: ["a"],
    empty: "default",
    null: ["n/a"],
    timeZone: "UTC",
    add: new Map([["row", "row"]]),
  });
  const flags = [...command.matchAll(/ (--[\w-]+)/g)].map(([, flag]) => flag);
  const expected = Object.values(WISHES).filter((flag) => flag.startsWith("--"));
  expect(new Set(flags)).toEqual(new Set(["--table", ...expected]));
});

test("a resume goes by what the ledger has, and by the schema file, whose checks it cannot have", () => {
  const place = { to, data: "./sluice-data" };
  expect(resumeCommand("r.xlsx", "k3m9x2w7qa", { ...rules, ...place, schema: "my schema.ts" })).toBe(
    "npx sluice import r.xlsx --resume k3m9x2w7qa --schema 'my schema.ts' --to postgres://ada@localhost/crm",
  );
});

test("a resume writes its rejects where they were to go, and stops where it was to stop", () => {
  const place = { to, data: "./sluice-data" };
  expect(
    resumeCommand("r.csv", "k3m9x2w7qa", { ...place, rejects: "bad rows.csv", rawRejects: true, maxErrors: 0 }),
  ).toBe(
    "npx sluice import r.csv --resume k3m9x2w7qa --rejects 'bad rows.csv' --raw-rejects --max-errors 0 --to postgres://ada@localhost/crm",
  );
});

test("the rejects of an import are in the database that it went to", () => {
  expect(rejectsCommand("k3m9x2w7qa", { to, data: "./sluice-data" })).toBe(
    "npx sluice imports k3m9x2w7qa --rejects FILE.xlsx --to postgres://ada@localhost/crm",
  );
});

test("a command of the engine gets the database, and one that has it already does not get it twice", () => {
  const flags = { to, data: "./sluice-data" };
  const place = "--to postgres://ada@localhost/crm";
  expect(asTyped("End it: sluice imports cancel k3m9x2w7qa. Then: sluice imports take-back k3m9x2w7qa --yes", flags)).toBe(
    `End it: npx sluice imports cancel k3m9x2w7qa ${place}. Then: npx sluice imports take-back k3m9x2w7qa --yes ${place}`,
  );
  const made = rejectsCommand("k3m9x2w7qa", flags, "FILE.csv");
  expect(asTyped(`the ledger has all rejects: ${made}`, flags)).toBe(`the ledger has all rejects: ${made}`);
}); // prettier-ignore
