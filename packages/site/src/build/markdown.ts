// Markdown as HTML: headings with GitHub's anchors, links to pages and sources, highlighted code,
// diagrams, and blocks that run in the page.
//
// A block that runs is a `figure` with its code and with what it prints. Without script it is just
// that. The page's script makes an editor of it.

import MarkdownIt from "markdown-it";
import { manner, obstacle } from "../code/runnable.ts";
import { diagramOf } from "./diagram.ts";
import { escaped, highlighted } from "./highlight.ts";
import { type Links, type Page, relative } from "./pages.ts";

/** A heading of a page. */
export interface Heading {
  readonly level: number;
  readonly anchor: string;
  readonly text: string;
}

type Token = ReturnType<MarkdownIt["parse"]>[number];

/** The maker of the pages' HTML, with what it finds for the other parts of the site. */
export class Markdown {
  /** The pictures of diagrams: address → SVG. */
  readonly pictures: Map<string, string> = new Map();
  readonly #markdown: MarkdownIt = new MarkdownIt({ html: true });
  readonly #links: Links;

  constructor(links: Links) {
    this.#links = links;
    const { rules } = this.#markdown.renderer;
    rules["fence"] = (tokens, i, _, env: Env) => this.#fence(tokens, i, env);
    rules["code_block"] = (tokens, i) => plain(tokens[i] as Token, "");
    rules["table_open"] = () => '<div class="scroll" tabindex="0"><table>\n';
    rules["table_close"] = () => "</table></div>\n";
    rules["heading_open"] = (tokens, i) => {
      const { tag, meta } = tokens[i] as Token;
      return `<${tag} id="${escaped((meta as Heading).anchor)}">`;
    };
    rules["heading_close"] = (tokens, i) => {
      const { tag, meta } = tokens[i] as Token;
      if (tag === "h1") return "</h1>\n";
      const { anchor, text } = meta as Heading;
      return ` <a class="anchor" href="#${escaped(anchor)}" aria-label="Link to “${escaped(text)}”">#</a></${tag}>\n`;
    };
  }

  /** The HTML of a page, and its headings. Throws an Error if a link leads nowhere. */
  render(page: Page): { html: string; headings: readonly Heading[] } {
    const env: Env = { page, blocks: 0, diagrams: 0 };
    const tokens = this.#markdown.parse(page.text, env);
    const headings = nameHeadings(tokens);
    for (const [i, token] of tokens.entries()) {
      // An empty cell heads nothing.
      if (token.type === "th_open" && tokens[i + 1]?.content === "") token.tag = (tokens[i + 2] as Token).tag = "td";
      const align = token.attrGet("style");
      if (align !== null) token.attrs = [["class", align.replace("text-align:", "")]];
      for (const child of token.children ?? []) {
        for (const name of ["href", "src"]) {
          const target = child.attrGet(name);
          if (target !== null) child.attrSet(name, this.#links.resolve(page, decodeURI(target)));
        }
      }
    }
    return { html: this.#markdown.renderer.render(tokens, this.#markdown.options, env), headings };
  }

  #fence(tokens: Token[], i: number, env: Env): string {
    const token = tokens[i] as Token;
    const [language = "", ...meta] = token.info.split(" ");
    if (language === "mermaid") return this.#diagram(token.content, env);
    const what = meta[0];
    if (language !== "ts" || (what !== "run" && what !== "error" && what !== "lint")) return plain(token, language);
    const next = tokens[i + 1];
    const output = next?.type === "fence" && next.info === "text" ? next : undefined;
    if (output !== undefined) output.hidden = true;
    return this.#block(token.content, meta, output?.content, ++env.blocks);
  }

  #block(code: string, meta: readonly string[], output: string | undefined, n: number): string {
    const why = meta[0] === "run" ? obstacle(code) : undefined;
    const runs = meta[0] === "run" && why === undefined;
    const said = why ?? manner(meta);
    const note = said === undefined ? "" : `<p class="note">${this.#markdown.renderInline(said)}</p>\n`;
    const shown =
      output === undefined
        ? ""
        : `<p class="label">${TOOLS[meta[0] as string]}</p>\n${pre(escaped(output), "terminal")}`;
    const kind = runs ? `class="block runs" id="block-${n}" data-meta="${meta.join(" ")}"` : 'class="block"';
    return `<figure ${kind}>\n${pre(highlighted(code, "ts"), "source")}${note}${shown}</figure>\n`;
  }

  #diagram(source: string, env: Env): string {
    const { light, dark, words } = diagramOf(source);
    const name = `pictures/${env.page.address.replaceAll("/", "-").replace(/\.html$/, "")}-${++env.diagrams}`;
    const size = /width="([\d.]+)" height="([\d.]+)"/.exec(light);
    const [width, height] = [size?.[1], size?.[2]].map((length) => Math.round(Number(length)));
    const images = Object.entries({ light, dark }).map(([theme, svg]) => {
      const address = `${name}-${theme}.svg`;
      this.pictures.set(address, svg);
      const src = relative(env.page.address, address);
      return `<img class="${theme}-only" src="${src}" width="${width}" height="${height}" alt="${escaped(words)}">`;
    });
    return `<div class="diagram scroll" tabindex="0">${images.join("")}</div>\n`;
  }
}

interface Env {
  readonly page: Page;
  blocks: number;
  diagrams: number;
}

function plain(token: Token, language: string): string {
  if (token.hidden) return "";
  return pre(highlighted(token.content, language), "");
}

function pre(html: string, kind: string): string {
  return `<pre tabindex="0"${kind === "" ? "" : ` class="${kind}"`}><code>${html}</code></pre>\n`;
}

/** Which tool said what a block's output is. */
const TOOLS: Readonly<Record<string, string>> = { run: "It prints", error: "The compiler", lint: "The linter" };

/**
 * The anchor that a page of the reference gives the heading after it, which is then the heading's.
 */
function explicitAnchor(before: readonly Token[]): string | undefined {
  // A paragraph that holds only the anchor.
  const anchor = /^<a id="([^"]*)"><\/a>$/.exec(before[1]?.content ?? "")?.[1];
  if (anchor === undefined) return undefined;
  for (const token of before) {
    token.hidden = true;
    token.children = [];
  }
  return anchor;
}

/** Gives each heading its anchor, as GitHub makes it. */
function nameHeadings(tokens: readonly Token[]): Heading[] {
  const headings: Heading[] = [];
  const used = new Map<string, number>();
  for (const [i, token] of tokens.entries()) {
    if (token.type !== "heading_open") continue;
    const children = tokens[i + 1]?.children ?? [];
    const text = children
      .map(({ type, content }) => (type === "text" || type === "code_inline" ? content : ""))
      .join("");
    const own = explicitAnchor(tokens.slice(Math.max(0, i - 3), i));
    const plainAnchor = text
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .trim()
      .replaceAll(" ", "-");
    const count = used.get(plainAnchor) ?? 0;
    used.set(plainAnchor, count + 1);
    const heading = {
      level: Number(token.tag.slice(1)),
      anchor: own ?? (count === 0 ? plainAnchor : `${plainAnchor}-${count}`),
      text,
    };
    headings.push(heading);
    token.meta = heading;
    const close = tokens.slice(i).find(({ type }) => type === "heading_close");
    if (close !== undefined) close.meta = heading;
  }
  return headings;
}
