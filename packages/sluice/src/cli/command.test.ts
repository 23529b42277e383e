// Messages name commands that work where they are read.
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";
import { newFolder } from "../test/database.ts";
import { commandName, withCommands } from "./command.ts";

test("the program is `sluice` where a shell finds it by that name, else `npx sluice`", async () => {
  await using folder = newFolder();
  const at = (...parts: string[]): string => join(folder.path, ...parts);
  for (const name of ["bin", "other", "project/node_modules/.bin"]) await mkdir(at(name), { recursive: true });
  await writeFile(at("sluice.js"), "");
  await writeFile(at("other", "sluice"), "another program");
  await symlink(at("sluice.js"), at("bin", "sluice"));
  await symlink(at("sluice.js"), at("project/node_modules/.bin", "sluice"));
  const name = (...folders: string[]): string =>
    commandName(folders.map((one) => at(one)).join(delimiter), at("sluice.js"));
  expect(name("other", "bin")).toBe("sluice");
  expect(name("other")).toBe("npx sluice");
  expect(name("missing")).toBe("npx sluice");
  // npx puts this folder in front for the command that it runs, and no shell looks there
  // afterwards.
  expect(name("project/node_modules/.bin")).toBe("npx sluice");
});

test.each([
  ["End it: sluice imports cancel k3m9x2w7qa.", "End it: npx sluice imports cancel k3m9x2w7qa."],
  ["npx sluice imports lists them", "npx sluice imports lists them"],
  ["Have it made: sluice init --to DSN, or sluice init", "Have it made: npx sluice init --to DSN, or npx sluice init"],
  ["the ledger (schema sluice) in x", "the ledger (schema sluice) in x"],
  ["@sluice/sheets imports it; drop schema sluice cascade", "@sluice/sheets imports it; drop schema sluice cascade"],
])("in %s the commands are ones to type", (text, shown) => {
  expect(withCommands(text, "npx sluice")).toBe(shown);
});
