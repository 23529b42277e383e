// The navigation: made of the lists of the guide's index and of the tables of docs/README.md, so
// that a page is listed in one place.

import { posix } from "node:path";
import type { Page } from "./pages.ts";

export interface Section {
  readonly title: string;
  readonly pages: readonly Page[];
}

/** The sections in reading order. Throws an Error if a page of docs/ is in no section. */
export function sectionsOf(pages: readonly Page[]): Section[] {
  const known = new Map(pages.map((page) => [page.path, page]));
  const listed = new Set<Page>();
  const sections: Section[] = [];
  for (const index of ["docs/guide/index.md", "docs/README.md"]) {
    const page = known.get(index) as Page;
    listed.add(page);
    for (const [, title, body] of page.text.matchAll(/^## (.*)\n([^]*?)(?=^## |(?![^]))/gm)) {
      const links = [...(body as string).matchAll(/^(?:\d+\. |\| )\[[^\]]*\]\(([^)#]*)\)/gm)]
        .map(([, link]) => known.get(posix.join(posix.dirname(index), link as string)))
        .filter((linked) => linked !== undefined && !listed.has(linked)) as Page[];
      for (const linked of links) listed.add(linked);
      if (links.length > 0) sections.push({ title: title as string, pages: links });
    }
  }
  const rest = pages.filter((page) => !listed.has(page));
  const forgotten = rest.find(({ path }) => path.startsWith("docs/"));
  if (forgotten !== undefined && forgotten.path !== "docs/testing.md") {
    throw new Error(`${forgotten.path}: no list of docs/guide/index.md and no table of docs/README.md links to it`);
  }
  return [...sections, { title: "Working on Sluice", pages: rest }];
}
