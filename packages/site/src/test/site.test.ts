// The built site: every link leads somewhere, and nothing comes from another host. In a browser:
// programs print what the page says, the picture explains them, the search finds, and nobody is
// kept out.

import { globSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, posix } from "node:path";
import { deflateRawSync, gzipSync } from "node:zlib";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, withoutBrowser } from "../../../../scripts/browser.ts";
import { pages as guidePages, promisedStatus } from "../../../../scripts/guide.ts";
import { build, folder } from "../build/main.ts";
import { serveSite } from "./static-host.ts";

const dist = join(folder, "dist");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Address → HTML. */
const pages = new Map<string, string>();

beforeAll(async () => {
  await build();
  for (const address of globSync("**/*.html", { cwd: dist }))
    pages.set(address, readFileSync(join(dist, address), "utf8"));
  // Beside other tests the build may take minutes.
}, 300_000);

test("every page of the guide and of the documentation has a page", () => {
  const written = globSync("docs/**/*.md", { cwd: join(folder, "../..") });
  expect(written.length).toBeGreaterThan(40);
  expect(pages.size).toBeGreaterThan(written.length);
  for (const address of ["guide/channels.html", "guide/patterns/worker-pool.html", "from-go.html", "tools.html"])
    expect([...pages.keys()]).toContain(address);
});

test("every link leads to a file of the site and, if it names one, to a place in it", () => {
  const files = new Set(globSync("**/*", { cwd: dist }));
  const dead: string[] = [];
  let count = 0;
  for (const [address, html] of pages) {
    for (const [, target] of html.matchAll(/<[a-z][^>]* (?:href|src)="([^"]*)"/g)) {
      if (/^https?:/.test(target!)) continue;
      const [path, anchor] = decodeURI(target!).split("#");
      const file = path === "" ? address : posix.join(posix.dirname(address), path!);
      count++;
      if (!files.has(file)) dead.push(`${address}: ${target}`);
      else if (anchor !== undefined && !pages.get(file)?.includes(` id="${anchor}"`))
        dead.push(`${address}: ${target}`);
    }
  }
  expect(dead).toEqual([]);
  expect(count).toBeGreaterThan(5_000);
});

test("a page loads only files of the site, and its policy forbids everything else", () => {
  for (const [address, html] of pages) {
    expect([address, [...html.matchAll(/<(?:script|link|img)[^>]*(?:src|href)="(?:https?:)?\/\//g)]]).toEqual([
      address,
      [],
    ]);
    expect([address, [...html.matchAll(/<[a-z][^>]* (?:style|on\w+)="|<style|<script>/g)]]).toEqual([address, []]);
    expect(html).toContain(`<meta http-equiv="Content-Security-Policy" content="default-src 'none';`);
  }
});

test("a cell without text heads no column of a table", () => {
  const heads = [...pages].filter(([, html]) => /<th[^>]*>\s*<\/th>/.test(html)).map(([address]) => address);
  expect(heads).toEqual([]);
  expect(pages.get("from-go.html")).toMatch(/<tr>\n<td><\/td>\n<th/);
});

test("each block that runs elsewhere only says in a sentence why, and which command runs it", () => {
  let count = 0;
  for (const { path, blocks } of guidePages()) {
    const figures = [
      ...pages.get(`guide/${path.replace(/\.md$/, ".html")}`)!.matchAll(/<figure class="block[^]*?<\/figure>/g),
    ];
    expect([path, figures.length]).toEqual([path, blocks.length]);
    for (const [i, { line, meta }] of blocks.entries()) {
      const figure = figures[i]![0];
      if (meta[0] !== "run" || figure.includes('class="block runs"')) continue;
      count++;
      expect([path, line, /<p class="note">(.*)<\/p>/.exec(figure)?.[1]]).toEqual([
        path,
        line,
        expect.stringMatching(
          /^(?:A page|Threads of a page) [^.]*, so run this block with <code>npm run -s example my-file\.ts<\/code>\.$/,
        ),
      ]);
    }
  }
  expect(count).toBeGreaterThan(10);
});

let browser: Browser;
let site: Awaited<ReturnType<typeof serveSite>>;

/** A page of the site, with everything that it asked for and complained of. */
interface Visit extends AsyncDisposable {
  readonly page: Page;
  readonly asked: readonly string[];
  readonly complaints: readonly string[];
}

async function visit(address: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  const asked: string[] = [];
  const complaints: string[] = [];
  context.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(site.url + address);
  return { page, asked, complaints, [Symbol.asyncDispose]: () => context.close() };
}

/** Runs a block of the page, and resolves when its program has ended. */
async function runBlock(page: Page, block: string): Promise<void> {
  await page.locator(`#${block} button.run`).click();
  await page.locator(`#${block} [role=status]`).filter({ hasText: "ended" }).waitFor();
}

/** The compressed bytes of the scripts among these addresses. */
function scriptBytes(asked: readonly string[]): number {
  const scripts = new Set(asked.filter((url) => url.startsWith(site.url) && url.endsWith(".js")));
  return [...scripts].reduce(
    (sum, url) => sum + gzipSync(readFileSync(join(dist, url.slice(site.url.length)))).length,
    0,
  );
}

/** True for the scripts that only programs under the race detector need. */
function isOfDetector(url: string): boolean {
  return /\/assets\/(?:race\/|rewriter\.js$)/.test(url);
}

/**
 * What programs print here and in a terminal, in the words of a terminal. The differences are those
 * of the hosts: a page has no environment, no files, and other words for an abort.
 */
function asInTerminal(text: string): string {
  return (
    text
      .replace("\n(SLUICE_STACKS=1 in the environment adds files and lines)\n", "")
      .replaceAll(/\tfile:\/\/\/app\/node_modules\/@sluice\/go\/.*/g, "\t@sluice/go")
      .replace("signal is aborted without reason", "This operation was aborted")
      // The picture is drawn from stacks, so a profile knows the place of the goroutine that asks
      // for it.
      .replace(/func1\(\.\.\.\)\n(#?\t+)file:\/\/\/app\/main\.ts:\d+:15\n/, "main.main(...)\n")
  );
}

describe.skipIf(withoutBrowser)("the site in a browser", () => {
  beforeAll(async () => {
    site = await serveSite();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await site[Symbol.asyncDispose]();
  });

  test(
    "every block that runs prints what its page says, and ends with the status that it promises",
    { timeout: 300_000 },
    async () => {
      const wrong: string[] = [];
      let count = 0;
      // One page for all, so that the browser keeps the scripts.
      await using visited = await visit("guide/index.html");
      const { page, complaints } = visited;
      for (const { path, blocks } of guidePages()) {
        await page.goto(`${site.url}guide/${path.replace(/\.md$/, ".html")}`);
        const runnable = await page.locator("figure.runs").evaluateAll((figures) => figures.map(({ id }) => id));
        // The script that makes the buttons comes after the page, on a busy machine much later.
        if (runnable.length > 0)
          await page.locator(`#${runnable.at(-1)} button.run`).waitFor({ state: "attached", timeout: 280_000 });
        await page.locator("figure.runs button.run").evaluateAll((buttons) => {
          for (const button of buttons) (button as unknown as { click: () => void }).click();
        });
        for (const id of runnable) {
          const block = blocks[Number(id.slice("block-".length)) - 1]!;
          await page.locator(`#${id} [role=status]`).filter({ hasText: "ended" }).waitFor({ timeout: 280_000 });
          const printed = await page.locator(`#${id} .terminal`).textContent();
          const status = await page.locator(`#${id} [role=status]`).textContent();
          const said = promisedStatus(block) === 0 ? "ended" : `ended with exit status ${promisedStatus(block)}`;
          if (asInTerminal(printed!) !== asInTerminal(block.output!) || status !== said)
            wrong.push(`${path}:${block.line} ${status}\n${printed}`);
          count++;
        }
      }
      expect(complaints).toEqual([]);
      expect(wrong).toEqual([]);
      // Those of the race detector among them.
      expect(count).toBeGreaterThan(115);
    },
  );

  test("the picture says why the fourth send waits, and what ends the wait", async () => {
    await using visited = await visit("guide/channels.html");
    const { page } = visited;
    await runBlock(page, "block-2");
    const block = page.locator("#block-2");
    await block.getByText("The same as a table").click();
    const rows = await block.locator("tbody tr").allTextContents();
    const waits = rows.findIndex((row) => row.includes("all 3 places are taken, so sender keeps 4 and waits"));
    expect(waits).toBeGreaterThan(0);
    expect(rows[waits]).toContain("16sender");
    expect(rows.slice(waits).some((row) => row.includes("the 4 of sender moves in, and sender can continue"))).toBe(
      true,
    );
    await block.getByRole("slider", { name: "Step" }).fill(`${waits}`);
    await expect.poll(() => block.locator(".caption").textContent()).toContain("keeps 4 and waits");
    expect(await block.locator(".channel.full .place.taken").count()).toBe(3);
    expect(await block.locator(".waiter").textContent()).toBe("sender waits with 4");
    // Back and forth by keyboard.
    await block.getByRole("button", { name: "Step back" }).press("Enter");
    expect(await block.locator(".waiter").count()).toBe(0);
    await block.getByRole("button", { name: "Step", exact: true }).press("Enter");
    expect(await block.locator(".waiter").textContent()).toBe("sender waits with 4");
    // At the start no button goes back, but the one that went there keeps the focus.
    const toStart = block.getByRole("button", { name: "To the start" });
    await toStart.press("Enter");
    expect(await block.locator(".count").textContent()).toMatch(/^1 of/);
    expect([
      await toStart.getAttribute("aria-disabled"),
      await toStart.evaluate("document.activeElement.textContent"),
    ]).toEqual(["true", "To the start"]);
    await block.getByRole("slider", { name: "Step" }).press("/");
    await page.getByRole("searchbox").fill("deadlock");
    await page.keyboard.press("Escape");
    expect(await page.locator("dialog[open]").count()).toBe(0);
  });

  test("a program can be edited, stopped and shared, and a shared one waits for its reader", async () => {
    await using visited = await visit("guide/channels.html");
    const { page } = visited;
    const block = page.locator("#block-1");
    await block.getByRole("textbox").fill('console.log("mine");\nfor (;;);');
    await block.getByRole("button", { name: "Run" }).click();
    await expect.poll(() => block.locator(".terminal").textContent()).toBe("mine\n");
    await block.getByRole("button", { name: "Stop" }).click();
    expect(await block.getByRole("status").textContent()).toBe("stopped");
    await block.getByRole("button", { name: "Share" }).click();
    await page.waitForURL(/#block-1=/);
    await using other = await visit(page.url().slice(site.url.length), { reducedMotion: "no-preference" });
    const shared = other.page.locator("#block-1");
    await expect.poll(() => shared.getByRole("textbox").inputValue()).toBe('console.log("mine");\nfor (;;);');
    expect(await shared.getByRole("status").textContent()).toContain("Read it before you run it");
    await shared.getByRole("button", { name: "Reset" }).click();
    expect(await shared.getByRole("textbox").inputValue()).toContain("receiver: waits for a value");
  });

  test("an address without a program that can be shown says why, and another one for an open page is taken", async () => {
    const fragmentOf = (program: string): string => `#block-1=${deflateRawSync(program).toString("base64url")}`;
    await using visited = await visit(`guide/channels.html${fragmentOf("x".repeat(10_000_000))}`);
    const { page, complaints } = visited;
    const block = page.locator("#block-1");
    const status = block.getByRole("status");
    const own = await block.getByRole("textbox").inputValue();
    expect(own).toContain("receiver: waits for a value");
    await expect.poll(() => status.textContent()).toBe("The program in this address has more than 50,000 bytes.");
    for (const damaged of ["#block-1=", "#block-1=%%%", fragmentOf("console.log(1);").slice(0, -4)]) {
      await page.evaluate(`location.hash = ${JSON.stringify(damaged)}`);
      await expect.poll(() => status.textContent()).toBe("The program in this address is damaged.");
      expect(await block.getByRole("textbox").inputValue()).toBe(own);
      await page.evaluate("document.querySelector('#block-1 [role=status]').textContent = ''");
    }
    const hostile = '<img src="x" onerror="alert(1)"><script>alert(1)</script>';
    await page.evaluate(`location.hash = "${fragmentOf(hostile)}"`);
    await expect.poll(() => status.textContent()).toContain("Read it before you run it");
    expect(await block.getByRole("textbox").inputValue()).toBe(hostile);
    expect(await page.locator("main img[src=x]").count()).toBe(0);
    await block.getByRole("textbox").fill(`// ${"😀".repeat(12_500)}`);
    await block.getByRole("button", { name: "Share" }).click();
    await expect.poll(() => status.textContent()).toBe("A program of at most 50,000 bytes can be shared.");
    expect(complaints).toEqual([]);
  });

  test("a line of ten million characters, and large values in the picture, do not hold the page", async () => {
    await using visited = await visit("guide/channels.html");
    const { page } = visited;
    const program = `import { chan } from "@sluice/go";
      const pictures = chan<object>(3);
      await pictures.send(new Uint8Array(3_000_000));
      await pictures.send({ id: 7, rows: Array.from({ length: 300_000 }, (_, i) => i) });
      await pictures.send([new Float64Array(10_000_000)]);
      console.log("z".repeat(10_000_000));
      console.log("not shown");`;
    await page.locator("#block-1 textarea").fill(program);
    await runBlock(page, "block-1");
    const terminal = await page.locator("#block-1 .terminal code").textContent();
    expect(terminal!.length).toBeLessThan(201_000);
    expect(terminal).toMatch(/z\n… more output is not shown\n$/);
    await page.locator("#block-1").getByText("The same as a table").click();
    const rows = await page.locator("#block-1 tbody tr").allTextContents();
    expect(rows.join("\n")).toContain("main puts Uint8Array(3000000) into pictures.");
    expect(rows.join("\n")).toContain("main puts { id: 7, rows: [ 0, 1, … into pictures.");
    expect(rows.join("\n")).toContain("main puts [ Float64Array(10000000… into pictures.");
    expect(rows.find((row) => row.includes("prints"))?.length).toBeLessThan(300);
  });

  test("ten thousand lines of a program change the page a few times only", async () => {
    await using visited = await visit("guide/channels.html");
    const { page } = visited;
    await page.locator("#block-1 textarea").fill("for (let i = 0; i < 10_000; i++) console.log(i);");
    await runBlock(page, "block-1");
    const terminal = page.locator("#block-1 .terminal code");
    expect(await terminal.textContent()).toMatch(/^0\n1\n[^]*\n9998\n9999\n$/);
    expect(await terminal.evaluate(({ childNodes }) => childNodes.length)).toBeLessThan(1_000);
    const slider = page.locator("#block-1").getByRole("slider", { name: "Step" });
    await slider.press("End");
    await page.locator("#block-1").getByRole("button", { name: "Step back" }).click();
    expect(await page.locator("#block-1 .caption").textContent()).toContain(
      "The picture ends here, after 4,000 events.",
    );
  });

  test("a program that waits for what a browser does outside of its thread is not taken for asleep", async () => {
    await using visited = await visit("guide/channels.html");
    const { page } = visited;
    const program = `const blob = new Blob([new Uint8Array(2 ** 26)]);
      console.log((await blob.arrayBuffer()).byteLength);
      const sizeOf = async (stream) => {
        let size = 0;
        for await (const part of stream) size += part.length;
        return size;
      };
      console.log(await sizeOf(blob.stream()));
      const zipped = () => blob.stream().pipeThrough(new CompressionStream("gzip"));
      console.log(await sizeOf(zipped().pipeThrough(new DecompressionStream("gzip"))));
      console.log((await new Response(zipped()).arrayBuffer()).byteLength < 2 ** 20);
      console.log((await crypto.subtle.digest("SHA-256", new Uint8Array(2 ** 26))).byteLength);
      console.log((await fetch(new URL("/docs/index.html", location.origin))).status);`;
    await page.locator("#block-1 textarea").fill(program);
    await runBlock(page, "block-1");
    expect(await page.locator("#block-1 .terminal code").textContent()).toBe(
      "67108864\n67108864\n67108864\ntrue\n32\n200\n",
    );
  });

  test("what is not TypeScript, what a page does not have and other hosts are refused in words", async () => {
    await using visited = await visit("guide/channels.html");
    const { page, asked } = visited;
    const outcomes: [string, RegExp][] = [
      ["const = 3;", /^main\.ts\(1,7\): /],
      ["let a = 1;\nlet a = 2;", /^main\.ts\(2,5\): Identifier 'a' has already been declared\n$/],
      ['throw new TypeError("top");', /^TypeError: top\n {4}at file:\/\/\/app\/main\.ts:1:7\n$/],
      ['import fs from "node:fs";', /^cannot import "node:fs" in a page: expected one of @sluice\/go, /],
      [
        'import { chan } from "@sluice/go"; await chan<number>(1).send(1);\nthrow new Error("no");',
        /^panic: no\n\ngoroutine 1 \[running\]:\n.*\n\tfile:\/\/\/app\/main\.ts:2:7\n/,
      ],
      [
        'import { go, nothing } from "@sluice/go";',
        /^main\.ts\(1,14\): The module "@sluice\/go" exports no "nothing"\. If that is a type, import it with "type"\.\n$/,
      ],
      [
        'import lacking from "@sluice/go/time";',
        /^main\.ts\(1,8\): The module "@sluice\/go\/time" exports no "default"/,
      ],
      [
        'throw new Error("out", { cause: new TypeError("in") });',
        /^Error: out\n.*1:7 \{\n {2}\[cause\]: TypeError: in\n/,
      ],
      ["await new Promise(() => undefined);", /^Warning: Detected unsettled top-level await\n$/],
      ["console.log(typeof postMessage);", /^undefined\n$/],
      ['console.trace("here");', /^Trace: here\n {4}at file:\/\/\/app\/main\.ts:1:9\n$/],
      ['void fetch("http://example.com/b");', /^refused: .*\/b\nTypeError: Failed to fetch\n/],
      ['eval("1");', /EvalError/],
      ['await fetch("http://example.com/").catch((error) => console.log(error.name));', /^refused: .*\nTypeError\n$/],
      [
        'await fetch("http://example.com/a");',
        /^refused: a program in the page cannot reach http:\/\/example\.com\/a\nTypeError: Failed to fetch\n {4}at .*main\.ts:1:\d+\n$/,
      ],
      [
        'const sock = new WebSocket("ws://example.com/"); await new Promise((end) => { sock.onerror = end; setTimeout(end, 5_000); });',
        /^refused: a program in the page cannot reach ws:\/\/example\.com\/\n$/,
      ],
    ];
    for (const [program, expected] of outcomes) {
      await page.locator("#block-1 textarea").fill(program);
      await runBlock(page, "block-1");
      expect([program, await page.locator("#block-1 .terminal").textContent()]).toEqual([
        program,
        expect.stringMatching(expected),
      ]);
    }
    expect(
      asked.filter((url) => !url.startsWith(site.url) && !url.startsWith(`blob:${new URL(site.url).origin}`)),
    ).toEqual([]);
  });

  test("the page of a pattern opens with its picture playing, unless the reader wants less motion", async () => {
    await using moving = await visit("guide/patterns/pipeline.html", { reducedMotion: "no-preference" });
    await moving.page.locator("#block-1 .picture").waitFor();
    await moving.page
      .locator("#block-1 .caption .count")
      .filter({ hasText: /^[3-9] of/ })
      .waitFor();
    await using still = await visit("guide/patterns/pipeline.html");
    await still.page.locator("#block-1 textarea").waitFor();
    expect(await still.page.locator(".picture").count()).toBe(0);
  });

  test("the search finds sections of the guide and names of the reference, without another host", async () => {
    await using visited = await visit("guide/channels.html");
    const { page, asked } = visited;
    await page.locator("button.search").waitFor();
    await page.keyboard.press("/");
    await page.getByRole("searchbox").fill("back-pressure");
    await page.locator("dialog li a").first().waitFor();
    await page.getByRole("searchbox").fill("withTimeoutCause");
    await expect
      .poll(() => page.locator("dialog li a").first().getAttribute("href"))
      .toContain("/api/go/context.html#");
    await page.getByRole("searchbox").fill("zzqqzz");
    await expect.poll(() => page.locator("dialog [role=status]").textContent()).toBe("Nothing was found.");
    expect(asked.filter((url) => !url.startsWith(site.url))).toEqual([]);
  });

  test("a page with an editor has at most 200 kB of compressed script after a run, one without 40 kB", async () => {
    for (const address of ["guide/channels.html", "guide/patterns/worker-pool.html", "guide/leaks.html"]) {
      await using visited = await visit(address);
      await runBlock(visited.page, "block-1");
      const bytes = scriptBytes(visited.asked);
      console.info(`${address}: ${bytes} bytes of compressed script`);
      expect(bytes).toBeGreaterThan(50_000);
      expect(bytes).toBeLessThanOrEqual(200_000);
    }
    for (const address of ["index.html", "from-go.html", "api/go.html"]) {
      await using visited = await visit(address);
      await visited.page.locator("button.theme").waitFor();
      await visited.page.keyboard.press("/");
      await visited.page.getByRole("searchbox").waitFor();
      const bytes = scriptBytes(visited.asked);
      console.info(`${address}: ${bytes} bytes of compressed script`);
      expect(bytes).toBeLessThanOrEqual(40_000);
    }
    // The worst case: all scripts that a page with an editor could ever ask for.
    const all = globSync("assets/**/*.js", { cwd: dist }).map((file) => site.url + file);
    expect(scriptBytes(all.filter((url) => !isOfDetector(url)))).toBeLessThanOrEqual(200_000);
  });

  test("the race detector is loaded when a program first runs under it, and adds at most 120 kB", async () => {
    await using visited = await visit("guide/races.html");
    const { page, asked } = visited;
    await runBlock(page, "block-1");
    expect(asked.filter(isOfDetector)).toEqual([]);
    await runBlock(page, "block-2");
    const [parser, bytes] = [/rewriter\.js$/, /./].map((name) =>
      scriptBytes(asked.filter((url) => isOfDetector(url) && name.test(url))),
    );
    console.info(`the race detector: ${bytes} bytes of compressed script, ${parser} of them rewrite`);
    expect(parser).toBeGreaterThan(20_000);
    expect(parser).toBeLessThanOrEqual(50_000);
    expect(bytes).toBeGreaterThan(80_000);
    expect(bytes).toBeLessThanOrEqual(120_000);
    // The worst case, with every module of the library.
    const all = globSync("assets/**/*.js", { cwd: dist }).map((file) => site.url + file);
    expect(scriptBytes(all.filter(isOfDetector))).toBeLessThanOrEqual(170_000);
  });

  test("under the race detector a reader can mend a program, and break it, and sees what a terminal shows", async () => {
    await using visited = await visit("guide/races.html");
    const { page, complaints } = visited;
    const block = page.locator("#block-2");
    const racy = await block.getByRole("textbox").inputValue();
    const mended = racy.replace(
      /const before = counter;\n\s*await gosched\(\);/,
      "await gosched(); const before = counter;",
    );
    expect(mended).not.toBe(racy);
    await runBlock(page, "block-2");
    await block.getByText("The same as a table").click();
    const rows = await block.locator("tbody tr").allTextContents();
    expect(rows.join("\n")).toContain("A race: hit (2) writes in line 11 what hit (3) read in line 9.");
    expect(await block.locator(".timeline .race").count()).toBe(2);
    const setUp = 'import { go, gosched } from "@sluice/go";\nimport { WaitGroup } from "@sluice/go/sync";\n';
    const outcomes: [program: string, status: string, output: RegExp][] = [
      [racy, "ended with exit status 66", /^={18}\nWARNING: DATA RACE\nWrite [^]*Found 2 data race\(s\)\n$/],
      [mended, "ended", /^$/],
      ["const = 3;", "ended with exit status 1", /^main\.ts\(1,7\): Unexpected token\n$/],
      [
        "let a: number = 1; let a = 2;",
        "ended with exit status 1",
        /^main\.ts\(1,24\): Identifier 'a' has already .*\n$/,
      ],
      ["function f() {\n  await f();\n}", "ended with exit status 1", /^main\.ts\(2,3\): .*await.*\n$/],
      [
        'throw new TypeError("top");',
        "ended with exit status 1",
        /^TypeError: top\n {4}at file:\/\/\/app\/main\.ts:1:7\n$/,
      ],
      [
        `${setUp}const fail = async (n: number) => { await gosched(); const m: number = n; throw new Error("no" + m); };\nvoid fail(1);`,
        "ended with exit status 2",
        /^panic: no1\n\ngoroutine 1 \[running\]:\nfail\(\.\.\.\)\n\tfile:\/\/\/app\/main\.ts:3:81\n/,
      ],
      [
        `${setUp}let n: number = 0; async function hit(): Promise<void> { const b: number = n; await gosched(); n = b + 1; }\nconst wg: WaitGroup = new WaitGroup(); wg.go(hit); wg.go(hit); await wg.wait();`,
        "ended with exit status 66",
        /hit\(\)\n {6}\/app\/main\.ts:3:96\n[^]*hit\(\)\n {6}\/app\/main\.ts:3:76\n[^]*main\.main\(\)\n {6}\/app\/main\.ts:4:43\n/,
      ],
    ];
    for (const [program, status, output] of outcomes) {
      await block.getByRole("textbox").fill(program);
      await runBlock(page, "block-2");
      expect(await block.locator(".terminal").textContent()).toMatch(output);
      expect(await block.getByRole("status").textContent()).toBe(status);
    }
    await block.getByRole("textbox").fill('console.log("mine");\nfor (;;);');
    await block.getByRole("button", { name: "Run" }).click();
    await expect.poll(() => block.locator(".terminal").textContent()).toBe("mine\n");
    await block.getByRole("button", { name: "Stop" }).click();
    expect(await block.getByRole("status").textContent()).toBe("stopped");
    expect(complaints).toEqual([]);
  });

  const views = [
    { theme: "light", width: 1280 },
    { theme: "dark", width: 1280 },
    { theme: "light", width: 390 },
    { theme: "dark", width: 390 },
  ] as const;
  test.each(views)(
    "nothing keeps a reader out, and nothing is wider than the page ($theme, $width px)",
    async ({ theme, width }) => {
      const options = { colorScheme: theme, viewport: { width, height: 844 } };
      for (const address of [
        "index.html",
        "guide/channels.html",
        "guide/races.html",
        "coverage.html",
        "api/go/sync.html",
      ]) {
        await using visited = await visit(address, options);
        const { page } = visited;
        await page.locator("button.theme").waitFor();
        if (address === "guide/channels.html" || address === "guide/races.html") {
          await runBlock(page, "block-2");
          await runBlock(page, "block-1");
          for (const block of ["#block-1", "#block-2"])
            await page.locator(block).getByText("The same as a table").click();
          await page.locator("#block-2").getByRole("slider", { name: "Step" }).fill("10");
        }
        // The policy of the page forbids a script tag, not the debugger's evaluation.
        await page.evaluate(axe);
        const violations = await page.evaluate(async () => {
          const { axe } = globalThis as unknown as {
            axe: {
              run: () => Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>;
            };
          };
          const { violations } = await axe.run();
          return violations.map(
            ({ id, nodes }) =>
              `${id}: ${nodes
                .slice(0, 3)
                .map(({ html, failureSummary }) => `${html.slice(0, 150)} ${failureSummary.slice(0, 200)}`)
                .join(" | ")}`,
          );
        });
        expect([address, violations]).toEqual([address, []]);
        const wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        expect([address, wide]).toEqual([address, 0]);
      }
    },
  );
});
