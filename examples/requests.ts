// 10,000 requests and no more than 50 at once: what a service, a file-descriptor limit and a memory
// can bear.
//
//   node --conditions=source examples/requests.ts 10000 50
import { Agent, createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { go, main } from "@sluice/go";
import { background, type Context, withCancel, withTimeout } from "@sluice/go/context";
import { Group } from "@sluice/go/errgroup";
import { serve } from "@sluice/go/net";

export interface Outcome {
  readonly url: string;
  readonly ms: number;
  readonly error: Error | undefined;
}

/** A request; rejects if it fails, and when its context is done. */
export type Ask = (ctx: Context, url: string) => Promise<unknown>;

/**
 * Asks for every URL, at most `limit` at once and each for at most `ms` milliseconds. Every outcome
 * is reported, none twice.
 */
export async function askAll(
  ctx: Context,
  urls: Iterable<string>,
  ask: Ask,
  limit: number,
  ms: number,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const group = new Group();
  group.setLimit(limit);
  for (const url of urls) {
    if (ctx.err() !== undefined) break;
    // Waits for one of the others to end: there are never 10,000 goroutines, and never 10,000
    // sockets.
    await group.go(async () => {
      const [own, cancel] = withTimeout(ctx, ms);
      using _ = cancel;
      const began = performance.now();
      const error = await ask(own, url).then(
        () => undefined,
        (error: Error) => error,
      );
      outcomes.push({ url, ms: performance.now() - began, error });
    });
  }
  await group.wait();
  ctx.signal.throwIfAborted();
  return outcomes;
}

/** Requests over connections that are kept, `limit` of them. */
export function asker(limit: number): { readonly ask: Ask } & Disposable {
  const agent = new Agent({ keepAlive: true, maxSockets: limit });
  const ask: Ask = (ctx, url) =>
    new Promise<void>((resolve, reject) => {
      const request = get(url, { agent, signal: ctx.signal }, (response) => {
        response.resume().on("end", resolve).on("error", reject);
        if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`));
      });
      request.on("error", () => reject(ctx.err() ?? new Error("connection lost")));
    });
  return { ask, [Symbol.dispose]: () => agent.destroy() };
}

if (import.meta.main) {
  await main(async () => {
    const [count, limit] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 50)];
    const [ctx, stop] = withCancel(background());
    let [now, most, connections] = [0, 0, 0];
    const server = createServer((request, response) => {
      most = Math.max(most, ++now);
      response.on("close", () => now--);
      setImmediate(() => response.writeHead(request.url!.endsWith("13") ? 500 : 200).end("hello"));
    });
    server.on("connection", () => connections++);
    const load = async (): Promise<void> => {
      using _ = stop;
      using client = asker(limit);
      const { port } = server.address() as AddressInfo;
      const urls = Array.from({ length: count }, (_, i) => `http://127.0.0.1:${port}/${i}`);
      const began = performance.now();
      const outcomes = await askAll(ctx, urls, client.ask, limit, 2_000);
      const seconds = (performance.now() - began) / 1000;
      const times = outcomes.map(({ ms }) => ms).sort((a, b) => a - b);
      const failed = outcomes.filter(({ error }) => error !== undefined);
      console.log(
        `${outcomes.length} requests in ${seconds.toFixed(1)} s, at most ${most} at once, over ${connections} connections`,
      );
      console.log(
        `half of them within ${times[count >> 1]!.toFixed(1)} ms, 99 % within ${times[Math.floor(count * 0.99)]!.toFixed(1)} ms`,
      );
      console.log(`${failed.length} failed: ${[...new Set(failed.map(({ error }) => error!.message))].join(", ")}`);
    };
    await serve(ctx, server, { host: "127.0.0.1", onListening: () => go(load) });
  });
}
