// An HTTP server that stops gracefully: no new connections, every answer finished, and an end after
// a grace period.
//
//   node --conditions=source examples/server.ts           stops while it answers, to show how
//   node --conditions=source examples/server.ts 8080      runs until Ctrl-C or SIGTERM
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { chan, go, main, type RecvChan } from "@sluice/go";
import { type Context, notify, withCancel, withoutCancel } from "@sluice/go/context";
import { requests, serve } from "@sluice/go/net";
import { WaitGroup } from "@sluice/go/sync";
import { sleep } from "@sluice/go/time";

/** The answer to a request. Its context is done when the grace period is over. */
export type Handler = (ctx: Context, url: string) => Promise<string>;

export interface RunOptions {
  /** A free port by default. */
  readonly port?: number;
  /** Milliseconds for requests that have begun. */
  readonly grace: number;
  readonly onListening?: () => void;
}

/**
 * Serves until ctx is done. Requests that have begun by then may end within the grace period. If
 * one does not, its context is cancelled, its connection is cut, and this rejects with
 * `DeadlineExceeded`.
 */
export async function run(ctx: Context, server: Server, handle: Handler, options: RunOptions): Promise<void> {
  const [working, cancel] = withCancel(withoutCancel(ctx)); // requests go on when ctx is done
  const handlers = new WaitGroup();
  const incoming = requests(ctx, server);
  go(async function accept() {
    for await (const { request, response } of incoming) {
      handlers.go(async function answer() {
        try {
          response.end(await handle(working, request.url ?? "/"));
        } catch (error) {
          response.writeHead(500).end((error as Error).message);
        }
      });
    }
  });
  try {
    await serve(ctx, server, { host: "127.0.0.1", ...options });
  } finally {
    cancel();
    await handlers.wait();
  }
}

/** Says how long it took: `/250` takes 250 ms. */
export const slowly: Handler = async (ctx, url) => {
  const ms = Number(url.slice(1)) || 0;
  await sleep(ms, ctx);
  return `done after ${ms} ms\n`;
};

if (import.meta.main) {
  await main(async () => {
    const [interrupted, stop] = notify("SIGINT", "SIGTERM");
    using _ = stop;
    const [ctx, shutDown] = withCancel(interrupted);
    const server = createServer();
    const port = Number(process.argv[2] ?? 0);
    const begun = chan<string>(3);
    const handle: Handler = (ctx, url) => {
      begun.trySend(url);
      return slowly(ctx, url);
    };
    const onListening = (): void => {
      const { port: at } = server.address() as AddressInfo;
      console.log(`listening on http://127.0.0.1:${at}/250`);
      if (process.argv[2] === undefined) go(demonstrate, `http://127.0.0.1:${at}`, begun, shutDown);
    };
    await run(ctx, server, handle, { port, grace: 5_000, onListening });
    console.log("stopped, and every request was answered");
  });
}

async function demonstrate(url: string, begun: RecvChan<string>, shutDown: () => void): Promise<void> {
  for (const ms of [100, 300, 500]) {
    go(async function client() {
      const response = await fetch(`${url}/${ms}`);
      console.log(`client: ${(await response.text()).trim()}`);
    });
  }
  for (let i = 0; i < 3; i++) await begun.recv(); // a connection without a request would be closed
  await sleep(200);
  console.log("shutting down while two requests are under way");
  shutDown();
  await sleep(50);
  const refused = await fetch(`${url}/0`).catch(({ cause }: Error) => cause as Error & { code: string });
  console.log(`a new client: ${"code" in refused ? refused.code : refused.status}`);
}
