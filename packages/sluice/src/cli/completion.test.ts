// The scripts of `sluice completion`, run by the shells themselves.
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DEFAULT_RECONNECT_MS } from "../database/patience.ts";
import { newFolder } from "../test/database.ts";
import { start } from "../test/program.ts";

const has = (shell: string): boolean => spawnSync(shell, ["-c", "true"]).status === 0;

async function script(folder: string, shell: string): Promise<string> {
  const { code, stdout, stderr } = await start(folder, ["completion", shell]).finished;
  expect([code, stderr]).toEqual([0, ""]);
  const file = join(folder, `completion.${shell}`);
  writeFileSync(file, stdout);
  return file;
}

const WANTED: readonly [line: string, offers: readonly string[]][] = [
  ["sluice im", ["import", "imports"]],
  ["sluice imports ", ["cancel", "delete", "take-back"]],
  ["sluice import --meth", ["--method"]],
  ["sluice import --method ", ["batch", "concurrent", "copy", "sequential"]],
  ["sluice import people.xlsx --on-conflict u", ["update"]],
  ["sluice imports cancel --fo", ["--force"]],
  ["sluice completion f", ["fish"]],
  ["sluice help pre", ["preview"]],
];

test.skipIf(!has("bash"))("bash completes commands, options and values, and leaves files to itself", async () => {
  await using folder = newFolder();
  const file = await script(folder.path, "bash");
  const offers = (...words: string[]): string[] => {
    const program = `source "$1"; shift; compopt() { echo "$*" >&2; }
      COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); COMPREPLY=(); _sluice; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync("bash", ["-c", program, "bash", file, ...words], { encoding: "utf8", stdio: "pipe" })
      .split("\n")
      .filter((offer) => offer !== "")
      .sort();
  };
  for (const [line, offered] of WANTED) expect([line, offers(...line.split(" "))]).toEqual([line, offered]);
  // As bash takes the words of --method=c apart.
  expect(offers("sluice", "import", "--method", "=", "c")).toEqual(["concurrent", "copy"]);
  expect(offers("sluice", "import", "--schema", "peo")).toEqual([]);
  expect(offers("sluice", "import", "peo")).toEqual([]);
});

test.skipIf(!has("fish"))("fish completes commands, options, values and files", async () => {
  await using folder = newFolder();
  const file = await script(folder.path, "fish");
  writeFileSync(join(folder.path, "people.xlsx"), "");
  const offers = (line: string): string[] =>
    execFileSync("fish", ["-c", `source "$argv[1]"; complete -C "$argv[2]"`, file, line], {
      cwd: folder.path,
      encoding: "utf8",
      env: { ...process.env, HOME: folder.path },
    })
      .split("\n")
      .flatMap((offer) => (offer === "" ? [] : [offer.split("\t")[0]!]))
      .sort();
  for (const [line, offered] of WANTED) expect([line, offers(line)]).toEqual([line, offered]);
  expect(offers("sluice import peo")).toEqual(["people.xlsx"]);
  expect(offers("sluice sql peo")).toEqual([]);
});

describe.skipIf(!has("zsh"))("zsh", () => {
  test("takes the script, and each command has its options in it", async () => {
    await using folder = newFolder();
    const file = await script(folder.path, "zsh");
    // _arguments tells what it was given; with a real one a terminal would be needed.
    const program = `compdef() { :; }; _arguments() { print -rl -- "$@"; }; source "$1"; _sluice_import; _sluice_imports_cancel`;
    const specs = execFileSync("zsh", ["-f", "-c", program, "zsh", file], { encoding: "utf8" });
    expect(specs).toContain("*--method[how rows go in]:value:(sequential concurrent batch copy)");
    expect(specs).toMatch(/^\*--schema\[.*\]:value:_files$/m);
    expect(specs).toContain("*--force[");
    expect(specs).toContain("*:file:_files");
  });
});

test("another shell is refused with those that there are", async () => {
  await using folder = newFolder();
  const { code, stderr } = await start(folder.path, ["completion", "csh"]).finished;
  expect([code, stderr]).toEqual([2, expect.stringContaining("Allowed choices are bash, zsh, fish.")]);
});

test("the help says each default in the unit of its option", async () => {
  await using folder = newFolder();
  const { stdout } = await start(folder.path, ["import", "--help"]).finished;
  const defaults = [...stdout.replaceAll(/\s+/g, " ").matchAll(/(--[a-z-]+) <([a-z]+)> [^<>]*?\(default: ([^)]+)\)/g)];
  expect(Object.fromEntries(defaults.map(([, option, unit, value]) => [`${option} <${unit}>`, value]))).toMatchObject({
    "--reconnect <seconds>": String(DEFAULT_RECONNECT_MS / 1000),
  });
});
