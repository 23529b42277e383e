// The blocks of code in docs/guide: what they are, and what they print.
//
//   node --conditions=source scripts/guide.ts            compares; prints what differs
//   node --conditions=source scripts/guide.ts --update   writes what they print into the pages
//   … scripts/guide.ts channels                          only pages whose path contains that
//
// A block of TypeScript says in its first line what is done with it, and the ```text block that
// follows is the exact outcome:
//
//   ```ts run            runs in a process of its own, and prints that on stdout and stderr
//   ```ts run exit=2     and ends with that status
//   ```ts run race       runs under the race detector; `run stacks` with SLUICE_STACKS=1
//   ```ts error          is refused by the compiler with these errors; all other blocks have none
//   ```ts lint           is refused by the linter with @sluice/eslint-plugin, with these errors
import { spawn } from "node:child_process";
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { background } from "@sluice/go/context";
import { Pool } from "@sluice/go/patterns";

const root = join(import.meta.dirname, "..");
const guide = join(root, "docs/guide");

/** A block of TypeScript on a page. */
export interface Block {
  /** The path below docs/guide. */
  readonly page: string;
  readonly line: number;
  readonly meta: readonly string[];
  readonly code: string;
  /** The text of the block that follows; `undefined` if no ```text block does. */
  readonly output: string | undefined;
}

export interface Page {
  readonly path: string;
  readonly text: string;
  readonly title: string | undefined;
  readonly blocks: readonly Block[];
}

/**
 * A place in the library, in a stack. Its line would be another one after each change there, so it
 * is left out.
 */
const LIBRARY = new RegExp(`${root}/packages/go/(src/[\\w/-]+\\.ts)(?::\\d+:\\d+)?`, "g");

const FENCE = /^```ts ?([^\n]*)\n([^]*?)^```\n(?:\n?```text\n([^]*?)^```\n)?/gm;

export function pages(): Page[] {
  const paths = globSync("**/*.md", { cwd: guide }).sort();
  return paths.map((path) => {
    const text = readFileSync(join(guide, path), "utf8");
    const title = /^---\n(?:.*\n)*?title: (.+)\n(?:.*\n)*?---\n/.exec(text)?.[1];
    const blocks = [...text.matchAll(FENCE)].map(([, meta, code, output], i, all) => ({
      page: path,
      line: text.slice(0, all[i]!.index).split("\n").length,
      meta: meta!.split(" "),
      code: code!,
      output,
    }));
    return { path, text, title, blocks };
  });
}

/** The anchors that GitHub makes of a page's headings. */
export function anchorsOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
}

/**
 * The part of a page below a heading, up to the next heading of its level; the whole page without
 * an anchor.
 */
export function sectionOf(text: string, anchor: string | undefined): string {
  if (anchor === undefined) return text;
  let level = 0;
  let inCode = false;
  let section = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("```")) inCode = !inCode;
    const [, marks, heading] = (inCode ? null : /^(#+) (.*)$/.exec(line)) ?? [];
    if (marks !== undefined && level > 0 && marks.length <= level) break;
    if (marks !== undefined && level === 0 && anchorOf(heading!) === anchor) level = marks.length;
    if (level > 0) section += `${line}\n`;
  }
  return section;
}

function anchorOf(heading: string): string {
  const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
  return text
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[^]*?^```/gm, "");
}

/** What a block does: its output, and the status of its process. */
export interface Outcome {
  readonly output: string;
  readonly status: number | null;
}

/**
 * A folder in which blocks run as users' modules do: `@sluice/go` is installed, and every block is
 * a main.ts.
 */
export class Workshop implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "guide-"));
  readonly #folders = new Map<Block, string>();

  constructor(blocks: readonly Block[]) {
    symlinkSync(join(root, "node_modules"), join(this.#folder, "node_modules"));
    writeFileSync(join(this.#folder, "package.json"), '{ "type": "module" }');
    const compilerOptions = {
      noEmit: true,
      declaration: false,
      isolatedDeclarations: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      allowUnreachableCode: true,
    };
    const config = { extends: join(root, "tsconfig.base.json"), compilerOptions, include: ["*/main.ts"] };
    writeFileSync(join(this.#folder, "tsconfig.json"), JSON.stringify(config));
    const plugin = { name: "@sluice", specifier: join(root, "packages/eslint-plugin/src/index.ts") };
    const rules = [
      "awaited-operation",
      "busy-loop",
      "copied-locks",
      "defer-using",
      "detached-operation",
      "lost-cancel",
      "unused-select",
      "waitgroup-add",
    ];
    const lint = {
      categories: { correctness: "off" },
      jsPlugins: [plugin],
      rules: Object.fromEntries(rules.map((rule) => [`@sluice/${rule}`, "error"])),
    };
    writeFileSync(join(this.#folder, ".oxlintrc.json"), JSON.stringify(lint));
    for (const [i, block] of blocks.entries()) {
      const folder = `${i}`;
      mkdirSync(join(this.#folder, folder));
      writeFileSync(join(this.#folder, folder, "main.ts"), block.code);
      symlinkSync(join(root, "examples"), join(this.#folder, folder, "examples"));
      this.#folders.set(block, folder);
    }
  }

  /** The errors of the compiler in all blocks. */
  async compile(): Promise<Map<Block, string>> {
    const { output } = await this.#program(process.execPath, [tool("tsc"), "-p", ".", "--pretty", "false"], ".");
    const errors = new Map<Block, string>();
    const known = new Map([...this.#folders].map(([block, folder]) => [folder, block]));
    for (const [, folder, text] of output.matchAll(/^(\d+)\/(main\.ts\(.*\n(?: .*\n)*)/gm)) {
      const block = known.get(folder!)!;
      errors.set(block, (errors.get(block) ?? "") + text);
    }
    if (errors.size === 0 && output !== "") throw new Error(`tsc: ${output}`);
    return errors;
  }

  async run(block: Block): Promise<Outcome> {
    const options = ["--no-warnings", "--conditions=source"];
    if (block.meta.includes("race")) options.push("--import", "@sluice/go/race/register");
    return this.#program(process.execPath, [...options, "main.ts"], this.#folders.get(block)!, {
      SLUICE_STACKS: block.meta.includes("stacks") ? "1" : "",
    });
  }

  async lint(block: Block): Promise<Outcome> {
    const folder = this.#folders.get(block)!;
    const { output, status } = await this.#program(
      process.execPath,
      [tool("oxlint"), "--format=unix", `${folder}/main.ts`],
      ".",
    );
    const lines = output.split("\n").filter((line) => line.includes("main.ts:"));
    return { output: lines.map((line) => `${line.slice(line.indexOf("main.ts"))}\n`).join(""), status };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }

  /** Runs a program that writes stdout and stderr into one file, as into a terminal. */
  async #program(file: string, args: readonly string[], folder: string, env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
    const cwd = join(this.#folder, folder);
    const log = join(cwd, `output-${Math.random()}`);
    const out = openSync(log, "a");
    const child = spawn(file, args, {
      cwd,
      stdio: ["ignore", out, out],
      env: { ...process.env, NODE_OPTIONS: "", NODE_COMPILE_CACHE: join(this.#folder, "cache"), ...env },
    });
    closeSync(out);
    const status = await new Promise<number | null>((resolve) => {
      child.on("close", resolve);
    });
    return {
      output: readFileSync(log, "utf8").replaceAll(cwd, "/app").replaceAll(LIBRARY, "/app/node_modules/@sluice/go/$1"),
      status,
    };
  }
}

function tool(name: string): string {
  return join(root, "node_modules", name === "tsc" ? "typescript/bin/tsc" : "oxlint/bin/oxlint");
}

/** Runs or lints a block, or looks up its errors of the compiler, as its first line says. */
export async function outcomeOf(
  workshop: Workshop,
  errors: ReadonlyMap<Block, string>,
  block: Block,
): Promise<Outcome> {
  if (block.meta.includes("error")) return { output: errors.get(block) ?? "no error\n", status: 0 };
  if (block.meta.includes("lint")) return workshop.lint(block);
  return workshop.run(block);
}

/** The status that a block promises. */
export function promisedStatus({ meta }: Block): number {
  const exit = meta.find((word) => word.startsWith("exit="));
  if (exit !== undefined) return Number(exit.slice("exit=".length));
  return meta.includes("lint") ? 1 : 0;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({ options: { update: { type: "boolean" } }, allowPositionals: true });
  const chosen = pages().filter(
    ({ path }) => positionals.length === 0 || positionals.some((part) => path.includes(part)),
  );
  const blocks = chosen.flatMap((page) => page.blocks);
  using workshop = new Workshop(blocks);
  const errors = await workshop.compile();
  const pool = new Pool<Outcome>(background(), { workers: availableParallelism() });
  for (const block of blocks) await pool.go(() => outcomeOf(workshop, errors, block));
  const outcomes = new Map((await pool.wait()).map((outcome, i) => [blocks[i]!, outcome]));
  for (const block of blocks) {
    const { output, status } = outcomes.get(block)!;
    const at = `docs/guide/${block.page}:${block.line}`;
    if (!block.meta.includes("error") && errors.has(block))
      console.log(`${at} does not compile:\n${errors.get(block)}`);
    if (status !== promisedStatus(block)) console.log(`${at} ends with status ${status}, not ${promisedStatus(block)}`);
    if (output !== (block.output ?? "")) console.log(`${at} prints:\n${output}`);
  }
  if (values.update) {
    for (const page of chosen) {
      let n = 0;
      const text = page.text.replaceAll(FENCE, (_, meta: string, code: string) => {
        const { output } = outcomes.get(page.blocks[n++]!)!;
        return `\`\`\`ts ${meta}\n${code}\`\`\`\n${output === "" ? "" : `\n\`\`\`text\n${output}\`\`\`\n`}`;
      });
      writeFileSync(join(guide, page.path), text);
    }
  }
}
