// The pages of the site: which files of the repository they are made of, and their addresses.
//
// Invariants: addresses are relative, so the site works below any path of a static host. A page has
// one address. A file of source code has one too, if a page links to it.

import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";

export const root: string = join(import.meta.dirname, "../../../..");

/** A page that is written in Markdown. */
export interface Page {
  /** The path of its file in the repository, with slashes. */
  readonly path: string;
  /** The page's address below the root of the site: `guide/channels.html`. */
  readonly address: string;
  readonly title: string;
  readonly text: string;
}

const FILES = [
  "docs/**/*.md",
  "packages/*/README.md",
  "examples/README.md",
  "bench/README.md",
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
];

export function readPages(): Page[] {
  return FILES.flatMap((pattern) => globSync(pattern, { cwd: root }))
    .map((path) => path.replaceAll("\\", "/"))
    .sort()
    .map((path) => pageOf(path, readFileSync(join(root, path), "utf8").replace(/^---\n[^]*?\n---\n+/, "")));
}

/** A page of that text. Its title is its first heading. */
export function pageOf(path: string, text: string): Page {
  const heading = /^# (.*)$/m.exec(text)?.[1];
  if (heading === undefined) throw new Error(`${path}: expected a heading of the first level ("# …")`);
  const title = heading.replaceAll(/[`*]|\[([^\]]*)\]\([^)]*\)/g, "$1");
  return { path, address: addressOf(path), title, text };
}

/** The home page is docs/README.md. Other READMEs stand for their folder. */
function addressOf(path: string): string {
  if (path === "docs/README.md") return "index.html";
  if (path === "README.md") return "readme.html";
  return path
    .replace(/^docs\//, "")
    .replace(/README\.md$/, "index.md")
    .replace(/\.md$/, ".html")
    .toLowerCase();
}

/** A target of a link that is not a page: a file of source code, or a file that is only copied. */
export interface File {
  readonly path: string;
  readonly address: string;
}

const COPIED = /^docs\/.*\.(?:json|png|svg)$/;

/**
 * The targets of the site's links, and the files that they need. Throws an Error if a link of a
 * page leads nowhere.
 */
export class Links {
  readonly #pages: ReadonlyMap<string, Page>;
  /** The files of source code that pages link to. */
  readonly sources: Map<string, File> = new Map();
  readonly copies: Map<string, File> = new Map();

  constructor(pages: readonly Page[]) {
    this.#pages = new Map(pages.map((page) => [page.path, page]));
  }

  /** The address that a page uses for a link of its Markdown. */
  resolve(from: Page, link: string): string {
    if (/^(?:https?:|mailto:|#)/.test(link)) return link;
    const [target = "", anchor] = link.split("#");
    const path = posix.join(posix.dirname(from.path), target).replace(/\/$/, "");
    const suffix = anchor === undefined ? "" : `#${anchor}`;
    return relative(from.address, this.#address(from, path, link)) + suffix;
  }

  #address(from: Page, path: string, link: string): string {
    const page = this.#pages.get(path) ?? this.#pages.get(posix.join(path, "README.md"));
    if (page !== undefined) return page.address;
    const full = join(root, path);
    if (!existsSync(full) || path.startsWith(".."))
      throw new Error(`${from.path}: the link to "${link}" leads nowhere`);
    if (statSync(full).isDirectory()) {
      throw new Error(`${from.path}: the link to "${link}" is to a folder without a README.md. Link to a file in it`);
    }
    if (COPIED.test(path)) return this.#add(this.copies, path, path.replace(/^docs\//, ""));
    return this.#add(this.sources, path, `source/${path}.html`);
  }

  #add(files: Map<string, File>, path: string, address: string): string {
    files.set(path, { path, address });
    return address;
  }
}

/** The address `to`, as a page at the address `from` writes it. */
export function relative(from: string, to: string): string {
  return posix.relative(posix.dirname(from), to) || posix.basename(to);
}
