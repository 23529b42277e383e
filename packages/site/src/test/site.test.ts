// The built site: every link leads somewhere, and nothing comes from another host.

import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { build, folder } from "../build/main.ts";

const dist = join(folder, "dist");
/** Address → HTML. */
const pages = new Map<string, string>();

beforeAll(async () => {
  await build();
  for (const address of globSync("**/*.html", { cwd: dist }))
    pages.set(address, readFileSync(join(dist, address), "utf8"));
});

test("every page of the guide and of the documentation has a page", () => {
  const written = globSync("docs/**/*.md", { cwd: join(folder, "../..") });
  expect(written.length).toBeGreaterThan(40);
  expect(pages.size).toBeGreaterThan(written.length);
  for (const address of ["guide/channels.html", "guide/patterns/worker-pool.html", "from-go.html", "tools.html"])
    expect([...pages.keys()]).toContain(address);
});

test("every link leads to a file of the site and, if it names one, to a place in it", () => {
  const files = new Set(globSync("**/*", { cwd: dist }));
  const dead: string[] = [];
  let count = 0;
  for (const [address, html] of pages) {
    for (const [, target] of html.matchAll(/ (?:href|src)="([^"]*)"/g)) {
      if (/^https?:/.test(target!)) continue;
      const [path, anchor] = decodeURI(target!).split("#");
      const file = path === "" ? address : posix.join(posix.dirname(address), path!);
      count++;
      if (!files.has(file)) dead.push(`${address}: ${target}`);
      else if (anchor !== undefined && !pages.get(file)?.includes(` id="${anchor}"`))
        dead.push(`${address}: ${target}`);
    }
  }
  expect(dead).toEqual([]);
  expect(count).toBeGreaterThan(5_000);
});

test("a page loads only files of the site, and its policy forbids everything else", () => {
  for (const [address, html] of pages) {
    expect([address, [...html.matchAll(/<(?:script|link|img)[^>]*(?:src|href)="(?:https?:)?\/\//g)]]).toEqual([
      address,
      [],
    ]);
    expect([address, [...html.matchAll(/ style="|<style|<script>| on\w+="/g)]]).toEqual([address, []]);
    expect(html).toContain(`<meta http-equiv="Content-Security-Policy" content="default-src 'none';`);
  }
});
