// The package as it is published: built, and used from ES modules on each host, from CommonJS, in a
// bundle of one file, and in a browser.
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser } from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser, withoutBrowser } from "../../../../scripts/browser.ts";
import { HOSTS } from "../../../../scripts/hosts.ts";
import { plainImports } from "../../../../scripts/plain-imports.ts";

const go = join(import.meta.dirname, "../..");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-parallel-"));
  const installed = join(folder, "node_modules/@sluice/go");
  await mkdir(installed, { recursive: true });
  await writeFile(join(folder, "package.json"), "{}");
  await cp(join(go, "package.json"), join(installed, "package.json"));
  const tsc = [join(go, "../../node_modules/typescript/bin/tsc"), "-p", join(go, "tsconfig.build.json")];
  execFileSync(process.execPath, [...tsc, "--outDir", join(installed, "dist")]);
  plainImports(join(installed, "dist"));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function output(file: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, file)], { timeout: 120_000 });
  return stdout;
}

const program = `
  import { main, recv, select } from "@sluice/go";
  import { gomaxprocs, parallel, sharedChan, SharedMutex, transfer } from "@sluice/go/parallel";
  import { sleep } from "@sluice/go/time";
  const square = parallel(import.meta.url, (n) => n * n);
  const echo = parallel(import.meta.url, (value) => value);
  const fails = parallel(import.meta.url, function fails(why) { throw new RangeError(why); });
  const nap = parallel(import.meta.url, async function nap(ms) { await sleep(ms); return ms; });
  const feed = parallel(import.meta.url, async function feed(out, n) {
    for (let i = 0; i < n; i++) await out.send(i);
    out.close();
  });
  const count = parallel(import.meta.url, async function count(mu, n, times) {
    for (let i = 0; i < times; i++) {
      await mu.lock();
      n[0]++;
      mu.unlock();
    }
  });
  await main(async () => {
    gomaxprocs(2);
    const squares = await Promise.all([1, 2, 3, 4, 5].map((n) => square(n)));
    const values = sharedChan(2);
    feed.go(values, 100);
    let sum = 0;
    for await (const v of values) sum += v;
    const end = await select({ end: recv(values) });
    const [mu, n] = [new SharedMutex(), new Int32Array(new SharedArrayBuffer(4))];
    await Promise.all([count(mu, n, 200), count(mu, n, 200)]);
    const error = await fails("why").catch((error) => error);
    const text = await echo("x".repeat(5000));
    const bytes = await echo(transfer(new Uint8Array(3000)));
    const naps = await Promise.all([nap(30), nap(10)]);
    console.log(JSON.stringify([squares, sum, end.ok, n[0], String(error), text.length, bytes.length, naps]));
  });`;
const said = `[[1,4,9,16,25],4950,false,400,"RangeError: why",5000,3000,[30,10]]\n`;
const head = `import { go, main } from "@sluice/go";\nimport { parallel, sharedChan } from "@sluice/go/parallel";\n`;

/** A bundle of one file. */
async function bundled(text: string): Promise<string> {
  await writeFile(join(folder, "source.mjs"), text);
  await using bundle = await rolldown({ input: join(folder, "source.mjs"), cwd: folder, logLevel: "silent" });
  const { output: chunks } = await bundle.generate({ format: "esm", minify: true });
  expect(chunks).toHaveLength(1);
  return chunks[0].code;
}

/** How each bundler makes one file, `bundle.js`, of a module: as docs/parallel.md has it. */
const recipes: Readonly<Record<string, (source: string, to: string) => Promise<unknown>>> = {
  Rolldown: async (source, to) => {
    await using bundle = await rolldown({ input: source, cwd: folder, logLevel: "silent" });
    await bundle.write({ dir: to, format: "esm", entryFileNames: "bundle.js" });
  },
  esbuild: async (source, to) => {
    const { build } = await import("esbuild");
    await build({ entryPoints: [source], bundle: true, format: "esm", outfile: join(to, "bundle.js"), minify: true });
  },
  Rollup: async (source, to) => {
    const { rollup } = await import("rollup");
    const { nodeResolve } = await import("@rollup/plugin-node-resolve");
    const bundle = await rollup({ input: source, plugins: [nodeResolve()] });
    await bundle.write({ file: join(to, "bundle.js"), format: "es" });
    await bundle.close();
  },
  webpack: async (source, to) => {
    const { default: webpack } = await import("webpack");
    const compiler = webpack({
      mode: "production",
      target: ["web", "es2022"],
      entry: source,
      experiments: { outputModule: true },
      output: { path: to, filename: "bundle.js", module: true },
      // Else it writes the address of the source in the place of `import.meta.url`.
      module: { parser: { javascript: { importMeta: false } } },
    });
    const stats = await promisify(compiler.run.bind(compiler))();
    expect(stats?.compilation.errors).toEqual([]);
    await promisify(compiler.close.bind(compiler))();
  },
};

describe("the published package", { timeout: 120_000 }, () => {
  for (const { name, program: host, args } of [...HOSTS, { name: "this Node", program: process.execPath, args: [] }]) {
    describe.skipIf(!existsSync(host) && !process.env["CI"])(`on ${name}`, () => {
      /** What a module prints. */
      const run = async (file: string, text: string): Promise<string> => {
        await writeFile(join(folder, file), text);
        return (await promisify(execFile)(host, [...args, join(folder, file)], { timeout: 120_000 })).stdout;
      };

      it("runs the functions of an ES module", async () => {
        expect(await run(`${name}.mjs`, program)).toBe(said);
      });

      it("replaces a worker that dies, and ends without main", async () => {
        const text = `${head}const die = parallel(import.meta.url, function die() { process.exit(3); });
          const square = parallel(import.meta.url, (n) => n * n);
          die().catch((error) => console.log(error.message)).then(() => square(3)).then((n) => console.log(n));`;
        expect(await run(`${name} dies.mjs`, text)).toBe(
          "parallel: the worker that ran this task has ended: it called process.exit(3)\n9\n",
        );
      });

      it("ends with a panic of a goroutine in a worker", async () => {
        const text = `${head}const bad = parallel(import.meta.url, function bad() {
            go(async function inner() { throw new Error("deep"); });
            return new Promise((resolve) => setTimeout(resolve, 1e6));
          });
          void main(() => bad());`;
        await expect(run(`${name} panics.mjs`, text)).rejects.toMatchObject({
          code: 2,
          stderr: expect.stringMatching(/^panic: deep\n\ngoroutine \d+ \[running\]:\n/),
        });
      });

      // Deno and Bun do not tell whether something is pending in a thread.
      if (/Deno|Bun/.test(name)) return;
      it("reports a deadlock over threads", async () => {
        const text = `${head}const waits = parallel(import.meta.url, async function waits(ch) { await ch.recv(); });
          void main(() => waits(sharedChan()));`;
        await expect(run(`${name} stuck.mjs`, text)).rejects.toMatchObject({
          code: 2,
          stderr: expect.stringMatching(/^fatal error: all goroutines are asleep - deadlock!\n[^]*\nwaits\(/),
        });
      });
    });
  }

  it("runs the functions of a CommonJS module", async () => {
    await writeFile(
      join(folder, "program.cjs"),
      `const { parallel } = require("@sluice/go/parallel");
      const square = parallel(__filename, (n) => n * n);
      if (require("node:worker_threads").isMainThread) square(8).then((n) => console.log(n));`,
    );
    expect(await output("program.cjs")).toBe("64\n");
  });

  for (const [name, text, printed] of [
    ["main", program, said],
    ["a top level that awaits", program.replace(/await main[^]*$/, "console.log(await square(9));"), "81\n"],
  ] as const) {
    it(`runs the functions of a minified bundle of one file, with ${name}`, async () => {
      await mkdir(join(folder, "alone"), { recursive: true });
      await writeFile(join(folder, "alone/bundle.mjs"), await bundled(text));
      expect(await output("alone/bundle.mjs")).toBe(printed);
    });
  }

  describe.skipIf(withoutBrowser)("in a browser", () => {
    let browser: Browser;
    let site: Server;
    /** What the site serves. */
    let served: string;
    let isolated = true;
    beforeAll(async () => {
      browser = await launchBrowser();
      site = createServer((request, response) => {
        const file = request.url === "/" ? "index.html" : request.url!.slice(1);
        response.setHeader("content-type", file.endsWith(".js") ? "text/javascript" : "text/html");
        response.setHeader("content-security-policy", "default-src 'none'; script-src 'self'; worker-src 'self'");
        response.setHeader("cross-origin-embedder-policy", "require-corp");
        if (isolated) response.setHeader("cross-origin-opener-policy", "same-origin");
        readFile(join(served, file)).then(
          (text) => response.end(text),
          () => response.writeHead(404).end(),
        );
      }).listen(0, "127.0.0.1");
      await once(site, "listening");
    }, 120_000);
    afterAll(async () => {
      await browser?.close();
      site?.close();
    });

    /** The folder of a page that runs a script. */
    async function pageFolder(name: string, script: string): Promise<string> {
      const made = join(folder, name);
      await mkdir(made, { recursive: true });
      await writeFile(join(made, "index.html"), `<!doctype html><script type="module" src="${script}"></script>`);
      return made;
    }

    /** The first line that the page prints, or the error that it fails by. */
    async function firstWord(): Promise<string> {
      const page = await browser.newPage();
      const words: string[] = [];
      page.on("console", (message) => words.push(message.text()));
      page.on("pageerror", (error) => words.push(error.message));
      await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
      await expect.poll(() => words.length).toBeGreaterThan(0);
      await page.close();
      return words[0]!;
    }

    for (const [name, build] of Object.entries(recipes)) {
      it(`runs what ${name} has bundled, under a policy that forbids eval and inline scripts`, async () => {
        isolated = true;
        served = await pageFolder(name, "/bundle.js");
        const source = join(folder, `${name}.mjs`);
        await writeFile(source, program);
        await build(source, served);
        expect(`${await firstWord()}\n`).toBe(said);
      });
    }

    it("runs what Vite has built", async () => {
      isolated = true;
      const root = await pageFolder("vite", "/app.js");
      await writeFile(join(root, "app.js"), program);
      const { build } = await import("vite");
      await build({ root, logLevel: "silent", build: { modulePreload: false, target: "es2022" } });
      served = join(root, "dist");
      expect(`${await firstWord()}\n`).toBe(said);
    });

    it("says what a page lacks that is not cross-origin isolated", async () => {
      isolated = false;
      served = await pageFolder("bare", "/bundle.js");
      await writeFile(join(served, "bundle.js"), await bundled(program));
      expect(await firstWord()).toMatch(
        /the page is not cross-origin isolated, so threads cannot share memory; serve it with the headers/,
      );
    });
  });
});
