// The three applications, on a site, a network and a stream of their own.
import { once } from "node:events";
import { createServer as createSite, type Server as Site } from "node:http";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { gosched, numGoroutine } from "@sluice/go";
import { background, withCancel } from "@sluice/go/context";
import { lines } from "@sluice/go/net";
import { generate } from "@sluice/go/patterns";
import { afterEach, describe, expect, it } from "vitest";
import { chat } from "./chat.ts";
import { crawl } from "./scraper.ts";
import { averages, sample, type Reading } from "./windows.ts";

const ctx = background();
afterEach(async () => {
  await expect.poll(async () => (await gosched(), numGoroutine())).toBe(1);
});

async function listening(server: Server): Promise<number> {
  if (!server.listening) await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe("the scraper", () => {
  /** Page n links to 2n and 2n + 1, up to 40; each page refuses its first request. */
  function site(): { site: Site; asked: Map<string, number>; busiest: () => number } {
    const asked = new Map<string, number>();
    let [now, most] = [0, 0];
    const server = createSite((request, response) => {
      if (request.url === "/robots.txt") {
        response.end("User-agent: other\nDisallow: /\n\nUser-agent: *\nDisallow: /39 # private\nDisallow:\n");
        return;
      }
      most = Math.max(most, ++now);
      response.on("close", () => now--);
      const url = request.url ?? "";
      asked.set(url, (asked.get(url) ?? 0) + 1);
      response.statusCode = asked.get(url) === 1 ? 503 : 200;
      const n = Number(url.slice(1));
      const links = [2 * n, 2 * n + 1, n].filter((to) => to <= 40).map((to) => `<a href="/${to}#x">${to}</a>`);
      response.end(`${links.join("")}<a href="http://elsewhere.example/">elsewhere</a>`);
    });
    return { site: server, asked, busiest: () => most };
  }

  it("visits each page once that robots.txt allows, in spite of refusals, with no more workers than told", async () => {
    const { site: server, asked, busiest } = site();
    const port = await listening(server.listen(0, "127.0.0.1"));
    const pages: number[] = [];
    for await (const { url } of crawl(ctx, `http://127.0.0.1:${port}/1`, 3, 1))
      pages.push(Number(url.split("/").at(-1)));
    const allowed = Array.from({ length: 40 }, (_, n) => n + 1).filter((n) => n !== 39);
    expect(pages.toSorted((a, b) => a - b)).toEqual(allowed);
    expect([...asked.values()]).toEqual(Array(39).fill(2));
    expect(busiest()).toBeLessThanOrEqual(3);
    server.close();
  });

  it("goes on when a page cannot be had or a link is none, and takes nothing else if robots.txt cannot be read", async () => {
    let robots = 404;
    const server = createSite((request, response) => {
      response.statusCode = request.url === "/robots.txt" ? robots : request.url === "/bad" ? 500 : 200;
      response.end(
        '<a href="http://[">no link</a><a href="mailto:ann@example.org">ann</a><a href="/bad"></a><a href="/good"></a>',
      );
    });
    const port = await listening(server.listen(0, "127.0.0.1"));
    const visited = async (): Promise<string[]> => {
      const pages: string[] = [];
      for await (const { url, status } of crawl(ctx, `http://127.0.0.1:${port}/first`, 2, 1))
        pages.push(`${status} ${new URL(url).pathname}`);
      return pages.sort();
    };
    expect(await visited()).toEqual(["200 /first", "200 /good", "500 /bad"]);
    robots = 503;
    expect(await visited()).toEqual(["200 /first"]);
    server.close();
    server.closeAllConnections();
    expect(await visited()).toEqual(["fetch failed /first"]);
  });

  it("stops in the middle when its context ends", async () => {
    const { site: server } = site();
    const port = await listening(server.listen(0, "127.0.0.1"));
    const [child, cancel] = withCancel(ctx);
    let n = 0;
    for await (const _ of crawl(child, `http://127.0.0.1:${port}/1`, 2, 1)) if (++n === 5) cancel();
    expect(n).toBeLessThan(20);
    server.close();
    server.closeAllConnections();
  });
});

describe("the chat", () => {
  it("tells everybody what everybody says, and newcomers the last lines", async () => {
    const [child, cancel] = withCancel(ctx);
    const server = createServer({ allowHalfOpen: true });
    const served = chat(child, server, 0);
    const port = await listening(server);
    const enter = (): { socket: Socket; heard: ReturnType<typeof lines> } => {
      const socket = connect(port, "127.0.0.1");
      return { socket, heard: lines(ctx, socket) };
    };
    const hear = async (heard: ReturnType<typeof lines>, count: number): Promise<string[]> => {
      const got: string[] = [];
      while (got.length < count) got.push((await heard.recv())!);
      return got;
    };
    const ann = enter();
    expect(await hear(ann.heard, 1)).toEqual(["guest 1 is here"]);
    const bob = enter();
    expect(await hear(bob.heard, 2)).toEqual(["guest 1 is here", "guest 2 is here"]);
    ann.socket.write("hello\nhow are you?\n");
    expect(await hear(bob.heard, 2)).toEqual(["guest 1: hello", "guest 1: how are you?"]);
    bob.socket.end("fine\n");
    expect(await hear(ann.heard, 5)).toEqual([
      "guest 2 is here",
      "guest 1: hello",
      "guest 1: how are you?",
      "guest 2: fine",
      "guest 2 has left",
    ]);
    cancel();
    for await (const _ of ann.heard);
    for await (const _ of bob.heard);
    ann.socket.end();
    await served;
  });

  it("cuts off a guest who does not listen, and goes on with the others", async () => {
    const [child, cancel] = withCancel(ctx);
    const server = createServer({ allowHalfOpen: true });
    const served = chat(child, server, 0);
    const port = await listening(server);
    const deaf = connect(port, "127.0.0.1");
    deaf.on("error", () => undefined);
    deaf.pause();
    await once(server, "connection");
    const loud = connect(port, "127.0.0.1");
    loud.on("error", () => undefined);
    const heard = lines(ctx, loud);
    const text = `${"x".repeat(64_000)}\n`;
    let left = false;
    while (!left) {
      loud.write(text);
      for (let line = await heard.recv(); ; line = await heard.recv()) {
        left ||= line === "guest 1 has left";
        if (left || line?.startsWith("guest 2: x") === true) break;
      }
    }
    cancel();
    loud.destroy();
    deaf.destroy();
    await served;
    await heard.recv().catch(() => undefined);
  });
});

describe("the windows", () => {
  it("average each sensor and second, with readings that are a little late, and tell of the one that is too late", async () => {
    const late: Reading[] = [];
    const got = [];
    for await (const average of averages(ctx, generate(ctx, sample()), 250, (reading) => void late.push(reading)))
      got.push(average);
    const expected = new Map<string, Reading[]>();
    for (const reading of sample()) {
      if (reading.value === 99) continue;
      const key = `${Math.floor(reading.at / 1000)} ${reading.sensor}`;
      expected.set(key, [...(expected.get(key) ?? []), reading]);
    }
    expect(late).toEqual([{ sensor: "west", at: 1500, value: 99 }]);
    expect(got).toHaveLength(expected.size);
    for (const { sensor, second, mean, readings } of got) {
      const own = expected.get(`${second} ${sensor}`)!;
      expect(readings).toBe(own.length);
      expect(mean).toBeCloseTo(own.reduce((sum, { value }) => sum + value, 0) / own.length);
    }
    expect(got.map(({ second }) => second)).toEqual(got.map(({ second }) => second).toSorted((a, b) => a - b));
  });
});
