// docs/inference.md as it stands: its sheets are made, its commands are run, and they print what
// the page says.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { newDatabase, newFolder, server } from "./database.ts";
import { writeWorkbook, type TestCell } from "./workbook.ts";

const PAGE = readFileSync(new URL("../../../../docs/inference.md", import.meta.url), "utf8");
const LAUNCHER = fileURLToPath(new URL("../../bin/sluice.js", import.meta.url));

test("docs/inference.md: every command prints what the page says", async () => {
  await using folder = newFolder();
  // The embedded database would do as well, and takes seconds for each command.
  await using database = server === undefined ? undefined : await newDatabase();
  const bin = join(folder.path, "bin");
  await mkdir(bin);
  await writeFile(
    join(bin, "sluice"),
    `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(LAUNCHER)} "$@"\n`,
  );
  await chmod(join(bin, "sluice"), 0o755);
  const blocks = [...PAGE.matchAll(/^```(sheet|console) ?(\S*)\n([^]*?)^```$/gm)];
  let commands = 0;
  for (const [, kind, name = "", text = ""] of blocks) {
    if (kind === "sheet") {
      await writeWorkbook(join(folder.path, name), { Sheet1: text.trimEnd().split("\n").map(cells) });
      continue;
    }
    for (const [, command = "", output = ""] of text.matchAll(/^\$ (.*)\n([^]*?)(?=^\$ |(?![^]))/gm)) {
      commands++;
      expect(`$ ${command}\n${await shell(command, folder.path, bin, database?.dsn)}`).toBe(`$ ${command}\n${output}`);
    }
  }
  expect([blocks.length, commands]).toEqual([57, 70]);
}, 300_000);

function cells(line: string): TestCell[] {
  return line.split("|").map((cell) => {
    const text = cell.trim();
    const quoted = /^"(.*)"$/.exec(text)?.[1];
    if (quoted !== undefined) return quoted;
    const [, number, format] = /^(\d+(?:\.\d+)?) as `(.*)`$/.exec(text) ?? [];
    if (number !== undefined) return { number: Number(number), format: format! };
    const [, label, link] = /^\[(.*)\]\((.*)\)$/.exec(text) ?? [];
    if (label !== undefined) return { text: label, link: link! };
    if (text === "true" || text === "false") return text === "true";
    return text === "" ? null : /^\d+(\.\d+)?$/.test(text) && !/^0\d/.test(text) ? Number(text) : text;
  });
}

/** What a command prints, on either stream. */
function shell(command: string, cwd: string, bin: string, dsn = ""): Promise<string> {
  const { PATH = "", ...rest } = process.env;
  const env = { ...rest, DATABASE_URL: dsn, PATH: `${bin}${delimiter}${PATH}` };
  return new Promise((resolve) => {
    execFile("sh", ["-c", `{ ${command}; } 2>&1 | grep -v "^Making the embedded"`], { cwd, env }, (_, stdout) =>
      resolve(stdout),
    );
  });
}
