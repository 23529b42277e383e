// Addresses of servers: each parameter is honoured or refused, and none is passed over.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { background } from "@sluice/go/context";
import { describeError } from "../errors.ts";
import { runImport } from "../import.ts";
import { newDatabase, newFolder, server } from "../test/database.ts";
import { run } from "../test/program.ts";
import { addressOf } from "./address.ts";
import { openTarget } from "./open.ts";
import { connectionConfig } from "./postgres.ts";

function refusal(dsn: string): string {
  try {
    addressOf(dsn);
  } catch (error) {
    const { code, message } = describeError(error);
    expect(code).toBe("bad_dsn");
    return message;
  }
  throw new Error(`${dsn} was taken`);
}

describe("an address", () => {
  test.each(["host=h dbname=x", " dbname = x", "service=crm"])(
    "in words and values is refused and says so: %s",
    (dsn) => {
      expect(refusal(dsn)).toMatch(/has the form host=….*Expected: postgres:\/\/user:password@host:5432\/database/);
    },
  );

  test.each([
    ["sslmode=prefer", /a value of the parameter "sslmode" .* Understood: disable, require, verify-ca, .*say require/],
    ["sslmode=allow", /"sslmode"/],
    ["ssl=false", /"ssl" .* Understood: true\./],
    ["sslmode=bogus", /"sslmode"/],
    ["sslmode=require&sslmode=bogus", /"sslmode"/],
    ["sslmodee=require", /"sslmodee" .* Understood: host, port, .*\. Leave it out\.$/],
    ["service=crm", /"service" .*Write what the service file says/],
    ["schema=public&pgbouncer=true", /"pgbouncer" .*leads to a pooler .*address of the server itself/],
    ["connection_limit=5", /"connection_limit" .*--workers says/],
    ["sslaccept=strict", /"sslaccept" .*sslmode=verify-full/],
    ["hostaddr=127.0.0.1", /Write the number as the host\.$/],
    ["dbname=x", /after the last slash/],
    ["target_session_attrs=standby", /any, read-write, primary/],
    ["constructor=1", /"constructor"/],
  ])("with %s is refused, and the message says what is understood", (query, said) => {
    expect(refusal(`postgres://h/x?${query}`)).toMatch(said);
  });

  test.each(["postgres://a,b/x", "postgres:///x?host=a,b"])("of several hosts is refused: %s", (dsn) => {
    expect(refusal(dsn)).toContain("several hosts");
  });

  test("shows no part of what may be a password", () => {
    expect(refusal("postgres://ada:1?ge=heim@h/x")).not.toMatch(/heim|"ge"/);
    expect(refusal("postgres://ada:geheim@h/x?sslmode=se")).not.toMatch(/geheim|=se/);
  });

  test.each([
    "ssl=true",
    "sslmode=disable",
    "sslmode=verify-full&sslrootcert=/ca.pem",
    "sslmode=require&channel_binding=require",
    "target_session_attrs=read-write",
    "application_name=a&options=-c%20search_path%3Dcrm&connect_timeout=5",
    "host=/run/postgresql&port=5433&user=ada%40corp",
  ])("with %s is taken", (query) => {
    expect(addressOf(`postgres:///x?${query}`).pathname).toBe("/x");
  });
});

test.skipIf(server === undefined)(
  "schema= says where tables without a schema are, as in Prisma's addresses",
  async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const file = join(folder.path, "a.csv");
    await writeFile(file, "n\n1\n");
    await database.query('create schema "My crm"; create table a (n integer); create schema shop');
    const importTo = async (query: string, table: string): Promise<void> => {
      await using target = await openTarget({ to: `${database.dsn}?${query}`, connections: 1 });
      await runImport(background(), { target, file, table });
    };
    await importTo("schema=My%20crm", "a");
    await importTo("schema=My%20crm", "shop.a");
    await importTo("schema=public", "a");
    const counts = await database.query(
      'select (select count(*) from "My crm".a), (select count(*) from shop.a), (select count(*) from public.a)',
    );
    expect(counts).toEqual([["1", "1", "1"]]);
    await expect(importTo("schema=nowhere", "b")).rejects.toMatchObject({ code: "cannot_create" });
  },
);

test("channel_binding and connect_timeout reach the driver", () => {
  const config = connectionConfig("postgres://h/x?channel_binding=require&connect_timeout=3", "sluice");
  expect(config).toMatchObject({ enableChannelBinding: true, connectionTimeoutMillis: 3000 });
  expect(connectionConfig("postgres://h/x?connect_timeout=0", "sluice")).toMatchObject({
    enableChannelBinding: false,
    connectionTimeoutMillis: 10_000,
  });
});

test("every command says what is wrong with an address", async () => {
  await using folder = newFolder();
  await writeFile(join(folder.path, "a.csv"), "n\n1\n");
  for (const args of [["import", "a.csv"], ["imports"], ["sql", "select 1"], ["preview", "a.csv"]]) {
    const { code, stderr } = await run(folder.path, ...args, "--to", "host=h dbname=x password=geheim");
    expect([args[0], code]).toEqual([args[0], 2]);
    expect(stderr).toMatch(/^error: the database address cannot be read: it has the form host=…/m);
    expect(stderr).not.toContain("geheim");
  }
});
