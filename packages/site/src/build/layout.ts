// The frame of every page: head with its policy, header, navigation, contents, and the page before
// and after it.
//
// Invariant: everything that a page loads is a file of the site, by a relative address. The policy
// in its head forbids everything else, also styles and scripts in the page itself.

import type { Heading } from "./markdown.ts";
import type { Section } from "./nav.ts";
import { escaped } from "./highlight.ts";
import { type Page, relative } from "./pages.ts";

/**
 * The policy for what a page may load. A program of a reader runs in a worker that is made of a
 * blob. It inherits this policy, so it cannot reach another host either.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export interface Frame {
  readonly page: Pick<Page, "address" | "title">;
  readonly html: string;
  readonly headings: readonly Heading[];
  readonly sections: readonly Section[];
}

export function framed({ page, html, headings, sections }: Frame): string {
  const at = (address: string): string => escaped(relative(page.address, address));
  const order = sections.flatMap(({ pages }) => pages);
  const place = order.findIndex(({ address }) => address === page.address);
  const [before, after] = place < 0 ? [] : [order[place - 1], order[place + 1]];
  const home = page.address === "index.html";
  return `<!doctype html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(page.title)}${home ? "" : " · Sluice"}</title>
<link rel="icon" href="${at("assets/icon.svg")}">
<link rel="stylesheet" href="${at("assets/style.css")}">
<script src="${at("assets/theme.js")}"></script>
<script type="module" src="${at("assets/site.js")}"></script>
</head>
<body data-root="${at("index.html").replace(/index\.html$/, "") || "./"}">
<a class="skip" href="#content">Skip to the content</a>
<header class="top">
<a class="brand" href="${at("index.html")}">Sluice</a>
<a class="menu" href="#navigation">Menu</a>
<span class="tools">
<button type="button" class="search" hidden aria-haspopup="dialog">Search <kbd>/</kbd></button>
<button type="button" class="theme" hidden></button>
</span>
</header>
<div class="frame">
<main id="content" tabindex="-1">
<article>
${html}</article>
${neighbours(before, after, at)}</main>
${contents(headings)}<nav id="navigation" aria-label="Pages">
${sections.map((section) => listed(section, page.address, at)).join("")}</nav>
</div>
</body>
</html>
`;
}

type At = (address: string) => string;

function listed({ title, pages }: Section, address: string, at: At): string {
  const items = pages.map((page) => {
    const current = page.address === address ? ' aria-current="page"' : "";
    return `<li><a href="${at(page.address)}"${current}>${escaped(page.title)}</a></li>\n`;
  });
  return `<h2>${escaped(title)}</h2>\n<ul>\n${items.join("")}</ul>\n`;
}

function contents(headings: readonly Heading[]): string {
  const shown = headings.filter(({ level }) => level === 2 || level === 3);
  if (shown.length < 2) return "";
  const items = shown.map(
    ({ level, anchor, text }) => `<li class="level-${level}"><a href="#${escaped(anchor)}">${escaped(text)}</a></li>\n`,
  );
  return `<nav class="contents" aria-label="On this page">\n<h2>On this page</h2>\n<ul>\n${items.join("")}</ul>\n</nav>\n`;
}

function neighbours(before: Page | undefined, after: Page | undefined, at: At): string {
  if (before === undefined && after === undefined) return "";
  const link = (page: Page | undefined, rel: string, word: string): string =>
    page === undefined
      ? "<span></span>"
      : `<a rel="${rel}" href="${at(page.address)}">${word}: ${escaped(page.title)}</a>`;
  return `<nav class="neighbours" aria-label="Next and previous page">${link(before, "prev", "Before")}${link(after, "next", "Next")}</nav>\n`;
}
