// A product page from four services: one after the other, and at the same time.
//
//   node --conditions=source examples/product-page.ts
import { createServer } from "node:http";
import { go, main } from "@sluice/go";
import { background, type Context, withCancel } from "@sluice/go/context";
import { withContext } from "@sluice/go/errgroup";
import { requests, serve } from "@sluice/go/net";
import { sleep } from "@sluice/go/time";

export interface ProductPage {
  readonly product: { readonly name: string; readonly cents: number };
  readonly reviews: readonly { readonly stars: number; readonly text: string }[];
  readonly similar: readonly string[];
  readonly inventory: { readonly count: number };
}

/** The answer of a service; rejects when ctx is done. */
export type Get = (ctx: Context, path: string) => Promise<unknown>;

/** Each service is asked after the one before has answered: the times add up. */
export async function oneByOne(ctx: Context, get: Get, id: string): Promise<ProductPage> {
  return {
    product: (await get(ctx, `/products/${id}`)) as ProductPage["product"],
    reviews: (await get(ctx, `/reviews/${id}`)) as ProductPage["reviews"],
    similar: (await get(ctx, `/similar/${id}`)) as ProductPage["similar"],
    inventory: (await get(ctx, `/inventory/${id}`)) as ProductPage["inventory"],
  };
}

/**
 * All services are asked at once: the page takes as long as the slowest. The first failure cancels
 * the other calls.
 */
export async function together(ctx: Context, get: Get, id: string): Promise<ProductPage> {
  const [group, own] = withContext(ctx);
  const page: Partial<Record<keyof ProductPage, unknown>> = {};
  const load = (name: keyof ProductPage, path: string): Promise<void> =>
    group.go(async () => {
      page[name] = await get(own, `${path}/${id}`); // one goroutine for each property: no lock
    });
  await load("product", "/products");
  await load("reviews", "/reviews");
  await load("similar", "/similar");
  await load("inventory", "/inventory");
  await group.wait();
  return page as ProductPage;
}

/** What each service says, and the milliseconds that it takes: 2,500 in all. */
export const services: Readonly<Record<string, { readonly ms: number; readonly body: unknown }>> = {
  products: { ms: 900, body: { name: "Desk lamp", cents: 4900 } },
  reviews: {
    ms: 700,
    body: [
      { stars: 5, text: "Bright." },
      { stars: 3, text: "Too bright." },
    ],
  },
  similar: { ms: 500, body: ["Floor lamp", "Candle"] },
  inventory: { ms: 400, body: { count: 12 } },
};

if (import.meta.main) {
  await main(async () => {
    const [ctx, stop] = withCancel(background());
    const server = createServer();
    const questions = requests(ctx, server);
    go(async function answer() {
      for await (const { request, response } of questions) {
        const service = services[request.url!.split("/")[1]!]!;
        go(async () => {
          await sleep(service.ms);
          response.end(JSON.stringify(service.body));
        });
      }
    });
    const measure = async (): Promise<void> => {
      using _ = stop;
      const { port } = server.address() as { port: number };
      const get: Get = async (ctx, path) =>
        (await fetch(`http://127.0.0.1:${port}${path}`, { signal: ctx.signal })).json();
      for (const page of [oneByOne, together]) {
        const began = performance.now();
        const { product, reviews } = await page(ctx, get, "17");
        console.log(
          `${page.name}: ${Math.round(performance.now() - began)} ms for ${product.name}, ${reviews.length} reviews`,
        );
      }
    };
    await serve(ctx, server, { host: "127.0.0.1", onListening: () => go(measure) });
  });
}
