// What a browser has to load: little, from one host, without anything inline.
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readAssets } from "../../../sluice/src/server/assets.ts";

const MOST_BYTES = 90 * 1000;

test("all of the page's JavaScript has at most 90 kB, compressed", async () => {
  const scripts = (await readAssets()).filter(({ path }) => path.endsWith(".js"));
  expect(scripts.length).toBeGreaterThan(0);
  expect(gzipSync(Buffer.concat(scripts.map(({ body }) => body))).length).toBeLessThanOrEqual(MOST_BYTES);
});

test("nothing of the page names another host, and nothing in it is inline", async () => {
  for (const { path, body } of await readAssets()) {
    const text = body.toString();
    const hosts = text.match(/https?:\/\/(?!www\.w3\.org\/)[\w.-]+/g) ?? [];
    expect([path, hosts.filter((host) => host !== "http://localhost")]).toEqual([path, []]);
    if (path === "/") expect(text).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
  }
});
