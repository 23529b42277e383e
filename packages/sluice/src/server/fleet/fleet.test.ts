// A fleet of real servers and workers over one real database: what any of them takes, all of them
// know.
import { copyFile, mkdir, readdir, readFile, rename, rmdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { newFolder, server } from "../../test/database.ts";
import type { Import, ImportList, ProgressEvent } from "../jobs/import.ts";
import { writeWorkbook } from "../../test/workbook.ts";
import { ask, csv, ended, people, send } from "../test/client.ts";
import { waitingForLock } from "../test/service.ts";
import { Claims } from "./claims.ts";
import { FleetDatabase } from "./database.ts";
import { sweep } from "./dispatcher.ts";
import { newFleet, type TestFleet, type TestServer, type TestWorker } from "./test/fleet.ts";

/** A picture of an import that has just begun. */
const PICTURE: ProgressEvent = {
  state: "running",
  phase: "rows",
  read: 0,
  total: 0,
  inserted: 0,
  updated: 0,
  skipped: 0,
  rejected: 0,
  rate: 0,
  fraction: 0,
  etaSeconds: null,
  milliseconds: 0,
  channels: [],
  workers: [],
};

const NO_LIMITS = { maxFleetImports: undefined, maxClientRunning: undefined };

const stateOf = async (at: TestServer, id: string): Promise<string> =>
  (await ask(at, "GET", `/imports/${id}`)).body.state;

async function openDatabase({ database }: TestFleet): Promise<FleetDatabase> {
  const own = new FleetDatabase({ dsn: database.dsn, connections: 2, role: "worker", log: () => undefined });
  await own.start();
  return own;
}

/** The files in the store. */
const kept = (fleet: TestFleet): Promise<string[]> => readdir(join(fleet.files, "files"));

async function counted({ database }: TestFleet): Promise<unknown> {
  return (await database.query("select count(*), count(distinct name) from people"))[0];
}

/** The files, as their imports were begun. */
async function order({ database }: TestFleet): Promise<(string | null)[]> {
  const rows = await database.query("select job ->> 'fileName' from sluice_fleet.imports order by job ->> 'startedAt'");
  return rows.map(([name]) => name!);
}

/** The store by a way of its own, which may be cut while servers still reach it. */
async function mounted({
  files,
}: TestFleet): Promise<AsyncDisposable & { readonly path: string; away(): Promise<void>; back(): Promise<void> }> {
  const folder = newFolder();
  const path = join(folder.path, "store");
  const elsewhere = join(folder.path, "away");
  await symlink(files, path);
  return {
    path,
    away: () => rename(path, elsewhere),
    back: () => rename(elsewhere, path),
    [Symbol.asyncDispose]: async () => await folder[Symbol.asyncDispose](),
  };
}

/** Locks a table that imports write to, until disposed. */
async function locked({ database }: TestFleet, table: string): Promise<AsyncDisposable> {
  const holder = new pg.Client({ connectionString: database.dsn });
  await holder.connect();
  await holder.query(`begin; lock table ${table}`);
  return { [Symbol.asyncDispose]: async () => await holder.end() };
}

describe.skipIf(server === undefined)("a fleet", () => {
  test("takes a file at one server, and shows its import at every server while a worker runs it", async () => {
    await using fleet = await newFleet();
    const [first, second] = [await fleet.server(), await fleet.server()];
    const { status, body } = await send(first, "/imports", people(5000), "people.csv", {
      fields: { chunkRows: "100" },
    });
    expect([status, body.state]).toEqual([202, "queued"]);
    expect(await stateOf(second, body.id)).toBe("queued");
    expect((await ask<ImportList>(second, "GET", "/imports")).body.imports.map(({ id }) => id)).toEqual([body.id]);
    expect(await kept(fleet)).toHaveLength(1);
    const followed = (await fetch(`${second.url}/imports/${body.id}/events`)).body!.pipeThrough(
      new TextDecoderStream(),
    );
    let [events, worker]: [string, TestWorker | undefined] = ["", undefined];
    for await (const text of followed) {
      events += text;
      // The worker begins when somebody has seen that the import waits.
      if (events.includes('"phase":"queued"')) worker ??= await fleet.worker();
    }
    expect(events).toMatch(/event: progress\ndata: .*"phase":"queued"/);
    expect(events).toMatch(/event: end\ndata: .*"state":"finished"/);
    for (const one of [first, second])
      expect(await ended(one, body.id)).toMatchObject({ total: 5000, inserted: 5000, rejected: 0, table: "people" });
    expect(await counted(fleet)).toEqual(["5000", "5000"]);
    await expect.poll(() => kept(fleet)).toEqual([]);
    // One id, from the server that took it to the worker that ended it.
    expect(first.lines.join("\n")).toContain(`accepted as import ${body.id}`);
    await expect.poll(() => worker!.lines.join("\n")).toContain(`import ${body.id}: finished: 5000 of 5000 rows`);
  });

  test("gives one import for one Idempotency-Key, whichever servers it comes to", async () => {
    await using fleet = await newFleet();
    const servers = [await fleet.server(), await fleet.server()];
    const headers = { "idempotency-key": "monday" };
    const answers = await Promise.all(
      [0, 1, 2, 3].map((n) => send(servers[n % 2]!, "/imports", people(10), "people.csv", { headers })),
    );
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    const other = await send<{ code: string }>(servers[1]!, "/imports", people(11), "people.csv", { headers });
    expect([other.status, other.body.code]).toEqual([422, "idempotency_mismatch"]);
    expect(await kept(fleet)).toHaveLength(1);
  });

  test("counts a client's imports over all servers", async () => {
    await using fleet = await newFleet();
    const servers = [await fleet.server({ maxClientImports: 2 }), await fleet.server({ maxClientImports: 2 })];
    const answers = await Promise.all(
      [0, 1, 2, 3].map((n) => send(servers[n % 2]!, "/imports", people(10, n * 10), "people.csv")),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(2);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(2);
    expect(await kept(fleet)).toHaveLength(2);
  });

  test("cancels an import that waits and one that runs, from a server that took neither", async () => {
    await using fleet = await newFleet();
    await fleet.database.query("create table people (name text, age integer)");
    const [first, second] = [await fleet.server(), await fleet.server()];
    await fleet.worker();
    await using lock = await locked(fleet, "people");
    const running = (await send(first, "/imports", people(100), "people.csv")).body;
    await expect.poll(() => waitingForLock(fleet.database)).toBe(1);
    const waits = (await send(first, "/imports", people(100, 500), "more.csv", { fields: { table: "people" } })).body;
    for (const { id } of [waits, running]) {
      // It may be on its way still when the caller is answered.
      expect((await ask(second, "DELETE", `/imports/${id}`)).status).toBeLessThan(300);
      await expect.poll(() => stateOf(first, id)).toBe("cancelled");
      expect((await ask(second, "DELETE", `/imports/${id}`)).status).toBe(409);
      expect((await ask(first, "POST", `/imports/${id}/resume`)).status).toBe(409);
    }
    await lock[Symbol.asyncDispose]();
    await expect.poll(() => kept(fleet)).toEqual([]);
    // The worker is free again.
    const next = (await send(second, "/imports", people(10), "next.csv", { fields: { table: "people" } })).body;
    expect(await ended(first, next.id)).toMatchObject({ state: "finished", inserted: 10 });
    expect(await counted(fleet)).toEqual(["10", "10"]);
  });

  test("imports the first sheet of a table before the others, however many workers are free", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    await fleet.worker({ maxImports: 3 });
    const path = await writeWorkbook(join(fleet.files, "book.xlsx"), {
      North: [["name", "age"], ["n1", 1], ["n2", 2]],
      South: [["name", "age"], ["s1", 3]],
      West: [["name", "age"], ["w1", 4]],
    }); // prettier-ignore
    const { body } = await send(at, "/imports", new Blob([await readFile(path)]), "book.xlsx", {
      fields: { sheet: "all" },
    });
    expect(body.imports).toHaveLength(3);
    for (const id of body.imports!) expect(await ended(at, id)).toMatchObject({ state: "finished" });
    const times = await fleet.database.query(
      "select job ->> 'startedAt', job ->> 'finishedAt' from sluice_fleet.imports order by part",
    );
    const [[, made], ...later] = times as [(typeof times)[0], ...typeof times];
    for (const [startedAt] of later) expect(startedAt! >= made!).toBe(true);
    await expect.poll(() => kept(fleet)).toEqual([]);
  });

  test("says why an import waits when the store is away, and runs it when the store is back", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    await using mount = await mounted(fleet);
    await fleet.worker({ files: mount.path });
    await mount.away();
    const { body } = await send(at, "/imports", people(10), "people.csv");
    const found = async (): Promise<Import> => (await ask(at, "GET", `/imports/${body.id}`)).body;
    await expect
      .poll(async () => (await found()).retry)
      .toMatchObject({
        attempts: expect.any(Number) as number,
        reason: "the store for uploaded files cannot be used just now.",
        at: expect.stringMatching(/^\d{4}-/) as string,
      });
    expect((await found()).state).toBe("queued");
    await mount.back();
    expect(await ended(at, body.id)).toMatchObject({ state: "finished", inserted: 10 });
    expect(await found()).not.toHaveProperty("retry");
  });

  test("gives no import to a worker that is cut off from its store, after the first one", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    await using mount = await mounted(fleet);
    const cutOff = await fleet.worker({ files: mount.path, maxAttempts: 2 });
    await mount.away();
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.push((await send(at, "/imports", people(10, n * 10), "people.csv")).body.id);
    const said = (): string => cutOff.lines.join("\n");
    await expect.poll(said).toContain("cannot ask for work: files cannot be kept in");
    const healthy = await fleet.worker({ maxAttempts: 2 });
    for (const id of ids) expect(await ended(at, id)).toMatchObject({ state: "finished", inserted: 10 });
    expect(said().match(/came to nothing/g)).toHaveLength(1);
    await mount.back();
    await healthy.drain();
    const { body } = await send(at, "/imports", people(10, 100), "people.csv");
    expect(await ended(at, body.id)).toMatchObject({ state: "finished", inserted: 10 });
  });

  test("lists an import that came to nothing too often, until somebody lets it wait again", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    const { body } = await send(at, "/imports", people(10), "people.csv");
    const file = join(fleet.files, "files", (await kept(fleet))[0]!);
    await rename(file, `${file}.good`);
    await mkdir(file);
    await fleet.worker({ maxAttempts: 2 });
    expect(await ended(at, body.id)).toMatchObject({
      state: "failed",
      resumable: true,
      error: {
        code: "file_store",
        message: expect.stringContaining("It was tried 2 times, and no worker tries it any more.") as string,
      },
    });
    const dead = async (): Promise<readonly string[]> =>
      (await ask<ImportList>(at, "GET", "/dead-letters")).body.imports.map(({ id }) => id);
    expect(await dead()).toEqual([body.id]);
    await rmdir(file);
    await rename(`${file}.good`, file);
    expect((await ask(at, "POST", `/imports/${body.id}/resume`)).status).toBe(202);
    expect(await ended(at, body.id)).toMatchObject({ state: "finished", inserted: 10 });
    expect(await dead()).toEqual([]);
  });

  test("forgets an import that nobody tries any more, with its file, and none that waits", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    await using mount = await mounted(fleet);
    const forget = async (id: string): Promise<number> => (await ask(at, "DELETE", `/imports/${id}/history`)).status;
    const waiting = (await send(at, "/imports", people(5), "people.csv")).body.id;
    expect(await forget(waiting)).toBe(409);
    await ask(at, "DELETE", `/imports/${waiting}`);
    expect(await forget(waiting)).toBe(204);
    await fleet.worker({ files: mount.path, maxAttempts: 1 });
    await mount.away();
    const { body } = await send(at, "/imports", people(10), "people.csv");
    expect(await ended(at, body.id)).toMatchObject({ state: "failed", error: { code: "file_store" } });
    await mount.back();
    expect(await kept(fleet)).toHaveLength(1);
    expect(await forget(body.id)).toBe(204);
    expect(await kept(fleet)).toEqual([]);
    expect(await forget(body.id)).toBe(404);
    expect((await ask<ImportList>(at, "GET", "/dead-letters")).body.imports).toEqual([]);
  });

  test("gives up a file that costs one worker after the other, and says so", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    const { body } = await send(at, "/imports", people(10), "people.csv");
    await using own = await openDatabase(fleet);
    let settled = 0;
    const claims = new Claims(own, "a worker that dies", NO_LIMITS, async () => settled);
    const loseWorker = async (): Promise<void> => {
      expect(await claims.take()).toMatchObject({ claim: { job: { id: body.id } } });
      // As the queue does with a job whose worker is silent.
      await own.query("update sluice_fleet.job set state = 'retry', start_after = now() where state = 'active'");
    };
    for (let lost = 0; lost < 3; lost++) await loseWorker();
    // While the ledger has more rows of it each time, it comes forward. That was the first loss
    // since it did.
    settled = 5;
    for (let lost = 1; lost < 3; lost++) await loseWorker();
    expect(await claims.take()).toEqual({ settled: body.id });
    expect((await ask(at, "GET", `/imports/${body.id}`)).body).toMatchObject({
      state: "failed",
      resumable: true,
      error: { code: "worker_lost" },
    });
    expect((await ask<ImportList>(at, "GET", "/dead-letters")).body.imports).toHaveLength(1);
  });

  test("counts the attempts that came to nothing from the last one on that brought rows", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    const { body } = await send(at, "/imports", people(10), "people.csv");
    await using own = await openDatabase(fleet);
    const claims = new Claims(own, "a worker without a store", NO_LIMITS, async () => 0);
    const outcome = { error: { code: "file_store", message: "The store is away." } };
    /** An attempt after which the import has this number of rows. */
    const attempt = async (total: number): Promise<string | undefined> => {
      await own.query("update sluice_fleet.job set start_after = now() where state = 'retry'");
      const taken = await claims.take();
      if (!taken || !("claim" in taken)) return "nothing to claim";
      const { claim } = taken;
      await claims.show(claim, { ...PICTURE, total });
      return await claims.giveBack(claim, outcome, 2);
    };
    const attempts: (string | undefined)[] = [];
    for (const total of [3, 5, 5, 5]) attempts.push(await attempt(total));
    // Each claim looks at what the attempt before it has brought.
    expect(attempts).toEqual(["queued", "queued", "queued", "failed"]);
    expect((await ask(at, "GET", `/imports/${body.id}`)).body.error?.message).toContain("It was tried 2 times");
  });

  test("serves clients in turn: one's many files do not hold up another's one, and low priority waits for all", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server({ userHeader: "x-user" });
    const submit = (user: string, name: string, fields: Record<string, string> = {}): Promise<unknown> =>
      send(at, "/imports", csv(`name\n${name}\n`), name, {
        headers: { "x-user": user },
        fields: { table: "people", ...fields },
      });
    await submit("ada", "low.csv", { priority: "low" });
    for (const n of [1, 2, 3, 4]) await submit("ada", `ada${n}.csv`);
    await submit("ben", "ben1.csv");
    await submit("ben", "ben2.csv");
    await fleet.database.query("create table people (name text)");
    await fleet.worker();
    await expect.poll(async () => (await fleet.database.query("select count(*) from people"))[0]![0]).toBe("7");
    expect(await order(fleet)).toEqual(
      ["ada1", "ben1", "ada2", "ben2", "ada3", "ada4", "low"].map((one) => `${one}.csv`),
    );
  });

  test("refuses a priority that there is none of, and a text that no database can hold", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    for (const fields of [{ priority: "high" }, { map: "a\0=b" }]) {
      const { status, body } = await send<{ code: string }>(at, "/imports", people(1), "people.csv", { fields });
      expect([status, body.code]).toEqual([400, "bad_field"]);
    }
    expect(await kept(fleet)).toEqual([]);
  });

  test.each([
    ["of one client", { maxClientRunning: 1 }, ["ada", "ben"]],
    ["of the whole fleet", { maxFleetImports: 1 }, ["ada"]],
  ])("keeps to the limit %s over all workers", async (_, limits, expected) => {
    await using fleet = await newFleet();
    const at = await fleet.server({ userHeader: "x-user" });
    await fleet.database.query("create table people (name text, age integer)");
    await using lock = await locked(fleet, "people");
    // A file of the same name, but with other rows, waits for the one that is being imported.
    for (const [n, user] of ["ada", "ada", "ben"].entries())
      await send(at, "/imports", people(10, n * 10), `${user}${n}.csv`, {
        headers: { "x-user": user },
        fields: { table: "people" },
      });
    const workers = [
      await fleet.worker({ maxImports: 2, ...limits }),
      await fleet.worker({ maxImports: 2, ...limits }),
    ];
    const running = async (): Promise<string[]> =>
      (await fleet.database.query("select substr(client, 6) from sluice_fleet.imports where state = 'running'"))
        .map(([client]) => client!)
        .toSorted();
    await expect.poll(() => waitingForLock(fleet.database)).toBe(expected.length);
    // Whoever asks now gets none.
    await using own = await openDatabase(fleet);
    expect(await new Claims(own, "one more", { ...NO_LIMITS, ...limits }, async () => 0).take()).toBeUndefined();
    expect(await running()).toEqual(expected);
    await lock[Symbol.asyncDispose]();
    await expect.poll(() => counted(fleet)).toEqual(["30", "30"]);
    await Promise.all(workers.map((worker) => worker.drain()));
  });

  test("leaves what a worker has begun to another one when it is told to stop", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    await fleet.database.query("create table people (name text, age integer)");
    await fleet.database.query(
      "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return new; end $$",
    );
    await fleet.database.query(
      "create trigger slow before insert on people for each row when (new.name like 'p%00') execute function slow()",
    );
    const first = await fleet.worker({ port: 0 });
    const { body } = await send(at, "/imports", people(20_000), "people.csv", { fields: { chunkRows: "200" } });
    await expect.poll(async () => Number(((await counted(fleet)) as string[])[0])).toBeGreaterThan(1000);
    await first.drain();
    expect(first.lines.at(-1)).toBe(`import ${body.id}: left to another worker`);
    expect(await stateOf(at, body.id)).toBe("queued");
    expect(Number(((await counted(fleet)) as string[])[0])).toBeLessThan(20_000);
    await fleet.worker();
    expect(await ended(at, body.id)).toMatchObject({ state: "finished", total: 20_000, inserted: 20_000 });
    expect(await counted(fleet)).toEqual(["20000", "20000"]);
  });

  test("loses no import with its queue: a job that is missing is sent again", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    const { body } = await send(at, "/imports", people(10), "people.csv");
    await fleet.database.query("delete from sluice_fleet.job");
    await fleet.worker();
    await using own = await openDatabase(fleet);
    await sweep(own);
    await sweep(own);
    expect(await ended(at, body.id)).toMatchObject({ state: "finished", inserted: 10 });
  });

  test("says of an import whose record was deleted that it was, and not that another worker has it", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    const waiting = (await send(at, "/imports", people(3), "waits.csv", { fields: { table: "people" } })).body;
    await fleet.database.query("delete from sluice_fleet.imports");
    const worker = await fleet.worker();
    const said = (): string => worker.lines.join("\n");
    await expect.poll(said).toContain(`import ${waiting.id}: not run, since somebody has deleted its record from`);
    await fleet.database.query("create table people (name text, age integer)");
    const running = await (async () => {
      await using _ = await locked(fleet, "people");
      const { body } = await send(at, "/imports", people(5), "runs.csv", { fields: { table: "people" } });
      await expect.poll(() => waitingForLock(fleet.database)).toBeGreaterThan(0);
      await fleet.database.query("truncate sluice_fleet.imports");
      return body;
    })();
    await expect.poll(said).toContain(`import ${running.id}: finished, and nobody can follow it, since somebody has`);
    expect(said()).not.toContain("another worker has it now");
    // What the message says to do.
    const again = await send(at, "/imports", people(5), "runs.csv", { fields: { table: "people" } });
    await ended(at, again.body.id);
    expect(await fleet.database.query("select count(*) from people")).toEqual([["5"]]);
  });

  test("puts nothing in twice when its records are older than the ledger, and a job comes again", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    const { body } = await send(at, "/imports", people(10), "people.csv");
    await fleet.database.query("create table backup as select * from sluice_fleet.imports");
    const [name] = await kept(fleet);
    await copyFile(join(fleet.files, "files", name!), join(fleet.files, "backup"));
    await fleet.worker();
    expect(await ended(at, body.id)).toMatchObject({ state: "finished", inserted: 10 });
    await expect.poll(() => kept(fleet)).toEqual([]);
    // A backup of the moment before: the record waits, the file is there, and the queue has no job.
    await rename(join(fleet.files, "backup"), join(fleet.files, "files", name!));
    await fleet.database.query(
      "update sluice_fleet.imports i set job = b.job, attempt = 0 from backup b where b.id = i.id",
    );
    await using own = await openDatabase(fleet);
    await sweep(own);
    expect(await ended(at, body.id)).toMatchObject({ state: "finished", total: 10, inserted: 10 });
    expect(await counted(fleet)).toEqual(["10", "10"]);
  });

  test("works for a newer version's records, which have more columns", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    await fleet.database.query("alter table sluice_fleet.imports add column newer text not null default 'x'");
    await fleet.database.query("alter table sluice_fleet.progress add column newer text not null default 'x'");
    await fleet.worker();
    await fleet.server();
    const { body } = await send(at, "/imports", people(10), "people.csv");
    expect(await ended(at, body.id)).toMatchObject({ state: "finished", inserted: 10 });
  });

  test("tells how long the oldest import has waited, and how many processes there are", async () => {
    await using fleet = await newFleet();
    const at = await fleet.server();
    await send(at, "/imports", people(10), "people.csv");
    const text = await (await fetch(`${at.url}/metrics`)).text();
    expect(text).toMatch(/^sluice_fleet_imports\{state="queued"\} 1$/m);
    expect(text).toMatch(/^sluice_fleet_queue_age_seconds 0?\.?\d+/m);
    expect(text).toMatch(/^sluice_fleet_processes\{kind="server"\} 1$/m);
    const worker = await fleet.worker({ port: 0 });
    const url = /http:\S+/.exec(worker.printed[0]!)![0];
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: "healthy" });
    expect(await (await fetch(`${url}/ready`)).json()).toEqual({ status: "ready" });
    await expect
      .poll(async () => (await fetch(`${url}/metrics`)).text())
      .toMatch(/^sluice_fleet_processes\{kind="worker"\} 1$/m);
    await expect
      .poll(async () => (await fetch(`${url}/metrics`)).text())
      .toMatch(/^sluice_imports_total\{state="finished"\} 1$/m);
  });
});
