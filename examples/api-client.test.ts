import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { go } from "@sluice/go";
import { background, Canceled, DeadlineExceeded, withCancel, withTimeout } from "@sluice/go/context";
import { afterEach, describe, expect, it } from "vitest";
import { StatusError, troubledApi, UsersClient } from "./api-client.ts";

const ctx = background();
const servers: ReturnType<typeof troubledApi>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function client(
  answers: Parameters<typeof troubledApi>[0],
  attemptMs = 60_000,
): Promise<{ readonly client: UsersClient; readonly asked: () => number; readonly server: (typeof servers)[0] }> {
  const server = troubledApi(answers);
  servers.push(server);
  let asked = 0;
  server.on("request", () => asked++);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { client: new UsersClient(url, { attemptMs, pause: 1, token: "t" }), asked: () => asked, server };
}

describe("the API client", () => {
  it("tries again after 5xx, 429 and an attempt that takes too long", async () => {
    const { client: users, asked } = await client({ 1: [503, 429, "hang"] }, 1_500);
    expect(await users.user(ctx, 1)).toEqual({ id: 1, name: "user 1" });
    expect(asked()).toBe(4);
  });

  it("does not try again after 404, and gives up after four attempts", async () => {
    const { client: users, asked } = await client({ 1: [404], 2: [500, 501, 502, 503] });
    const missing = await users.user(ctx, 1).catch((error: StatusError) => error);
    expect([missing instanceof StatusError, (missing as StatusError).status, asked()]).toEqual([true, 404, 1]);
    await expect(users.user(ctx, 2)).rejects.toMatchObject({ status: 503 });
    expect(asked()).toBe(5);
  });

  it("rejects with the context's own error when the deadline passes", async () => {
    const { client: users } = await client({ 1: ["hang"] });
    const [own, cancel] = withTimeout(ctx, 50);
    using _ = cancel;
    await expect(users.user(own, 1)).rejects.toBe(DeadlineExceeded);
  });

  it("closes its connection when its caller gives up", async () => {
    const { client: users, server } = await client({ 1: ["hang"] });
    const [own, cancel] = withCancel(ctx);
    go(async () => {
      const [, response] = (await once(server, "request")) as [unknown, ServerResponse];
      const closed = once(response, "close");
      cancel();
      await closed;
    });
    await expect(users.user(own, 1)).rejects.toBe(Canceled);
  });

  it("sends its token", async () => {
    const { client: users, server } = await client({});
    server.on("request", ({ headers }) => expect(headers.authorization).toBe("Bearer t"));
    await users.user(ctx, 1);
  });
});
