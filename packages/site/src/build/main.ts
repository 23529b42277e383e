// Builds the site into packages/site/dist: `npm run docs`.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Eleventy } from "@11ty/eleventy";
import { build as bundle } from "vite";
import { apiPages } from "./api.ts";
import { escaped, highlighted } from "./highlight.ts";
import { framed } from "./layout.ts";
import { Markdown } from "./markdown.ts";
import { sectionsOf } from "./nav.ts";
import { indexOf as searchIndex } from "./search.ts";
import { type File, Links, readPages, root } from "./pages.ts";

export const folder: string = join(root, "packages/site");
const dist = join(folder, "dist");

/** Builds the whole site. Throws an Error that names the page if a link of it leads nowhere. */
export async function build(): Promise<void> {
  const written = readPages();
  const reference = await apiPages();
  const pages = [...written, ...reference];
  const links = new Links(pages);
  const markdown = new Markdown(links);
  const sections = [...sectionsOf(written), { title: "API reference", pages: reference }];
  const made = pages.map((page) => ({ page, ...markdown.render(page) }));
  const frames = [...made, ...[...links.sources.values()].map(sourcePage)];
  rmSync(dist, { recursive: true, force: true });
  const eleventy = new Eleventy(folder, dist, {
    quietMode: true,
    configPath: false,
    config: (config) => {
      for (const frame of frames) {
        const permalink = frame.page.address;
        const template = { data: { permalink }, render: () => framed({ ...frame, sections }) };
        config.addTemplate(`${permalink.replaceAll(/[./]/g, "-")}.11ty.js`, template);
      }
      for (const { path, address } of links.copies.values()) {
        config.addPassthroughCopy({ [join(root, path)]: address });
      }
      return { dir: { input: folder, output: dist }, templateFormats: ["11ty.js"] };
    },
  });
  await eleventy.write();
  for (const [address, svg] of markdown.pictures) write(address, svg);
  write("assets/search.json", searchIndex(made));
  for (const config of ["vite.config.ts", "programs.config.ts", "race.config.ts"])
    await bundle({ configFile: join(folder, config) });
}

function sourcePage({ path, address }: File): Pick<Parameters<typeof framed>[0], "page" | "html" | "headings"> {
  const code = readFileSync(join(root, path), "utf8");
  const html = `<h1>${escaped(path)}</h1>\n<pre tabindex="0" class="source"><code>${highlighted(code, path.split(".").at(-1) as string)}</code></pre>\n`;
  return { page: { address, title: path }, html, headings: [] };
}

function write(address: string, text: string): void {
  const file = join(dist, address);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

if (import.meta.main) {
  await build();
  console.log(`The site is in ${dist}.`);
}
