// The page's files, and an installation without them.
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { newFolder } from "../test/database.ts";
import { readAssets } from "./assets.ts";

test("the page is under /, and each file has its type and a tag of its content", async () => {
  const assets = await readAssets();
  const index = assets.find(({ path }) => path === "/");
  expect(index?.type).toBe("text/html; charset=utf-8");
  expect(index?.body.toString()).toContain("<sluice-importer>");
  expect(assets.filter(({ etag }) => !/^"[\w-]{22}"$/.test(etag))).toEqual([]);
  expect(new Set(assets.map(({ etag }) => etag)).size).toBe(assets.length);
});

test("an installation without the page says so, and how to make it whole", async () => {
  await using folder = newFolder();
  await expect(readAssets([pathToFileURL(`${folder.path}/`)])).rejects.toMatchObject({
    code: "no_page",
    message: expect.stringMatching(/^the page's files are missing .*npm run prepare/) as string,
  });
});
