// A web scraper: jobs that make jobs, a rate for each host, robots.txt, retries, and an end when no
// page is left.
//
//   node --conditions=source examples/scraper.ts http://127.0.0.1:8000/ 4
import { main, type RecvChan } from "@sluice/go";
import { type Context, notify } from "@sluice/go/context";
import { workList } from "@sluice/go/patterns";
import { every, KeyedLimiter } from "@sluice/go/rate";
import { exponential, permanent, retry, retryAfter } from "@sluice/go/retry";
import { onceValue } from "@sluice/go/sync";

export interface Page {
  readonly url: string;
  readonly status: number;
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
      const page = await retry(ctx, () => load(ctx, url), { attempts: 4, backoff: exponential({ initial: 20 }) });
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
  if (status === 429) throw retryAfter(new Error(`${url}: 429`), 1000 * Number(response.headers.get("retry-after")));
  if (status >= 500) throw new Error(`${url}: ${status}`);
  if (status === 401) throw permanent(new Error(`${url}: not allowed`));
  const links = [...text.matchAll(/href="([^"#]*)/g)].map(([, link]) => new URL(link!, url).href);
  return { url, status, links };
}

/** The paths that robots.txt forbids to all; empty if the site does not have that file. */
async function loadRules(ctx: Context, origin: string): Promise<string[]> {
  const response = await fetch(`${origin}/robots.txt`, { signal: ctx.signal });
  const text = response.ok ? await response.text() : "";
  const forAll = text.split(/^[ \t]*user-agent[ \t]*:[ \t]*/im).filter((group) => group.startsWith("*"));
  return forAll.flatMap((group) =>
    [...group.matchAll(/^[ \t]*disallow[ \t]*:[ \t]*([^#\s]+)/gim)].map(([, path]) => path!),
  );
}

if (import.meta.main) {
  await main(async () => {
    const [ctx, stop] = notify("SIGINT");
    using _ = { [Symbol.dispose]: stop };
    const [, , first = "http://127.0.0.1:8000/", workers = "4"] = process.argv;
    for await (const page of crawl(ctx, first, Number(workers))) console.log(page.status, page.url);
  });
}
