// What is let go of, by counting, however an import ends: savepoints, sessions of the server,
// timers, listeners, temporary files; and the clients of a service that say nothing.
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { background, withCancel } from "@sluice/go/context";
import { sleep } from "@sluice/go/time";
import { open, spool } from "@sluice/sheets";
import { openTarget } from "../database/open.ts";
import { postgresDatabase } from "../database/postgres.ts";
import { SqlTarget } from "../database/sql.ts";
import { interruptible } from "../cli/common.ts";
import { failureOf } from "../errors.ts";
import { runImport } from "../import.ts";
import type { ImportOptions } from "../options.ts";
import { business, startService } from "../server/test/service.ts";
import { newDatabase, newFolder, server, type TestDatabase } from "./database.ts";
import { faulty } from "./faults.ts";
import { writeWorkbook } from "./workbook.ts";

/** Temporary files of a test go where they can be counted. */
let temporary: ReturnType<typeof newFolder>;
let before: string | undefined;
beforeEach(() => {
  temporary = newFolder();
  before = process.env["TMPDIR"];
  process.env["TMPDIR"] = temporary.path;
});
afterEach(async () => {
  if (before === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = before;
  await temporary[Symbol.asyncDispose]();
});
/** Without the folders of the tests themselves. */
const left = (): string[] =>
  readdirSync(temporary.path, { recursive: true, encoding: "utf8" }).filter((name) => !name.startsWith("sluice-test-"));
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
const listeners = (): number[] =>
  ["SIGINT", "SIGTERM", "exit", "uncaughtException"].map((name) => process.listenerCount(name));

/** How an import can end. */
const ENDINGS: Readonly<Record<string, { options?: Partial<ImportOptions>; stop?: boolean; code?: string }>> = {
  "with all rows": {},
  "with rejects": { options: { types: new Map([["n", "smallint"]]) } },
  "after too many errors": { options: { types: new Map([["n", "smallint"]]), maxErrors: 0 }, code: "too_many_errors" },
  "since it was cancelled": { stop: true },
  "in a dry run": { options: { dryRun: true } },
  "in one transaction": { options: { atomic: true } },
  "since the file is damaged": { options: { limits: { cellBytes: 3 } }, code: "limit" },
};

// From its first wait on, the runtime of goroutines listens to the process, once for the whole
// program.
beforeAll(() => sleep(1));

describe.skipIf(server === undefined)("an import", () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await newDatabase();
  });
  afterAll(() => database[Symbol.asyncDispose]());
  test.each(Object.entries(ENDINGS))(
    "leaves no session, timer, listener or file when it ends %s",
    async (ending, { options, stop, code }) => {
      await using folder = newFolder();
      const rows = Array.from({ length: 400 }, (_, n) => [n * 200, `text ${n}`]);
      const file = await writeWorkbook(join(folder.path, "t.xlsx"), { Sheet1: [["n", "t"], ...rows] });
      const counted = { timers: timers(), listeners: listeners() };
      {
        await using target = await openTarget({ to: database.dsn, connections: 2 });
        const [ctx, cancel] = withCancel(background());
        const failure = await failureOf(
          runImport(ctx, {
            file,
            target,
            table: ending.replaceAll(" ", "_"),
            chunkRows: 20,
            onProgress: () => stop && cancel(),
            ...options,
            limits: { sharedStringBytesInMemory: 1, ...options?.limits },
          }),
        );
        expect((failure as { code?: string } | undefined)?.code).toBe(code);
        cancel();
      }
      // A timer of the test's own may have run out meanwhile.
      expect(timers()).toBeLessThanOrEqual(counted.timers);
      expect(listeners()).toEqual(counted.listeners);
      expect(left()).toEqual([]);
      await expect
        .poll(() =>
          database.query(
            "select application_name from pg_stat_activity where datname = current_database() and application_name like 'sluice%'",
          ),
        )
        .toEqual([]);
      expect(
        await database.query(
          "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())",
        ),
      ).toEqual([["0"]]);
    },
  );

  test.each([
    { method: "copy", tried: "on the server", undone: 5 },
    { method: "copy", tried: "from here", undone: 10 },
    { method: "batch", tried: "from here", undone: 10 },
  ] as const)(
    "releases each savepoint that it makes, whatever becomes of it: $method, rows tried $tried",
    async ({ method, tried, undone }) => {
      await using folder = newFolder();
      await database.query("drop table if exists t; create table t (n integer primary key check (n % 7 <> 3), t text)");
      const file = join(folder.path, "t.csv");
      writeFileSync(file, `n,t\n${Array.from({ length: 120 }, (_, n) => `${n % 100},x${n}`).join("\n")}\n`);
      const live = new Set<string>();
      const seen = { made: 0, most: 0, undone: 0, twice: 0 };
      await using target = new SqlTarget(
        faulty(postgresDatabase(database.dsn, 1), (statement) => {
          for (const [, verb, name] of statement.matchAll(
            /\b(rollback to savepoint|release savepoint|savepoint) (\w+)/g,
          )) {
            if (verb === "savepoint") {
              seen.made++;
              if (live.has(name!)) seen.twice++;
              live.add(name!);
            } else if (verb === "release savepoint") live.delete(name!);
            else seen.undone++;
          }
          seen.most = Math.max(seen.most, live.size);
          // Without PL/pgSQL, the rows are tried from here.
          if (tried === "from here" && statement.includes("do language plpgsql")) throw new Error("there is none");
          if (/(?<!\bon )\bcommit\b|^rollback$/.test(statement)) expect([...live]).toEqual([]);
          return undefined;
        }),
        1000,
      );
      const result = await runImport(background(), {
        file,
        target,
        table: "t",
        method,
        resume: "never",
        again: true,
        atomic: method === "copy",
      });
      expect(result.rejected).toBeGreaterThan(20);
      expect([...live]).toEqual([]);
      // One of the attempt, and one within it for the words of its error.
      expect(seen).toMatchObject({ twice: 0 });
      expect(seen.most).toBeLessThanOrEqual(2);
      expect(seen.undone).toBeGreaterThan(undone);
      expect(seen.made).toBeGreaterThanOrEqual(seen.undone);
    },
  );
});

test("a command that is over listens to no signal any more, whether it went well or not", async () => {
  const counted = listeners();
  await interruptible(async () => {
    expect(listeners()).not.toEqual(counted);
    return 0;
  });
  await expect(interruptible(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(listeners()).toEqual(counted);
});

describe("temporary files", () => {
  const stream = async function* (pieces: number, fails: boolean): AsyncGenerator<Buffer> {
    for (let n = 0; n < pieces; n++) yield Buffer.from("a,b\n".repeat(1000));
    if (fails) throw new Error("the pipe broke");
  };

  test.each([
    ["it was read", stream(3, false), {}, undefined],
    ["its source fails", stream(3, true), {}, /pipe broke/],
    ["it is too large", stream(3, false), { limits: { fileBytes: 5000 } }, /fileBytes/],
    ["it is cancelled", stream(3, false), { signal: AbortSignal.abort(new Error("enough")) }, /enough/],
    ["it is empty", Readable.from([]), {}, undefined],
  ])("of standard input are gone when %s", async (_, source, options, message) => {
    const copied = spool(source, "stdin.csv", options);
    if (message) await expect(copied).rejects.toThrow(message);
    else {
      const { [Symbol.asyncDispose]: dispose } = await copied;
      // The folder and the file in it.
      expect(left()).toHaveLength(2);
      await dispose();
    }
    expect(left()).toEqual([]);
  });

  test.each(["to its end", "up to a break", "not at all", "up to an error"])(
    "of shared strings are gone when a workbook was read %s",
    async (how) => {
      await using folder = newFolder();
      const rows = Array.from({ length: 3000 }, (_, n) => [`text ${n} ${"x".repeat(400)}`]);
      const file = await writeWorkbook(join(folder.path, "t.xlsx"), { Sheet1: rows });
      const book = await open(file, { limits: { sharedStringBytesInMemory: 1 } });
      const read = async (): Promise<void> => {
        if (how === "not at all") return;
        for await (const { number } of book.sheet().rows()) {
          if (number < 2900) continue;
          if (how === "up to a break") break;
          if (how === "up to an error") throw new Error("enough");
        }
      };
      await read().catch((error: unknown) => expect(String(error)).toMatch("enough"));
      await book.close();
      expect(left()).toEqual([]);
    },
  );
});

describe.skipIf(server === undefined)("a service", () => {
  const SILENT: Readonly<Record<string, string>> = {
    "says nothing": "",
    "breaks off in its headers": "POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "breaks off before its body":
      "POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n",
    "breaks off in its file": `POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.xlsx"\r\n\r\nPK${"x".repeat(5000)}`,
  };

  test("that closes lets go of every client that says nothing, of their files and of its folder", async () => {
    const service = await startService();
    const sockets: Socket[] = [];
    const ended = Object.values(SILENT).map(async (text) => {
      const socket = connect(service.port, "127.0.0.1");
      socket.on("error", () => undefined);
      sockets.push(socket);
      await once(socket, "connect");
      if (text !== "") socket.write(text);
      await once(socket.resume(), "close");
    });
    const connections = (): Promise<number> =>
      new Promise((resolve, reject) =>
        service.app.server.getConnections((error, n) => (error ? reject(error) : resolve(n))),
      );
    await expect.poll(connections).toBe(4);
    await expect.poll(() => service.uploads()).toHaveLength(1);
    // A client that breaks off altogether makes the upload end, and with it what waits for it.
    sockets[3]!.destroy();
    sockets[2]!.destroy();
    await expect.poll(() => service.uploads()).toEqual([]);
    await service.app.close();
    await Promise.all(ended);
    expect(await connections()).toBe(0);
    await service[Symbol.asyncDispose]();
  });

  test("that has ended a silent upload has room again, and no timer of it", async () => {
    await using service = await startService({ maxUploads: 1, silenceSeconds: 1 });
    const counted = timers();
    const socket = connect(service.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(SILENT["breaks off in its file"]!);
    await expect.poll(() => service.uploads()).toHaveLength(1);
    expect((await service.send(await service.workbook([business(1)]), "b.xlsx")).status).toBe(503);
    await once(socket.resume(), "data");
    await expect.poll(() => service.uploads()).toEqual([]);
    expect((await service.send(await service.workbook([business(1)]), "b.xlsx")).status).toBe(200);
    socket.destroy();
    await expect.poll(timers).toBeLessThanOrEqual(counted + 2);
  });
});
