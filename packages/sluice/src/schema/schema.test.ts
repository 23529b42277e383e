import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newFolder } from "../test/database.ts";
import { z } from "zod";
import { businesses } from "./businesses.ts";
import { SluiceError } from "../errors.ts";
import { loadSchema } from "./schema-file.ts";
import { table, tableDdl } from "./schema.ts";

test("the example's schema file says what the program ships", async () => {
  expect(await loadSchema("examples/data/businesses.schema.ts")).toEqual(businesses);
});

test.skipIf(process.platform === "win32")("a schema file that is a pipe, or a folder, is refused at once", async () => {
  await using folder = newFolder();
  const pipe = join(folder.path, "people.schema.ts");
  execFileSync("mkfifo", [pipe]);
  for (const file of [pipe, folder.path])
    await expect(loadSchema(file)).rejects.toMatchObject({
      code: "bad_schema",
      message: expect.stringContaining("is not an ordinary file") as string,
    });
});

test("tableDdl() makes the guide's table, with its six indexes apart", () => {
  const { create, indexes } = tableDdl(businesses);
  expect(create[0]).toContain('"id" bigserial primary key');
  expect(create[0]).toContain('"name" text not null');
  expect(create[0]).toContain('"created_at" timestamptz default now()');
  expect(indexes).toHaveLength(6);
  expect(indexes[0]).toBe('create index on "businesses" ("name")');
});

test("table() takes a bare Standard Schema for a text column, and a key", () => {
  const people = table({ name: "people", columns: { email: z.email(), age: { type: "integer" } }, key: ["email"] });
  expect(people.columns[0]).toMatchObject({ name: "email", type: "text" });
  expect(tableDdl(people).create[0]).toContain('unique ("email")');
});

test.each([
  [() => table({ name: "t", columns: {} }), /no columns/],
  [() => table({ name: "", columns: { a: {} } }), /no name/],
  [() => table({ name: "x".repeat(64), columns: { a: {} } }), /more than 63 bytes/],
  [() => table({ name: "t", columns: { a: { check: { parse: 1 } as never } } }), /not a Standard Schema/],
  [() => table({ name: "t", columns: { a: { nullable: true } as object } }), /unknown setting "nullable"/],
  [() => table({ name: "t", columns: { a: {} }, indexes: ["b"] }), /"b", which does not exist/],
  [() => table({ name: "t", columns: { a: {} }, key: ["b"] }), /the key names the column "b"/],
])("table() refuses a description that makes no sense (%#)", (make, message) => {
  expect(make).toThrow(message);
  expect(make).toThrow(SluiceError);
});

test.each([
  [{ type: "date", dateFormat: "DD/MM/Y" }, /the dateFormat "DD\/MM\/Y" is not one/],
  [{ type: "text", dateFormat: "DD/MM/YYYY" }, /the type text has no dateFormat/],
])("table() refuses the column %j", (column, message) => {
  expect(() => table({ name: "t", columns: { a: column } })).toThrow(message);
});
