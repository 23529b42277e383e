// The API reference: a page for each entry of each published library, made by TypeDoc from the
// docstrings.
//
// TypeDoc reads all sources, which takes seconds. So its Markdown is kept in .cache until a source
// changes.

import { globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { Application, TSConfigReader, type TypeDocOptions } from "typedoc";
import type { PluginOptions } from "typedoc-plugin-markdown";
import { type Page, pageOf, root } from "./pages.ts";

const PACKAGES = ["go", "sheets", "sluice"];
const cache = join(root, "packages/site/.cache/api");

/** An entry of a package: `@sluice/go/sync`. */
interface Entry {
  readonly name: string;
  /** The module's file, below packages/: `go/src/sync/index.ts`. */
  readonly source: string;
}

/** The pages of the reference, its index first. Throws an Error if TypeDoc fails. */
export async function apiPages(): Promise<Page[]> {
  const entries = PACKAGES.flatMap(entriesOf);
  await generate(entries);
  const files = globSync("**/*.md", { cwd: cache }).filter((file) => file !== "README.md");
  const pages = files.sort().map((file) => {
    const text = readFileSync(join(cache, file), "utf8");
    const module = file.replace(/(?:\/index)?\.md$/, "");
    const entry = entries.find(({ source }) => source.replace(/(?:\/index)?\.ts$/, "") === module);
    if (entry === undefined) throw new Error(`TypeDoc made ${file}, which belongs to no entry of a package`);
    const linked = text.replaceAll(/\]\(([^)#\s]+\.md)/g, (_, link: string) => {
      const target = posix.join(posix.dirname(file), link);
      return `](${posix.relative(posix.dirname(pathOf(file)), pathOf(target))}`;
    });
    return pageOf(pathOf(file), linked.replace(/^# .*/m, `# \`${entry.name}\``));
  });
  if (pages.length !== entries.length) {
    throw new Error(`TypeDoc made ${pages.length} pages for ${entries.length} entries: delete ${cache}, and try again`);
  }
  return [indexOf(pages), ...pages];
}

/** `go/src/sync.md` is `api/go/sync.md` on the site. */
function pathOf(file: string): string {
  return `api/${file.replace("/src", "")}`;
}

function entriesOf(folder: string): Entry[] {
  const text = readFileSync(join(root, "packages", folder, "package.json"), "utf8");
  const { name, exports } = JSON.parse(text) as { name: string; exports: Record<string, { source?: string } | string> };
  return Object.entries(exports).flatMap(([entry, target]) => {
    // What only switches something on when it is loaded exports nothing.
    if (typeof target === "string" || target.source === undefined || /\/(?:register|vitest)\.ts$/.test(target.source))
      return [];
    return { name: name + entry.slice(1), source: join(folder, target.source) };
  });
}

async function generate(entries: readonly Entry[]): Promise<void> {
  const sources = PACKAGES.flatMap((folder) =>
    globSync(`packages/${folder}/{src/**/*.ts,package.json}`, { cwd: root }),
  );
  const stamp = sources
    .sort()
    .map((file) => `${file} ${statSync(join(root, file)).mtimeMs}\n`)
    .join("");
  const stampFile = join(cache, "stamp.txt");
  if (statSync(stampFile, { throwIfNoEntry: false }) !== undefined && readFileSync(stampFile, "utf8") === stamp) return;
  rmSync(cache, { recursive: true, force: true });
  const options = {
    entryPoints: entries.map(({ source }) => join(root, "packages", source)),
    basePath: join(root, "packages"),
    tsconfig: join(root, "tsconfig.json"),
    out: cache,
    plugin: ["typedoc-plugin-markdown"],
    router: "module",
    readme: "none",
    hideBreadcrumbs: true,
    hidePageHeader: true,
    useCodeBlocks: true,
    useHTMLAnchors: true,
    disableSources: true,
    excludeInternal: true,
    excludePrivate: true,
    // The compiler of the project checks types; TypeDoc has an older one.
    skipErrorChecking: true,
    logLevel: "Error",
  } satisfies Partial<TypeDocOptions & PluginOptions>;
  const app = await Application.bootstrapWithPlugins(options, [new TSConfigReader()]);
  const project = await app.convert();
  if (project === undefined) throw new Error("TypeDoc could not read the sources");
  await app.generateOutputs(project);
  if (app.logger.hasErrors()) throw new Error("TypeDoc could not write the reference: its messages are above");
  mkdirSync(cache, { recursive: true });
  writeFileSync(stampFile, stamp);
}

function indexOf(pages: readonly Page[]): Page {
  const items = pages.map(({ title, path }) => `- [\`${title}\`](${posix.relative("api", path)})`);
  const text = `# API reference\n\nA page for each entry of the libraries, made from their docstrings.\n\n${items.join("\n")}\n`;
  return pageOf("api/index.md", text);
}
