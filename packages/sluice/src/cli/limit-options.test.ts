import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { defaultLimits } from "@sluice/sheets";
import { expect, test } from "vitest";
import { limitFlag } from "../errors.ts";
import { previewFile } from "../preview.ts";
import { newFolder } from "../test/database.ts";
import { addLimitOptions, limitsFrom } from "./limit-options.ts";

function limitsOf(...args: string[]): ReturnType<typeof limitsFrom> {
  const command = addLimitOptions(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  return limitsFrom(command.parse(args, { from: "user" }).opts());
}

test("every limit has an option", () => {
  for (const name of Object.keys(defaultLimits))
    expect(limitsOf(limitFlag(name), "7")).toEqual({ limits: { [name]: 7 } });
  expect(limitsOf()).toEqual({});
});

test.each([
  ["960MiB", 960 * 2 ** 20],
  ["2GiB", 2 ** 31],
  ["64KiB", 65_536],
])("%s are so many bytes", (text, bytes) => {
  expect(limitsOf("--library-memory-bytes", text)).toEqual({ limits: { libraryMemoryBytes: bytes } });
});

test.each(["0", "-1", "1.5", "much", "1TB"])("%s is refused", (text) => {
  expect(() => limitsOf("--max-field", text)).toThrow(/Expected a whole number above 0/);
});

test("what a limit refuses names its option, and is read with it", async () => {
  await using folder = newFolder();
  const file = join(folder.path, "long.csv");
  await writeFile(file, `name,note\nA,${"x".repeat(100)}\n`);
  const read = async (limit: string): Promise<unknown> =>
    (await previewFile({ file, ...limitsOf("--max-field", limit) })).imports[0]!.error;
  expect(JSON.stringify(await read("50"))).toContain("the limit cellBytes = 50 (--max-field)");
  expect(await read("200")).toBeNull();
});
