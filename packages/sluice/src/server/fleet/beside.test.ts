// The sheets of one file, imported by several workers: the tables, the rejects and the results are
// those of one process, and sheets run at the same time only if nothing ties them together.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hold, newDatabase, newFolder, server, type TestDatabase } from "../../test/database.ts";
import { writeWorkbook, type TestCell } from "../../test/workbook.ts";
import type { Import } from "../jobs/import.ts";
import { ask, ended, send, type FormOptions } from "../test/client.ts";
import { startService } from "../test/service.ts";
import { besideOthers } from "./beside.ts";
import { FleetDatabase } from "./database.ts";
import { newFleet, type TestFleet } from "./test/fleet.ts";

type Sheets = Readonly<Record<string, readonly (readonly TestCell[])[]>>;

interface Example {
  readonly sheets: Sheets;
  /** Statements that make what is there before. */
  readonly before?: readonly string[];
  readonly fields?: Readonly<Record<string, string>>;
  readonly tables: readonly string[];
  /** The sheets that can be begun at once, by their numbers. */
  readonly beside: string;
}

const rows = (from: number, count: number): TestCell[][] =>
  Array.from({ length: count }, (_, n) => [`p${from + n}`, from + n]);
const PEOPLE = ["name", "age"];
const CUSTOMERS: Sheets = {
  customers: [["id", "name"], [1, "Ada"], [2, "Ben"], ["three", "Cy"]],
  orders: [["number", "customer"], [10, 1], [11, 2], [12, 3]],
  visits: [["place", "count"], ["Oslo", 3], ["Bergen", 4], ["Moss", 5]],
}; // prettier-ignore
const THREE: Sheets = {
  North: [PEOPLE, ...rows(0, 300)],
  South: [PEOPLE, ...rows(300, 200), ["bad", "no number"]],
  West: [PEOPLE, ...rows(500, 100)],
};

const EXAMPLES: Readonly<Record<string, Example>> = {
  "of tables that are made": {
    sheets: CUSTOMERS,
    tables: ["book_customers", "book_orders", "book_visits"],
    beside: "0 1 2",
  },
  "of tables that are there": {
    sheets: CUSTOMERS,
    before: [
      "create table book_customers (id integer, name text)",
      "create table book_orders (number integer primary key, customer integer)",
    ],
    tables: ["book_customers", "book_orders", "book_visits"],
    beside: "0 1 2",
  },
  "of which one refers to another": {
    sheets: CUSTOMERS,
    before: [
      "create table book_customers (id integer primary key, name text)",
      "create table book_orders (number integer, customer integer references book_customers)",
    ],
    tables: ["book_customers", "book_orders", "book_visits"],
    beside: "0",
  },
  "of which one has a trigger that reads another table": {
    sheets: CUSTOMERS,
    before: [
      "create table book_customers (id integer, name text)",
      "create table book_orders (number integer, customer integer)",
      `create function known() returns trigger language plpgsql as $$ begin
         if not exists (select from book_customers where id = new.customer) then raise check_violation using message = 'unknown'; end if;
         return new; end $$`,
      "create trigger known before insert on book_orders for each row execute function known()",
    ],
    tables: ["book_customers", "book_orders", "book_visits"],
    beside: "0",
  },
  "of which one has a check that reads another table": {
    sheets: CUSTOMERS,
    before: [
      "create table book_customers (id integer, name text)",
      "create function known(n integer) returns boolean language sql as 'select exists (select from book_customers where id = n)'",
      "create table book_orders (number integer, customer integer check (known(customer)))",
    ],
    tables: ["book_customers", "book_orders", "book_visits"],
    beside: "0",
  },
  "of one table that is made": {
    sheets: THREE,
    tables: ["book"],
    beside: "0",
  },
  "of one table that is there": {
    sheets: THREE,
    before: ["create table people (name text, age integer)"],
    fields: { table: "people" },
    tables: ["people"],
    beside: "0",
  },
  "of one table in which a key holds rows back": {
    sheets: { ...THREE, West: [PEOPLE, ...rows(250, 100)] },
    before: ["create table people (name text primary key, age integer)"],
    fields: { table: "people" },
    tables: ["people"],
    beside: "0",
  },
};

/** What of a result has to be the same. */
async function resultOf(at: { readonly url: string }, { id, ...found }: Import): Promise<unknown> {
  const rejects = (await ask(at, "GET", `/imports/${id}/rejects`)).body;
  const { state, sheet, table, total, inserted, updated, skipped, rejected, reasons, assumptions, error, method } =
    found;
  const notes = found.notes.map((note) => note.replaceAll(/import [\da-z]{10}|\d{4}-\d\d-\d\d \d\d:\d\d/g, "…"));
  return { state, sheet, table, total, inserted, updated, skipped, rejected, reasons, assumptions, error, method, notes, rejects }; // prettier-ignore
}

async function contentOf(database: TestDatabase, tables: readonly string[]): Promise<unknown> {
  const found: (string | null | undefined)[][] = [];
  for (const table of tables)
    found.push((await database.query(`select t::text from ${table} t order by t::text`)).map(([row]) => row));
  return found;
}

async function bookOf(sheets: Sheets): Promise<Blob> {
  await using folder = newFolder();
  return new Blob([await readFile(await writeWorkbook(join(folder.path, "book.xlsx"), sheets))]);
}

async function sendBook(at: { readonly url: string }, { sheets, fields = {} }: Example): Promise<readonly string[]> {
  const options: FormOptions = { fields: { sheet: "all", ...fields } };
  const { body } = await send(at, "/imports", await bookOf(sheets), "book.xlsx", options);
  return body.imports!;
}

/** The parts that workers could run now, by their numbers. */
async function sent({ database }: TestFleet): Promise<string> {
  const rows = await database.query(
    `select i.part::text from sluice_fleet.job j join sluice_fleet.imports i on i.id = j.singleton_key
     where j.name = 'imports' and j.state <= 'active' order by i.part`,
  );
  return rows.map(([part]) => part).join(" ");
}

describe.skipIf(server === undefined)("the sheets of one file", () => {
  test.each(Object.entries(EXAMPLES))("%s give what they give in one process", async (_, example) => {
    const { before = [], tables, beside } = example;
    await using alone = await startService({ allow: ["*"] });
    await using fleet = await newFleet();
    for (const sql of before) for (const one of [alone.database, fleet.database]) await one.query(sql);
    const expected: unknown[] = [];
    for (const id of await sendBook(alone, example)) expected.push(await resultOf(alone, await ended(alone, id)));
    const at = await fleet.server();
    const ids = await sendBook(at, example);
    expect(await sent(fleet)).toBe(beside);
    for (let n = 0; n < 3; n++) await fleet.worker();
    const found: unknown[] = [];
    for (const id of ids) found.push(await resultOf(at, await ended(at, id)));
    expect(found).toEqual(expected);
    expect(await contentOf(fleet.database, tables)).toEqual(await contentOf(alone.database, tables));
    // The file is gone when the last of them has ended, whichever that was.
    await expect.poll(() => readdir(join(fleet.files, "files"))).toEqual([]);
  });

  test("run at the same time if nothing ties their tables together", async () => {
    await using fleet = await newFleet();
    for (const sql of EXAMPLES["of tables that are there"]!.before!) await fleet.database.query(sql);
    const at = await fleet.server();
    await using lock = await hold(fleet.database, "lock table book_customers");
    for (let n = 0; n < 2; n++) await fleet.worker();
    const [customers, ...others] = await sendBook(at, EXAMPLES["of tables that are there"]!);
    for (const id of others) expect(await ended(at, id)).toMatchObject({ state: "finished" });
    expect((await ask(at, "GET", `/imports/${customers}`)).body.state).toBe("running");
    await lock.release();
    expect(await ended(at, customers!)).toMatchObject({ state: "finished", inserted: 2, rejected: 1 });
  });

  test.each([
    ["one table, when the first sheet has finished", "create table people (name text, age integer)", [2]],
    ["no table with a key", "create table people (name text primary key)", []],
    ["no table with an exclusion", "create table people (name text, exclude using btree (name with =))", []],
    ["no table whose rows are numbered", "create table people (id serial, name text)", []],
    ["no table whose rows have an identity", "create table people (id integer generated always as identity)", []],
    ["no table with partitions", "create table people (name text) partition by list (name)", []],
    ["no table with children", "create table people (name text); create table child () inherits (people)", []],
    ["no table with a policy", "create table people (name text); alter table people enable row level security", []],
    [
      "no table with a rule",
      "create table people (name text); create rule r as on insert to people do also nothing",
      [],
    ],
    ["no view", "create table kept (name text); create view people as select * from kept", []],
    ["no table that is gone", "create table others (name text)", []],
  ])("that go into one: %s", async (_, sql, expected) => {
    await using database = await newDatabase();
    for (const one of sql.split("; ")) await database.query(one);
    const sheet = (state: string, went: string | null = null) => ({ state, went, table: null });
    const sheets = [sheet("finished", "people"), sheet("running"), sheet("queued")];
    await using own = new FleetDatabase({ dsn: database.dsn, connections: 1, role: "worker", log: () => undefined });
    await own.start();
    const found = await besideOthers(own, [sheets]);
    expect(found.map((one) => sheets.indexOf(one))).toEqual(expected);
    // Before the first one has finished, nobody knows which table it is.
    expect(await besideOthers(own, [[sheet("running"), sheet("queued")]])).toEqual([]);
  });

  test("that have tables of their own wait for those whose tables are tied to others", async () => {
    await using database = await newDatabase();
    await database.query("create table a (id integer primary key)");
    await database.query("create table b (a integer references a)");
    await database.query("create sequence shared");
    await database.query("create table c (id integer default nextval('shared'))");
    await database.query("create table d (id serial)");
    await using own = new FleetDatabase({ dsn: database.dsn, connections: 1, role: "worker", log: () => undefined });
    await own.start();
    const beside = async (...tables: string[]): Promise<readonly string[]> => {
      const sheets = tables.map((table) => ({ state: "queued", went: null, table }));
      return (await besideOthers(own, [sheets])).map(({ table }) => table);
    };
    expect(await beside("d", "e", "a", "f")).toEqual(["e"]);
    expect(await beside("b", "d")).toEqual([]);
    expect(await beside("d", "c")).toEqual([]);
    expect(await beside("d", "e", "f")).toEqual(["e", "f"]);
  });
});
