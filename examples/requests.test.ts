import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gosched, numGoroutine } from "@sluice/go";
import { background, Canceled, DeadlineExceeded, withCancel } from "@sluice/go/context";
import { test as bubble } from "@sluice/go/synctest";
import { sleep } from "@sluice/go/time";
import { describe, expect, it } from "vitest";
import { type Ask, askAll, asker } from "./requests.ts";

const ctx = background();
const urls = Array.from({ length: 1000 }, (_, i) => `/${i}`);

describe("many requests with a limit", () => {
  it("asks for each URL once, with no more at once than allowed, and reports all errors", () =>
    bubble(async () => {
      let [now, most, goroutines] = [0, 0, 0];
      const ask: Ask = async (ctx, url) => {
        most = Math.max(most, ++now);
        goroutines = Math.max(goroutines, numGoroutine());
        await sleep(url.endsWith("7") ? 10_000 : 100, ctx).finally(() => now--);
        if (url.endsWith("3")) throw new Error("status 500");
      };
      const outcomes = await askAll(ctx, urls, ask, 20, 2_000);
      expect(outcomes.map(({ url }) => url).sort()).toEqual(urls.toSorted());
      expect(most).toBe(20);
      expect(goroutines).toBeLessThanOrEqual(23);
      for (const { url, error } of outcomes) {
        const expected = url.endsWith("7") ? DeadlineExceeded.message : url.endsWith("3") ? "status 500" : undefined;
        expect(error?.message).toBe(expected);
      }
    }));

  it("stops when its context ends, and leaves nothing running", async () => {
    const [child, cancel] = withCancel(ctx);
    let asked = 0;
    const ask: Ask = async () => {
      if (++asked === 100) cancel();
      await gosched();
    };
    await expect(askAll(child, urls, ask, 10, 60_000)).rejects.toBe(Canceled);
    expect(asked).toBeLessThan(120);
    expect(numGoroutine()).toBe(1);
  });

  it("keeps its connections", async () => {
    let [now, most, connections] = [0, 0, 0];
    const server = createServer((request, response) => {
      most = Math.max(most, ++now);
      response.on("close", () => now--);
      setImmediate(() => response.writeHead(request.url === "/5" ? 500 : 200).end());
    });
    server.on("connection", () => connections++);
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const client = asker(8);
    const outcomes = await askAll(
      ctx,
      urls.map((url) => `http://127.0.0.1:${port}${url}`),
      client.ask,
      8,
      60_000,
    );
    expect(outcomes.filter(({ error }) => error !== undefined).map(({ error }) => error!.message)).toEqual([
      "status 500",
    ]);
    expect([outcomes.length, most <= 8, connections <= 9]).toEqual([1000, true, true]);
    client[Symbol.dispose]();
    server.close();
  });

  it("reports a server that is not there", async () => {
    const client = asker(2);
    const outcomes = await askAll(ctx, ["http://127.0.0.1:1/", "http://127.0.0.1:1/"], client.ask, 2, 60_000);
    expect(outcomes.map(({ error }) => error?.message)).toEqual(["connection lost", "connection lost"]);
    client[Symbol.dispose]();
  });
});
