// The built site, served as a static host would.

import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { folder } from "../build/main.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".json": "application/json",
};

/**
 * A static host of the built site, below the path `/docs/`, as on a host that has more than this
 * site.
 */
export async function serveSite(): Promise<{ url: string } & AsyncDisposable> {
  const dist = join(folder, "dist");
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url as string, "http://localhost");
    const file = join(
      dist,
      normalize(decodeURIComponent(pathname))
        .replace(/^\/docs/, "")
        .replace(/\/$/, "/index.html"),
    );
    if (!pathname.startsWith("/docs/") || !existsSync(file) || statSync(file).isDirectory()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "content-type": TYPES[extname(file)] ?? "application/octet-stream",
      "cache-control": "max-age=600",
    });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/docs/`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
