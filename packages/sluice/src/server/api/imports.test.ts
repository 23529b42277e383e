// POST /imports, the history, cancel and resume, over real connections and a real database.
import { describe, expect, test } from "vitest";
import { hold, newDatabase, server } from "../../test/database.ts";
import { ask, csv, ended, people, send } from "../test/client.ts";
import { business, startService, waitingForLock } from "../test/service.ts";
import type { ImportList } from "../jobs/import.ts";
import type { Problem } from "./problem.ts";

describe.skipIf(server === undefined)("POST /imports", () => {
  test("makes the ledger in a database that has none", async () => {
    await using database = await newDatabase();
    await using service = await startService({ dsn: database.dsn });
    expect((await ask<ImportList>(service, "GET", "/imports")).body.imports).toEqual([]);
    expect(await database.query("select to_regnamespace('sluice')::text")).toEqual([[null]]);
    const { body } = await send(service, "/imports", people(2), "people.csv");
    expect(await ended(service, body.id)).toMatchObject({ state: "finished", inserted: 2 });
    expect(await database.query("select id, state from sluice.imports")).toEqual([[body.id, "finished"]]);
  });

  test("accepts a file, answers at once, and has all of it in the table in the end", async () => {
    await using service = await startService();
    const { status, headers, body } = await send(service, "/imports", people(1000), "people.csv");
    expect(status).toBe(202);
    expect(headers.get("location")).toBe(`/imports/${body.id}`);
    expect(body).toMatchObject({ file: "people.csv", table: "people", method: "copy", error: null, dryRun: false });
    const found = await ended(service, body.id);
    expect(found).toMatchObject({
      state: "finished",
      total: 1000,
      inserted: 1000,
      rejected: 0,
      sheet: "people",
      assumptions: [
        { about: "sheet" },
        { about: "header" },
        { about: "records" },
        { about: "types", said: "name text, age integer" },
      ],
      continues: null,
      resumable: false,
    });
    expect(found.milliseconds).toBeGreaterThan(0);
    expect(await service.database.query("select count(*), sum(age) from people")).toEqual([
      ["1000", expect.any(String)],
    ]);
    // The ledger knows it by the same id.
    expect(await service.database.query("select id, state from sluice.imports")).toEqual([[body.id, "finished"]]);
    expect(service.lines).toContain(`"people.csv" → people: 1000 of 1000 rows (copy), import ${body.id}`);
  });

  test("takes the options of the command line as fields", async () => {
    await using service = await startService();
    const file = csv("Report\nName;Born;Note;Pay\nAda;10/12/1815;n/a;1.234,50\nBob;01/02/1990;x;2,5\nEnd;;;\n");
    const { body } = await send(service, "/imports", file, "x.csv", {
      fields: {
        table: "staff",
        map: ["Name=full_name", "Note="],
        type: ["Born=date(DD/MM/YYYY)", "Pay=numeric(1.234,56)"],
        header: "2",
        skipLast: "1",
        delimiter: ";",
        add: "row=line",
        method: "batch",
        batchSize: "1",
        create: "true",
        atomic: "false",
      },
    });
    expect(await ended(service, body.id)).toMatchObject({ state: "finished", inserted: 2, method: "batch" });
    expect(await service.database.query("select full_name, born, pay, line from staff order by line")).toEqual([
      ["Ada", "1815-12-10", "1234.50", "3"],
      ["Bob", "1990-02-01", "2.5", "4"],
    ]);
  });

  test("imports every sheet with sheet=all, each with an id of its own", async () => {
    await using service = await startService();
    const { writeWorkbook } = await import("../../test/workbook.ts");
    const { readFile } = await import("node:fs/promises");
    const path = await writeWorkbook(`${service.folder}/two.xlsx`, {
      Cities: [["city"], ["Oslo"], ["Rome"]],
      People: [
        ["name", "age"],
        ["Ada", 36],
      ],
    });
    const { body } = await send(service, "/imports", new Blob([await readFile(path)]), "two.xlsx", {
      fields: { sheet: "all" },
    });
    expect(body.imports).toHaveLength(2);
    const all = await Promise.all(body.imports!.map((id) => ended(service, id)));
    expect(all.map(({ table, inserted, state }) => [table, inserted, state])).toEqual([
      ["two_cities", 2, "finished"],
      ["two_people", 1, "finished"],
    ]);
    expect(await service.uploads()).not.toContainEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
  });

  test.each([
    [{ tabel: "x" }, 400, "unknown_field", /Unknown field "tabel". Use: file, upload, table/],
    [{ workers: "0" }, 400, "bad_field", /"workers": Expected a whole number from 1/],
    [{ method: "fast" }, 400, "bad_field", /Expected sequential, concurrent, batch, copy/],
    [{ create: "true", replace: "true" }, 400, "bad_field", /contradicts/],
    [{ range: "Z" }, 400, "bad_range", /./],
    [{ table: "sluice.imports" }, 403, "table_not_allowed", /belongs to the database itself/],
    [{ table: "pg_catalog.pg_class" }, 403, "table_not_allowed", /./],
    [{ table: "theirs" }, 403, "table_not_allowed", /no upload made it/],
    [{ upload: "0a0a" }, 400, "bad_field", /both `file` and `upload`/],
    [{ to: "postgres://evil/x" }, 400, "unknown_field", /./],
    [{ table: "a\0b" }, 400, "bad_field", /NUL/],
    [{ map: "a\0=b" }, 400, "bad_field", /NUL/],
    [{ ["__proto__"]: "x" }, 400, "unknown_field", /every object has/],
    [{ schema: "evil.ts" }, 400, "unknown_field", /./],
  ])("refuses the fields %j with %i %s, and keeps nothing", async (fields, status, code, detail) => {
    await using service = await startService();
    await service.database.query("create table theirs (name text)");
    const answer = await send<Problem>(service, "/imports", people(3), "people.csv", { fields });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.detail).toMatch(detail);
    expect(answer.body).toMatchObject({ status, type: `urn:sluice:problem:${code}`, title: expect.any(String) });
    expect(await service.database.query("select count(*) from theirs")).toEqual([["0"]]);
    expect(await service.uploads()).not.toContainEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
  });

  test("knows a file by its name, in which a browser writes quotes and line breaks as codes", async () => {
    await using service = await startService();
    const { body } = await send(service, "/imports", people(1), 'b "messy"\r\n100%.csv');
    expect(await ended(service, body.id)).toMatchObject({
      file: 'b "messy"\uFFFD\uFFFD100%.csv',
      table: "b_messy_100",
    });
  });

  test("needs one file", async () => {
    await using service = await startService();
    expect(await send<Problem>(service, "/imports", undefined, "")).toMatchObject({
      status: 400,
      body: { detail: "No file uploaded" },
    });
    const two = new FormData();
    for (const name of ["a.csv", "b.csv"]) two.append("file", people(1), name);
    expect(await ask<Problem>(service, "POST", "/imports", { body: two })).toMatchObject({
      status: 400,
      body: { code: "one_file" },
    });
    expect(
      await ask<Problem>(service, "POST", "/imports", { body: "{}", headers: { "content-type": "application/json" } }),
    ).toMatchObject({ status: 400 });
  });

  test("of a file that is no table fails, and says why", async () => {
    await using service = await startService();
    const { body } = await send(
      service,
      "/imports",
      new Blob([new Uint8Array([0x50, 0x4b, 3, 4, 0, 0, 0, 0])]),
      "people.xlsx",
    );
    const found = await ended(service, body.id);
    expect(found).toMatchObject({
      state: "failed",
      total: 0,
      error: { code: expect.any(String), message: expect.any(String) },
    });
    expect(found.error!.message).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}|\/tmp/);
    expect(await service.uploads()).not.toContainEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
  });

  test("of what was imported before puts nothing in, and names that import", async () => {
    await using service = await startService();
    const first = await send(service, "/imports", people(5), "people.csv");
    await ended(service, first.body.id);
    const second = await send(service, "/imports", people(5), "people.csv");
    expect(await ended(service, second.body.id)).toMatchObject({
      state: "failed",
      error: { code: "imported_already", import: first.body.id },
    });
    const again = await send(service, "/imports", people(5), "people.csv", { fields: { again: "true" } });
    expect(await ended(service, again.body.id)).toMatchObject({ state: "finished", inserted: 5 });
    expect(await service.database.query("select count(*) from people")).toEqual([["10"]]);
  });

  test("into businesses goes by the guide's checks, and a table of another shape by its own columns", async () => {
    await using service = await startService();
    const rows = [business(1), business(2).with(3, "no address"), business(3)];
    const { body } = await send(service, "/imports", await service.workbook(rows), "businesses.xlsx");
    expect(await ended(service, body.id)).toMatchObject({
      table: "businesses",
      inserted: 2,
      rejected: 1,
      reasons: { invalid_email: 1 },
      repairable: true,
    });
    const dry = await send(service, "/imports", people(2), "dry.csv", { fields: { dryRun: "true" } });
    expect(await ended(service, dry.body.id)).toMatchObject({ state: "finished", dryRun: true, inserted: 2 });
    expect(await service.database.query("select to_regclass('dry')::text")).toEqual([[null]]);
  });

  test("with an Idempotency-Key that came before gives the import of then, and refuses other content", async () => {
    await using service = await startService();
    const headers = { "idempotency-key": "k1" };
    const [one, two] = await Promise.all([
      send(service, "/imports", people(50), "people.csv", { headers }),
      send(service, "/imports", people(50), "people.csv", { headers }),
    ]);
    expect(two.body.id).toBe(one.body.id);
    await ended(service, one.body.id);
    expect((await send(service, "/imports", people(50), "people.csv", { headers })).body.id).toBe(one.body.id);
    for (const [file, fields] of [
      [people(51), {}],
      [people(50), { limit: "5" }],
    ] as const)
      expect(await send<Problem>(service, "/imports", file, "people.csv", { headers, fields })).toMatchObject({
        status: 422,
        body: { code: "idempotency_mismatch" },
      });
    expect(await service.database.query("select count(*) from people")).toEqual([["50"]]);
  });

  test("takes the longest key, and none that is longer", async () => {
    await using service = await startService();
    const key = (length: number): Promise<{ readonly status: number }> =>
      send(service, "/imports", people(1), "people.csv", { headers: { "idempotency-key": "k".repeat(length) } });
    expect([(await key(255)).status, (await key(256)).status]).toEqual([202, 400]);
  });

  test("gives up an upload that only drips, for less than a client's own patience", async () => {
    await using service = await startService({ minUploadRate: 100 });
    const head = `--x\r\ncontent-disposition: form-data; name="file"; filename="people.csv"\r\n\r\nname\n`;
    const drip = new ReadableStream<Uint8Array>({
      async pull(controller) {
        controller.enqueue(Buffer.from("a"));
        await new Promise((resolve) => void setTimeout(resolve, 200));
      },
      start: (controller) => controller.enqueue(Buffer.from(head)),
    });
    const init = {
      body: drip,
      duplex: "half",
      headers: { "content-type": "multipart/form-data; boundary=x" },
    } as RequestInit;
    expect(await ask<Problem>(service, "POST", "/imports", init)).toMatchObject({
      status: 408,
      body: { code: "upload_too_slow" },
    });
    expect(await service.uploads()).not.toContainEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
  });

  test("gives 429 to a client that has as many imports as one may have, and takes more when they have ended", async () => {
    await using service = await startService({ maxClientImports: 2 });
    await ended(service, (await send(service, "/imports", people(1), "people.csv")).body.id);
    await using lock = await hold(service.database, "lock table people");
    const held: string[] = [];
    // Two files of one name would be one file that has changed.
    for (const n of [1, 2])
      held.push((await send(service, "/imports", people(1, n), `${n}.csv`, { fields: { table: "people" } })).body.id);
    const refused = await send<Problem>(service, "/imports", people(1, 3), "people.csv");
    expect(refused).toMatchObject({ status: 429, body: { code: "too_many_imports" } });
    expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
    await lock.release();
    for (const id of held) expect(await ended(service, id)).toMatchObject({ state: "finished" });
    const { body } = await send(service, "/imports", people(1, 4), "people.csv");
    expect(await ended(service, body.id)).toMatchObject({ state: "finished" });
  });

  test("counts requests, and gives 429 to a client that sends too many in a minute", async () => {
    await using service = await startService({ maxClientRate: 2 });
    const statuses: number[] = [];
    for (let n = 0; n < 4; n++)
      statuses.push(
        (await send<Problem>(service, "/imports", people(1, n), "people.csv", { fields: { dryRun: "true" } })).status,
      );
    expect(statuses).toEqual([202, 202, 429, 429]);
  });
});

describe.skipIf(server === undefined)("DELETE /imports/:id and POST /imports/:id/resume", () => {
  test("cancel an import that waits, one that runs, and say of one that is over that it is", async () => {
    await using service = await startService({ maxImports: 1 });
    await ended(service, (await send(service, "/imports", people(1), "people.csv")).body.id);
    await using lock = await hold(service.database, "lock table people");
    const running = (await send(service, "/imports", people(5, 10), "people.csv")).body.id;
    const waiting = (await send(service, "/imports", people(5, 20), "people.csv")).body.id;
    await expect.poll(() => waitingForLock(service.database)).toBe(1);
    expect((await ask(service, "GET", `/imports/${running}`)).body.state).toBe("running");
    expect((await ask(service, "GET", `/imports/${waiting}`)).body.state).toBe("queued");
    expect(await ask(service, "DELETE", `/imports/${waiting}`)).toMatchObject({
      status: 200,
      body: { state: "cancelled" },
    });
    // Nobody waits for the lock that the import waits for.
    expect(await ask(service, "DELETE", `/imports/${running}`)).toMatchObject({
      status: 200,
      body: { state: "cancelled", inserted: 0 },
    });
    await lock.release();
    expect(await ask<Problem>(service, "DELETE", `/imports/${running}`)).toMatchObject({
      status: 409,
      body: { code: "not_running" },
    });
    expect(await ask<Problem>(service, "POST", `/imports/${running}/resume`)).toMatchObject({
      status: 409,
      body: { code: "not_resumable" },
    });
    await expect.poll(() => service.uploads()).not.toContainEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
  });

  test("leave the rows that are in, and the next import of the file says that they are in twice", async () => {
    await using service = await startService();
    await ended(service, (await send(service, "/imports", people(1), "people.csv")).body.id);
    await service.database.query(
      `create function wait() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(7); return new; end $$;
       create trigger wait before insert on people for each row when (new.name = 'late') execute function wait()`,
    );
    const rows = csv(`name,age\n${Array.from({ length: 20 }, (_, n) => `p${n},7\n`).join("")}late,7\n`);
    const fields = { chunkRows: "10", workers: "1" };
    await using lock = await hold(service.database, "select pg_advisory_xact_lock(7)");
    const { id } = (await send(service, "/imports", rows, "people.csv", { fields })).body;
    await expect.poll(() => waitingForLock(service.database)).toBe(1);
    expect((await ask(service, "DELETE", `/imports/${id}`)).body).toMatchObject({ state: "cancelled", inserted: 20 });
    await lock.release();
    const again = await ended(service, (await send(service, "/imports", rows, "people.csv", { fields })).body.id);
    expect(again).toMatchObject({ state: "finished", inserted: 21 });
    expect(again.notes).toContain(
      `20 rows of this file are in the table since the cancelled import ${id}, so they are in twice; sluice imports take-back ${id} --yes takes them back`,
    );
    expect(await ask(service, "POST", `/imports/${id}/take-back`)).toMatchObject({ status: 200 });
    expect(await service.database.query("select count(*) from people where age = 7")).toEqual([["21"]]);
  });

  test("go on with one that has failed, exactly where it was", async () => {
    await using service = await startService();
    await service.database.query("create table people (name text, age integer check (age < 1000))");
    await using other = await startService({ target: service.target, allow: ["people"] });
    const rows = csv(`name,age\n${Array.from({ length: 3000 }, (_, n) => `p${n},${n % 90}\n`).join("")}`);
    await service.database.query(
      "create function stop() returns trigger language plpgsql as $$ begin raise exception 'full' using errcode = '53100'; end $$",
    );
    await service.database.query(
      "create trigger stop before insert on people for each row when (new.name = 'p2500') execute function stop()",
    );
    const { body } = await send(other, "/imports", rows, "people.csv", { fields: { chunkRows: "500", workers: "1" } });
    const failed = await ended(other, body.id);
    expect(failed).toMatchObject({ state: "failed", resumable: true });
    await service.database.query("drop trigger stop on people");
    expect(await ask(other, "POST", `/imports/${body.id}/resume`)).toMatchObject({
      status: 202,
      body: { id: body.id },
    });
    expect(await ended(other, body.id)).toMatchObject({ state: "finished", inserted: 3000, error: null });
    expect(await service.database.query("select count(*), count(distinct name) from people")).toEqual([
      ["3000", "3000"],
    ]);
  });
});

describe.skipIf(server === undefined)("GET /imports", () => {
  test("lists what was imported, the newest first, in pages, by a part of a name", async () => {
    await using service = await startService();
    const ids: string[] = [];
    for (const name of ["a.csv", "b.csv", "c.csv", "bad.xlsx"]) {
      const { body } = await send(service, "/imports", name === "bad.xlsx" ? csv("PK") : people(2), name);
      await ended(service, body.id);
      ids.unshift(body.id);
    }
    const { body } = await ask<ImportList>(service, "GET", "/imports");
    expect(body.imports.map(({ id }) => id)).toEqual(ids);
    expect(body.next).toBeNull();
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: ImportList = (
        await ask<ImportList>(service, "GET", `/imports?limit=1${cursor === "" ? "" : `&cursor=${cursor}`}`)
      ).body;
      seen.push(...page.imports.map(({ id }) => id));
      cursor = page.next;
    }
    expect(seen).toEqual(ids);
    expect((await ask<ImportList>(service, "GET", "/imports?limit=100")).body.imports).toHaveLength(4);
    const found = await ask<ImportList>(service, "GET", "/imports?q=B.CS");
    expect(found.body.imports.map(({ file }) => file)).toEqual(["b.csv"]);
  });

  test.each(["limit=0", "limit=101", "limit=x", "cursor=x", "other=1"])("refuses ?%s", async (query) => {
    await using service = await startService();
    expect(await ask<Problem>(service, "GET", `/imports?${query}`)).toMatchObject({
      status: 400,
      body: { code: "bad_parameter" },
    });
  });

  test("of an address that is too long is 414, which is not the server's fault", async () => {
    await using service = await startService();
    const { status, text } = await service.get(`/imports/${"x".repeat(200)}`);
    expect([status, JSON.parse(text)]).toMatchObject([
      414,
      { code: "bad_request", title: "URI Too Long", status: 414 },
    ]);
    expect(text).toContain("GET /imports lists the imports");
  });

  test("of no import is 404, and so is an import of nobody's", async () => {
    await using service = await startService();
    expect((await ask<ImportList>(service, "GET", "/imports")).body).toEqual({ imports: [], next: null });
    for (const [method, path] of [
      ["GET", "/imports/nobody"],
      ["DELETE", "/imports/nobody"],
      ["POST", "/imports/nobody/resume"],
      ["GET", "/imports/nobody/events"],
      // PostgreSQL takes no such text.
      ["GET", "/imports/no%00body"],
      ["GET", "/imports/no%00body/rejects"],
      ["GET", "/imports/no%00body/events"],
      ["DELETE", "/imports/no%00body"],
    ] as const)
      expect(await ask<Problem>(service, method, path)).toMatchObject({ status: 404, body: { code: "not_found" } });
  });
});
