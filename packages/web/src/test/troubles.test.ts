// The page when things go wrong: connections that are cut, answers that are none, a server that is
// away. The server here is the test's own, which answers as each test wants; the page's files and
// headers are the real ones.
import { once } from "node:events";
import { truncate, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { launchBrowser, withoutBrowser } from "../../../../scripts/browser.ts";
import { readAssets } from "../../../sluice/src/server/assets.ts";
import { SECURITY_HEADERS } from "../../../sluice/src/server/guard.ts";
import { newFolder } from "../../../sluice/src/test/database.ts";
import { IMPORT, named, openPage, press, type TestPage } from "./page.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const FILE = named("people.csv", "name\nAda\n");
const COUNTS = { inserted: 0, updated: 0, skipped: 0, rejected: 0 };
const IMPORTED = {
  ...COUNTS,
  id: "k3m9",
  state: "running",
  file: "people.csv",
  sheet: null,
  table: "people",
  method: "copy",
  total: 0,
  reasons: {},
  assumptions: [],
  notes: [],
  error: null,
  createdAt: "2026-01-02T03:04:05Z",
  startedAt: null,
  finishedAt: null,
  milliseconds: null,
  rowsPerSecond: null,
  takenBack: null,
  dryRun: false,
  resumable: false,
  repairable: false,
};
const PROGRESS = {
  ...COUNTS,
  state: "running",
  phase: "rows",
  read: 70,
  inserted: 50,
  total: 50,
  fraction: 0.5,
  rate: 50,
  etaSeconds: 61,
  milliseconds: 1000,
  channels: [
    { name: "batches", length: 1, capacity: 2 },
    { name: "chunks", length: 0, capacity: 1 },
  ],
  workers: [
    { id: "read", state: "waiting", on: "batches" },
    { id: "encode", state: "busy" },
    { id: "load 1", state: "idle" },
  ],
};
const PREVIEW = {
  file: "people.csv",
  format: "csv",
  upload: "token-1",
  sheets: [{ name: "people", state: "visible", rows: 2, more: false, grid: [{ row: 1, cells: ["name"] }, { row: 2, cells: ["Ada"] }] }], // prettier-ignore
  notes: [],
  imports: [
    {
      sheet: "people",
      table: "people",
      exists: false,
      headerRows: [1],
      unitsRow: null,
      firstRow: 2,
      records: 1,
      complete: true,
      columns: [
        {
          letter: "A",
          header: "name",
          unit: null,
          column: "name",
          type: "text",
          dateFormat: null,
          numberFormat: null,
          nulls: [],
          match: { by: "name", score: 1 },
          inferred: { type: "text", missing: [], errors: [], values: 1, confidence: 1 },
        },
      ],
      ddl: ["create table people (name text)"],
      indexes: [],
      sample: [],
      rejects: { total: 0, reasons: {}, first: [] },
      leftOut: [],
      notes: [],
      error: null,
    },
  ],
};

describe.skipIf(withoutBrowser)("the page in trouble", () => {
  let browser: Browser;
  let server: Server;
  let url: string;
  /** By method and path. What has no answer here is 404. */
  let answers: Record<string, Answer>;
  let asked: { readonly line: string; readonly headers: IncomingMessage["headers"]; body: string }[];
  const folder = newFolder();

  const json =
    (status: number, body: unknown): Answer =>
    (_, response) =>
      void response
        .writeHead(status, { "content-type": "application/json" })
        .end(typeof body === "string" ? body : JSON.stringify(body));

  beforeAll(async () => {
    const assets = await readAssets();
    server = createServer((request, response) => {
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
      const path = request.url!.replace(/\?.*$/s, "");
      const asset = assets.find((one) => one.path === path);
      if (asset) return void response.setHeader("content-type", asset.type).end(asset.body);
      const line = `${request.method} ${path}`;
      const one = { line, headers: request.headers, body: "" };
      asked.push(one);
      const answer = answers[line] ?? json(404, { title: "Not Found", detail: "Not found", code: "not_found" });
      if (answer.name === "early") return answer(request, response);
      request.on("data", (part: Buffer) => (one.body += part.toString("latin1")));
      request.on("end", () => answer(request, response));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await launchBrowser();
  });
  beforeEach(() => {
    asked = [];
    answers = {
      "GET /health": json(200, { status: "healthy" }),
      "GET /imports": json(200, { imports: [], next: null }),
      "POST /preview": json(200, PREVIEW),
      "POST /imports": json(202, IMPORTED),
      "GET /imports/k3m9": json(200, IMPORTED),
      // Nothing happens for a long time.
      "GET /imports/k3m9/events": (_, response) =>
        response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders(),
    };
  });
  afterAll(async () => {
    await browser?.close();
    server.closeAllConnections();
    server.close();
    await folder[Symbol.asyncDispose]();
  });

  const openThere = (path = "/"): Promise<TestPage> =>
    openPage(browser, url, { path, foreseen: [/ERR_|status of 50\d/] });
  const lines = (line: string): number => asked.filter((one) => one.line === line).length;

  test("a file whose connection is cut is sent again by itself, but not for ever", async () => {
    answers["POST /preview"] = function early(request) {
      request.once("data", () => request.socket.destroy());
    };
    await using page = await openThere();
    let sent = 0;
    page.on("request", (request) => (sent += Number(request.url().endsWith("/preview"))));
    await page.setInputFiles("#file", FILE);
    await page.waitForSelector(".notice.error >> text=The server cannot be reached. Is it still running?");
    await page.waitForSelector(".notice.error >> text=the file is sent again by itself");
    await page.waitForSelector(".notice.error:not(:has-text('by itself'))");
    expect(sent).toBe(3);
    answers["POST /preview"] = json(200, PREVIEW);
    await press(page, "Try again");
    await page.waitForSelector(IMPORT);
  });

  test("an import that cannot be asked for is shown as soon as it can", async () => {
    answers["GET /imports/k3m9"] = json(502, "<html>Bad Gateway</html>");
    await using page = await openThere("/#/imports/k3m9");
    await page.waitForSelector("text=The import cannot be shown");
    answers["GET /imports/k3m9"] = json(200, { ...IMPORTED, state: "finished", total: 1, inserted: 1 });
    await page.waitForSelector("text=The row is in");
  });

  test.each([
    ["not JSON", 502, "<html>Bad Gateway</html>", "The server answered with status 502 and no explanation."],
    ["nothing", 200, "", "The server answered with status 200 and no explanation."],
    ["null", 200, "null", "The server answered with status 200 and no explanation."],
    ["an error without words", 500, "{}", "The server answered with status 500 and no explanation."],
    ["a problem", 422, { detail: "people.csv: the sheet is <b>odd</b>.", code: "odd" }, "The sheet is <b>odd</b>."],
  ])("an answer that is %s is told of", async (_, status, body, message) => {
    answers["POST /preview"] = json(status, body);
    await using page = await openThere();
    await page.setInputFiles("#file", FILE);
    await page.waitForSelector(".notice.error");
    expect(await page.textContent(".notice.error bdi")).toBe(message);
    await press(page, "Choose another file");
    await page.waitForSelector("#file");
    expect(await page.locator("text=Not imported yet").count()).toBe(0);
  });

  test("a file on its way shows how far it is, and can be given up", async () => {
    const large = join(folder.path, "large.csv");
    await writeFile(large, "");
    await truncate(large, 32 * 1024 * 1024);
    let closed: Promise<unknown> | undefined;
    answers["POST /preview"] = function early(request) {
      request.on("error", () => undefined);
      closed = new Promise((resolve) => request.on("close", resolve));
    };
    await using page = await openThere();
    await page.setInputFiles("#file", large);
    await page.waitForSelector("[role=progressbar][aria-valuenow]");
    expect(await page.textContent(".way p")).toMatch(/^Sending: \d+% of 32 MiB$/);
    await press(page, "Cancel");
    await page.waitForSelector("#file");
    // What the browser had sent by then is read, and then its connection is over.
    await expect.poll(() => closed !== undefined).toBe(true);
    server.closeAllConnections();
    await closed;
  });

  test("a choice that the service refuses is told of beside what was chosen, and can be taken back", async () => {
    await using page = await openThere();
    await page.setInputFiles("#file", FILE);
    await page.waitForSelector(IMPORT);
    answers["POST /preview"] = json(400, { detail: "range: expected B2:K99.", code: "bad_range" });
    await page.click("summary:has-text('Advanced')");
    await page.fill("#option-range", "Z");
    await page.press("#option-range", "Tab");
    await page.waitForSelector(".notice.error");
    expect(await page.locator(IMPORT).count()).toBe(0);
    expect(asked.findLast(({ line }) => line === "POST /preview")!.body).toMatch(
      /name="range"\r\n\r\nZ\r\n[^]*name="upload"\r\n\r\ntoken-1/,
    );
    answers["POST /preview"] = json(200, PREVIEW);
    await press(page, "Take back all choices");
    await page.waitForSelector(IMPORT);
    expect(await page.locator(".notice.error").count()).toBe(0);
  });

  test("a file that the service has forgotten is sent again by itself", async () => {
    await using page = await openThere();
    await page.setInputFiles("#file", FILE);
    await page.waitForSelector(IMPORT);
    answers["POST /imports"] = (request, response) => {
      const isFile = asked.at(-1)!.body.includes(`filename="people.csv"`);
      json(isFile ? 202 : 404, isFile ? IMPORTED : { detail: "gone", code: "upload_gone" })(request, response);
    };
    answers["GET /imports/k3m9"] = json(200, { ...IMPORTED, state: "finished", total: 1, inserted: 1 });
    await page.click(IMPORT);
    await page.waitForSelector("text=The row is in");
    expect(lines("POST /imports")).toBe(2);
  });

  test("events that break off are asked for again, from the last one that came", async () => {
    let asks = 0;
    let cut = (): unknown => undefined;
    answers["GET /imports/k3m9/events"] = (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      asks++;
      const event = (name: string, id: number, data: unknown): void =>
        void response.write(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
      event("progress", 10 + asks, { ...PROGRESS, inserted: 50 * asks, fraction: 0.3 * asks });
      if (asks === 1) cut = () => response.destroy();
      else if (asks === 2) cut = () => response.end();
      else event("end", 99, { ...IMPORTED, state: "finished", total: 150, inserted: 150 });
    };
    await using page = await openThere("/#/imports/k3m9");
    await page.waitForSelector("text=30%");
    expect(await page.textContent(".going")).toContain("1 min 1 sec left");
    expect(await page.getAttribute(".going [role=progressbar]", "aria-valuenow")).toBe("30");
    expect(await page.locator(".tank").first().getAttribute("aria-label")).toBe("Channel batches: 1 of 2");
    expect(await page.locator(".stage .worker").evaluateAll((all) => all.map((one) => (one as { className: string }).className))) // prettier-ignore
      .toEqual(["worker waiting", "worker busy", "worker idle"]);
    cut();
    await page.waitForSelector("text=The connection is lost");
    await page.waitForSelector("text=60%");
    cut();
    await page.waitForSelector("text=All 150 rows are in");
    const events = asked.filter(({ line }) => line.endsWith("/events")).map(({ headers }) => headers["last-event-id"]);
    expect(events).toEqual([undefined, "11", "12"]);
  });

  test("an import that nobody knows, and one that cannot be cancelled, are told of", async () => {
    delete answers["GET /imports/k3m9"];
    await using page = await openThere("/#/imports/k3m9");
    await page.waitForSelector("text=There is no such import");
    // The service's own words are for those who call it.
    expect(await page.textContent(".notice.error")).toContain("Somebody may have deleted it from the history.");
    expect(await page.textContent(".notice.error")).not.toContain("Not found");
    answers["GET /imports/k3m9"] = json(200, IMPORTED);
    answers["DELETE /imports/k3m9"] = json(409, { detail: "It has ended already.", code: "import_ended" });
    await press(page, "Try again");
    await press(page, "Cancel");
    await page.waitForSelector("text=It has ended already.");
  });

  test("a failed import says why, and is resumed", async () => {
    const failed = { ...IMPORTED, state: "failed", inserted: 400, total: 400, error: { code: "connection_lost", message: "people.csv: the connection broke. Use --resume k3m9." } }; // prettier-ignore
    answers["GET /imports/k3m9"] = json(200, { ...failed, resumable: true });
    answers["POST /imports/k3m9/resume"] = json(202, IMPORTED);
    await using page = await openThere("/#/imports/k3m9");
    await page.waitForSelector("text=The import failed");
    expect(await page.textContent(".notice p")).toBe("The connection broke.");
    await press(page, "Resume");
    await page.waitForSelector(".run");
  });

  test("a database that is away, and a server that is away, are told of in the head", async () => {
    answers["GET /health"] = json(503, { status: "unhealthy", error: "no answer" });
    await using page = await openThere();
    await page.waitForSelector(".health.away");
    expect(await page.getAttribute(".health", "title")).toBe("no answer");
  });

  test("a hash that is no place of the page leads to its beginning", async () => {
    for (const path of ["/#/look/%E0%A4%A", "/#/nowhere", "/#/look/unknown"]) {
      await using page = await openThere(path);
      await page.waitForSelector("h1");
      expect(await page.textContent("h1")).toMatch(/^(?:From a spreadsheet to a table|The file is not here any more)$/);
    }
  });

  test("on somebody's own page the element tells of its import, and takes its attributes", async () => {
    answers["GET /imports/k3m9/events"] = (_, response) =>
      void response
        .writeHead(200, { "content-type": "text/event-stream" })
        .end(`event: end\ndata: ${JSON.stringify({ ...IMPORTED, state: "finished", total: 1, inserted: 1 })}\n\n`);
    answers["GET /host"] = (_, response) =>
      void response
        .writeHead(200, { "content-type": "text/html" })
        .end(
          `<!doctype html><html lang="en"><title>Host</title><script type="module" src="/app.js"></script><sluice-importer table="crm" lang="de" routing="none" history="none"></sluice-importer>`,
        );
    await using page = await openThere("/host");
    await page.waitForSelector("#file");
    await page.evaluate(
      `{ window.heard = []; for (const name of ["sluice-file", "sluice-start", "sluice-end"]) document.addEventListener(name, ({ type, detail }) => heard.push([type, detail.name ?? detail.state])); }`,
    );
    await page.setInputFiles("#file", FILE);
    await page.waitForSelector(IMPORT);
    expect(await page.getAttribute("#table", "readonly")).not.toBeNull();
    expect(await page.locator("nav >> text=History").count()).toBe(0);
    await page.click(IMPORT);
    await page.waitForSelector("text=The row is in");
    expect(await page.evaluate("heard")).toEqual([
      ["sluice-file", "people.csv"],
      ["sluice-start", "running"],
      ["sluice-end", "finished"],
    ]);
    expect(await page.evaluate("location.hash")).toBe("");
    expect(asked.find(({ line }) => line === "POST /imports")!.body).toMatch(/name="table"\r\n\r\ncrm/);
  });
});
