import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { spool } from "../spool.ts";
import { nodeOfWorkspace } from "./node.ts";

async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from("a,b\n");
}

test("what a killed process has copied is removed by the next copy, and what a living one has is not", async () => {
  const parent = mkdtempSync(join(tmpdir(), "sheets-spool-"));
  onTestFinished(() => rmSync(parent, { recursive: true }));
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = parent;
  onTestFinished(() => {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  });
  const program = join(import.meta.dirname, "../cli/main.ts");
  const child = execFile(nodeOfWorkspace, ["--conditions=source", program, "cells", "-"]);
  const ended = new Promise((resolve) => child.on("close", resolve));
  child.stdin!.write("secret,");
  await expect.poll(() => readdirSync(parent), { timeout: 30_000 }).toHaveLength(1);
  await using _kept = await spool(pieces(), "first");
  expect(readdirSync(parent)).toHaveLength(2);
  child.kill("SIGKILL");
  await ended;
  await using copy = await spool(pieces(), "second");
  expect(readdirSync(parent)).toHaveLength(2);
  expect(existsSync(join(dirname(copy.path), "second"))).toBe(true);
});
