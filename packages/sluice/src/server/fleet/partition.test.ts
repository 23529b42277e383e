// Networks that part, between a worker and one of the three that it needs: the queue, the database
// of the rows, the store. Nobody is told, on either side. And a server that is started again, or
// whose standby takes over.
// The server is this file's own: while one of its sessions waits in a COPY for a client that is cut
// off, it drops no database.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { OwnServer } from "../../../../../scripts/postgres.ts";
import { openTarget } from "../../database/open.ts";
import { databaseOn, ownServer } from "../../test/own-server.ts";
import { canMount } from "../../test/crash/full-disk.ts";
import { startProxy, type Proxy } from "../../test/proxy.ts";
import { ask, ended, people, send } from "../test/client.ts";
import { newFleet, type TestFleet, type TestServer, type TestWorker } from "./test/fleet.ts";
import { startS3 } from "./test/s3-server.ts";

const ROWS = 6000;

let own: OwnServer | undefined;
beforeAll(async () => {
  own = await ownServer();
});
afterAll(() => own?.remove());

/** A table into which rows go slowly, so that an import can be met on its way. */
async function slowTable({ database }: TestFleet): Promise<void> {
  for (const sql of [
    "create table people (name text, age integer)",
    "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.05); return new; end $$",
    "create trigger slow before insert on people for each row when (new.name like 'p%00') execute function slow()",
  ])
    await database.query(sql);
}

async function counted({ database }: TestFleet): Promise<number> {
  return Number((await database.query("select count(*) from people"))[0]![0]);
}

async function expectEachOnce(fleet: TestFleet, at: TestServer, id: string): Promise<void> {
  expect(await ended(at, id)).toMatchObject({ state: "finished", total: ROWS, inserted: ROWS });
  const all = `select count(*), count(distinct name), min(name), max(name) from people`;
  expect((await fleet.database.query(all))[0]!.slice(0, 2)).toEqual([String(ROWS), String(ROWS)]);
}

/** More rows go in than there are now. */
async function expectMore(fleet: TestFleet): Promise<void> {
  const before = await counted(fleet);
  await expect.poll(() => counted(fleet)).toBeGreaterThan(Math.min(before, ROWS - 1));
}

/** Sends a file, and waits until some of its rows are in. */
async function begun(fleet: TestFleet, at: TestServer): Promise<string> {
  const fields = { table: "people", chunkRows: "100" };
  const { body } = await send(at, "/imports", people(ROWS), "people.csv", { fields });
  await expect.poll(() => counted(fleet)).toBeGreaterThan(200);
  return body.id;
}

/** The database by way of a proxy. */
function through(dsn: string, { port }: Proxy): string {
  const url = new URL(dsn);
  [url.hostname, url.port] = ["127.0.0.1", String(port)];
  return url.href;
}

/** A worker that still works, or works again: it imports a file when it is the only one. */
async function expectWorks(at: TestServer, worker: TestWorker, others: readonly TestWorker[]): Promise<void> {
  for (const other of others) await other.drain();
  const { body } = await send(at, "/imports", people(10, 100_000), "more.csv", { fields: { table: "people" } });
  expect(await ended(at, body.id)).toMatchObject({ state: "finished", inserted: 10 });
  expect(worker.lines.join("\n")).toContain(`import ${body.id}: finished`);
}

describe("a worker whose network has parted", () => {
  test("from the queue puts no row in twice, and works again when it is back", async () => {
    if (!own) return;
    await using fleet = await newFleet({ database: await databaseOn(own) });
    await slowTable(fleet);
    const at = await fleet.server();
    const { dsn } = fleet.database;
    await using proxy = await startProxy(new URL(dsn), Infinity);
    const first = await fleet.worker({ dsn: through(dsn, proxy) });
    const id = await begun(fleet, at);
    const parted = proxy.part();
    const second = await fleet.worker();
    await expectEachOnce(fleet, at, id);
    parted[Symbol.dispose]();
    await expectWorks(at, first, [second]);
  }, 360_000);

  test("from the database of the rows leaves the import to another one, and works again when it is back", async () => {
    if (!own) return;
    await using fleet = await newFleet({ database: await databaseOn(own) });
    await slowTable(fleet);
    const at = await fleet.server();
    const { dsn } = fleet.database;
    await using proxy = await startProxy(new URL(dsn), Infinity);
    await using target = await openTarget({ to: through(dsn, proxy), connections: 2, reconnectMs: 1000 });
    const first = await fleet.worker({ target });
    const id = await begun(fleet, at);
    const parted = proxy.part();
    const second = await fleet.worker();
    await expectEachOnce(fleet, at, id);
    expect(second.lines.join("\n")).toContain(`import ${id}: finished`);
    // It was cut off with one import, and has taken no other one.
    expect(first.lines.filter((line) => line.includes(", attempt "))).toHaveLength(1);
    parted[Symbol.dispose]();
    await expectWorks(at, first, [second]);
  }, 360_000);

  test("from the store gives the import back, and works again when it is back", async () => {
    if (!own) return;
    await using s3 = await startS3();
    await using proxy = await startProxy(new URL(s3.env["AWS_ENDPOINT_URL_S3"]!), Infinity);
    for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
    try {
      await using fleet = await newFleet({ files: "s3://files/fleet", database: await databaseOn(own) });
      const at = await fleet.server();
      vi.stubEnv("AWS_ENDPOINT_URL_S3", `http://127.0.0.1:${proxy.port}`);
      const first = await fleet.worker();
      const parted = proxy.part();
      const { body } = await send(at, "/imports", people(10), "people.csv");
      await expect
        .poll(async () => (await ask(at, "GET", `/imports/${body.id}`)).body.retry, { timeout: 240_000 })
        .toMatchObject({ reason: "the store for uploaded files cannot be used just now." });
      parted[Symbol.dispose]();
      expect(await ended(at, body.id)).toMatchObject({ state: "finished", inserted: 10 });
      expect(first.lines.join("\n")).toContain(`import ${body.id}: finished`);
    } finally {
      vi.unstubAllEnvs();
    }
  }, 360_000);
});

test("a server that crashes and starts again while imports run loses no row, and makes none twice", async () => {
  if (!own) return;
  await using fleet = await newFleet({ database: await databaseOn(own) });
  await slowTable(fleet);
  const at = await fleet.server();
  await fleet.worker();
  await fleet.worker();
  const id = await begun(fleet, at);
  for (let crash = 0; crash < 2; crash++) {
    own.stop();
    own.start();
    await expectMore(fleet);
  }
  await expectEachOnce(fleet, at, id);
}, 360_000);

test("a standby that takes over while imports run has each row that was committed, and gets the others once", async () => {
  const primary = await ownServer();
  if (!primary) return;
  try {
    using standby = await primary.follow();
    const place = new URL(primary.url);
    await using proxy = await startProxy(place, Infinity);
    await using fleet = await newFleet({ database: await databaseOn({ url: through(primary.url, proxy) }) });
    await fleet.database.query("alter system set synchronous_standby_names = '*'");
    await fleet.database.query("select pg_reload_conf()");
    await expect.poll(() => fleet.database.query("select sync_state from pg_stat_replication")).toEqual([["sync"]]);
    await slowTable(fleet);
    const at = await fleet.server();
    await fleet.worker();
    await fleet.worker();
    const id = await begun(fleet, at);
    primary.stop();
    standby.promote();
    place.port = new URL(standby.url).port;
    await expect.poll(() => counted(fleet)).toBeGreaterThan(200);
    await expectMore(fleet);
    await expectEachOnce(fleet, at, id);
  } finally {
    primary.start();
    primary.remove();
  }
}, 360_000);

test.skipIf(!canMount())(
  "a disk of the database that is full lets imports wait until it has room",
  async () => {
    if (!own) return;
    const disk = join(own.home, "small");
    const { uid = 0, gid = 0 } = own.user;
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=128k,uid=${uid},gid=${gid}`, "tmpfs", disk]);
    try {
      await using fleet = await newFleet({ database: await databaseOn(own) });
      const { database } = fleet;
      await database.query(`create tablespace small location '${disk}'`);
      await database.query("create table people (name text, age integer) tablespace small");
      const at = await fleet.server();
      await fleet.worker({ maxAttempts: 100 });
      const fields = { table: "people", chunkRows: "100" };
      const { id } = (await send(at, "/imports", people(ROWS), "people.csv", { fields })).body;
      await expect
        .poll(async () => (await ask(at, "GET", `/imports/${id}`)).body.retry?.reason)
        .toMatch(/The server's disk is full: make room/);
      expect(await counted(fleet)).toBeLessThan(ROWS);
      execFileSync("mount", ["-o", "remount,size=100m", disk]);
      await expectEachOnce(fleet, at, id);
      await database.query("drop table people");
      await database.query("drop tablespace small");
    } finally {
      execFileSync("umount", ["--lazy", disk]);
    }
  },
  360_000,
);
