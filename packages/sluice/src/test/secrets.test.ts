// Every place where an address, a password or a token can come out, in one table a kind: what a
// connection's fault says and to whom, what each command prints and writes, what the database
// keeps, and what `ps` shows. The page's places are in packages/web.
import { once } from "node:events";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { openTarget } from "../database/open.ts";
import { redact } from "../database/postgres.ts";
import { describeError, failureOf } from "../errors.ts";
import { createServer } from "../server/app.ts";
import { withoutPlaces } from "../server/failure.ts";
import { SECRET, startS3 } from "../server/fleet/test/s3-server.ts";
import { business, HEADER, startService } from "../server/test/service.ts";
import { newDatabase, newFolder, server } from "./database.ts";
import { run, start, type Finished } from "./program.ts";
import { writeWorkbook } from "./workbook.ts";

const PASSWORD = "s3cr/t#Pä$$";
const USER = "ada_lovelace";
const DATABASE = "ledgers_db";
const TOKEN = "t0ken-0f-the-service";
/** The password as it is and as it stands in an address. */
const PASSWORDS = [PASSWORD, encodeURIComponent(PASSWORD), "s3cr"];

function expectNone(place: string, text: string, words: readonly string[]): void {
  for (const word of words) expect(`${place}: ${text}`).not.toContain(word);
}

/** A message of PostgreSQL's that ends a connection. */
function fatal(code: string, message: string): Buffer {
  const body = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.from("E\0\0\0\0", "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

/** What a server does to whoever connects, with the code of what is said of it. */
const CONNECTION_FAULTS: Readonly<
  Record<string, readonly [code: string, answer: (socket: Socket) => void, query?: string]>
> = {
  "it refuses the password, in German": [
    "authentication_failed",
    (socket) => {
      socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
      socket.once("data", () =>
        socket.end(fatal("28P01", `Passwort-Authentifizierung für Benutzer »${USER}« fehlgeschlagen`)),
      );
    },
  ],
  "it has no rule for the caller": [
    "authentication_failed",
    (socket) =>
      socket.end(
        fatal(
          "28000",
          `no pg_hba.conf entry for host "127.0.0.1", user "${USER}", database "${DATABASE}", no encryption`,
        ),
      ),
  ],
  "it has no such database": [
    "no_such_database",
    (socket) => socket.end(fatal("3D000", `database "${DATABASE}" does not exist`)),
  ],
  "it is full": ["too_many_connections", (socket) => socket.end(fatal("53300", "sorry, too many clients already"))],
  "it is a pooler that knows no such parameter": [
    "connection_failed",
    (socket) => socket.end(fatal("08P01", `unsupported startup parameter: ${USER}`)),
  ],
  "it speaks of the address": [
    "connection_failed",
    (socket) =>
      socket.end(
        fatal("XX000", `cannot reach postgres://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1/${DATABASE}`),
      ),
  ],
  "it hangs up": ["connection_failed", (socket) => socket.destroy()],
  "it is no PostgreSQL": ["connection_failed", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
  "it has no encryption": ["connection_failed", (socket) => socket.end("N"), "?sslmode=require"],
  "its certificates cannot be read": [
    "connection_failed",
    (socket) => socket.end(),
    "?sslmode=verify-full&sslrootcert=/n",
  ],
};

/**
 * What the API says of a database that is away: of an import that it was asked for, and wherever it
 * looks into the ledger.
 */
async function askApi(url: string, file: Buffer): Promise<Record<string, string>> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const get = async (path: string, init: RequestInit = {}): Promise<string> =>
    (await fetch(url + path, { headers, ...init })).text();
  const body = new FormData();
  body.append("table", "businesses");
  body.append("file", new Blob([new Uint8Array(file)]), "a.xlsx");
  const { id } = JSON.parse(await get("/imports", { method: "POST", body })) as { id: string };
  await expect.poll(() => get(`/imports/${id}`)).toMatch(/"state":"failed".*"error":\{"code":"\w+"/);
  const paths = [
    `/imports/${id}`,
    `/imports/${id}/events`,
    "/imports",
    "/imports/nobody",
    "/imports/nobody/rejects",
    "/metrics",
  ];
  const texts = await Promise.all(paths.map(async (path) => [path, await get(path)] as const));
  return Object.fromEntries(texts);
}

describe("a connection that cannot be made", () => {
  test.each(Object.entries(CONNECTION_FAULTS))("says no secret: %s", async (fault, [code, answer, query = ""]) => {
    await using folder = newFolder();
    const listener = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => answer(socket));
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as AddressInfo;
    const to = `postgres://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${DATABASE}${query}`;
    await using target = await openTarget({ to, reconnectMs: 0 });
    const failure = await failureOf(target.ping());
    expect(describeError(failure).code).toBe(code);
    // A server that repeats the password itself has it already; who calls the service has not.
    const own = fault === "it speaks of the address" ? [] : PASSWORDS;
    expectNone("the message", describeError(failure).message, own);
    expectNone("JSON", JSON.stringify(describeError(failure)), own);
    expectNone("the stack and its causes", inspect(failure, { depth: 10, showHidden: true }), own);
    expectNone("the target", inspect(target, { depth: 1 }), PASSWORDS);

    const lines: string[] = [];
    const app = await createServer({ target, uploadDir: folder.path, log: (line) => lines.push(line), token: TOKEN });
    try {
      const url = await app.listen({ host: "127.0.0.1", port: 0 });
      const body = new FormData();
      const file = await writeWorkbook(join(folder.path, "a.xlsx"), { Sheet1: [HEADER, business(1)] });
      body.append("file", new Blob([await readFile(file)]), "a.xlsx");
      const [health, upload] = await Promise.all([
        fetch(`${url}/health`).then((response) => response.text()),
        fetch(`${url}/upload`, { method: "POST", body, headers: { authorization: `Bearer ${TOKEN}` } }).then(
          (response) => response.text(),
        ),
      ]);
      const api = await askApi(url, await readFile(file));
      expect(health).toMatch(/"unhealthy"/);
      expect(upload).toContain('"code"');
      // A figure among the metrics may have the digits of the port.
      const secrets = [...PASSWORDS, USER, DATABASE, TOKEN, "127.0.0.1", `:${port}`, "postgres://"];
      for (const [place, text] of Object.entries({ health, upload, ...api, log: lines.join("\n") }))
        expectNone(place, text, secrets);
      expect(lines.length).toBeGreaterThan(0);
    } finally {
      await app.close();
      listener.close();
    }
  });

  test.each([
    "postgres:/ada:geheim@h/x",
    "postgres://ada:1/geheim@h/x",
    "postgres://ada:1#geheim@h/x",
    "postgres://ada:1?geheim@h/x",
    "postgres://ada:ge/heim@h/x",
    "host=h password=geheim",
  ])("an address whose password is not written as it must be is refused, and nothing of it shown: %s", (dsn) => {
    let said = "";
    try {
      said = redact(dsn);
    } catch (error) {
      expect(describeError(error).code).toBe("bad_dsn");
      said = describeError(error).message;
    }
    expectNone("the message", said, ["ada", "geheim", "heim", "@h/"]);
    expect(said).toContain("Expected: postgres://user:password@host:5432/database");
  });

  test.each([
    ["postgres://ada:p@h/x", "postgres://ada@h:5432/x"],
    ["postgres://ada@h:1/x?password=p&sslmode=require", "postgres://ada@h:1/x"],
    ["postgres:///x?host=/run&user=ada@corp", "postgres:///run:5432/x"],
    ["POSTGRESQL://h", "postgres://h:5432"],
    ["postgres://ada:a%2Fb%40c%23d%3Fe@h/x", "postgres://ada@h:5432/x"],
  ])("of %s only %s is shown", (dsn, shown) => {
    expect(redact(dsn)).toBe(shown);
  });
});

test.each([
  ['no entry for host "10.1.2.3", user "ada"', 'no entry for host "…", user "…"'],
  ["connect EHOSTUNREACH 10.1.2.3:5432 - Local (0.0.0.0:0)", "connect EHOSTUNREACH … - Local (…)"],
  ["connect ETIMEDOUT 2001:db8::1:5432", "connect ETIMEDOUT …"],
  ["[2001:db8::1]:5432 is away", "… is away"],
  ["Benutzer »ada«, Datenbank „crm“", "Benutzer »…«, Datenbank „…“"],
  ["Host: db.internal. is not in the cert's altnames: DNS:b", "Host: …. is not in the cert's altnames: DNS:b"],
  // What only looks like it stays.
  ["at 12:30, 1.2.3, row 10 of crm, ada", "at 12:30, 1.2.3, row 10 of crm, ada"],
  ["my-db.internal.example, xdb.internal", "my-db.internal.example, xdb.internal"],
])("withoutPlaces() takes the parts of an address out of %s", (text, rest) => {
  expect(withoutPlaces(text, "postgres://ada@db.internal:5432/crm")).toBe(rest);
});

/**
 * What a command is called with, by the command; a new command needs its line.
 * @param to the database's address
 */
const COMMANDS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  import: [
    ["import", "people.csv", "--rejects", "bad.csv", "--table", "people", "--type", "born=date"],
    ["import", "people.csv", "--table", "people", "--type", "born=date", "--json"],
    ["import", "people.csv", "--table", "pg_catalog.people"],
    ["import", "people.csv", "--table", "nowhere", "--append", "--json"],
  ],
  preview: [["preview", "people.csv", "--schema"]],
  imports: [
    ["imports"],
    ["imports", "--json"],
    ["imports", "0000000000"],
    ["imports", "cancel", "0000000000"],
    ["imports", "take-back", "0000000000"],
  ],
  init: [["init"], ["init", "--print-sql"]],
  sample: [["sample", "2"]],
  bench: [["bench", "--rows", "10", "--runs", "1"]],
  completion: [["completion", "bash"]],
  sql: [
    ["sql", "select no_such_column"],
    ["sql", "select 1", "--json"],
  ],
  serve: [["serve", "--port", "0", "--token", TOKEN]],
  worker: [["worker", "--port", "0", "--files", "."]],
};

describe.skipIf(server === undefined)("the commands", () => {
  test("each of them has its line in the table", async () => {
    await using folder = newFolder();
    const { stdout } = await run(folder.path, "--help");
    const commands = stdout.slice(stdout.indexOf("Commands:"), stdout.indexOf("Exit codes:"));
    const names = [...commands.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name!);
    expect(names.filter((name) => name !== "help").toSorted()).toEqual(Object.keys(COMMANDS).toSorted());
  });

  test("print and keep no password, whether it comes by --to or by DATABASE_URL", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await writeFile(join(folder.path, "people.csv"), "id,born\n1,2000-01-02\n2,2000-01-03\n3,2000-13-45\n4,5\n");
    const url = new URL(database.dsn);
    url.password = PASSWORD;
    const said: Record<string, Finished> = {};
    for (const [name, calls] of Object.entries(COMMANDS)) {
      // These run until they are told to stop: below.
      if (name === "serve" || name === "worker") continue;
      const withTo = /^(?:preview|sample|completion)$/.test(name) ? [] : ["--to", url.href];
      for (const [n, call] of calls.entries()) {
        const byFlag = n % 2 === 0;
        const { finished } = start(folder.path, [...call, ...(byFlag ? withTo : [])], {
          ...(byFlag ? {} : { DATABASE_URL: url.href }),
          SLUICE_DEBUG: "1",
        });
        said[call.join(" ")] = await finished;
      }
    }
    expect(Object.values(said).map(({ code }) => code)).toEqual([3, 4, 2, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0]);
    for (const [call, { stdout, stderr }] of Object.entries(said)) expectNone(call, stdout + stderr, PASSWORDS);
    for (const name of await readdir(folder.path))
      expectNone(name, await readFile(join(folder.path, name), "latin1"), PASSWORDS);
    const tables = await database.query(
      "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('sluice', 'public')",
    );
    expect(tables.length).toBeGreaterThan(5);
    const sources = [...tables.map(([table]) => `${table} t`), "pg_description t", "pg_stat_activity t"];
    for (const source of sources) {
      const rows = await database.query(`select t::text from ${source}`);
      expectNone(source, rows.flat().join("\n"), PASSWORDS);
    }
  });

  test.skipIf(process.platform !== "linux")("`ps` shows neither the password nor the token of a server", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const url = new URL(database.dsn);
    url.password = PASSWORD;
    for (const flags of [["--token", TOKEN], [`--token=${TOKEN}`]]) {
      const { child, finished, output } = start(folder.path, ["serve", "--port", "0", ...flags, "--to", url.href]);
      await expect.poll(output).toMatch(/Listening on http:\/\/127\.0\.0\.1:\d+/);
      const base = /http:\S+/.exec(output())![0];
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
      const seen = [child.pid, ...children].map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8"));
      expect(seen).toHaveLength(2);
      expectNone("ps", seen.join("\n"), [...PASSWORDS, TOKEN]);
      const ask = async (headers: Record<string, string>): Promise<number> =>
        (await fetch(`${base}/upload`, { method: "POST", headers })).status;
      expect([await ask({}), await ask({ authorization: `Bearer ${TOKEN}` })]).toEqual([401, 400]);
      child.kill();
      const { stdout, stderr } = await finished;
      expectNone("serve", stdout + stderr, [...PASSWORDS, TOKEN]);
      expect(stderr).toMatch(/a password in --to\..*\n.*a token in --token\. Put it into SLUICE_TOKEN\.\n/);
    }
  });
});

test.skipIf(server === undefined || process.platform !== "linux")(
  "a fleet shows, prints and keeps neither the password of its database nor the key of its store",
  async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await using s3 = await startS3();
    const url = new URL(database.dsn);
    url.password = PASSWORD;
    const place = ["--to", url.href, "--files", "s3://files/x"];
    for (const [call, said] of [
      [["serve", "--fleet", "--port", "0", "--token", TOKEN], /Listening on/],
      [["worker", "--port", "0"], /Working as/],
    ] as const) {
      const { child, finished, output } = start(folder.path, [...call, ...place], s3.env);
      await expect.poll(output).toMatch(said);
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
      const seen = [child.pid, ...children].map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8"));
      child.kill();
      const { stdout, stderr } = await finished;
      expectNone(call[0], [...seen, stdout, stderr].join("\n"), [...PASSWORDS, TOKEN, SECRET]);
    }
    const tables = await database.query("select tablename from pg_tables where schemaname = 'sluice_fleet'");
    expect(tables.length).toBeGreaterThan(5);
    for (const [table] of tables) {
      const rows = await database.query(`select t::text from sluice_fleet.${table} t`);
      expectNone(table!, rows.flat().join("\n"), [...PASSWORDS, TOKEN, SECRET]);
    }
  },
);

test.skipIf(server === undefined)(
  "the service answers with no address that the database put into a row's refusal",
  async () => {
    await using service = await startService({ allow: ["guarded"] });
    await service.database.query(`
    create table guarded (name text);
    create function refuse() returns trigger language plpgsql as $$
      begin raise exception 'no place at postgres://${USER}:${encodeURIComponent(PASSWORD).replaceAll("%", "%%")}@10.0.0.5/${DATABASE} for %', new.name; end $$;
    create trigger refuse before insert on guarded for each row when (new.name <> 'good') execute function refuse()`);
    const { status, text } = await service.send(
      await service.workbook([["good"], ["10.0.0.7"]], ["name"]),
      "a.xlsx",
      "?table=guarded",
    );
    expect(status).toBe(200);
    const { rejects } = JSON.parse(text) as { rejects: { value: string; reason: string }[] };
    // What the caller sent comes back as it was.
    expect(rejects.map(({ reason }) => reason)).toEqual(["no place at the database for 10.0.0.7"]);
    expectNone("the answer", text, [...PASSWORDS, USER, DATABASE, "10.0.0.5", "postgres:"]);
  },
);
