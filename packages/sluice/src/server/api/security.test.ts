// Who may call the API, and what it tells to whom: metrics, profiles and the rest.
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { server } from "../../test/database.ts";
import { ask, csv, ended, people, send } from "../test/client.ts";
import { startService } from "../test/service.ts";
import type { Preview } from "./preview-schema.ts";
import type { Problem } from "./problem.ts";
import type { RejectList } from "./reject-schema.ts";

const READS = [
  "/about",
  "/imports",
  "/imports/x",
  "/imports/x/events",
  "/imports/x/rejects",
  "/imports/x/rejects.csv",
  "/imports/x/rows",
  "/metrics",
];

describe.skipIf(server === undefined)("the API", () => {
  test.each(READS)("GET %s is for those who have the token, and for no page of another site", async (path) => {
    await using service = await startService({ token: "s3cret" });
    const bearer = { authorization: "Bearer s3cret" };
    expect(await ask<Problem>(service, "GET", path)).toMatchObject({ status: 401, body: { code: "unauthorized" } });
    expect(await ask<Problem>(service, "GET", path, { headers: { authorization: "Bearer other" } })).toMatchObject({
      status: 401,
    });
    for (const from of [
      { origin: "https://evil.example" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
    ])
      expect(await ask<Problem>(service, "GET", path, { headers: { ...bearer, ...from } })).toMatchObject({
        status: 403,
        body: { code: "forbidden" },
      });
    expect([200, 404]).toContain((await ask(service, "GET", path, { headers: bearer })).status);
  });

  test.each(["/%69mports", "/%61bout", "/metric%73", "/import%73/x/events?x=1"])(
    "GET %s is another way to write an address, and no way past the token",
    async (path) => {
      await using service = await startService({ token: "s3cret" });
      const response = await fetch(service.url + path);
      expect([response.status, await response.json()]).toEqual([
        401,
        expect.objectContaining({ code: "unauthorized" }),
      ]);
    },
  );

  test.each([
    ["GET http://localhost/imports", ["Host: localhost"], "address"],
    ["GET http://evil.example/imports", ["Host: localhost"], "address"],
    ["OPTIONS *", ["Host: localhost"], "address"],
    ["GET /imports", ["Host: localhost", "Host: evil.example"], "host"],
    ["GET /imports", ["Host: localhost", "Host: localhost"], "host"],
    ["GET /imports", ["Host: localhost", "Authorization: Bearer s3cret", "authorization: Bearer x"], "authorization"],
    ["GET /imports", ["Host: localhost", "X-User: ada", "x-user: bob"], "x-user"],
    ["POST /imports", ["Host: localhost", "Origin: http://localhost", "Origin: http://evil.example"], "origin"],
    ["POST /imports", ["Host: localhost", "Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"], "sec-fetch-site"],
    ["POST /imports", ["Host: localhost", "Idempotency-Key: a", "Idempotency-Key: b"], "idempotency-key"],
    ["POST /imports", ["Host: localhost", "Content-Type: a/b", "Content-Type: c/d"], "content-type"],
    ["GET /imports/x/events", ["Host: localhost", "Last-Event-ID: 1", "Last-Event-ID: 2"], "last-event-id"],
    ["POST /imports", ["Host: localhost", "Content-Length: 1", "Content-Length: 2"], undefined],
    ["POST /imports", ["Host: localhost", "Content-Length: 1", "Content-Length: 1"], undefined],
    ["POST /imports", ["Host: localhost", "Content-Length: 1", "Transfer-Encoding: chunked"], undefined],
  ])("%s with %j is refused: a proxy may read it in another way", async (line, headers, named) => {
    await using service = await startService({ token: "s3cret", userHeader: "X-User" });
    const socket = connect(service.port, "127.0.0.1");
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
    socket.write([`${line} HTTP/1.1`, ...headers, "Connection: close", "", ""].join("\r\n"));
    await once(socket, "close");
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    if (named !== undefined) expect(answer).toContain(named);
  });

  test.each([
    ["POST", "/imports"],
    ["POST", "/preview"],
    ["DELETE", "/imports/x"],
    ["POST", "/imports/x/resume"],
    ["PATCH", "/imports/x/rejects"],
  ])("%s %s cannot be done by a page of another site, nor by another name of this machine", async (method, path) => {
    await using service = await startService();
    for (const from of [{ origin: "https://evil.example" }, { "sec-fetch-site": "cross-site" }, { origin: "null" }])
      expect(await ask<Problem>(service, method, path, { headers: from })).toMatchObject({
        status: 403,
        body: { code: "forbidden" },
      });
    const rebound = await service.app.inject({
      method: method as "POST",
      url: path,
      headers: { host: "evil.example" },
    });
    expect([rebound.statusCode, rebound.json<Problem>().code]).toEqual([403, "forbidden"]);
  });

  test("is for users whom the operator's proxy names, if it is told of such a header, and counts for each of them", async () => {
    await using service = await startService({ userHeader: "X-Forwarded-User", maxClientRate: 1 });
    expect(await ask<Problem>(service, "GET", "/imports")).toMatchObject({
      status: 401,
      body: { code: "unauthorized" },
    });
    for (const user of ["ada", "bob"]) {
      const headers = { "x-forwarded-user": user };
      const { body, status } = await send(service, "/imports", people(1), `${user}.csv`, { headers });
      expect(status).toBe(202);
      expect((await send(service, "/imports", people(1), `${user}.csv`, { headers })).status).toBe(429);
      await ended(service, body.id, { headers });
    }
    await using open = await startService();
    // Without the option the header means nothing.
    expect((await ask(open, "GET", "/imports", { headers: { "x-forwarded-user": "" } })).status).toBe(200);
  });

  test("keeps no user from the imports and previews of another one", async () => {
    await using service = await startService({ userHeader: "X-Forwarded-User" });
    const ada = { headers: { "x-forwarded-user": "ada" } };
    const bob = { headers: { "x-forwarded-user": "bob" } };
    const fields = { type: "age=integer" };
    const file = csv("name,age\nAda,1\nBob,old\n");
    const { body } = await send(service, "/imports", file, "people.csv", { ...ada, fields });
    await ended(service, body.id, ada);
    const rejects = await ask<RejectList>(service, "GET", `/imports/${body.id}/rejects`, bob);
    expect(rejects.body.rejects).toMatchObject([{ cells: ["Bob", "old"] }]);
    const preview = await send<Preview>(service, "/preview", people(3), "others.csv", ada);
    const taken = await send(service, "/imports", undefined, "", { ...bob, fields: { upload: preview.body.upload } });
    expect(await ended(service, taken.body.id, bob)).toMatchObject({ file: "others.csv", inserted: 3 });
  });

  test("GET /metrics tells what imports have done, and what the process is", async () => {
    await using service = await startService();
    const { body } = await send(service, "/imports", people(7), "people.csv");
    await ended(service, body.id);
    const { body: text } = await ask<string>(service, "GET", "/metrics");
    expect(text).toMatch(/^sluice_rows_total\{result="inserted"\} 7$/m);
    expect(text).toMatch(/^sluice_rows_total\{result="rejected"\} 0$/m);
    expect(text).toMatch(/^sluice_imports_total\{state="finished"\} 1$/m);
    expect(text).toMatch(/^sluice_import_duration_seconds_count 1$/m);
    expect(text).toMatch(/^sluice_channel_depth\{channel="chunks"\} 0$/m);
    expect(text).toMatch(/^sluice_workers\{state="busy"\} 0$/m);
    expect(text).toMatch(/^go_goroutines \d+$/m);
    expect(text).toMatch(/^process_resident_memory_bytes \d+$/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
  });

  test("GET /debug/pprof/goroutine is there if it was switched on", async () => {
    await using off = await startService();
    expect((await ask(off, "GET", "/debug/pprof/goroutine")).status).toBe(404);
    await using service = await startService({ pprof: true });
    expect((await ask<string>(service, "GET", "/debug/pprof/goroutine")).body).toMatch(/^goroutine profile: total \d+/);
    expect((await ask<string>(service, "GET", "/debug/pprof/goroutine?debug=2")).body).toMatch(/^goroutine \d+ \[/);
    expect((await ask<Problem>(service, "GET", "/debug/pprof/goroutine?debug=3")).status).toBe(400);
  });

  test("a client has no more uploads than one may, and others have theirs", async () => {
    await using service = await startService({ maxClientUploads: 1, userHeader: "x-user" });
    const headers = { "x-user": "ada" };
    await send(service, "/preview", people(1), "people.csv", { headers });
    expect(await send<Problem>(service, "/preview", people(1), "people.csv", { headers })).toMatchObject({
      status: 429,
      body: { code: "too_many_uploads" },
    });
    expect((await send(service, "/preview", people(1), "people.csv", { headers: { "x-user": "bob" } })).status).toBe(
      200,
    );
  });
});
