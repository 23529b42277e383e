// Every header of every answer, in one table by route. A route or a file of the page that is
// missing from it fails a test.
import { describe, expect, test } from "vitest";
import { openTarget } from "../database/open.ts";
import { server } from "../test/database.ts";
import { createServer } from "./app.ts";
import { business, startService, type Answer, type Service } from "./test/service.ts";

/** What every answer has. */
const ALWAYS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};
/** What HTTP itself adds, about the connection and the message's length. */
const OF_HTTP = new Set(["connection", "content-length", "date", "keep-alive", "transfer-encoding"]);
const TOKEN = "s3cret";

const JSON_TYPE = "application/json; charset=utf-8";
const ANSWER = { "content-type": JSON_TYPE, "cache-control": "no-store" };
const asset = (type: string): Readonly<Record<string, string>> => ({
  "content-type": type,
  "cache-control": "no-cache",
  etag: "ETAG",
});

interface Case {
  readonly ask: (service: Service) => Promise<Answer>;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

const get =
  (path: string, init: RequestInit = {}) =>
  (service: Service): Promise<Answer> =>
    service.get(path, init);
const upload =
  (rows: readonly (readonly string[])[] | string, query = "", headers: Record<string, string> = {}) =>
  async (service: Service): Promise<Answer> =>
    service.send(typeof rows === "string" ? new Blob([rows]) : await service.workbook(rows), "b.xlsx", query, {
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    });

/** What the routes of the API ask of everybody. */
const PROBLEM = { "content-type": "application/problem+json", "cache-control": "no-store" };
const SIGNED_IN = { headers: { authorization: `Bearer ${TOKEN}` } };

function api(method: string, path: string, ok: Case | undefined): Readonly<Record<string, Case>> {
  const ask = (init: RequestInit): Case["ask"] => get(path, { method, ...init });
  return {
    ...(ok ? { answered: ok } : {}),
    "without a token": { ask: ask({}), status: 401, headers: { ...PROBLEM, "www-authenticate": "Bearer" } },
    "from another site": {
      ask: ask({ headers: { ...SIGNED_IN.headers, origin: "https://evil.example" } }),
      status: 403,
      headers: PROBLEM,
    },
    "from a page of another site that says so": {
      ask: ask({ headers: { ...SIGNED_IN.headers, "sec-fetch-site": "cross-site" } }),
      status: 403,
      headers: PROBLEM,
    },
  };
}

const missing = (method: string, path: string): Case => ({
  ask: get(path, { method, ...SIGNED_IN }),
  status: 404,
  headers: PROBLEM,
});

/** The answers of each route, by what is asked. */
const ROUTES: Readonly<Record<string, Readonly<Record<string, Case>>>> = {
  "GET /": page("/", "text/html; charset=utf-8"),
  "GET /app.js": page("/app.js", "text/javascript; charset=utf-8"),
  "GET /app.css": page("/app.css", "text/css; charset=utf-8"),
  "GET /icon.svg": page("/icon.svg", "image/svg+xml"),
  "GET /health": {
    healthy: { ask: get("/health"), status: 200, headers: ANSWER },
    "healthy, without a body": { ask: get("/health", { method: "HEAD" }), status: 200, headers: ANSWER },
    "another host": {
      ask: (service) => askAs(service, "evil.example"),
      status: 403,
      headers: ANSWER,
    },
  },
  "GET /openapi.json": {
    "to anybody": {
      ask: get("/openapi.json"),
      status: 200,
      headers: { "content-type": JSON_TYPE, "cache-control": "no-cache" },
    },
  },
  "GET /about": api("GET", "/about", { ask: get("/about", SIGNED_IN), status: 200, headers: ANSWER }),
  "POST /imports": api("POST", "/imports", {
    ask: get("/imports", { method: "POST", ...SIGNED_IN }),
    status: 400,
    headers: PROBLEM,
  }),
  "POST /preview": api("POST", "/preview", {
    ask: get("/preview", { method: "POST", ...SIGNED_IN }),
    status: 400,
    headers: PROBLEM,
  }),
  "GET /imports": api("GET", "/imports", { ask: get("/imports", SIGNED_IN), status: 200, headers: ANSWER }),
  "GET /dead-letters": api("GET", "/dead-letters", {
    ask: get("/dead-letters", SIGNED_IN),
    status: 200,
    headers: ANSWER,
  }),
  "GET /imports/:id": api("GET", "/imports/x", missing("GET", "/imports/x")),
  "DELETE /imports/:id": api("DELETE", "/imports/x", missing("DELETE", "/imports/x")),
  "DELETE /imports/:id/history": api("DELETE", "/imports/x/history", missing("DELETE", "/imports/x/history")),
  "GET /imports/:id/take-back": api("GET", "/imports/x/take-back", missing("GET", "/imports/x/take-back")),
  "POST /imports/:id/take-back": api("POST", "/imports/x/take-back", missing("POST", "/imports/x/take-back")),
  "POST /imports/:id/resume": api("POST", "/imports/x/resume", missing("POST", "/imports/x/resume")),
  "GET /imports/:id/events": api("GET", "/imports/x/events", missing("GET", "/imports/x/events")),
  "GET /imports/:id/rejects": api("GET", "/imports/x/rejects", missing("GET", "/imports/x/rejects")),
  "GET /imports/:id/rejects.csv": api("GET", "/imports/x/rejects.csv", missing("GET", "/imports/x/rejects.csv")),
  "GET /imports/:id/rejects.xlsx": api("GET", "/imports/x/rejects.xlsx", missing("GET", "/imports/x/rejects.xlsx")),
  "PATCH /imports/:id/rejects": api("PATCH", "/imports/x/rejects", {
    ask: get("/imports/x/rejects", { method: "PATCH", ...SIGNED_IN }),
    status: 400,
    headers: PROBLEM,
  }),
  "GET /imports/:id/rows": api("GET", "/imports/x/rows", missing("GET", "/imports/x/rows")),
  "GET /metrics": api("GET", "/metrics", {
    ask: get("/metrics", SIGNED_IN),
    status: 200,
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8", "cache-control": "no-store" },
  }),
  "POST /upload": {
    imported: { ask: upload([business(1)]), status: 200, headers: ANSWER },
    "no workbook": { ask: upload("a"), status: 400, headers: ANSWER },
    "no method": { ask: upload([business(2)], "?method=x"), status: 400, headers: ANSWER },
    "a table that may not be written to": {
      ask: upload([business(3)], "?table=sluice.x"),
      status: 403,
      headers: ANSWER,
    },
    "without a token": {
      ask: upload([business(4)], "", { authorization: "" }),
      status: 401,
      headers: { ...ANSWER, "www-authenticate": "Bearer" },
    },
    "from another site": {
      ask: upload([business(5)], "", { origin: "https://evil.example" }),
      status: 403,
      headers: ANSWER,
    },
    "too large": { ask: upload("x".repeat(3_000_000)), status: 413, headers: ANSWER },
  },
};

/** What no route is for. */
const ELSEWHERE: Readonly<Record<string, Case>> = {
  "no such path": { ask: get("/nowhere"), status: 404, headers: ANSWER },
  "a malformed path": { ask: get("/%zz"), status: 400, headers: ANSWER },
  "another method": {
    ask: get("/upload", { method: "PUT", headers: { authorization: `Bearer ${TOKEN}` } }),
    status: 405,
    headers: { ...ANSWER, allow: "POST" },
  },
  "another method of a part of the API": {
    ask: get("/imports/x", { method: "PUT", ...SIGNED_IN }),
    status: 405,
    headers: { ...PROBLEM, allow: "GET, HEAD, DELETE" },
  },
  "no such part of the API": { ask: get("/imports/x/y", SIGNED_IN), status: 404, headers: PROBLEM },
  "another method of a file": {
    ask: get("/app.js", { method: "DELETE", headers: { authorization: `Bearer ${TOKEN}` } }),
    status: 405,
    headers: { ...ANSWER, allow: "GET, HEAD" },
  },
  "a preflight": {
    ask: get("/upload", { method: "OPTIONS", headers: { origin: "https://evil.example" } }),
    status: 405,
    headers: { ...ANSWER, allow: "POST" },
  },
};

function page(path: string, type: string): Readonly<Record<string, Case>> {
  return {
    whole: { ask: get(path), status: 200, headers: asset(type) },
    "its head": { ask: get(path, { method: "HEAD" }), status: 200, headers: asset(type) },
    "unchanged since": {
      ask: async (service) => {
        const { headers } = await service.get(path);
        return service.get(path, { headers: { "if-none-match": headers.get("etag")! } });
      },
      status: 304,
      headers: asset(type),
    },
    "changed since": { ask: get(path, { headers: { "if-none-match": '"x"' } }), status: 200, headers: asset(type) },
  };
}

/** `fetch` sets the host by itself. */
async function askAs(service: Service, host: string): Promise<Answer> {
  const { statusCode, body, headers } = await service.app.inject({ url: "/health", headers: { host } });
  const texts = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  return { status: statusCode, text: body, headers: new Headers(texts) };
}

function shown({ headers }: Answer): Record<string, string> {
  const own = [...headers].filter(([name]) => !OF_HTTP.has(name));
  return Object.fromEntries(
    own.map(([name, value]) => [name, name === "etag" ? value.replace(/^"[\w-]{22}"$/, "ETAG") : value]),
  );
}

describe.skipIf(server === undefined)("the headers of answers", () => {
  test("every route has its lines in the table", async () => {
    await using service = await startService();
    const lines = service.app
      .printRoutes({ commonPrefix: false })
      .matchAll(/^([ │]*)[├└]── (\S*)(?: \(([^)]+)\))?$/gmu);
    const parents: string[] = [];
    const routes = [...lines].flatMap(([, indent, part, methods]) => {
      const depth = indent!.length / 4;
      parents.splice(depth, parents.length, part!);
      const path = parents.join("").replace(/^\/?/, "/");
      return methods === undefined ? [] : methods.split(", ").map((method) => `${method} ${path}`);
    });
    // HEAD goes where GET goes; the table asks for both.
    expect(routes.filter((route) => !route.startsWith("HEAD ")).toSorted()).toEqual(Object.keys(ROUTES).toSorted());
  });

  test("are those of the table, each of them and no other", async () => {
    await using service = await startService({ token: TOKEN, maxFileBytes: 500_000 });
    for (const [route, cases] of Object.entries({ ...ROUTES, elsewhere: ELSEWHERE })) {
      for (const [name, { ask, status, headers }] of Object.entries(cases)) {
        const answer = await ask(service);
        expect([route, name, answer.status, shown(answer)]).toEqual([route, name, status, { ...ALWAYS, ...headers }]);
      }
    }
  });

  test("of a service whose database is away say when to come again, if they do, and are as strict", async () => {
    await using service = await startService({ dsn: "postgres://127.0.0.1:1/x", maxUploads: 1 });
    for (const ask of [get("/health"), upload([business(1)])]) {
      const answer = await ask(service);
      expect([answer.status, shown(answer)]).toEqual([503, { ...ALWAYS, ...ANSWER }]);
    }
  });
});

test.each(["", " ", "a b", "käse", "a\nb"])(
  "a token %j, which no header can carry, is refused at the start",
  async (token) => {
    await using target = await openTarget({ to: "postgres://127.0.0.1:1/x" });
    await expect(createServer({ target, token })).rejects.toMatchObject({ code: "bad_token", exitCode: 2 });
  },
);
