// The history of imports that have ended, over real connections and a real database.
import { describe, expect, test } from "vitest";
import { hold, server, type TestDatabase } from "../../test/database.ts";
import { ask, csv, ended, people, send } from "../test/client.ts";
import { business, startService, waitingForLock, type Service } from "../test/service.ts";
import type { ImportList } from "../jobs/import.ts";
import type { Problem } from "./problem.ts";

/** The rows of each table of the ledger that are about imports. */
async function inLedger(database: TestDatabase): Promise<unknown> {
  const tables = ["imports", "leases", "chunks", "rejects"];
  return (
    await database.query(`select ${tables.map((table) => `(select count(*) from sluice.${table})`).join(", ")}`)
  )[0];
}

/** An import of 3,000 rows that a full database stops, and the service that has it. */
async function stopped(service: Service): Promise<string> {
  await service.database.query(
    `create table people (name text, age integer);
     create function stop() returns trigger language plpgsql as $$ begin raise exception 'full' using errcode = '53100'; end $$;
     create trigger stop before insert on people for each row when (new.name = 'p2500') execute function stop()`,
  );
  const fields = { chunkRows: "500", workers: "1" };
  const { body } = await send(service, "/imports", people(3000), "people.csv", { fields });
  expect(await ended(service, body.id)).toMatchObject({ state: "failed", resumable: true });
  return body.id;
}

describe.skipIf(server === undefined)("DELETE /imports/:id/history", () => {
  test("deletes what is known of an import, with its rejects, and leaves its rows", async () => {
    await using service = await startService();
    const rows = [business(1), business(2).with(3, "no address")];
    const { body } = await send(service, "/imports", await service.workbook(rows), "businesses.xlsx");
    expect(await ended(service, body.id)).toMatchObject({ inserted: 1, rejected: 1 });
    const answer = await ask<string>(service, "DELETE", `/imports/${body.id}/history`);
    expect([answer.status, answer.body]).toEqual([204, ""]);
    expect(await inLedger(service.database)).toEqual(["0", "0", "0", "0"]);
    expect(await ask<Problem>(service, "GET", `/imports/${body.id}`)).toMatchObject({ status: 404 });
    expect((await ask<ImportList>(service, "GET", "/imports")).body.imports).toEqual([]);
    expect(await service.uploads()).not.toContain(`${body.id}.json`);
    expect(await service.database.query("select name from businesses")).toEqual([["Business 1"]]);
    expect(await ask<Problem>(service, "DELETE", `/imports/${body.id}/history`)).toMatchObject({
      status: 404,
      body: { code: "not_found" },
    });
  });

  test("deletes one that never came into the ledger", async () => {
    await using service = await startService();
    const { body } = await send(service, "/imports", csv("PK"), "bad.xlsx");
    await ended(service, body.id);
    expect(await ask(service, "DELETE", `/imports/${body.id}/history`)).toMatchObject({ status: 204 });
    expect((await ask<ImportList>(service, "GET", "/imports")).body.imports).toEqual([]);
  });

  test("is refused while the import waits or runs", async () => {
    await using service = await startService({ maxImports: 1 });
    await ended(service, (await send(service, "/imports", people(1), "people.csv")).body.id);
    await using lock = await hold(service.database, "lock table people");
    const ids = [people(5, 10), people(5, 20)].map(
      async (file) => (await send(service, "/imports", file, "people.csv")).body.id,
    );
    const both = await Promise.all(ids);
    await expect.poll(() => waitingForLock(service.database)).toBe(1);
    for (const id of both)
      expect(await ask<Problem>(service, "DELETE", `/imports/${id}/history?force=true`)).toMatchObject({
        status: 409,
        body: { code: "import_running" },
      });
    await lock.release();
    for (const id of both) expect(await ended(service, id)).toMatchObject({ state: "finished" });
  });

  test("of one that has not finished must be forced, and its file goes with it", async () => {
    await using service = await startService({ allow: ["people"] });
    const id = await stopped(service);
    const refused = await ask<Problem>(service, "DELETE", `/imports/${id}/history`);
    expect([refused.status, refused.body.code]).toEqual([409, "unfinished_import"]);
    expect(refused.body.detail).toMatch(/^The import \w+ has not finished: [\d,]+ of its rows are in the table/);
    expect(await ask(service, "GET", `/imports/${id}`)).toMatchObject({ body: { state: "failed", resumable: true } });
    expect(await ask(service, "DELETE", `/imports/${id}/history?force=true`)).toMatchObject({ status: 204 });
    expect(await inLedger(service.database)).toEqual(["0", "0", "0", "0"]);
    expect(await service.uploads()).not.toContainEqual(expect.stringMatching(/^[0-9a-f-]{36}$|\.json$/));
    expect(await ask<Problem>(service, "POST", `/imports/${id}/resume`)).toMatchObject({ status: 404 });
  });

  test("is for callers who may write to the table", async () => {
    await using service = await startService();
    const { body } = await send(service, "/imports", people(1), "people.csv");
    await ended(service, body.id);
    await using other = await startService({ target: service.target, allow: ["others"] });
    expect(await ask<Problem>(other, "DELETE", `/imports/${body.id}/history`)).toMatchObject({
      status: 403,
      body: { code: "table_not_allowed" },
    });
    expect(await ask<Problem>(service, "DELETE", `/imports/${body.id}/history?force=perhaps`)).toMatchObject({
      status: 400,
      body: { code: "bad_parameter" },
    });
  });
});

describe.skipIf(server === undefined)("/imports/:id/take-back", () => {
  test("shows the rows, takes them back, and lets the same file go in again", async () => {
    await using service = await startService();
    const { body } = await send(service, "/imports", people(50), "people.csv");
    await ended(service, body.id);
    await send(service, "/imports", people(5, 100), "more.csv", { fields: { table: "people" } });
    await expect.poll(() => service.database.query("select count(*) from people")).toEqual([["55"]]);
    expect(await ask<object>(service, "GET", `/imports/${body.id}/take-back`)).toMatchObject({
      status: 200,
      body: { id: body.id, table: "people", rows: 50, notes: [] },
    });
    const taken = await ask(service, "POST", `/imports/${body.id}/take-back`);
    expect(taken).toMatchObject({ status: 200, body: { state: "cancelled", total: 0, inserted: 0, takenBack: 50 } });
    expect(taken.body.notes[0]).toMatch(/^its 50 rows were taken back/);
    expect(await service.database.query("select count(*) from people")).toEqual([["5"]]);
    const list = (await ask<ImportList>(service, "GET", "/imports?q=people.csv")).body.imports;
    expect(list).toMatchObject([{ id: body.id, state: "cancelled", inserted: 0 }]);
    expect(await ask<Problem>(service, "POST", `/imports/${body.id}/take-back`)).toMatchObject({
      status: 409,
      body: { code: "not_taken_back" },
    });
    const again = await send(service, "/imports", people(50), "people.csv");
    expect(await ended(service, again.body.id)).toMatchObject({ state: "finished", inserted: 50 });
  });

  test("refuses what cannot be told, what has not ended, and what never put a row in", async () => {
    await using service = await startService({ allow: ["people", "bad"] });
    const id = await stopped(service);
    expect(await ask<Problem>(service, "GET", `/imports/${id}/take-back`)).toMatchObject({
      status: 409,
      body: { code: "not_finished" },
    });
    const bad = (await send(service, "/imports", csv("PK"), "bad.xlsx")).body.id;
    await ended(service, bad);
    expect(await ask<Problem>(service, "POST", `/imports/${bad}/take-back`)).toMatchObject({
      status: 409,
      body: { code: "not_taken_back" },
    });
    await using other = await startService({ target: service.target, allow: ["others"] });
    expect(await ask<Problem>(other, "POST", `/imports/${id}/take-back`)).toMatchObject({ status: 403 });
  });
});
