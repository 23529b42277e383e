// The command line as a user meets it: every case runs the real program. Long, as there are many
// ways to call it wrongly.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { hold, newDatabase, newFolder, server } from "../test/database.ts";
import { EXAMPLE, run, start, type Finished } from "../test/program.ts";
import { startProxy } from "../test/proxy.ts";
import { writeWorkbook } from "../test/workbook.ts";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { ZipWriter } from "../xlsx/zip-writer.ts";

const withServer = test.skipIf(server === undefined);

/** One clear message: on standard error, no stack, nothing else. */
function expectMessage(result: Finished, code: number, message: RegExp): void {
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/\n\s+at /);
  expect(result.stdout).toBe("");
  expect(result.code).toBe(code);
}

test("the example goes into the embedded database, 13 bad rows are explained, and exit code 3 says so", async () => {
  await using folder = newFolder();
  const without = { SLUICE_TEST_EMBEDDED: "" };
  const result = await start(folder.path, ["import", EXAMPLE, "--rejects", "bad.csv"], without).finished;
  expect(result.stderr).toBe("Making the embedded PostgreSQL in ./sluice-data: some seconds, the first time only.\n");
  expect(result.stdout).toContain("Imported 9,987 of 10,000 rows");
  expect(result.stdout).toContain("13 rows were rejected");
  expect(result.stdout).toMatch(/too_few_columns/);
  expect(result.code).toBe(3);
  const csv = (await readFile(join(folder.path, "bad.csv"), "utf8")).trimEnd().split("\r\n");
  expect(csv[0]).toBe(
    "file,sheet,row,column,value,code,reason,Name,Category,Phone,Email,Address,City,Country,Website,Description",
  );
  expect(csv).toHaveLength(14);
  const counted = await run(
    folder.path,
    "sql",
    "--json",
    "select count(*) as n, count(created_at) as created, count(deleted_at) as deleted from businesses",
  );
  expect(JSON.parse(counted.stdout)).toEqual([{ n: 9987, created: 9987, deleted: 0 }]);
  expect(counted.code).toBe(0);
});

withServer("--json prints one line with exact counts", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  const result = await run(folder.path, "import", EXAMPLE, "--to", database.dsn, "--json", "--method", "batch");
  const report = JSON.parse(result.stdout) as Record<string, unknown>;
  expect(report).toMatchObject({
    table: "businesses",
    method: "batch",
    total: 10_000,
    inserted: 9_987,
    updated: 0,
    skipped: 0,
    rejected: 13,
    interrupted: false,
  });
  expect(report["rejects"]).toHaveLength(13);
  expect(result.code).toBe(3);
  expect(await database.query("select count(*) from businesses")).toEqual([["9987"]]);
  expect(await database.query("select count(*) from pg_indexes where tablename = 'businesses'")).toEqual([["7"]]);
});

withServer("names and values of a file steer no terminal, whatever is printed of them", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  const steer = "\u001B]0;title\u0007\u009B2J\u202E";
  const file = await writeWorkbook(join(folder.path, `b${steer}.xlsx`), {
    [`S\u202E\u009B`]: [
      ["A", `B${steer}`],
      ["1", steer],
      ["2", "x"],
    ],
  });
  const to = ["--to", database.dsn];
  await database.query('create table t (a text, "B" date)');
  const map = ["--table", "t", "--map", `B${steer.replaceAll("\u202E", "")}=B`];
  const results = [
    await run(folder.path, "preview", file, ...to),
    await run(folder.path, "import", file, ...to),
    await run(folder.path, "import", file, ...to, "--table", "t"),
    await run(folder.path, "import", file, ...to, ...map),
    await run(folder.path, "imports", ...to),
    await run(folder.path, "sql", `select e'\\x1b[2J' as "a\u009Bb"`, ...to),
    await run(folder.path, "import", `none${steer}.xlsx`, ...to),
  ];
  const texts = results.map(({ stdout, stderr }) => stdout + stderr);
  expect(texts.filter((text) => /(?![\n\t])[\p{Cc}\u202A-\u202E]/u.test(text))).toEqual([]);
  expect(texts.filter((text) => text.includes(String.raw`\u009b`)).length).toBeGreaterThan(4);
});

withServer("several files in one call, exit code 0 when all rows are in", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  const one = await writeWorkbook(join(folder.path, "one.xlsx"), { S: [["A"], ["1"]] });
  const two = await writeWorkbook(join(folder.path, "two.xlsx"), { S: [["A"], ["2"], ["3"]], Other: [["B"], ["4"]] });
  const result = await run(folder.path, "import", one, two, "--to", database.dsn);
  expect(result.code).toBe(0);
  expect(await database.query("select a from one union all select a from two order by 1")).toEqual([
    ["1"],
    ["2"],
    ["3"],
  ]);
  for (const sheet of ["Other", "2", "other"]) {
    const args = ["import", two, "--sheet", sheet, "--table", "other", "--to", database.dsn, "--again"];
    expect((await run(folder.path, ...args)).code).toBe(0);
  }
  expect(await database.query("select b from other")).toEqual([["4"], ["4"], ["4"]]);
});

describe("options", () => {
  test.each([
    [[], 2, /Usage: sluice/],
    [["import"], 2, /missing required argument 'file'/],
    [["import", "x.xlsx", "--nonsense"], 2, /unknown option '--nonsense'/],
    [["import", "x.xlsx", "--method", "fast"], 2, /Allowed choices are sequential, concurrent, batch, copy/],
    [["import", "x.xlsx", "--workers", "0"], 2, /whole number from 1/],
    [["import", "x.xlsx", "--create", "--append"], 2, /cannot be used with/],
    [["import", "x.xlsx", "--rejects", "bad.txt"], 2, /ends in \.csv or \.xlsx/],
    [["import", "x.xlsx", "--max-errors", "-1"], 2, /whole number/],
    [["import", EXAMPLE, "--rejects", `${EXAMPLE.slice(0, -5)}.xlsx`], 1, /is a file that is imported/],
    [["import", "x.xlsx", "--to", "mysql://root:s3cret@localhost/x"], 2, /Expected: postgres:\/\//],
    [["import", "x.xlsx", "--dry-run", "--keep-history", "0"], 2, /'--dry-run' cannot be used with .*--keep-history/],
    [["import", "x.xlsx", "y.xlsx", "--resume", "abc"], 2, /one import, so it takes one file/],
    [
      ["preview", EXAMPLE, "--table", "t", "--type", "Name=date(QQ)"],
      2,
      /a date in a notation such as date\(DD\/MM\/YYYY\)/,
    ],
    [["import", "."], 1, /^error: \. is a directory/],
    [["preview", "."], 1, /^error: \. is a directory/],
    [["nonsense"], 2, /unknown command 'nonsense'/],
  ])("sluice %j ends with %i and says why", async (args, code, message) => {
    await using folder = newFolder();
    const result = await run(folder.path, ...args);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toContain("s3cret");
    expect(result.code).toBe(code);
  });

  test.each([[["--help"]], [["import", "--help"]], [["--version"]]])("sluice %j ends with 0", async (args) => {
    await using folder = newFolder();
    const result = await run(folder.path, ...args);
    expect(result.stdout).not.toBe("");
    expect(result.stderr).toBe("");
    expect(result.code).toBe(0);
  });
});

test("sluice import --help has an example of every option, and of one of the limits", async () => {
  await using folder = newFolder();
  const { stdout } = await run(folder.path, "import", "--help");
  const [options, examples] = stdout.split("\nExamples") as [string, string];
  const [ordinary, limits] = options.split("\nLimits of what a file may ask for") as [string, string];
  const namesIn = (text: string): string[] =>
    [...text.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name!);
  expect(namesIn(limits).some((name) => examples.includes(`${name} `))).toBe(true);
  const names = namesIn(ordinary);
  expect(names.length).toBeGreaterThan(20);
  expect(
    names.filter((name) => name !== "--help" && !examples.includes(`${name} `) && !examples.includes(`${name}\n`)),
  ).toEqual([]);
});

describe("bad files", () => {
  /** An OLE container with one stream: a header and a directory, as far as a reader looks. */
  const cfb = (stream: string): Buffer => {
    const file = Buffer.alloc(1536);
    file.write("d0cf11e0a1b11ae1", "hex");
    file.writeUInt16LE(9, 30); // sectors of 512 bytes; the directory is the first
    const name = Buffer.from(`${stream}\0`, "utf16le");
    name.copy(file, 512);
    file.writeUInt16LE(name.length, 512 + 64);
    file.writeUInt8(2, 512 + 66);
    return file;
  };

  test.each<[what: string, content: Buffer | undefined, message: RegExp]>([
    ["no file", undefined, /file\.xlsx/],
    ["an empty file", Buffer.alloc(0), /empty/],
    ["no spreadsheet", Buffer.from("%PDF-1.7\n%âãÏÓ\n"), /not an? .*(xlsx|workbook|zip)/i],
    ["an encrypted workbook", cfb("EncryptedPackage"), /encrypted|password/i],
    ["an .xls renamed", cfb("Workbook"), /\.xls\b/],
  ])("%s: one clear message and exit code 1", async (_, content, message) => {
    await using folder = newFolder();
    if (content) await writeFile(join(folder.path, "file.xlsx"), content);
    const result = await run(folder.path, "import", "file.xlsx");
    expectMessage(result, 1, message);
    expect(result.stderr).toContain("file.xlsx");
  });

  test("a zip without a workbook: one clear message and exit code 1", async () => {
    await using folder = newFolder();
    const output = createWriteStream(join(folder.path, "file.xlsx"));
    const zip = new ZipWriter(output);
    await zip.entry("readme.txt", [Buffer.from("hello")]);
    await zip.end();
    output.end();
    await finished(output);
    expectMessage(await run(folder.path, "import", "file.xlsx"), 1, /file\.xlsx.*workbook/s);
  });

  test.skipIf(process.platform === "win32")("a pipe that nobody writes to is refused, not waited for", async () => {
    await using folder = newFolder();
    execFileSync("mkfifo", [join(folder.path, "pipe")]);
    expectMessage(await run(folder.path, "import", "pipe"), 1, /^error: pipe is not an ordinary file/);
  });

  test("with --json the message comes as JSON", async () => {
    await using folder = newFolder();
    const result = await run(folder.path, "import", "file.xlsx", "--json");
    expect(JSON.parse(result.stdout)).toMatchObject({
      file: "file.xlsx",
      error: { code: expect.any(String) as string, message: expect.any(String) as string },
    });
    expect(result.code).toBe(1);
  });
});

describe("bad databases", () => {
  test("connection refused: the address without its password, and what to check", async () => {
    await using folder = newFolder();
    const result = await run(folder.path, "import", EXAMPLE, "--to", "postgres://ada:s3cret@127.0.0.1:1/x");
    expectMessage(result, 1, /postgres:\/\/ada@127\.0\.0\.1:1\/x: connection refused\. Is PostgreSQL running there/);
    expect(result.stderr).not.toContain("s3cret");
  });

  test("wrong password: who refused what, without the password", async () => {
    await using folder = newFolder();
    // A server that refuses passwords: it asks for one in clear text, then answers as PostgreSQL
    // does.
    const refusing = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
        socket.once("data", () => {
          const body = Buffer.from('SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "ada"\0\0');
          const head = Buffer.from([0x45, 0, 0, 0, 0]);
          head.writeInt32BE(body.length + 4, 1);
          socket.end(Buffer.concat([head, body]));
        });
      });
    });
    refusing.listen(0, "127.0.0.1");
    await once(refusing, "listening");
    const { port } = refusing.address() as AddressInfo;
    const result = await run(folder.path, "import", EXAMPLE, "--to", `postgres://ada:s3cret@127.0.0.1:${port}/x`);
    refusing.close();
    expectMessage(result, 1, /refused the user or the password/);
    expect(result.stderr).not.toContain("s3cret");
  });

  withServer("no such database", async () => {
    await using folder = newFolder();
    const url = new URL(server!);
    url.pathname = "/sluice_no_such_database";
    expectMessage(await run(folder.path, "import", EXAMPLE, "--to", url.href), 1, /does not exist.*createdb/);
  });

  withServer.each([
    ["no_schema.t", [], /schema "no_schema" does not exist\. Make that schema/],
    ["t", ["--type", "id=integr"], /type "integr" does not exist\. Check the types that --type/],
  ])("a table %s that cannot be made with %j", async (table, options, message) => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await writeFile(join(folder.path, "a.csv"), "id\n1\n");
    const args = ["import", "a.csv", "--to", database.dsn, "--table", table, ...options];
    expectMessage(await run(folder.path, ...args), 1, message);
  });

  withServer("sslmode means what it means to psql", async ({ skip }) => {
    await using folder = newFolder();
    await using database = await newDatabase();
    if ((await database.query("show ssl"))[0]![0] !== "on") skip("the server offers no encryption");
    const sql = "select ssl::text from pg_stat_ssl where pid = pg_backend_pid()";
    const required = await run(folder.path, "sql", sql, "--to", `${database.dsn}?sslmode=require`, "--json");
    expect(required).toMatchObject({ stdout: '[{"ssl":"true"}]\n', stderr: "", code: 0 });
    const verified = await run(folder.path, "sql", sql, "--to", `${database.dsn}?sslmode=verify-full`);
    expectMessage(verified, 1, /^error: postgres:.*: the server's certificate is not trusted: .*sslrootcert=FILE/);
  });

  withServer("a table that lacks a column", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await database.query("create table businesses (name text, email text)");
    const result = await run(folder.path, "import", EXAMPLE, "--to", database.dsn);
    expectMessage(result, 1, /the table "businesses" .* lacks the columns "category" \(text\).*--migrate/);
    expect(await database.query("select count(*) from businesses")).toEqual([["0"]]);
  });

  withServer("a server that goes away half-way: says how many rows are in, and that is true", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const url = new URL(database.dsn);
    await using proxy = await startProxy(new URL(url.href), 600_000);
    url.host = `127.0.0.1:${proxy.port}`;
    const options = ["--method", "batch", "--workers", "2", "--reconnect", "1"];
    const result = await run(folder.path, "import", EXAMPLE, "--to", url.href, ...options);
    expectMessage(result, 1, /the connection to .* was lost/);
    const said = Number(/([\d,]+) rows of this import are in the table/.exec(result.stderr)?.[1]?.replaceAll(",", ""));
    expect(result.stderr).toContain("may or may not be in it");
    expect(result.stderr).toMatch(/not built: create index on "businesses"/);
    const [[stored]] = (await database.query("select count(*) from businesses")) as [[string]];
    // Two batches can have been on their way.
    expect(Number(stored)).toBeGreaterThanOrEqual(said);
    expect(Number(stored)).toBeLessThanOrEqual(said + 200);
    expect(said).toBeGreaterThan(0);
  });

  test("a second process on the embedded database: a clear error, and the first one is not disturbed", async () => {
    await using folder = newFolder();
    const first = start(folder.path, ["serve", "--port", "0"]);
    while (!first.output().includes("http://")) await sleep(50);
    const second = await run(folder.path, "import", EXAMPLE);
    expectMessage(second, 1, /in use by another process \(process \d+\).*--to postgres/s);
    first.child.kill("SIGTERM");
    expect((await first.finished).code).toBe(0);
    expect((await run(folder.path, "import", EXAMPLE, "--quiet")).code).toBe(3);
  });

  test("the embedded database in a folder that cannot be made", async () => {
    await using folder = newFolder();
    await writeFile(join(folder.path, "taken"), "a file");
    expectMessage(await run(folder.path, "import", EXAMPLE, "--data", "taken"), 1, /cannot be kept in taken/);
  });

  test("sluice sql where nothing has been imported yet", async () => {
    await using folder = newFolder();
    expectMessage(await run(folder.path, "sql", "select 1"), 1, /no embedded database in \.\/sluice-data yet/);
  });
});

withServer("several processes that begin the same import at once: one does it, the others are told so", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  const file = await writeWorkbook(join(folder.path, "people.xlsx"), { S: [["n"], [1], [2]] });
  await database.query("create table people (n integer)");
  // The one that does it gets no row in before the others have ended.
  await using lock = await hold(database, "lock table people in share mode");
  const running = [1, 2, 3].map(() => run(folder.path, "import", file, "--to", database.dsn, "--table", "people"));
  let told = 0;
  for (const one of running) void one.then(() => told++);
  await expect.poll(() => told).toBe(2);
  await lock.release();
  const results = await Promise.all(running);
  expect(results.map(({ code }) => code).sort((a, b) => Number(a) - Number(b))).toEqual([0, 1, 1]);
  for (const result of results) if (result.code === 1) expect(result.stderr).toMatch(/is being imported right now/);
  expect(await database.query("select count(*) from people")).toEqual([["2"]]);
});

withServer(
  "a table that has all the keys already: each row is rejected, and no lock is left behind for it",
  async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const rows = Array.from({ length: 3000 }, (_, n) => [n, `name ${n}`]);
    const file = await writeWorkbook(join(folder.path, "people.xlsx"), { S: [["id", "name"], ...rows] });
    await database.query("create table people (id integer primary key, name text)");
    const args = ["import", file, "--to", database.dsn, "--table", "people", "--json"];
    expect((await run(folder.path, ...args)).code).toBe(0);
    const again = start(folder.path, [...args, "--again"]);
    const state = { over: false };
    void again.finished.then(() => (state.over = true));
    let most = 0;
    while (!state.over) {
      const [[locks]] = (await database.query(
        "select count(*) from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database())",
      )) as [[string]];
      most = Math.max(most, Number(locks));
      await sleep(20);
    }
    expect(JSON.parse((await again.finished).stdout)).toMatchObject({ total: 3000, inserted: 0, rejected: 3000 });
    expect(most).toBeLessThan(200);
  },
);

withServer("sluice sql shows NULL as NULL, and keeps columns of one name apart", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  const query = "select 1 as n, null as n, '' as empty";
  const table = await run(folder.path, "sql", query, "--to", database.dsn);
  expect(table.stdout).toMatch(/^n +n +empty\n1 +NULL *\n\(1 row\)\n$/);
  const json = await run(folder.path, "sql", query, "--json", "--to", database.dsn);
  expect(JSON.parse(json.stdout)).toEqual([{ n: 1, n_2: null, empty: "" }]);
});

describe("reject files that cannot be written", () => {
  withServer("in a folder that is not there: nothing is imported", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const result = await run(folder.path, "import", EXAMPLE, "--to", database.dsn, "--rejects", "nowhere/bad.csv");
    expectMessage(result, 1, /cannot write the reject file nowhere\/bad\.csv.*folder that can be written/);
    expect(await database.query("select to_regclass('businesses') is null")).toEqual([["t"]]);
  });

  test.skipIf(server === undefined || process.platform !== "linux").each(["csv", "xlsx"])(
    "on a full disk, as .%s: says what was done, what is in the table, and how to get the file all the same",
    async (kind) => {
      await using folder = newFolder();
      await using database = await newDatabase();
      await symlink("/dev/full", join(folder.path, `bad.${kind}`));
      const args = ["import", EXAMPLE, "--to", database.dsn, "--rejects", `bad.${kind}`];
      const result = await run(folder.path, ...args);
      expect(result.code).toBe(1);
      expect(result.stdout).toMatch(/Imported 9,987 of 10,000 rows[^]*13 rows were rejected/);
      expect(result.stdout).not.toMatch(/All of them|Repair the cells/);
      expect(result.stderr).toMatch(/^error: cannot write the reject file bad\..*no space left on device/);
      expect(result.stderr).not.toMatch(/\n\s+at /);
      const said = /([\d,]+) rows of this import are in the table/.exec(result.stderr)?.[1]?.replaceAll(",", "");
      expect(await database.query("select count(*) from businesses")).toEqual([[said]]);
      const id = /sluice imports (\w+) --rejects FILE/.exec(result.stderr)?.[1] ?? "";
      const again = await run(folder.path, "imports", id, "--to", database.dsn, "--rejects", "good.csv");
      expect(again.stdout).toBe("Wrote 13 rejected rows to good.csv.\n");
      expect((await readFile(join(folder.path, "good.csv"), "utf8")).trimEnd().split("\r\n")).toHaveLength(14);
      const dry = await run(folder.path, ...args, "--dry-run");
      expect(dry.code).toBe(1);
      expect(dry.stdout).toContain("Would import 9,987 of 10,000 rows");
      expect(dry.stderr).toContain("--dry-run --rejects FILE.csv");
      expect(dry.stderr).not.toMatch(/sluice imports|of this import/);
      const stopped = await run(folder.path, ...args, "--replace", "--max-errors", "1");
      expect(stopped.code).toBe(1);
      expect(stopped.stderr).toMatch(/^error: \d+ rows have been rejected/);
      expect(stopped.stderr).toMatch(/^error: cannot write the reject file .*\n.*sluice imports ID --rejects FILE/m);
    },
  );
});

describe("the next step", () => {
  withServer("the command that imports the repaired cells has the options that say what becomes of a row", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    await writeWorkbook(join(folder.path, "r.xlsx"), {
      S: [
        ["Id", "It's", "Born"],
        ["1", "old", "03/04/1990"],
      ],
    });
    const rules = ["--map", "It's=age", "--type", "age=integer", "--type", "born=date(DD/MM/YYYY)"];
    const keys = ["--on-conflict", "update", "--key", "id"];
    await database.query("create table people (id text primary key, age integer, born date)");
    const place = ["--table", "people", "--to", database.dsn];
    const result = await run(folder.path, "import", "r.xlsx", ...rules, ...keys, ...place, "--rejects", "bad.csv");
    expect(result.code).toBe(3);
    const command = /Repair the cells there, then: {2}npx sluice (.*)\n/.exec(result.stdout)![1]!;
    expect(command).toContain(
      "import bad.csv --table people --map 'It'\\''s=age' --type age=integer --type 'born=date(DD/MM/YYYY)' " +
        "--on-conflict update --key id --to postgres://",
    );
    const bad = join(folder.path, "bad.csv");
    await writeFile(bad, (await readFile(bad, "utf8")).replace(",1,old,", ",1,36,"));
    const repaired = await run(folder.path, "import", "bad.csv", ...rules, ...keys, ...place);
    expect(repaired.code).toBe(0);
    expect(await database.query("select id, age, born::text from people")).toEqual([["1", "36", "1990-04-03"]]);
  });

  withServer("it has what the file showed of notations and marks, which a few repaired rows may not show", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const good = Array.from(
      { length: 20 },
      (_, n) => `r${n};${n + 1}.000,50;${13 + (n % 9)}/04/2024;${n % 5 ? n : "-"}`,
    );
    const lines = ["name;pay;born;units", ...good, "bad;1.500;03/04/1990;-"];
    await writeFile(join(folder.path, "pay.csv"), `${lines.join("\n")}\n`);
    const made = ["--table", "pay", "--to", database.dsn];
    await database.query("create table pay (name text check (name <> 'bad'), pay numeric, born date, units integer)");
    const result = await run(folder.path, "import", "pay.csv", ...made, "--rejects", "bad.csv");
    expect(result.code).toBe(3);
    const command = /Repair the cells there, then: {2}npx sluice (.*) --to/.exec(result.stdout)![1]!;
    expect(command).toBe(
      "import bad.csv --table pay --type 'pay=numeric(1.234,56)' --type 'born=date(DD/MM/YYYY)' --null units=-",
    );
    const bad = join(folder.path, "bad.csv");
    await writeFile(bad, (await readFile(bad, "utf8")).replaceAll("bad,1.500", "good,1.500"));
    const options = ["--type", "pay=numeric(1.234,56)", "--type", "born=date(DD/MM/YYYY)", "--null", "units=-"];
    expect((await run(folder.path, "import", "bad.csv", ...made, ...options)).code).toBe(0);
    expect(await database.query("select pay, born::text, units from pay where name = 'good'")).toEqual([
      ["1500", "1990-04-03", null],
    ]);
  });

  withServer("after a dry run it is the dry run again, since the ledger does not know it", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const args = ["import", EXAMPLE, "--to", database.dsn, "--dry-run"];
    const result = await run(folder.path, ...args);
    expect(result.code).toBe(3);
    expect(result.stdout).toContain("the same command again, with --dry-run --rejects FILE.xlsx\n");
    expect(result.stdout).not.toContain("sluice imports");
    expect(JSON.parse((await run(folder.path, ...args, "--json")).stdout)).toMatchObject({ id: null, rejected: 13 });
  });

  withServer("notes behind a failure are called notes", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const args = ["import", EXAMPLE, "--to", database.dsn, "--max-errors", "1"];
    const result = await run(folder.path, ...args);
    expect(result.stderr).toMatch(/^error: \d+ rows have been rejected/);
    const behind = result.stderr.trimEnd().split("\n").slice(3);
    expect(behind.length).toBeGreaterThan(0);
    expect(behind.filter((line) => !/^(Note|not built): /.test(line))).toEqual([]);
    const json = await run(folder.path, ...args, "--max-errors", "2", "--json");
    const { error } = JSON.parse(json.stdout) as { error: { message: string } };
    expect(error.message).toMatch(/\nNote: resumed import \w+/);
  });
});

describe("interruption", () => {
  withServer("Ctrl-C ends with 130, and what it says is in the table is in the table", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const { child, finished } = start(folder.path, [
      "import",
      EXAMPLE,
      "--to",
      database.dsn,
      "--method",
      "sequential",
      "--json",
    ]);
    await rowsIn(database, "businesses");
    child.kill("SIGINT");
    const result = await finished;
    expect(result.code).toBe(130);
    const report = JSON.parse(result.stdout) as { inserted: number; interrupted: boolean };
    expect(report.interrupted).toBe(true);
    expect(await database.query("select count(*) from businesses")).toEqual([[String(report.inserted)]]);
    expect(report.inserted).toBeLessThan(9_987);
    expect(await database.query("select count(*) from pg_indexes where tablename = 'businesses'")).toEqual([["7"]]);
  });

  withServer("killing the launcher ends the import that it started", async () => {
    await using folder = newFolder();
    await using database = await newDatabase();
    const { child, finished } = start(folder.path, ["import", EXAMPLE, "--to", database.dsn, "--method", "sequential"]);
    await rowsIn(database, "businesses");
    child.kill("SIGKILL");
    await finished;
    let before = "";
    for (;;) {
      const [[now]] = (await database.query(
        "select count(*) || ' ' || (select count(*) from pg_stat_activity where application_name like 'sluice%' and datname = current_database()) from businesses",
      )) as [[string]];
      if (now === before && now.endsWith(" 0")) break;
      before = now;
      await sleep(50);
    }
    expect(Number(before.split(" ")[0])).toBeLessThan(9_987);
  });
});

describe("schema files", () => {
  const schema = (code: string): string => `import { table } from "sluice";\n${code}`;

  withServer.each([
    ["a folder without package.json", undefined],
    ["a CommonJS folder", '{"type":"commonjs"}'],
  ])("a schema beside the workbook is found in %s", async (_, manifest) => {
    await using folder = newFolder();
    await using database = await newDatabase();
    if (manifest === undefined) await mkdir(join(folder.path, ".git"));
    else await writeFile(join(folder.path, "package.json"), manifest);
    await writeWorkbook(join(folder.path, "people.xlsx"), {
      S: [
        ["Name", "Age"],
        ["Ada", 36],
        ["Bob", "old"],
      ],
    });
    await writeFile(
      join(folder.path, "people.schema.ts"),
      schema(
        'const name: string = "persons";\nexport default table({ name, columns: { name: { type: "text" }, age: { type: "integer", notNull: true } } });',
      ),
    );
    const result = await run(folder.path, "import", "people.xlsx", "--to", database.dsn);
    expect(result.stderr).toBe("");
    expect(result.stdout).toContain('row 3  invalid_number: Age "old": not a whole number');
    expect(result.code).toBe(3);
    expect(await database.query("select name, age from persons")).toEqual([["Ada", "36"]]);
  });

  test.each([
    ["that exports no table", "export const x = 1;", /exports no table/],
    ["with an error in it", "throw new Error('oops');", /cannot be run: oops/],
    [
      "with an unknown setting",
      schema("export const t = table({ name: 't', columns: { a: { nullable: true } } });"),
      /unknown setting "nullable"/,
    ],
  ])("a schema file %s", async (_, code, message) => {
    await using folder = newFolder();
    await mkdir(join(folder.path, "sub"));
    await writeFile(join(folder.path, "sub", "my.schema.ts"), code);
    expectMessage(await run(folder.path, "import", EXAMPLE, "--schema", "sub/my.schema.ts"), 2, message);
  });

  test("a schema file that is not there", async () => {
    await using folder = newFolder();
    expectMessage(await run(folder.path, "import", EXAMPLE, "--schema", "nowhere.ts"), 2, /no schema file nowhere\.ts/);
  });
});

test("sluice sample writes a workbook that sluice import takes", async () => {
  await using folder = newFolder();
  const sample = await run(folder.path, "sample", "200", "--bad", "7", "--seed", "5", "--strings", "inline");
  expect(sample.code).toBe(0);
  await writeFile(join(folder.path, "businesses.xlsx"), sample.bytes);
  await writeFile(join(folder.path, "package.json"), "{}");
  await writeFile(join(folder.path, "businesses.schema.ts"), await readFile(EXAMPLE.replace(".xlsx", ".schema.ts")));
  const result = await run(folder.path, "import", "businesses.xlsx", "--json");
  expect(JSON.parse(result.stdout)).toMatchObject({ total: 200, inserted: 193, rejected: 7 });
});

async function rowsIn(database: { query(sql: string): Promise<(string | null)[][]> }, table: string): Promise<void> {
  for (;;) {
    const [[count]] = (await database.query(
      `select coalesce((select (xpath('/row/c/text()', query_to_xml('select count(*) as c from ' || to_regclass('${table}'), true, true, '')))[1]::text where to_regclass('${table}') is not null), '0')`,
    )) as [[string]];
    if (Number(count) > 20) return;
    await sleep(20);
  }
}

withServer("sql --json gives numbers as numbers where no digit is lost", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  const query =
    "select 7::smallint a, 9007199254740991::bigint b, 9007199254740993::bigint c, 1.50::numeric d, 0.1234567890123456789::numeric e, " +
    "0.1::real f, 'NaN'::float8 g, null::integer h, '7' i, true j, 0.10::numeric(5,2) k, -3 l";
  const { stdout } = await run(folder.path, "sql", query, "--json", "--to", database.dsn);
  expect(JSON.parse(stdout)).toEqual([
    {
      a: 7,
      b: 9007199254740991,
      c: "9007199254740993",
      d: 1.5,
      e: "0.1234567890123456789",
      f: 0.1,
      g: "NaN",
      h: null,
      i: "7",
      j: "t",
      k: 0.1,
      l: -3,
    },
  ]);
});

withServer("the line that says what was imported says what became of rows that are there already", async () => {
  await using folder = newFolder();
  await using database = await newDatabase();
  await database.query("create table t (id integer primary key, name text)");
  await writeFile(join(folder.path, "t.csv"), "id,name\n1,Ada\n2,Bob\n");
  const first = async (...options: string[]): Promise<string> => {
    const { stdout } = await run(folder.path, "import", "t.csv", "--to", database.dsn, ...options);
    return /^(?:Imported|Would import) .*$/m.exec(stdout)![0].replace(/ in \S+ \(.*?\)/, "");
  };
  expect(await first()).toBe("Imported 2 of 2 rows.");
  expect(await first("--again")).toBe(
    "Imported 0 of 2 rows. 2 were in the table already, or came twice, and were rejected (--on-conflict skip leaves such rows out, --on-conflict update writes over them).",
  );
  expect(await first("--on-conflict", "skip")).toBe(
    "Imported 0 of 2 rows. 2 were in the table already and were skipped.",
  );
  expect(await first("--on-conflict", "update")).toBe(
    "Imported 2 of 2 rows. 2 were in the table already and were updated.",
  );
  await database.query("drop table t; create table t (id integer, name text)");
  expect(await first()).toBe("Imported 2 of 2 rows.");
  expect(await first("--again")).toBe(
    "Imported 2 of 2 rows. This file was imported before, so its rows are in the table twice.",
  );
});
