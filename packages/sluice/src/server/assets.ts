// The page's files, held in memory: what Vite made of packages/web. Nothing is looked up on disk by
// a name that came with a request.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { extname } from "node:path";
import { SluiceError } from "../errors.ts";

/** One file of the page, ready to send. */
export interface Asset {
  readonly path: string;
  readonly type: string;
  readonly etag: string;
  readonly body: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/**
 * The folders of the files: beside this package's output when it is published (dist/web), or the
 * output of the separate package in the checkout.
 */
const PLACES = [new URL("../web/", import.meta.url), new URL("../../../web/dist/", import.meta.url)];

/**
 * Reads the page; `index.html` goes under `/`.
 * @throws SluiceError (`no_page`) if the page was not shipped, with what to do
 */
export async function readAssets(places: readonly URL[] = PLACES): Promise<Asset[]> {
  const folder = places.find((place) => existsSync(new URL("index.html", place)));
  if (!folder)
    throw new SluiceError(
      "no_page",
      "the page's files are missing from this installation. In a checkout, make them with npm run prepare; elsewhere, install sluice again.",
    );
  const assets: Asset[] = [];
  for (const name of await readdir(folder)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const body = await readFile(new URL(name, folder));
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    assets.push({ path: name === "index.html" ? "/" : `/${name}`, type, etag, body });
  }
  return assets;
}
