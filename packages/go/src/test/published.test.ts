// The package as it is published: built, then used by its public names on every Node it supports
// and in a browser.
import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { rolldown, type InputOptions } from "rolldown";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser, withoutBrowser } from "../../../../scripts/browser.ts";
import { HOSTS } from "../../../../scripts/hosts.ts";

const go = join(import.meta.dirname, "../..");
const root = join(go, "../..");
const everywhere = join(import.meta.dirname, "everywhere.ts");
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-published-"));
  const installed = join(folder, "node_modules/@sluice/go");
  await mkdir(installed, { recursive: true });
  // Deno looks for packages in node_modules only where a package.json stands beside.
  await writeFile(join(folder, "package.json"), "{}");
  await cp(join(go, "package.json"), join(installed, "package.json"));
  const tsc = [join(root, "node_modules/typescript/bin/tsc"), "-p", join(go, "tsconfig.build.json")];
  execFileSync(process.execPath, [...tsc, "--outDir", join(installed, "dist")]);
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a program prints. Rejects with its `code` and `stderr` where it fails. */
async function output(program: string, args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(program, args, { timeout: 60_000 })).stdout;
}

/** Bundles a program; its imports of the package mean the one that was built. */
async function bundle(name: string, code: string, options: InputOptions & { minify?: boolean }): Promise<string> {
  const { minify = false, ...input } = options;
  await writeFile(join(folder, name), code);
  const transform = { target: "es2022" };
  await using built = await rolldown({
    input: join(folder, name),
    cwd: folder,
    logLevel: "silent",
    transform,
    ...input,
  });
  const { output } = await built.generate({ format: "esm", minify });
  expect(output).toHaveLength(1);
  return output[0].code;
}

/**
 * The checks as one module; `published` bundles the package too, else it is imported as installed.
 */
function checks(end: string, published: boolean): Promise<string> {
  return bundle(
    "checks.js",
    `import { checkEverything, checks, failures } from ${JSON.stringify(everywhere)};\n${end}`,
    {
      resolve: { alias: published ? aliases() : {} },
      external: published ? [] : [/^@sluice/],
    },
  );
}

function aliases(): Record<string, string> {
  const entries = ["", "/sync", "/fiber", "/patterns", "/trace"].map((entry) => [
    `@sluice/go${entry}`,
    `dist${entry}/index.js`,
  ]);
  const files = [
    "atomic",
    "context",
    "errgroup",
    "leak",
    "pprof",
    "pubsub",
    "rate",
    "retry",
    "semaphore",
    "singleflight",
    "time",
  ];
  for (const file of files) entries.unshift([`@sluice/go/${file}`, `dist/${file}.js`]);
  entries.sort(([a], [b]) => b!.length - a!.length);
  return Object.fromEntries(entries.map(([name, file]) => [name!, join(folder, "node_modules/@sluice/go", file!)]));
}

describe("the published package", { timeout: 120_000 }, () => {
  it("is at most 12,800 bytes for the root, /sync, /context and /time together, minified and compressed", async () => {
    const [root, sync, context, time] = ["", "/sync", "/context", "/time"].map((entry) => `"@sluice/go${entry}"`);
    // Two of them export an `afterFunc`.
    const program = `export * from ${root}; export * from ${sync}; export * from ${context}; export * from ${time};
      export { afterFunc } from ${time}; export { afterFunc as contextAfterFunc } from ${context};`;
    const length = await sizeOf(program);
    console.info(`@sluice/go, /sync, /context and /time: ${length} bytes`);
    expect(length).toBeGreaterThan(5_000);
    expect(length).toBeLessThanOrEqual(12_800);
    const withFibers = await sizeOf(`${program} import * as fiber from "@sluice/go/fiber"; export { fiber };`);
    console.info(`/fiber besides: ${withFibers - length} bytes`);
    expect(withFibers - length).toBeGreaterThan(1_000);
    expect(withFibers - length).toBeLessThanOrEqual(2_600);
  });

  /** The bytes of a program, minified and compressed. */
  async function sizeOf(program: string): Promise<number> {
    const bundled = await bundle("core.js", program, { resolve: { alias: aliases() }, minify: true });
    const code = bundled.replaceAll(/\/\* @__PURE__ \*\/ ?/g, ""); // notes to a bundler that comes after
    return gzipSync(code, { level: 9 }).length;
  }

  const all = [...HOSTS, { name: "this Node", program: process.execPath, args: [] }];
  for (const { name, program, args } of all) {
    it.skipIf(!existsSync(program) && !process.env["CI"])(`works on ${name}`, async () => {
      const report = "console.log(JSON.stringify({ checks, failures }));";
      const file = join(folder, `${name}.mjs`);
      await writeFile(file, await checks(`await checkEverything();\n${report}`, false));
      expect(JSON.parse(await output(program, [...args, file]))).toEqual({ checks: 16, failures: [] });
    });

    it.skipIf(!existsSync(program) && !process.env["CI"])(`reports a deadlock on ${name}`, async () => {
      const file = join(folder, `${name} stuck.mjs`);
      await writeFile(
        file,
        'import { chan, go } from "@sluice/go";\ngo(async function stuck() { await chan().recv(); });\n',
      );
      await expect(output(program, [...args, file])).rejects.toMatchObject({
        code: 2,
        stderr:
          "fatal error: all goroutines are asleep - deadlock!\n\n" +
          "goroutine 2 [chan receive]:\nstuck(...)\ncreated by main in goroutine 1\n" +
          (name.startsWith("Deno") ? "" : "\n(SLUICE_STACKS=1 in the environment adds files and lines)\n"),
      });
    });

    it.skipIf(!existsSync(program) && !process.env["CI"])(`loses no failure and invents none on ${name}`, async () => {
      const go = 'import { chan, go, main } from "@sluice/go";\nconst ch = chan(3);\n';
      const panics = [
        "void main(async () => { ch.close(); void ch.send(1); });",
        "setTimeout(() => { ch.close(); void ch.send(1); }, 1);",
        "ch.close(); await ch.send(1);",
      ];
      const file = join(folder, `${name} end.mjs`);
      for (const body of panics) {
        await writeFile(file, go + body);
        await expect(output(program, [...args, file])).rejects.toMatchObject({
          code: 2,
          stderr: expect.stringMatching(/^panic: send on closed channel\n\ngoroutine 1 \[running\]:\n/),
        });
      }
      await writeFile(file, `${go}go(async () => { for await (const _ of ch); });\nawait ch.send(1);`);
      expect(await output(program, [...args, file])).toBe("");
      await writeFile(
        file,
        'import { fromSignal } from "@sluice/go/context";\nawait fromSignal(AbortSignal.timeout(20)).done().recv();\nconsole.log("woken");',
      );
      expect(await output(program, [...args, file])).toBe("woken\n");
    });

    it.skipIf(!existsSync(program) && !process.env["CI"])(`proves a leak on ${name}`, async () => {
      const file = join(folder, `${name} leak.mjs`);
      await writeFile(
        file,
        `import { chan, go } from "@sluice/go";
        import { find, proven } from "@sluice/go/leak";
        import { sleep } from "@sluice/go/time";
        (() => { const ch = chan(); go(async function lost() { await ch.recv(); }); })();
        const held = chan();
        go(async function kept() { await held.recv(); });
        await sleep(20);
        console.log((await find(proven())).message.match(/Goroutine .* in state .*,/g).join());
        held.close();
        process.exit(0);`,
      );
      expect(await output(program, [...args, file])).toBe("Goroutine 2 in state chan receive,\n");
    });
  }

  // Bun waits for a top-level await for ever.
  for (const { name, program, args } of all.filter((host) => !host.name.startsWith("Bun"))) {
    it.skipIf(!existsSync(program) && !process.env["CI"])(`ends a stuck top-level await on ${name}`, async () => {
      const file = join(folder, `${name} stuck main.mjs`);
      await writeFile(
        file,
        'import { chan, main } from "@sluice/go";\nawait main(async () => { await chan().recv(); });\n',
      );
      const [code, report] = name.startsWith("Deno")
        ? [1, "Top-level await promise never resolved"]
        : [2, "fatal error: all goroutines are asleep - deadlock!"];
      await expect(output(program, [...args, file])).rejects.toMatchObject({
        code,
        stderr: expect.stringContaining(report),
      });
    });
  }

  describe.skipIf(withoutBrowser)("in a browser", () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launchBrowser();
    }, 120_000);
    afterAll(() => browser?.close());

    /** A page that runs a module; `said` gets what goes to its console. */
    async function run(code: string, said: string[] = []): Promise<Page> {
      const page = await browser.newPage();
      page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
      page.on("pageerror", (error) => said.push(`uncaught: ${error.message}`));
      await page.setContent("<!doctype html><title>checks</title>");
      await page.addScriptTag({ type: "module", content: code });
      return page;
    }

    it("works as a bundle", async () => {
      const end = "await checkEverything();\nglobalThis.report = { checks, failures };";
      const page = await run(await checks(end, true));
      const report = await page.waitForFunction(() => (globalThis as { report?: unknown }).report);
      expect(await report.jsonValue()).toEqual({ checks: 17, failures: [] });
      await page.close();
    });

    it("tells the console of a suspected deadlock and of a panic", async () => {
      const program = `
        import { chan, go, main } from "@sluice/go";
        const ch = chan();
        go(async function reader() { await ch.recv(); });
        go(async function broken() { throw new Error("boom"); });
        main(async () => { await chan().recv(); });`;
      const code = await bundle("stuck.js", program, { resolve: { alias: aliases() } });
      const said: string[] = [];
      const page = await run(code, said);
      await expect.poll(() => said.length).toBe(3);
      expect(said[0]).toMatch(/^error: panic: boom\n\ngoroutine 3 \[running\]:\n/);
      expect(said[1]).toBe("uncaught: boom");
      expect(said[2]).toBe(
        "error: suspected: all goroutines are asleep - deadlock!\n\n" +
          "goroutine 1 [chan receive]:\nmain.main(...)\n\n" +
          "goroutine 2 [chan receive]:\nreader(...)\ncreated by main in goroutine 1\n",
      );
      await page.close();
    });
  });
});
