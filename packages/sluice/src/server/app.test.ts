// The contract of the HTTP service, byte for byte, over real connections and a real database.
import { describe, expect, test } from "vitest";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { openTarget } from "../database/open.ts";
import { hold, newFolder, server } from "../test/database.ts";
import { copyEmbedded } from "../test/embedded.ts";
import { writeWorkbook } from "../test/workbook.ts";
import { business, startService, waitingForLock, type Service } from "./test/service.ts";

const ROWS = [business(1), [null, ...business(2).slice(1)], business(3), ["Short", "row"], business(5)];

/** A workbook of fifty rows, other ones for each number. */
function fifty(service: Service, n: number): Promise<Blob> {
  return service.workbook(Array.from({ length: 50 }, (_, row) => business(50 * n + row)));
}

describe.skipIf(server === undefined)("the service", () => {
  test("POST /upload answers with these keys in this order", async () => {
    await using service = await startService();
    const { status, text, headers } = await service.send(await service.workbook(ROWS), "businesses.xlsx");
    expect(text).toMatch(
      /^\{"message":"Import completed successfully","method":"batch","stats":\{"total_records":5,"success_count":3,"error_count":2,"duration":"[\d.]+(?:ms|s)","records_per_second":\d+\},"table":"businesses","rejects":\[/,
    );
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(JSON.parse(text).rejects).toEqual([
      { sheet: "Sheet1", row: 3, column: "Name", code: "missing_value", reason: expect.any(String) },
      { sheet: "Sheet1", row: 5, code: "too_few_columns", reason: expect.any(String) },
    ]);
    expect(await service.database.query("select name, phone from businesses order by name")).toEqual([
      ["Business 1", "085232"],
      ["Business 3", "085232"],
      ["Business 5", "085232"],
    ]);
    expect(await service.uploads()).toEqual([]);
  });

  test.each(["sequential", "concurrent", "batch", "copy"])(
    "POST /upload?method=%s imports all the same",
    async (method) => {
      await using service = await startService();
      const { status, text } = await service.send(await service.workbook(ROWS), "b.XLSX", `?method=${method}`);
      expect([status, JSON.parse(text)]).toMatchObject([
        200,
        { method, stats: { total_records: 5, success_count: 3, error_count: 2 } },
      ]);
      expect(await service.database.query("select count(*) from businesses")).toEqual([["3"]]);
    },
  );

  test.each(["bogus", "", "Batch", "copy&method=copy"])("POST /upload?method=%s is refused", async (method) => {
    await using service = await startService();
    const { status, text } = await service.send(await service.workbook(ROWS), "b.xlsx", `?method=${method}`);
    expect([status, text]).toEqual([400, '{"error":"Invalid method. Use: sequential, concurrent, batch or copy"}']);
    expect(await service.uploads()).toEqual([]);
  });

  test("POST /upload?table= imports into an existing table by its own columns", async () => {
    await using service = await startService({ allow: ["shop.people"] });
    await service.database.query('create schema shop; create table shop.people ("Full name" text, age integer)');
    const file = await service.workbook(
      [
        ["Ada", 36],
        ["Bob", "old"],
      ],
      ["Full name", "Age"],
    );
    const { status, text } = await service.send(file, "people.xlsx", "?table=shop.people");
    expect([status, JSON.parse(text)]).toMatchObject([200, { table: "shop.people", stats: { success_count: 1 } }]);
    expect(JSON.parse(text).rejects).toMatchObject([{ row: 3, column: "Age", value: "old" }]);
    expect(await service.database.query("select * from shop.people")).toEqual([["Ada", "36"]]);
  });

  test.each(["directory_2026", 'x"; drop table businesses; --'])(
    "POST /upload?table=%s makes a table of the directory's shape, and its checks hold for the next upload too",
    async (table) => {
      await using service = await startService();
      const file = await service.workbook([business(1), business(2).with(3, "no address")]);
      for (const again of ["", "&again=true"]) {
        const { status, text } = await service.send(file, "b.xlsx", `?table=${encodeURIComponent(table)}${again}`);
        expect([status, JSON.parse(text)]).toMatchObject([200, { table, stats: { success_count: 1, error_count: 1 } }]);
      }
      expect(await service.database.query("select tablename from pg_tables where schemaname = 'public'")).toEqual([
        [table],
      ]);
    },
  );

  test.each([
    ["", 400, /^Invalid table/],
    ["a&table=b", 400, /^Invalid table/],
    ["a%00b", 400, /^Invalid table/],
    ["a".repeat(64), 400, /^Invalid table/],
    [`public.${"ä".repeat(32)}`, 400, /^Invalid table/],
    ["pg_catalog.pg_authid", 403, /belongs to the database itself/],
    ["information_schema.tables", 403, /belongs to the database itself/],
  ])("POST /upload?table=%s is refused and makes nothing", async (table, expected, message) => {
    await using service = await startService();
    const { status, text } = await service.send(await service.workbook(ROWS), "b.xlsx", `?table=${table}`);
    expect(status).toBe(expected);
    expect(JSON.parse(text).error).toMatch(message);
    expect(await service.database.query("select tablename from pg_tables where schemaname = 'public'")).toEqual([]);
  });

  test("a sheet that does not fit the table is refused in the uploader's terms", async () => {
    await using service = await startService();
    const { status, text } = await service.send(await service.workbook([["a"]], ["Nonsense"]), "my file.xlsx");
    expect(status).toBe(422);
    const { error } = JSON.parse(text);
    expect(error).toContain("my file.xlsx");
    expect(error).toContain("Nonsense");
    expect(error).not.toMatch(/--\w|\/tmp|[0-9a-f]{8}-[0-9a-f]{4}|postgres:/);
  });

  test("uploads at the same time all go in, also where each finds no table yet", async () => {
    await using service = await startService();
    const answers = await Promise.all(
      Array.from({ length: 8 }, async (_, n) => service.send(await fifty(service, n), `${n}.xlsx`)),
    );
    expect(answers.map(({ status, text }) => [status, JSON.parse(text).stats.success_count])).toEqual(
      Array.from({ length: 8 }, () => [200, 50]),
    );
    expect(await service.database.query("select count(*) from businesses")).toEqual([["400"]]);
    expect(await service.uploads()).toEqual([]);
  });

  test("the embedded database takes uploads that come at the same time one after the other", async () => {
    await using folder = newFolder();
    copyEmbedded(folder.path);
    await using target = await openTarget({ folder: folder.path });
    await using service = await startService({ target });
    const methods = ["sequential", "concurrent", "batch", "copy"];
    const answers = await Promise.all(
      methods.map(async (method, n) => service.send(await fifty(service, n), "b.xlsx", `?method=${method}`)),
    );
    expect(answers.map(({ status, text }) => [status, JSON.parse(text).stats.success_count])).toEqual(
      methods.map(() => [200, 50]),
    );
    expect((await target.query("select count(*) from businesses")).rows).toEqual([["200"]]);
    expect((await service.get("/health")).text).toBe('{"status":"healthy"}');
  });

  test("the same file again is answered with the result of then, whatever it is called; ?again=true imports it", async () => {
    await using service = await startService();
    const file = await service.workbook(ROWS);
    const first = JSON.parse((await service.send(file, "b.xlsx")).text);
    const [[id]] = (await service.database.query("select id from sluice.imports")) as [[string]];
    for (const query of ["", "?method=copy", "?again=false"]) {
      const { status, text } = await service.send(file, "b (1).xlsx", query);
      const answer = JSON.parse(text);
      expect([status, Object.keys(answer)]).toEqual([200, Object.keys(first)]);
      expect(answer).toMatchObject({
        message: "Import completed successfully",
        method: "batch",
        stats: { total_records: 5, success_count: 3, error_count: 2 },
        table: "businesses",
        rejects: first.rejects,
      });
      expect(answer.notes).toEqual([
        expect.stringMatching(
          `^this file was imported already, on .* UTC, as import ${id}: nothing was put in again; \\?again=true imports it once more$`,
        ),
      ]);
    }
    expect(service.lines.at(-1)).toMatch(/nothing was put in again/);
    const again = await service.send(file, "b.xlsx", "?again=true");
    expect([again.status, JSON.parse(again.text).stats.success_count]).toEqual([200, 3]);
    expect(await service.database.query("select count(*) from businesses")).toEqual([["6"]]);
    const odd = await service.send(file, "b.xlsx", "?again=maybe");
    expect([odd.status, odd.text]).toEqual([400, '{"error":"Invalid again. Use: true or false"}']);
  });

  test("the same file several times at the same time goes in once, and each is told the result", async () => {
    await using service = await startService();
    const file = await fifty(service, 0);
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => service.send(file, `${n}.xlsx`)));
    expect(answers.map(({ status, text }) => [status, JSON.parse(text).stats.success_count])).toEqual(
      Array.from({ length: 8 }, () => [200, 50]),
    );
    expect(await service.database.query("select count(*), count(distinct name) from businesses")).toEqual([
      ["50", "50"],
    ]);
  });

  test("a file that another process is importing is refused with 409 until that has ended", async () => {
    await using service = await startService();
    const file = await fifty(service, 0);
    await service.send(file, "b.xlsx");
    // As the database sees it: unfinished, with a lease that lasts and a connection of that name.
    const [[id]] = (await service.database.query("select id from sluice.imports")) as [[string]];
    await service.database.query(
      `update sluice.imports set state = 'running';
       update sluice.leases set owner = 'process 1 on elsewhere (abcd)', expires_at = clock_timestamp() + interval '1 hour';
       set application_name = 'sluice ${id} 1'`,
    );
    const { status, text } = await service.send(file, "b.xlsx");
    expect([status, JSON.parse(text).error]).toEqual([
      409,
      expect.stringMatching(/being imported right now.*Send it again/),
    ]);
    expect(text).not.toContain("elsewhere");
  });

  test("no more imports run than allowed; the others wait, their files on the disk", async () => {
    await using service = await startService({ maxImports: 1 });
    await service.send(await service.workbook([business(0)]), "first.xlsx");
    await using lock = await hold(service.database, "lock table businesses");
    const answers = [1, 2, 3].map(async (n) =>
      service.send(await service.workbook([business(n)]), `${n}.xlsx`, "?method=sequential"),
    );
    await expect.poll(() => service.uploads()).toHaveLength(3);
    await expect.poll(() => waitingForLock(service.database)).toBe(1);
    await lock.release();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await service.database.query("select count(*) from businesses")).toEqual([["4"]]);
  });

  test("a client that hangs up does not stop its import", async () => {
    await using service = await startService();
    await service.send(await service.workbook([business(1)]), "first.xlsx");
    const file = await service.workbook([business(2)]);
    await using lock = await hold(service.database, "lock table businesses");
    const client = new AbortController();
    const answer = service.send(file, "second.xlsx", "", { signal: client.signal }).catch((error: unknown) => error);
    await expect.poll(() => waitingForLock(service.database)).toBe(1);
    client.abort();
    expect(await answer).toMatchObject({ name: "AbortError" });
    await lock.release();
    await expect.poll(() => service.database.query("select count(*) from businesses")).toEqual([["2"]]);
    await expect.poll(() => service.uploads()).toEqual([]);
  });

  test("close() waits for an import whose client has gone", async () => {
    await using service = await startService();
    await service.send(await service.workbook([business(1)]), "first.xlsx");
    const file = await service.workbook([business(2)]);
    await using lock = await hold(service.database, "lock table businesses");
    const client = new AbortController();
    const answer = service.send(file, "second.xlsx", "", { signal: client.signal }).catch(() => undefined);
    await expect.poll(() => waitingForLock(service.database)).toBe(1);
    client.abort();
    await answer;
    const closed = service.app.close();
    await lock.release();
    await closed;
    expect(await service.database.query("select count(*) from businesses")).toEqual([["2"]]);
  });

  test("no text of a caller's begins a line of its own in the log, or steers a terminal", async () => {
    await using service = await startService();
    const hostile = "x\n\u001B[2J\u009B31m\u2028\u202Efake";
    const file = await service.workbook([business(1)]);
    const broken = await writeWorkbook(`${service.folder}/broken.xlsx`, {
      "tab\u202E\u2028": [["Nonsense\u009B"], ["x"]],
    });
    const table = `?table=${encodeURIComponent(hostile)}`;
    await service.send(file, `${hostile}.xlsx`, table);
    await service.send(new Blob([await readFile(broken)]), `${hostile}.xlsx`);
    await service.send(file, "b.xlsx", `?table=${encodeURIComponent(`pg_class.${hostile}`)}`);
    await service.send(new Blob(["PK"]), `${hostile}.xlsx`);
    expect(service.lines.length).toBeGreaterThan(2);
    expect(service.lines.filter((line) => /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u.test(line))).toEqual([]);
    expect(service.lines[0]).toContain(String.raw`x\u000a\u001b[2J\u009b31m\u2028\u202efake`);
  });

  test("an unfinished import of a name blocks nobody: another file of that name goes in with ?resume=never", async () => {
    await using service = await startService();
    await service.send(await service.workbook([business(1), business(2)]), "b.xlsx");
    await service.database.query("update sluice.imports set state = 'failed'");
    const changed = await service.workbook([business(1), business(3)]);
    const refused = await service.send(changed, "b.xlsx");
    expect([refused.status, JSON.parse(refused.text)]).toEqual([
      422,
      {
        error: expect.stringMatching(
          /^2 rows were put into the table "businesses" by the import \w+ of b\.xlsx, .* is not finished\. To import all rows of this file all the same, send it with \?resume=never: /,
        ),
        code: "unfinished_import",
      },
    ]);
    expect(refused.text).not.toMatch(/sluice imports|--/);
    const { status, text } = await service.send(changed, "b.xlsx", "?resume=never");
    expect([status, JSON.parse(text).stats.success_count]).toEqual([200, 2]);
    expect(await service.database.query("select count(*) from businesses")).toEqual([["4"]]);
    expect((await service.send(changed, "b.xlsx", "?resume=x")).text).toBe(
      '{"error":"Invalid resume. Use: auto or never"}',
    );
  });

  test("a token is asked of uploads before their file is read, and not of the page", async () => {
    await using service = await startService({ token: "s3cret" });
    const file = await service.workbook(ROWS);
    const refused = await service.send(file, "b.xlsx");
    expect([refused.status, refused.text]).toEqual([401, '{"error":"A token is needed: Authorization: Bearer …"}']);
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    expect((await service.send(file, "b.xlsx", "", { headers: { authorization: "Bearer s3cret" } })).status).toBe(200);
    expect((await service.get("/")).status).toBe(200);
    expect((await service.get("/health")).status).toBe(200);
    expect(service.lines.join("\n")).not.toContain("s3cret");
  });

  const routes = ["/", "/app.js", "/upload", "/health", "/nowhere", "/%zz"];
  const changing = ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"];
  /** The status line of an answer to a request whose body never comes. */
  const ask = async (port: number, method: string, path: string, headers: readonly string[]): Promise<string> => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    const lines = [`${method} ${path} HTTP/1.1`, ...headers, "Content-Length: 1000000"];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    const [answer] = (await socket.take(1).toArray()) as [Buffer];
    socket.destroy();
    return answer.toString().slice("HTTP/1.1 ".length, "HTTP/1.1 ".length + 3);
  };

  test("every route and method asks for the host, where the caller comes from and the token, before a body", async () => {
    await using service = await startService({ token: "s3cret" });
    const { port } = service;
    const here = `Host: 127.0.0.1:${port}`;
    const token = "Authorization: Bearer s3cret";
    for (const path of routes) {
      for (const method of ["GET", "OPTIONS", ...changing])
        expect([method, path, await ask(port, method, path, ["Host: evil.example", token])]).toEqual([
          method,
          path,
          "403",
        ]);
      for (const method of changing) {
        for (const foreign of [
          "Origin: https://evil.example",
          "Sec-Fetch-Site: cross-site",
          "Sec-Fetch-Site: same-site",
        ])
          expect([method, path, await ask(port, method, path, [here, token, foreign])]).toEqual([method, path, "403"]);
        for (const none of [[], ["Authorization: Bearer wrong"], ["Authorization: Basic s3cret"]])
          expect([method, path, await ask(port, method, path, [here, ...none])]).toEqual([method, path, "401"]);
      }
    }
    expect(await service.uploads()).toEqual([]);
  });

  test("the HTTP server itself gives up requests that never come to their end", async () => {
    await using service = await startService({ uploadSeconds: 100 });
    expect(service.app.server.headersTimeout).toBe(60_000);
    expect(service.app.server.requestTimeout).toBe(160_000);
  });

  test("forms of other sites are refused", async () => {
    await using service = await startService();
    const file = await service.workbook(ROWS);
    const { status, text } = await service.send(file, "b.xlsx", "", { headers: { origin: "https://evil.example" } });
    expect([status, text]).toEqual([403, '{"error":"Uploads from pages of other sites are not allowed."}']);
  });

  test.each([
    ["GET", "/nowhere", 404, '{"error":"Not found"}', null],
    ["POST", "/nowhere", 404, '{"error":"Not found"}', null],
    ["GET", "/../../etc/passwd", 404, '{"error":"Not found"}', null],
    ["GET", "/index.html", 404, '{"error":"Not found"}', null],
    ["GET", "/%zz", 400, `{"error":"'/%zz' is not a valid url component"}`, null],
    ["GET", "/upload", 405, '{"error":"Method not allowed. Use: POST"}', "POST"],
    ["PUT", "/upload?method=copy", 405, '{"error":"Method not allowed. Use: POST"}', "POST"],
    ["DELETE", "/upload", 405, '{"error":"Method not allowed. Use: POST"}', "POST"],
    ["OPTIONS", "/upload", 405, '{"error":"Method not allowed. Use: POST"}', "POST"],
    ["POST", "/health", 405, '{"error":"Method not allowed. Use: GET, HEAD"}', "GET, HEAD"],
    ["POST", "/", 405, '{"error":"Method not allowed. Use: GET, HEAD"}', "GET, HEAD"],
  ])("%s %s is %i", async (method, path, status, text, allow) => {
    await using service = await startService();
    const answer = await service.get(path, { method });
    expect(answer.status).toBe(status);
    expect(answer.text).toBe(text);
    expect(answer.headers.get("allow")).toBe(allow);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("the page comes with its script and style, strict rules and validators", async () => {
    await using service = await startService();
    const page = await service.get("/");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    expect(page.headers.get("content-security-policy")).toContain(
      "default-src 'none'; script-src 'self'; style-src 'self'",
    );
    expect(page.text).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
    for (const [path, type] of [
      ["/app.js", "text/javascript"],
      ["/app.css", "text/css"],
      ["/icon.svg", "image/svg+xml"],
    ]) {
      const asset = await service.get(path!);
      expect([asset.status, asset.headers.get("content-type")]).toEqual([200, expect.stringContaining(type!)]);
      const etag = asset.headers.get("etag")!;
      expect((await service.get(path!, { headers: { "if-none-match": etag } })).status).toBe(304);
    }
  });
});
