// The page for tests: opened in a real browser, watched for errors, looked at by axe, and driven as
// people do.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";

/** A page that fails its test if it reports an error, or asks another host than its own. */
export type TestPage = Page & AsyncDisposable;

export interface OpenOptions extends BrowserContextOptions {
  /** Errors that the test means to happen. */
  readonly foreseen?: readonly RegExp[];
  readonly path?: string;
}

/** What a browser says itself of an answer that is a refusal. */
const REFUSED = /Failed to load resource: the server responded with a status of 4\d\d/;

export async function openPage(browser: Browser, url: string, options: OpenOptions = {}): Promise<TestPage> {
  const { foreseen = [], path = "/", ...contextOptions } = options;
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: "en-US",
    ...contextOptions,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const faults: string[] = [];
  const known = [REFUSED, ...foreseen];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !known.some((one) => one.test(message.text()))) faults.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("blob:")) faults.push(`asked for ${request.url()}`);
  });
  await page.goto(url + path);
  const dispose = async (): Promise<void> => {
    await context.close();
    expect(faults).toEqual([]);
  };
  return Object.assign(page, { [Symbol.asyncDispose]: dispose });
}

/** A file of this name, as somebody chooses it. */
export function named(name: string, content: string | Buffer): { name: string; mimeType: string; buffer: Buffer } {
  return { name, mimeType: "", buffer: Buffer.from(content) };
}

/** The button that begins the import, when it can be pressed. */
export const IMPORT = ".import-bar .primary:not([disabled])";

/** Presses the button of this name, or of one that begins so. */
export async function press(page: Page, name: string): Promise<void> {
  await page
    .getByRole("button", { name: new RegExp(`^${name}`) })
    .first()
    .click();
}

/** Waits for the preview of the current choices, and begins the import. */
export async function begin(page: Page): Promise<void> {
  await page.waitForSelector(".look [aria-busy=false]");
  await page.click(IMPORT);
}

/** Waits for the result of an import, and returns its heading. */
export async function resultOf(page: Page): Promise<string | null> {
  await page.waitForSelector(".result");
  return await page.textContent("h1");
}

/** The id of the import that is shown, as the address has it. */
export async function idOf(page: Page): Promise<string> {
  return (await page.evaluate<string>("location.hash")).split("/")[2]!;
}

/** The texts of the cells of a grid's column, from its heading on. */
export async function cellsOf(page: Page, row: number): Promise<string[]> {
  return await page.locator(`.grid-row[aria-rowindex="${row + 2}"] .grid-cell > bdi`).allTextContents();
}

const axe = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe finds wrong with the page as it is now; each with the elements. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await axe);
  return await page.evaluate<string[]>(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html, failureSummary }) => html.slice(0, 200) + " " + failureSummary).join("\\n")))`);
}

/** The number of pixels by which the page is wider than its window. */
export async function overflow(page: Page): Promise<number> {
  return await page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
}
