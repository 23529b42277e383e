// What a caller may write to, over HTTP and a real database.
import { connect } from "node:net";
import { background } from "@sluice/go/context";
import { describe, expect, test } from "vitest";
import { runImport } from "../import.ts";
import { openTarget } from "../database/open.ts";
import { server } from "../test/database.ts";
import { writeWorkbook } from "../test/workbook.ts";
import { createServer } from "./app.ts";
import { business, startService, type Answer, type Service } from "./test/service.ts";

const PEOPLE = [["Full name", "Age"], ["Ada", 36] as const] as const;

/** Sends a small workbook of people into a table. */
async function send(service: Service, table: string, header: readonly string[] = PEOPLE[0]): Promise<Answer> {
  const file = await service.workbook([PEOPLE[1]], header);
  return service.send(file, "people.xlsx", `?table=${encodeURIComponent(table)}`);
}

const codeOf = ({ status, text }: Answer): unknown[] => [status, (JSON.parse(text) as { code?: string }).code];
const REFUSED = [403, "table_not_allowed"];

describe.skipIf(server === undefined)("a caller", () => {
  test("may not write to a table that is there, and is told what to do", async () => {
    await using service = await startService();
    await service.database.query('create table customers ("Full name" text, age integer)');
    const answer = await send(service, "customers");
    expect([answer.status, answer.text]).toEqual([
      403,
      JSON.stringify({
        error:
          'The table "customers" is there already, and no upload made it, so uploads may not write to it. ' +
          "Name another table, or ask whoever runs the server to allow this one.",
        code: "table_not_allowed",
      }),
    ]);
    expect(await service.database.query("select count(*) from customers")).toEqual([["0"]]);
    expect(await service.uploads()).toEqual([]);
  });

  test("is refused before the file is sent", async () => {
    await using service = await startService();
    await service.database.query("create table customers (name text)");
    const socket = connect(service.port, "127.0.0.1");
    const part = '--x\r\nContent-Disposition: form-data; name="file"; filename="b.xlsx"\r\n\r\nPK';
    socket.write(
      `POST /upload?table=customers HTTP/1.1\r\nHost: 127.0.0.1:${service.port}\r\n` +
        `Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n${part}`,
    );
    const [answer] = (await socket.take(1).toArray()) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 403 [^]*"code":"table_not_allowed"/);
    expect(await service.uploads()).toEqual([]);
  });

  test.each([
    ...["imports", "leases", "chunks", "rejects", "ledger", "made", "new"].map((name) => `sluice.${name}`),
    "pg_catalog.pg_authid",
    "pg_class",
    "pg_temp.mine",
    "pg_toast.pg_toast_1255",
    "information_schema.tables",
  ])("never writes to %s, whatever is allowed", async (table) => {
    for (const allow of [[], ["*", "*.*", table]]) {
      await using service = await startService({ allow });
      expect((await service.send(await service.workbook([business(1)]), "b.xlsx")).status).toBe(200);
      const before = await service.database.query("select * from sluice.imports");
      const answer = await send(service, table, ["id"]);
      expect([codeOf(answer), answer.text]).toEqual([
        REFUSED,
        expect.stringContaining("belongs to the database itself"),
      ]);
      expect(await service.database.query("select * from sluice.imports")).toEqual(before);
    }
  });

  test("never writes to the ledger, also where the search path leads there", async () => {
    await using service = await startService();
    expect((await service.send(await service.workbook([business(1)]), "b.xlsx")).status).toBe(200);
    await service.database.query(
      `do $$ begin execute format('alter database %I set search_path = sluice, public', current_database()); end $$`,
    );
    await using again = await startService({ dsn: service.database.dsn });
    expect(codeOf(await send(again, "leases"))).toEqual(REFUSED);
    expect(codeOf(await send(again, "brand_new"))).toEqual(REFUSED);
  });

  test.each(["shop.people", "shop.brand_new", "nowhere.people"])(
    "does not reach into other schemas: %s",
    async (table) => {
      await using service = await startService();
      await service.database.query('create schema shop; create table shop.people ("Full name" text)');
      expect(codeOf(await send(service, table))).toEqual(REFUSED);
      expect(await service.database.query("select count(*) from pg_tables where schemaname = 'shop'")).toEqual([["1"]]);
    },
  );

  test("does not reach into a schema that the server's own user may not look into", async () => {
    await using service = await startService();
    const { database } = service;
    const [[name]] = (await database.query("select current_database()")) as [[string]];
    await database.query(`create role ${name} login; grant all on schema public to ${name};
      grant create on database ${name} to ${name}; create schema closed; create table closed.people (a text)`);
    try {
      const dsn = new URL(database.dsn);
      dsn.username = name;
      await using limited = await startService({ dsn: dsn.href });
      expect(codeOf(await send(limited, "closed.people"))).toEqual(REFUSED);
    } finally {
      await database.query(`reassign owned by ${name} to current_user; drop owned by ${name}; drop role ${name}`);
    }
  });

  test("writes to `businesses`, whoever made it", async () => {
    await using service = await startService();
    const columns = "name text, category text, phone text, email text, address text, city text, country text";
    await service.database.query(`create table businesses (${columns}, website text, description text)`);
    for (const [n, query] of ["", "?table=businesses", "?table=public.businesses"].entries()) {
      const file = await service.workbook([business(n + 1)]);
      expect((await service.send(file, "b.xlsx", query)).status).toBe(200);
    }
    expect(await service.database.query("select count(*) from businesses")).toEqual([["3"]]);
  });

  test("goes on writing to a table that an upload made, after a restart and without its history", async () => {
    await using service = await startService();
    expect((await send(service, "people")).status).toBe(200);
    // Other tables of the database may have children.
    await service.database.query("create table parent (n integer); create table child () inherits (parent)");
    expect((await send(service, "public.people")).status).toBe(200);
    await service.app.close();
    await service.database.query("truncate sluice.imports, sluice.leases, sluice.chunks, sluice.rejects");
    await using again = await startService({ dsn: service.database.dsn });
    expect((await send(again, "people")).status).toBe(200);
    // The second was the same rows, and the ledger still knew them.
    expect(await service.database.query("select count(*) from people")).toEqual([["2"]]);
  });

  test.each([
    ["dropped and made anew", 'drop table people; create table people ("Full name" text, age integer)'],
    ["renamed, with another in its place", 'alter table people rename to old; create table people ("Full name" text)'],
    [
      "moved from another name",
      "alter table people rename to x; create table y (); alter table x rename to people;" +
        "update sluice.made set table_name = 'other'",
    ],
    [
      "dropped, and a view had got its number and its name",
      `drop table people; create view people as select 'Ada' as "Full name", 36 as age;
       update sluice.made set table_oid = 'people'::regclass`,
    ],
    ["made a child", "create table all_people (like people); alter table people inherit all_people"],
    [
      "made a partition",
      `do $$ declare list text; begin
         select string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' order by attnum) into list
         from pg_attribute where attrelid = 'people'::regclass and attnum > 0;
         execute format('create table whole (%s) partition by list (full_name)', list);
       end $$; alter table whole attach partition people default`,
    ],
  ])("does not write to a table that an upload made when it was %s since", async (_, sql) => {
    await using service = await startService();
    expect((await send(service, "people")).status).toBe(200);
    await service.database.query(sql);
    const before = await service.database.query("select count(*) from people");
    expect(codeOf(await send(service, "people"))).toEqual(REFUSED);
    expect(await service.database.query("select count(*) from people")).toEqual(before);
  });

  test("does not write to a table that the command line made", async () => {
    await using service = await startService();
    await using target = await openTarget({ to: service.database.dsn });
    const file = await writeWorkbook(`${service.folder}/people.xlsx`, { Sheet1: PEOPLE });
    await runImport(background(), { file, target });
    expect(codeOf(await send(service, "people"))).toEqual(REFUSED);
  });

  test("does not write to a table that came up after it was let in", async () => {
    await using service = await startService();
    await using target = await openTarget({ to: service.database.dsn });
    await service.database.query('create table people ("Full name" text, age integer)');
    const file = await writeWorkbook(`${service.folder}/people.xlsx`, { Sheet1: PEOPLE });
    const caller = { ownTable: true, hidesColumns: true };
    await expect(runImport(background(), { file, target, caller })).rejects.toMatchObject({
      code: "table_not_allowed",
    });
    expect(await service.database.query("select count(*) from people")).toEqual([["0"]]);
    expect(await service.database.query("select count(*) from sluice.imports")).toEqual([["0"]]);
  });

  test("uploads at the same time may all find no table yet, and all go in", async () => {
    await using service = await startService();
    const answers = await Promise.all(
      Array.from({ length: 6 }, async (_, n) =>
        service.send(await service.workbook([["Ada", n]], PEOPLE[0]), `${n}.xlsx`, "?table=fresh"),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(await service.database.query("select count(*) from fresh")).toEqual([["6"]]);
  });

  test.each([
    // allow, table, whether it is allowed
    [["customers"], "customers", true],
    [["customers"], "public.customers", true],
    [["public.customers"], "customers", true],
    [["customers"], "shop.customers", false],
    [["shop.customers"], "shop.customers", true],
    [["shop.*"], "shop.customers", true],
    [["shop.*"], "shop.brand_new", true],
    [["shop.*"], "customers", false],
    [["sh*.cust*s"], "shop.customers", true],
    [["import_*"], "import_2026", true],
    [["import_*"], "Import_2026", false],
    [["import_*"], "reimport_1", false],
    [["import_*", "customers"], "customers", true],
    [["import_*"], "customers", false],
    [["import_*"], "businesses", false],
    [["*"], "shop.customers", false],
    [["*"], "customers", true],
    [["c.stomers"], "customers", false],
    [["*"], "customers_pkey", false],
  ] as const)("of a server that allows %j, writing to %s: %s", async (allow, table, allowed) => {
    await using service = await startService({ allow });
    await service.database.query(
      `create schema shop; create table shop.customers ("Full name" text, age integer);
       create table customers (id integer generated always as identity primary key, "Full name" text, age integer)`,
    );
    const answer = await send(service, table);
    expect(codeOf(answer)).toEqual(allowed ? [200, undefined] : REFUSED);
  });

  test("of a server that allows other tables than `businesses` is refused that one", async () => {
    await using service = await startService({ allow: ["people"] });
    expect(codeOf(await service.send(await service.workbook([business(1)]), "b.xlsx"))).toEqual(REFUSED);
  });

  test.each(["", " ", "a\0b"])("a server does not start with %j for a table", async (pattern) => {
    await using service = await startService();
    await using target = await openTarget({ to: service.database.dsn });
    await expect(createServer({ target, allow: [pattern] })).rejects.toMatchObject({
      code: "bad_pattern",
      exitCode: 2,
    });
  });

  test.each([
    [["Nonsense"], /has no column for the header "Nonsense"/],
    [["Full name"], /needs a value for 1 column that no header means/],
    [["Shipping addres", "Full name"], /could mean more than one column/],
  ])("is not told the columns of a table that no upload made: %j", async (header, message) => {
    await using service = await startService({ allow: ["customers"] });
    await service.database.query(
      'create table customers ("Full name" text, shipping_address text not null, shippingaddresss text)',
    );
    const { status, text } = await send(service, "customers", header);
    expect([status, JSON.parse(text).error]).toEqual([422, expect.stringMatching(message)]);
    expect(text).not.toMatch(/shipping_?address/);
  });

  test("is not told the columns that stay empty either, but for how many they are", async () => {
    await using service = await startService({ allow: ["customers"] });
    await service.database.query('create table customers ("Full name" text, age integer, secret text)');
    const { status, text } = await send(service, "customers");
    expect([status, JSON.parse(text).notes]).toEqual([
      200,
      ["1 column of the table has no header in the sheet and stays empty"],
    ]);
  });

  test("is told the columns of a table that an upload made", async () => {
    await using service = await startService();
    expect((await send(service, "people")).status).toBe(200);
    expect((await send(service, "people", ["Nonsense", "Age"])).text).toContain("It has: full_name, age.");
  });
});
