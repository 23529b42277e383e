// The index of the search: every section of every page, so that a result leads to its place.

import MiniSearch from "minisearch";
import { OPTIONS } from "../code/found.ts";
import type { Heading } from "./markdown.ts";
import type { Page } from "./pages.ts";

/** The most characters that are shown of a section. */
const START = 160;

export interface Indexed {
  readonly page: Page;
  readonly headings: readonly Heading[];
}

/** The index as JSON, for MiniSearch. */
export function indexOf(pages: readonly Indexed[]): string {
  const index = new MiniSearch(OPTIONS);
  let id = 0;
  for (const { page, headings } of pages) {
    const named = [...headings];
    for (const text of page.text.replaceAll(/^```[^]*?^```/gm, "").split(/^(?=#{1,6} )/m)) {
      const isSection = text.startsWith("#");
      const heading = isSection ? named.shift() : undefined;
      const words = plain(isSection ? text.slice(text.indexOf("\n")) : text);
      const anchor = heading === undefined || heading.level === 1 ? "" : `#${heading.anchor}`;
      index.add({
        id: id++,
        page: page.title,
        heading: heading?.text ?? page.title,
        address: page.address + anchor,
        text: words,
        start: words.length > START ? `${words.slice(0, START)}…` : words,
      });
    }
  }
  return JSON.stringify(index);
}

/** Markdown without its marks. */
function plain(text: string): string {
  return text
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/^\|[-| :]*\|$/gm, "")
    .replaceAll(/[`*|\\#]/g, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}
