import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Watch } from "./watch.ts";

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

test("a connection whose backend is not at work is cut, one whose backend waits for a lock is not", async () => {
  const [dead, waiting] = [await silent(), await silent()];
  let asked = 0;
  const watch = new Watch(5, (pids) => {
    asked++;
    return Promise.resolve(new Set(pids.filter((pid) => pid === 2)));
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
  const watch = new Watch(5, () => Promise.reject(new Error("no answer")));
  using _ = watch.over({ pid: 1, socket });
  await expect.poll(() => socket.destroyed).toBe(true);
});

test("nobody is asked about a connection on which no statement runs", async () => {
  const [resting, busy] = [await silent(), await silent()];
  const asked: number[] = [];
  const watch = new Watch(5, (pids) => {
    asked.push(...pids);
    return Promise.resolve(new Set(pids));
  });
  watch.over({ pid: 1, socket: resting })[Symbol.dispose]();
  using _ = watch.over({ pid: 2, socket: busy });
  await expect.poll(() => asked.length).toBeGreaterThan(2);
  expect(new Set(asked)).toEqual(new Set([2]));
  expect(resting.destroyed).toBe(false);
});
