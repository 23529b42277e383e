// GET /imports/:id/events over real connections: what a reader sees of an import, from wherever it
// comes in.
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { hold, server, type Held } from "../../test/database.ts";
import { ask, ended, people, send } from "../test/client.ts";
import { startService, waitingForLock, type Service } from "../test/service.ts";
import type { Import, ProgressEvent } from "../jobs/import.ts";

interface Event {
  readonly id: number;
  readonly event: string;
  readonly data: ProgressEvent & Import;
}

/** Reads events until `enough`, or until the stream ends. */
async function read(
  service: Service,
  id: string,
  enough: (events: readonly Event[]) => boolean,
  seen?: number,
): Promise<Event[]> {
  const stop = new AbortController();
  const headers = seen === undefined ? {} : { "last-event-id": String(seen) };
  const response = await fetch(`${service.url}/imports/${id}/events`, { signal: stop.signal, headers });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
  const events: Event[] = [];
  let text = "";
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const fields = new Map(
        text
          .slice(0, end)
          .split("\n")
          .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
      );
      text = text.slice(end + 2);
      if (!fields.has("event")) continue;
      events.push({
        id: Number(fields.get("id")),
        event: fields.get("event")!,
        data: JSON.parse(fields.get("data")!) as Event["data"],
      });
    }
    if (enough(events)) break;
  }
  stop.abort();
  return events;
}

/** An import that waits for a lock until that is released. */
async function startHeld(service: Service): Promise<Held & { readonly id: string }> {
  await ended(service, (await send(service, "/imports", people(1), "people.csv")).body.id);
  await using unlessHeld = new AsyncDisposableStack();
  const lock = unlessHeld.use(await hold(service.database, "lock table people"));
  const { body } = await send(service, "/imports", people(2000, 10), "people.csv", {
    fields: { chunkRows: "100", workers: "2" },
  });
  await expect.poll(() => waitingForLock(service.database)).toBeGreaterThan(0);
  unlessHeld.move();
  return { ...lock, id: body.id };
}

describe.skipIf(server === undefined)("the events of an import", () => {
  test("begin with its state, show its channels and workers at work, and end with the import", async () => {
    await using service = await startService();
    await using held = await startHeld(service);
    const { id } = held;
    const during = await read(service, id, (events) => events.some(({ data }) => data.read > 0));
    const { data } = during.at(-1)!;
    expect(data).toMatchObject({
      state: "running",
      phase: "rows",
      inserted: 0,
      rejected: 0,
      total: 0,
      etaSeconds: null,
    });
    expect(data.channels).toEqual([
      { name: "batches", length: expect.any(Number), capacity: 1 },
      { name: "chunks", length: expect.any(Number), capacity: 1 },
    ]);
    expect(data.workers.map((worker) => worker.id).toSorted()).toEqual(["encode", "load 1", "load 2", "read"]);
    // The loaders wait for the database, so they are busy; what is before them waits for room.
    await expect
      .poll(async () =>
        (await read(service, id, (events) => events.length > 0))
          .at(-1)!
          .data.workers.filter(({ state }) => state === "waiting"),
      )
      .toContainEqual({ id: "encode", state: "waiting", on: "chunks" });
    const rest = read(service, id, () => false);
    await held.release();
    const events = await rest;
    expect(events.at(-1)).toMatchObject({ event: "end", data: { id, state: "finished", inserted: 2000 } });
    expect(events.slice(0, -1).every(({ event }) => event === "progress")).toBe(true);
    const ids = events.map((one) => one.id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("leave out what a reader has seen, and an import that is over gets its end at once, and then nothing", async () => {
    await using service = await startService();
    await using held = await startHeld(service);
    const { id } = held;
    const [first] = await read(service, id, (events) => events.length > 0);
    await held.release();
    await ended(service, id);
    const after = await read(service, id, () => false, first!.id);
    expect(after.map(({ event }) => event)).toEqual(["end"]);
    expect(after[0]!.id).toBeGreaterThan(first!.id);
    expect((await read(service, id, () => false)).map(({ event }) => event)).toEqual(["end"]);
    const again = await ask(service, "GET", `/imports/${id}/events`, {
      headers: { "last-event-id": String(after[0]!.id) },
    });
    expect(again.status).toBe(204);
    const later = await read(service, id, () => false, after[0]!.id + 3_600_000);
    expect(later.map(({ event, id }) => [event, id])).toEqual([["end", after[0]!.id]]);
  });

  test("hold nobody up: readers that never read, and readers that hang up", async () => {
    await using service = await startService();
    await using held = await startHeld(service);
    const { id } = held;
    const sockets = Array.from({ length: 50 }, (_, n) => {
      const socket = connect(service.port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(`GET /imports/${id}/events HTTP/1.1\r\nhost: localhost\r\n\r\n`);
      if (n % 2 === 0) socket.pause();
      else socket.once("data", () => socket.destroy());
      return socket;
    });
    await held.release();
    expect(await ended(service, id)).toMatchObject({ state: "finished", inserted: 2000 });
    expect((await read(service, id, () => false)).at(-1)!.event).toBe("end");
    for (const socket of sockets) socket.destroy();
  });

  test("of an import that waits for its turn say so, and end when the server stops", async () => {
    await using service = await startService({ maxImports: 1 });
    await using held = await startHeld(service);
    const { id } = held;
    const { body } = await send(service, "/imports", people(1, 5000), "people.csv");
    const [first] = await read(service, body.id, (events) => events.length > 0);
    expect(first).toMatchObject({ event: "progress", data: { state: "queued", phase: "queued", read: 0 } });
    const connected = Promise.withResolvers<void>();
    const rest = read(service, body.id, (events) => {
      if (events.length > 0) connected.resolve();
      return false;
    });
    await connected.promise;
    const closed = service.app.close();
    await held.release();
    expect((await rest).filter(({ event }) => event === "end")).toEqual([]);
    await closed;
    expect(id).not.toBe(body.id);
  });

  test("have as many readers as there may be, and one more when one has gone", async () => {
    await using service = await startService({ maxReaders: 2 });
    await using held = await startHeld(service);
    const { id } = held;
    const open = async (): Promise<AbortController> => {
      const stop = new AbortController();
      expect((await fetch(`${service.url}/imports/${id}/events`, { signal: stop.signal })).status).toBe(200);
      return stop;
    };
    const [first] = [await open(), await open()];
    const refused = await ask<{ code: string }>(service, "GET", `/imports/${id}/events`);
    expect([refused.status, refused.body.code, refused.headers.get("retry-after")]).toEqual([
      503,
      "too_many_readers",
      "10",
    ]);
    first.abort();
    await expect
      .poll(
        async () =>
          (await fetch(`${service.url}/imports/${id}/events`, { method: "GET", signal: AbortSignal.timeout(2000) }))
            .status,
      )
      .toBe(200);
    await held.release();
    await ended(service, id);
  });
});
