// Rejected rows over HTTP: listed, downloaded, and repaired until none is left. Each goes in once.
import { describe, expect, test } from "vitest";
import { readRejects } from "../test/reject-files.ts";
import { hold, server } from "../../test/database.ts";
import { ask, csv, ended, people, send } from "../test/client.ts";
import { business, HEADER, startService, type Service } from "../test/service.ts";
import type { Problem } from "./problem.ts";
import type { RejectList, Repaired } from "./reject-schema.ts";

/** A directory with two bad rows, 3 and 5, imported. */
async function directory(service: Service): Promise<string> {
  const rows = [
    business(1),
    [null, ...business(2).slice(1)],
    business(3),
    business(4).with(3, "no address"),
    business(5),
  ];
  const { body } = await send(service, "/imports", await service.workbook(rows), "businesses.xlsx");
  expect(await ended(service, body.id)).toMatchObject({ state: "finished", inserted: 3, rejected: 2 });
  return body.id;
}

function patch<Body = Repaired>(service: Service, id: string, rows: readonly unknown[]): ReturnType<typeof ask<Body>> {
  return ask<Body>(service, "PATCH", `/imports/${id}/rejects`, {
    body: JSON.stringify({ rows }),
    headers: { "content-type": "application/json" },
  });
}

describe.skipIf(server === undefined)("the rejects of an import", () => {
  test("are listed with their cells and the sheet's header, page by page", async () => {
    await using service = await startService();
    const id = await directory(service);
    const { body } = await ask<RejectList>(service, "GET", `/imports/${id}/rejects`);
    expect(body).toEqual({
      headers: HEADER,
      total: 2,
      rejects: [
        {
          row: 3,
          column: "Name",
          value: null,
          code: "missing_value",
          reason: expect.any(String),
          cells: [null, ...business(2).slice(1)],
        },
        {
          row: 5,
          column: "Email",
          value: "no address",
          code: "invalid_email",
          reason: expect.any(String),
          cells: business(4).with(3, "no address"),
        },
      ],
    });
    const page = await ask<RejectList>(service, "GET", `/imports/${id}/rejects?offset=1&limit=1`);
    expect(page.body).toMatchObject({ total: 2, rejects: [{ row: 5 }] });
    expect((await ask<RejectList>(service, "GET", `/imports/${id}/rejects?offset=2`)).body.rejects).toEqual([]);
  });

  test("come as CSV and XLSX that are safe against formulas and can be imported again", async () => {
    await using service = await startService();
    const { body } = await send(
      service,
      "/imports",
      csv("name,age\nAda,36\n=cmd|' /C calc'!A0,old\nBob,x\nZoë,25 %\n"),
      "people.csv",
      {
        fields: { type: "age=integer" },
      },
    );
    expect(await ended(service, body.id)).toMatchObject({ rejected: 3 });
    const text = await ask<string>(service, "GET", `/imports/${body.id}/rejects.csv`);
    expect(text.headers.get("content-disposition")).toBe(`attachment; filename="rejects-${body.id}.csv"`);
    expect(text.body).toMatch(/^\uFEFF?file,sheet,row,column,value,code,reason,name,age\r?\n/);
    expect(text.body).toContain(`,"'=cmd|' /C calc'!A0",old`);
    // The guard is for cells: our own words need none.
    expect(text.body).toContain(`,"not a whole number; the option --null ""x"" reads it as a missing value",Bob,x`);
    expect(text.body).toContain(`,"not a number as it stands; the option --type ""age=integer(1234.56 %)"" reads it"`);
    const response = await fetch(`${service.url}/imports/${body.id}/rejects.xlsx`);
    expect(response.status).toBe(200);
    expect(await readRejects(await response.arrayBuffer())).toEqual([
      ["file", "sheet", "row", "column", "value", "code", "reason", "name", "age"],
      ["people.csv", "people", 3, "age", "old", "invalid_number", expect.any(String), "=cmd|' /C calc'!A0", "old"],
      expect.arrayContaining(["x", "Bob"]),
      expect.arrayContaining(["25 %", "Zoë"]),
    ]);
    await expect.poll(() => service.uploads()).not.toContainEqual(expect.stringMatching(/\.(csv|xlsx)$/));
  });

  test("are repaired until none is left, and the counts of the import stay exact", async () => {
    await using service = await startService();
    const id = await directory(service);
    const first = await patch(service, id, [
      { row: 3, cells: { Name: "Repaired" } },
      { row: 5, cells: business(4).with(3, "still no address") },
    ]);
    expect(first.body).toMatchObject({ inserted: 1, updated: 0, skipped: 0, rejected: 1, settled: [] });
    expect(first.body.rejects).toMatchObject([{ row: 5, value: "still no address", code: "invalid_email" }]);
    expect(first.body.import).toMatchObject({
      id,
      total: 5,
      inserted: 4,
      rejected: 1,
      reasons: { invalid_email: 1 },
      repairable: true,
    });
    const second = await patch(service, id, [{ row: 5, cells: { Email: "four@example.com" } }]);
    expect(second.body).toMatchObject({
      inserted: 1,
      rejected: 0,
      import: { total: 5, inserted: 5, rejected: 0, reasons: {}, repairable: false },
    });
    expect(await service.database.query("select name, email from businesses order by name")).toEqual([
      ["Business 1", "b1@example.com"],
      ["Business 3", "b3@example.com"],
      ["Business 4", "four@example.com"],
      ["Business 5", "b5@example.com"],
      ["Repaired", "b2@example.com"],
    ]);
    // The ledger's chunks come to the same.
    expect(
      await service.database.query(
        `select sum(inserted), sum(rejected), sum(inserted + updated + skipped + rejected) from sluice.chunks where import = '${id}'`,
      ),
    ).toEqual([["5", "0", "5"]]);
  });

  test("keep the types of the cells that are sent back as they were", async () => {
    await using service = await startService();
    const cells = [new Date("2020-01-31T00:00:00Z"), true, { number: 1.5, format: "[h]:mm:ss" }, "two"];
    const file = await service.workbook([cells, ["text", "text", null, 1]], ["day", "flag", "took", "n"]);
    const fields = { table: "kinds", type: ["day=text", "flag=text", "took=interval", "n=integer"] };
    const { body } = await send(service, "/imports", file, "kinds.xlsx", { fields });
    expect(await ended(service, body.id)).toMatchObject({ state: "finished", inserted: 1, rejected: 1 });
    const listed = (await ask<RejectList>(service, "GET", `/imports/${body.id}/rejects`)).body.rejects[0]!;
    expect(listed.cells).toEqual([["d", "2020-01-31T00:00:00.000"], ["b", "true"], ["t", "36:00:00"], "two"]);
    const texts = ["2020-01-31T00:00:00.000", "true", "36:00:00", "2"];
    expect((await patch(service, body.id, [{ row: 2, cells: texts }])).body).toMatchObject({
      inserted: 1,
      rejected: 0,
    });
    // A date cell of a column of texts goes in as a spreadsheet shows it.
    expect(await service.database.query("select day, flag, took from kinds where n = 2")).toEqual([
      ["2020-01-31", "true", "36:00:00"],
    ]);
  });

  test("go in once, however often and by however many their repair comes", async () => {
    await using service = await startService();
    const id = await directory(service);
    const rows = [{ row: 3, cells: { Name: "Repaired" } }];
    const answers = await Promise.all(Array.from({ length: 8 }, () => patch(service, id, rows)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(answers.reduce((sum, { body }) => sum + body.inserted, 0)).toBe(1);
    expect(answers.filter(({ body }) => body.settled.length === 1)).toHaveLength(7);
    expect((await patch(service, id, rows)).body).toMatchObject({
      inserted: 0,
      settled: [3],
      import: { inserted: 4, rejected: 1 },
    });
    expect(await service.database.query("select count(*) from businesses where name = 'Repaired'")).toEqual([["1"]]);
  });

  test("are not repaired by a body whose names would reach every object, and the answer says so", async () => {
    await using service = await startService();
    const id = await directory(service);
    const headers = { "content-type": "application/json" };
    for (const [body, why] of [
      [`{"rows": [{"row": 3, "cells": {"__proto__": "x"}}]}`, /^The body has the name "__proto__".*as a list/],
      [`{"rows": [{"row": 3, "cells": {"constructor": {"prototype": 1}}}]}`, /^The body has the name "__proto__", or/],
      [`{"rows": `, /^The body is not JSON/],
    ] as const)
      expect(await ask<Problem>(service, "PATCH", `/imports/${id}/rejects`, { body, headers })).toMatchObject({
        status: 400,
        body: { code: "bad_body", detail: expect.stringMatching(why) as string },
      });
  });

  test("that the database refuses stay, with what it says of them today", async () => {
    await using service = await startService({ allow: ["people"] });
    await service.database.query("create table people (name text primary key, age integer check (age > 0))");
    const { body } = await send(service, "/imports", csv("name,age\nAda,36\nBob,x\nCid,y\n"), "people.csv");
    await ended(service, body.id);
    const answer = await patch(service, body.id, [
      { row: 3, cells: ["Ada", "5"] },
      { row: 4, cells: { age: 7 } },
    ]);
    expect(answer.body).toMatchObject({
      inserted: 1,
      rejected: 1,
      rejects: [{ row: 3, code: "unique_violation", cells: ["Ada", "5"] }],
    });
    expect((await patch(service, body.id, [{ row: 3, cells: { name: "Bob", age: "-5" } }])).body.rejects).toMatchObject(
      [{ code: "check_violation" }],
    );
    expect((await patch(service, body.id, [{ row: 3, cells: { age: "5" } }])).body).toMatchObject({ inserted: 1 });
    expect(await service.database.query("select name, age from people order by name")).toEqual([
      ["Ada", "36"],
      ["Bob", "5"],
      ["Cid", "7"],
    ]);
  });

  test("keep the types of cells that were not touched", async () => {
    await using service = await startService();
    const file = await service.workbook(
      [
        [new Date(Date.UTC(2020, 0, 31)), 1.5, "bad"],
        [new Date(Date.UTC(2021, 0, 31)), 2.5, "7"],
      ],
      ["day", "pay", "n"],
    );
    const { body } = await send(service, "/imports", file, "days.xlsx", { fields: { type: "n=integer" } });
    await ended(service, body.id);
    const { body: rejects } = await ask<RejectList>(service, "GET", `/imports/${body.id}/rejects`);
    const texts = rejects.rejects[0]!.cells.map((cell) =>
      Array.isArray(cell) ? (cell[1] as string) : (cell as string | null),
    );
    expect((await patch(service, body.id, [{ row: 2, cells: texts.with(2, "6") }])).body).toMatchObject({
      inserted: 1,
    });
    expect(await service.database.query("select day, pay, n from days order by day")).toEqual([
      ["2020-01-31", "1.5", "6"],
      ["2021-01-31", "2.5", "7"],
    ]);
  });

  test.each([
    [[], "bad_body"],
    [[{ row: 0, cells: [] }], "bad_body"],
    [[{ row: 3, cells: [{}] }], "bad_body"],
    [[{ row: 3, cells: { Nom: "x" } }], "bad_body"],
    [
      [
        { row: 3, cells: [] },
        { row: 3, cells: [] },
      ],
      "bad_body",
    ],
    [[{ row: 3, cells: [], table: "other" }], "bad_body"],
    // In no count afterwards.
    [[{ row: 3, cells: [null, "", " "] }], "bad_body"],
    // More than the ledger has for a row.
    [[{ row: 2 ** 31, cells: ["x"] }], "bad_body"],
  ])("refuse the repair %j", async (rows, code) => {
    await using service = await startService();
    const id = await directory(service);
    const answer = await patch<Problem>(service, id, rows);
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    expect(await service.database.query("select count(*) from businesses")).toEqual([["3"]]);
  });

  test("of an import into a table that callers may not write to are nobody's to see or repair", async () => {
    await using service = await startService({ allow: ["people"] });
    const { body } = await send(service, "/imports", csv("name,age\nAda,36\nBob,old\n"), "people.csv", {
      fields: { type: "age=integer" },
    });
    await ended(service, body.id);
    await using strict = await startService({ target: service.target, allow: ["others"] });
    for (const [method, path] of [
      ["GET", "rejects"],
      ["GET", "rejects.csv"],
      ["GET", "rows"],
    ] as const)
      expect(await ask<Problem>(strict, method, `/imports/${body.id}/${path}`)).toMatchObject({
        status: 403,
        body: { code: "table_not_allowed" },
      });
    expect((await patch<Problem>(strict, body.id, [{ row: 3, cells: { age: 1 } }])).status).toBe(403);
    expect(await service.database.query("select count(*) from people")).toEqual([["1"]]);
  });

  test("of a running import cannot be repaired yet, and its table's rows are shown", async () => {
    await using service = await startService();
    await ended(service, (await send(service, "/imports", people(3), "people.csv")).body.id);
    await using lock = await hold(service.database, "lock table people in exclusive mode");
    const { body } = await send(service, "/imports", people(3, 10), "people.csv");
    await expect
      .poll(
        async () => (await service.database.query("select count(*) from sluice.imports where state = 'running'"))[0],
      )
      .toEqual(["1"]);
    expect(await patch<Problem>(service, body.id, [{ row: 2, cells: ["x", "1"] }])).toMatchObject({
      status: 409,
      body: { code: "not_finished" },
    });
    await lock.release();
    await ended(service, body.id);
    const rows = await ask<{ columns: string[]; rows: string[][] }>(service, "GET", `/imports/${body.id}/rows?limit=2`);
    expect(rows.body).toEqual({
      columns: ["name", "age"],
      rows: [
        ["p0", "0"],
        ["p1", "1"],
      ],
    });
  });

  test("with long cells come in shorter pages, and all of them come", async () => {
    await using service = await startService({ limits: { cellBytes: 4_000_000 } });
    const rows = Array.from({ length: 4 }, (_, n) => `${"x".repeat(3_000_000)}${n},old\n`);
    const { body } = await send(service, "/imports", csv(`note,age\n${rows.join("")}ok,1\n`), "notes.csv", {
      fields: { type: "age=integer" },
    });
    expect(await ended(service, body.id)).toMatchObject({ rejected: 4 });
    const seen: number[] = [];
    for (let pages = 0; seen.length < 4 && pages < 4; pages++) {
      const page = await ask<RejectList>(service, "GET", `/imports/${body.id}/rejects?limit=500&offset=${seen.length}`);
      expect(page.body.total).toBe(4);
      seen.push(...page.body.rejects.map(({ row }) => row));
    }
    expect(seen).toEqual([2, 3, 4, 5]);
    expect((await ask<Problem>(service, "GET", `/imports/${body.id}/rejects?limit=501`)).status).toBe(400);
  });

  test("take repairs as large as they may be, and none that is larger", async () => {
    await using service = await startService();
    const rows = Array.from({ length: 1001 }, (_, n) => `p${n},old\n`).join("");
    const { body } = await send(service, "/imports", csv(`name,age\nok,1\n${rows}`), "people.csv", {
      fields: { type: "age=integer" },
    });
    expect(await ended(service, body.id)).toMatchObject({ rejected: 1001 });
    const all = Array.from({ length: 1001 }, (_, n) => ({ row: n + 3, cells: { age: n } }));
    expect((await patch<Problem>(service, body.id, all)).body).toMatchObject({ status: 400, code: "bad_body" });
    const huge = await patch<Problem>(service, body.id, [{ row: 3, cells: ["x".repeat(16 * 1024 ** 2), 1] }]);
    expect(huge.body).toMatchObject({ status: 413, code: "file_too_large" });
    expect((await patch(service, body.id, all.slice(0, 1000))).body).toMatchObject({ inserted: 1000, rejected: 0 });
    expect((await patch(service, body.id, all.slice(1))).body).toMatchObject({
      inserted: 1,
      import: { inserted: 1002, rejected: 0 },
    });
  });
});
