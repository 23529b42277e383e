// A service that is killed with -9 half-way, and started again: what it was asked for goes on by
// itself, each row once.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openTarget } from "../database/open.ts";
import { hold, newDatabase, newFolder, server, type TestDatabase } from "../test/database.ts";
import { start } from "../test/program.ts";
import type { Import, ImportList } from "./jobs/import.ts";
import { createServer } from "./app.ts";
import { ask, ended, people, send } from "./test/client.ts";
import { startService, waitingForLock } from "./test/service.ts";

interface Program extends AsyncDisposable {
  readonly url: string;
  readonly output: () => string;
  kill(): Promise<void>;
}

async function serve(folder: string, database: TestDatabase): Promise<Program> {
  const program = start(folder, [
    "serve",
    "--port",
    "0",
    "--to",
    database.dsn,
    "--upload-dir",
    folder,
    "--max-imports",
    "1",
    "--log",
    "json",
    "--allow",
    "*",
  ]);
  const kill = async (): Promise<void> => {
    program.child.kill("SIGKILL");
    await program.finished;
  };
  await expect.poll(program.output).toMatch(/Listening on http/);
  const url = /Listening on (http:\S+)/.exec(program.output())![1]!;
  return { url, output: program.output, kill, [Symbol.asyncDispose]: kill };
}

async function post(
  url: string,
  file: Blob,
  name: string,
  fields: Readonly<Record<string, string>> = {},
): Promise<Import> {
  const body = new FormData();
  for (const [field, value] of Object.entries(fields)) body.append(field, value);
  body.append("file", file, name);
  const answer = await fetch(`${url}/imports`, { method: "POST", body });
  expect(answer.status).toBe(202);
  return (await answer.json()) as Import;
}

const get = async <Body = Import>(url: string, path: string): Promise<Body> =>
  (await (await fetch(url + path)).json()) as Body;

async function kept(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

describe.skipIf(server === undefined)("a service that is killed", () => {
  test("goes on with the import that ran and with the one that waited, exactly once each", async () => {
    await using database = await newDatabase();
    await using folder = newFolder();
    await database.query("create table people (name text, age integer)");
    // The import cannot get past its middle before it is killed, however fast the machine is.
    await database.query(`
      create function wait() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock_shared(16); return new; end $$;
      create trigger wait before insert on people for each row when (new.name = 'p10000') execute function wait()`);
    await using middle = await hold(database, "select pg_advisory_xact_lock(16)");
    let ids: string[];
    {
      await using first = await serve(folder.path, database);
      const running = await post(first.url, people(20_000), "people.csv", { chunkRows: "200", workers: "2" });
      const waiting = await post(first.url, people(500, 50_000), "more.csv", { table: "people" });
      ids = [running.id, waiting.id];
      await expect
        .poll(async () => Number((await database.query("select count(*) from people"))[0]![0]))
        .toBeGreaterThan(1000);
      expect((await get(first.url, `/imports/${waiting.id}`)).state).toBe("queued");
      for (const path of await kept(folder.path)) expect((await stat(path)).mode & 0o077).toBe(0);
      await first.kill();
    }
    const before = Number((await database.query("select count(*) from people"))[0]![0]);
    expect(before).toBeLessThan(20_000);
    await using second = await serve(folder.path, database);
    await middle.release();
    for (const id of ids)
      await expect.poll(async () => (await get(second.url, `/imports/${id}`)).state).toBe("finished");
    expect(await get(second.url, `/imports/${ids[0]}`)).toMatchObject({ total: 20_000, inserted: 20_000, rejected: 0 });
    expect(await database.query("select count(*), count(distinct name) from people")).toEqual([["20500", "20500"]]);
    const list = await get<ImportList>(second.url, "/imports");
    expect(list.imports.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    // The files are gone; what is kept of the imports is private.
    expect((await kept(folder.path)).filter((path) => !/(?:\.json|\/lock(?:-journal)?)$/.test(path))).toEqual([]);
    // Each line of the log has the id of its import.
    await expect.poll(second.output).toContain(`"import":"${ids[0]}"`);
  });
});

describe.skipIf(server === undefined)("a service that is stopped", () => {
  test("leaves what runs to the next one, whose readers find it by the same id", async () => {
    await using service = await startService({ maxImports: 1 });
    await ended(service, (await send(service, "/imports", people(1), "people.csv")).body.id);
    await using lock = await hold(service.database, "lock table people");
    const { body } = await send(service, "/imports", people(1000, 10), "people.csv", {
      fields: { chunkRows: "100", workers: "1" },
    });
    const { body: next } = await send(service, "/imports", people(10, 5000), "more.csv", {
      fields: { table: "people" },
    });
    await expect.poll(() => waitingForLock(service.database)).toBe(1);
    const closed = service.app.close();
    await lock.release();
    await closed;
    const uploadDir = service.uploadDir;
    await using target = await openTarget({ to: service.database.dsn, connections: 2 });
    const app = await createServer({ target, uploadDir });
    try {
      for (const id of [body.id, next.id])
        await expect.poll(async () => (await app.inject(`/imports/${id}`)).json<Import>().state).toBe("finished");
      expect(await service.database.query("select count(*), count(distinct name) from people")).toEqual([
        ["1011", "1011"],
      ]);
    } finally {
      await app.close();
    }
  });

  test("and a second one beside it each keep their own, and take over what the other left", async () => {
    await using service = await startService();
    await ended(service, (await send(service, "/imports", people(1), "people.csv")).body.id);
    await using other = await openTarget({ to: service.database.dsn, connections: 2 });
    const lines: string[] = [];
    const app = await createServer({ target: other, uploadDir: service.uploadDir, log: (line) => lines.push(line) });
    expect(lines).toEqual([]);
    await app.close();
    expect((await ask(service, "GET", "/imports")).status).toBe(200);
  });
});
