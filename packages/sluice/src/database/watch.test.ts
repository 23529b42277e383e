import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { Wait } from "../target.ts";
import type { Looked } from "./waits.ts";
import { Watch, type WatchOptions } from "./watch.ts";

/** A connection to a server that says nothing. */
async function silent(): Promise<Socket> {
  const server = createServer((socket) => socket.resume());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.on("error", () => undefined);
  onTestFinished(() => {
    socket.destroy();
    server.close();
  });
  await once(socket, "connect");
  return socket;
}

function newWatch(options: Partial<WatchOptions>): Watch {
  return new Watch({
    lookMs: 5,
    deadMs: 5,
    look: (pids) => Promise.resolve(atWork(pids)),
    cancel: () => Promise.resolve(),
    onWait: () => undefined,
    ...options,
  });
}

function atWork(pids: readonly number[], wait?: Wait): Map<number, Looked> {
  return new Map(pids.map((pid) => [pid, { atWork: true, wait }]));
}

const holder = { pid: 77, application: "psql", user: "ada", state: "idle in transaction", since: "2026-11-21" };
const wait: Wait = { on: 'the table "people"', holders: [holder] };

test("a connection whose backend is not at work is cut, one whose backend waits for a lock is not", async () => {
  const [dead, waiting] = [await silent(), await silent()];
  let asked = 0;
  const watch = newWatch({
    look: (pids) => {
      asked++;
      return Promise.resolve(atWork(pids.filter((pid) => pid === 2)));
    },
  });
  using _dead = watch.over({ pid: 1, socket: dead });
  using _waiting = watch.over({ pid: 2, socket: waiting });
  await expect.poll(() => dead.destroyed).toBe(true);
  const before = asked;
  await expect.poll(() => asked).toBeGreaterThan(before + 2);
  expect(waiting.destroyed).toBe(false);
});

test("where the server cannot be asked either, what does not move is cut", async () => {
  const socket = await silent();
  const watch = newWatch({ look: () => Promise.reject(new Error("no answer")) });
  using _ = watch.over({ pid: 1, socket });
  await expect.poll(() => socket.destroyed).toBe(true);
});

test("where the server answers that it has no room for another connection, nothing is cut", async () => {
  const socket = await silent();
  let asked = 0;
  const watch = newWatch({
    look: () => {
      asked++;
      return Promise.reject(Object.assign(new Error("too many connections for role"), { code: "53300" }));
    },
  });
  using _ = watch.over({ pid: 1, socket });
  await expect.poll(() => asked).toBeGreaterThan(5);
  expect(socket.destroyed).toBe(false);
});

test("nobody is asked about a connection on which no statement runs", async () => {
  const [resting, busy] = [await silent(), await silent()];
  const asked: number[] = [];
  const watch = newWatch({
    look: (pids) => {
      asked.push(...pids);
      return Promise.resolve(atWork(pids));
    },
  });
  watch.over({ pid: 1, socket: resting })[Symbol.dispose]();
  using _ = watch.over({ pid: 2, socket: busy });
  await expect.poll(() => asked.length).toBeGreaterThan(2);
  expect(new Set(asked)).toEqual(new Set([2]));
  expect(resting.destroyed).toBe(false);
});

test("what two statements wait for is told once, and that it is over", async () => {
  const [one, two] = [await silent(), await silent()];
  const told: (readonly Wait[])[] = [];
  let looks = 0;
  const watch = newWatch({
    // The holder does this and that meanwhile.
    look: (pids) => Promise.resolve(atWork(pids, { ...wait, holders: [{ ...holder, since: String(++looks) }] })),
    onWait: (waits) => told.push(waits),
  });
  {
    using _one = watch.over({ pid: 1, socket: one });
    using _two = watch.over({ pid: 2, socket: two });
    await expect.poll(() => looks).toBeGreaterThan(3);
  }
  expect(told).toMatchObject([[{ on: 'the table "people"' }], []]);
});

test("once it is to stop, what waits for others is cancelled, also what begins to wait later; all else is left alone", async () => {
  const [working, waiting, late] = [await silent(), await silent(), await silent()];
  const cancelled: number[] = [];
  const watch = newWatch({
    lookMs: 60_000,
    look: (pids) =>
      Promise.resolve(new Map(pids.map((pid) => [pid, { atWork: true, wait: pid === 1 ? undefined : wait }]))),
    cancel: (pids) => Promise.resolve(cancelled.push(...pids)),
  });
  using _working = watch.over({ pid: 1, socket: working });
  using _waiting = watch.over({ pid: 2, socket: waiting });
  watch.stop();
  await expect.poll(() => cancelled).toContain(2);
  using _late = watch.over({ pid: 3, socket: late });
  await expect.poll(() => cancelled).toContain(3);
  expect(cancelled).not.toContain(1);
});
