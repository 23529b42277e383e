// A web scraper: jobs that make jobs, a rate for each host, robots.txt, retries, and an end when no
// page is left.
//
//   node --conditions=source examples/scraper.ts                          a small site of its own
//   node --conditions=source examples/scraper.ts http://127.0.0.1:8000/ 4
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { main, type RecvChan } from "@sluice/go";
import { type Context, notify } from "@sluice/go/context";
import { workList } from "@sluice/go/patterns";
import { every, KeyedLimiter } from "@sluice/go/rate";
import { exponential, permanent, retry, retryAfter } from "@sluice/go/retry";
import { onceValue } from "@sluice/go/sync";

export interface Page {
  readonly url: string;
  /** The status of the answer, or why there is none. */
  readonly status: number | string;
  readonly links: readonly string[];
}

/**
 * All pages of the first one's site that can be reached from it and that robots.txt allows, as they
 * come.
 */
export function crawl(ctx: Context, first: string, workers: number, msPerPage = 10): RecvChan<Page> {
  const { origin, href } = new URL(first);
  const seen = new Set([href]);
  const limits = new KeyedLimiter<string>(every(msPerPage), workers);
  const rules = onceValue(() => loadRules(ctx, origin));
  return workList(
    ctx,
    [href],
    async (url, add, ctx) => {
      await limits.wait(ctx, new URL(url).host);
      const page = await retry(ctx, () => load(ctx, url), { attempts: 4, backoff: exponential({ initial: 20 }) }).catch(
        (error: Error) => {
          if (ctx.err() !== undefined) throw error;
          return { url, status: error.message, links: [] }; // the other pages do not depend on it
        },
      );
      const forbidden = await rules();
      for (const link of page.links) {
        const { origin: from, pathname } = new URL(link);
        if (from !== origin || seen.has(link) || forbidden.some((path) => pathname.startsWith(path))) continue;
        seen.add(link);
        add(link);
      }
      return page;
    },
    { workers },
  );
}

async function load(ctx: Context, url: string): Promise<Page> {
  const response = await fetch(url, { signal: ctx.signal });
  const { status } = response;
  const text = await response.text();
  if (status === 429) throw retryAfter(new Error("429"), 1000 * Number(response.headers.get("retry-after")));
  if (status >= 500) throw new Error(`${status}`);
  if (status === 401) throw permanent(new Error("not allowed"));
  const links = [...text.matchAll(/href="([^"#]*)/g)].flatMap(([, link]) => URL.parse(link!, url)?.href ?? []);
  return { url, status, links };
}

/**
 * The paths that robots.txt forbids to all: none if the site does not have that file, and every one
 * if the site cannot tell (RFC 9309, section 2.3.1).
 */
async function loadRules(ctx: Context, origin: string): Promise<string[]> {
  const response = await fetch(`${origin}/robots.txt`, { signal: ctx.signal }).catch(() => undefined);
  if (response === undefined || response.status >= 500) return ["/"];
  const text = response.ok ? await response.text() : "";
  const forAll = text.split(/^[ \t]*user-agent[ \t]*:[ \t]*/im).filter((group) => group.startsWith("*"));
  return forAll.flatMap((group) =>
    [...group.matchAll(/^[ \t]*disallow[ \t]*:[ \t]*([^#\s]+)/gim)].map(([, path]) => path!),
  );
}

/** A site of 12 pages to try it on. One is private, one fails at first, and one always does. */
async function sampleSite(): Promise<{ readonly url: string } & Disposable> {
  const failed = new Set<string>();
  const server = createServer(({ url = "/" }, response) => {
    const n = Number(url.slice(1));
    const isDown = n === 7 || (n === 5 && !failed.has(url));
    failed.add(url);
    response.statusCode = isDown ? 503 : url === "/robots.txt" || (n >= 1 && n <= 12) ? 200 : 404;
    const links = [2 * n, 2 * n + 1].filter((to) => to <= 12).map((to) => `<a href="/${to}">${to}</a>`);
    response.end(url === "/robots.txt" ? "User-agent: *\nDisallow: /9\n" : links.join(""));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/1`,
    [Symbol.dispose]: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

if (import.meta.main) {
  await main(async () => {
    const [ctx, stop] = notify("SIGINT");
    using _ = stop;
    const [, , address, workers = "4"] = process.argv;
    using sample = address === undefined ? await sampleSite() : undefined;
    const began = performance.now();
    let count = 0;
    for await (const page of crawl(ctx, address ?? sample!.url, Number(workers))) {
      console.log(page.status, page.url);
      count++;
    }
    console.log(`${count} pages in ${Math.round(performance.now() - began)} ms, with ${workers} workers`);
  });
}
