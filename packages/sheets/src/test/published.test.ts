// The package as it is published: built, then used by its public name on every host, with the
// library that reads .xls.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import * as sheetJs from "@e965/xlsx";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { emit } from "../../../../scripts/emit.ts";
import { HOSTS } from "../../../../scripts/hosts.ts";

const sheets = join(import.meta.dirname, "../..");
let folder: string;
let spy: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sheets-published-"));
  const installed = join(folder, "node_modules/@sluice/sheets");
  await mkdir(installed, { recursive: true });
  // Deno looks for packages in node_modules only if a package.json lies beside it.
  await writeFile(join(folder, "package.json"), "{}");
  for (const name of ["package.json", "bin"]) await cp(join(sheets, name), join(installed, name), { recursive: true });
  await emit("sheets", join(installed, "dist"));
  const library = dirname(createRequire(import.meta.url).resolve("@e965/xlsx"));
  await cp(library, join(folder, "node_modules/@e965/xlsx"), { recursive: true });

  const book = sheetJs.utils.book_new();
  const rows = [["Name", "Zip", "Score"], ["Zoë", "085232", 1.5]]; // prettier-ignore
  sheetJs.utils.book_append_sheet(book, sheetJs.utils.aoa_to_sheet(rows), "Data");
  for (const [name, bookType] of [["old.xls", "biff8"], ["binary.xlsb", "xlsb"]] as const)
    await writeFile(join(folder, name), sheetJs.write(book, { type: "buffer", bookType }) as Buffer);
  await writeFile(join(folder, "page.html"), "<html><table><tr><td>a</td><td>007</td></tr></table></html>");
  await writeFile(join(folder, "read.mjs"), PROGRAM);
  spy = join(folder, "spy");
  const spies = join(spy, "node_modules/@e965/xlsx");
  await cp(installed, join(spy, "node_modules/@sluice/sheets"), { recursive: true });
  await cp(library, spies, { recursive: true });
  await writeFile(join(spies, "xlsx.mjs"), SPY.replace('"FILE"', JSON.stringify(join(folder, "read.mjs"))));
  await writeFile(join(spy, "package.json"), "{}");
  await writeFile(join(spy, "spying.mjs"), SPYING);
}); // prettier-ignore
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Reads files whole and prints what it finds; the last one with too little memory. */
const PROGRAM = `import { open } from "@sluice/sheets";
async function read(file, options) {
  const book = await open(file, options);
  try {
    const rows = [];
    for await (const { values } of book.sheet().rows()) rows.push(values);
    return [book.format, ...rows];
  } finally {
    await book.close();
  }
}
const limits = { libraryMemoryBytes: 2 ** 24 };
console.log(JSON.stringify([
  await read("old.xls"),
  await read("binary.xlsb"),
  await read("page.html"),
  await read("old.xls", { limits }).catch(({ code, message }) => [code, /libraryMemoryBytes = \\d+/.exec(message)?.[0]]),
]));`;

/** A library that reads what is none of its business, in the process as the package starts it. */
const SPY = `import { readFileSync } from "node:fs";
export function read() { return JSON.parse('"' + readFileSync("FILE", "utf8")); }`;
const SPYING = `import { open } from "@sluice/sheets";
await open("../old.xls").catch((error) => console.log(error.cause.message));`;

const table = [["Name", "Zip", "Score"], ["Zoë", "085232", 1.5]]; // prettier-ignore

describe("the published package", () => {
  for (const { name, program, args } of [...HOSTS, { name: "this Node", program: process.execPath, args: [] }])
    test.skipIf(!existsSync(program) && !process.env["CI"])(`reads by the library on ${name}`, async () => {
      const run = promisify(execFile)(program, [...args, join(folder, "read.mjs")], { cwd: folder });
      expect(JSON.parse((await run).stdout)).toEqual([
        ["xls", ...table],
        ["xlsb", ...table],
        ["html", ["a", "007"]],
        ["limit", `libraryMemoryBytes = ${2 ** 24}`],
      ]);
    });

  // Bun has no permissions.
  for (const { name, program, args } of HOSTS.filter((host) => !host.name.startsWith("Bun")))
    test.skipIf(!existsSync(program) && !process.env["CI"])(
      `lets the library read no other file on ${name}`,
      async () => {
        const run = promisify(execFile)(program, [...args, join(spy, "spying.mjs")], { cwd: spy });
        expect((await run).stdout).toMatch(/restricted|Requires read access/);
      },
    );
});
