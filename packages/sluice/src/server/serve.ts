// `sluice serve`: listens until it is told to stop, and stops without leaving anything half done.
import { once } from "node:events";
import type { Context } from "@sluice/go/context";
import { createServer, type ServerOptions } from "./app.ts";
import { DEFAULT_HOST } from "./service.ts";
import { isLoopback } from "./guard.ts";
import { listenError } from "./listen-error.ts";

/** The settings of a server. */
export interface ServeOptions extends ServerOptions {
  /** 8080 by default; 0 takes any that is free. */
  readonly port?: number;
  /** Called with lines for standard output; the first one has the address. */
  readonly print: (line: string) => void;
}

const DEFAULT_PORT = 8080;

/**
 * Serves until `ctx` is done, then stops accepting, lets the imports that have begun finish their
 * chunks in flight, and resolves.
 *
 * @throws SluiceError (`cannot_listen`) if the address cannot be had
 */
export async function serve(ctx: Context, options: ServeOptions): Promise<void> {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, print } = options;
  const app = await createServer(options);
  try {
    await app.listen({ host, port });
    const address = app.server.address();
    const actual = typeof address === "object" && address ? address.port : port;
    print(`Listening on http://${host.includes(":") ? `[${host}]` : host}:${actual}`);
    if (!isLoopback(host) && options.token === undefined) {
      options.log?.("Anyone who can reach this port can import. Set a token, or listen on 127.0.0.1.");
    }
    if (ctx.err() === undefined) await once(ctx.signal, "abort");
  } catch (error) {
    throw listenError(error, host, port);
  } finally {
    await app.close();
  }
}
