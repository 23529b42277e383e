// Every example as its reader runs it: without arguments it ends by itself, and prints something.
import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { background } from "@sluice/go/context";
import { generate, map } from "@sluice/go/patterns";
import { expect, test } from "vitest";

const folder = import.meta.dirname;
const programs = globSync("*.ts", { cwd: folder, exclude: ["*.test.ts"] }).sort();

/** What a program prints on stdout and stderr, and the status with which it ends. */
function run(program: string): Promise<{ program: string; status: unknown; output: string; errors: string }> {
  const args = ["--no-warnings", "--conditions=source", program];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder, timeout: 200_000 }, (error, output, errors) => {
      resolve({ program, status: error === null ? 0 : (error.code ?? error.signal), output, errors });
    });
  });
}

test("each program ends by itself with status 0, and prints something", { timeout: 280_000 }, async () => {
  const wrong: object[] = [];
  const ctx = background();
  for await (const outcome of map(ctx, generate(ctx, programs), run, { workers: 2 })) {
    const { status, output, errors } = outcome;
    if (status !== 0 || errors !== "" || output.trim() === "") wrong.push(outcome);
  }
  expect(wrong).toEqual([]);
  expect(programs.length).toBeGreaterThan(20);
});
