import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { hashFile } from "./hash.ts";
import { newFolder } from "./test/database.ts";

async function hashOf(bytes: Buffer, ...limits: [] | [Parameters<typeof hashFile>[1]]): ReturnType<typeof hashFile> {
  await using folder = newFolder();
  const path = join(folder.path, "file");
  await writeFile(path, bytes);
  return await hashFile(path, ...limits);
}

const text = randomBytes(1_000_000);
const packed = gzipSync(text);

test("a file in gzip is known by what it inflates to, however it was packed", async () => {
  const { content } = await hashOf(text);
  expect(await hashOf(packed)).toMatchObject({ content, packed: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  expect((await hashOf(gzipSync(text, { level: 1 }))).content).toBe(content);
  const parts = Buffer.concat([gzipSync(text.subarray(0, 10)), gzipSync(text.subarray(10))]);
  expect((await hashOf(parts)).content).toBe(content);
});

test("one that cannot be inflated, or to too much, is known by its bytes", async () => {
  const { packed: bytes } = await hashOf(packed);
  expect(await hashOf(packed, { partBytes: 1000 })).toEqual({ content: bytes });
  const cut = await hashOf(packed.subarray(0, 1000));
  expect(cut).toEqual({ content: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  expect((await hashOf(Buffer.from([0x1f, 0x8b]))).packed).toBeUndefined();
});
