import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Ran } from "./test/run.ts";

const page = new URL("test/page.ts", import.meta.url).href;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-awaits-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a program does in Node, and on a host that tells as little as a page. */
function both(
  source: string,
  node: readonly string[] = [],
): { status: number | null; output: string; errors: string }[] {
  const file = join(folder, "main.mts");
  writeFileSync(
    file,
    source.replaceAll(/\{\{(.*?)\}\}/g, (_, entry: string) => new URL(`../${entry}.ts`, import.meta.url).href),
  );
  return [node, ["--import", page]].map((args) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--no-warnings", ...args, file], {
      encoding: "utf8",
      env: { ...process.env, NODE_OPTIONS: "" },
    });
    return { status, output: stdout + (/^(?:Type)?Error: .*$/m.exec(stderr)?.[0] ?? ""), errors: stderr };
  });
}

describe("on a host that tells nothing of promises, the detector", () => {
  it("reports each program that races, and no other", { timeout: 60_000 }, () => {
    const program = new URL("test/run.ts", import.meta.url).pathname;
    const ran = JSON.parse(
      execFileSync(process.execPath, ["--no-warnings", "--import", page, program], { encoding: "utf8" }),
    ) as Ran[];
    expect(ran.length).toBeGreaterThan(95);
    expect(ran.filter(({ races, reports }) => races !== reports.length > 0).map(({ what }) => what)).toEqual([]);
  });

  /** Programs that print what came when. */
  const programs = {
    "promises of every kind": `
      const log: unknown[] = [];
      const note = (what: unknown) => (log.push(what), what);
      const thenable = { then: (ok: (v: string) => void) => ok("thenable") };
      async function load(n: number): Promise<number> { await null; return n; }
      class Twice extends Promise<unknown> {}
      const all = [
        load(1).then(note),
        (async () => note(await thenable))(),
        (async () => load(2))().then(note),
        Promise.all([load(3), 4, thenable]).then(note),
        Promise.race([load(5), load(6)]).then(note),
        Promise.allSettled([load(7), Promise.reject(8)]).then((all) => note(all.length)),
        Promise.any([Promise.reject(1), load(9)]).then(note),
        new Promise((resolve) => resolve(load(10))).then(note),
        Promise.reject(new Error("11")).catch((error) => note(error.message)),
        load(12).finally(() => note("finally")).then(note),
        Promise.resolve(1).then(() => load(13)).then(note),
        new Twice((resolve) => resolve(14)).then(note),
        new Promise((_, reject) => reject(15)).then(note, note),
        Promise.resolve(1).then(() => { throw 16; }).catch(note),
      ];
      for (let i = 0; i < 12; i++) { await null; note("-"); }
      const { promise, resolve, reject } = Promise.withResolvers(); resolve(17); reject(18); note(await promise);
      const same = Promise.resolve(1); note(Promise.resolve(same) === same); note(same instanceof Promise);
      note(await all[0]); note((await Promise.all(all)).length); note(await load(1)?.valueOf?.());
      try { await Promise.reject(19); } catch (error) { note(error); }
      const self: Promise<void> = new Promise((resolve) => setTimeout(() => resolve(self as never)));
      note(await self.catch(String));
      console.log(JSON.stringify(log));`,
    "loops and disposal": `
      const log: unknown[] = [];
      async function* count(to: number) { try { for (let i = 0; i < to; i++) yield i; } finally { log.push("closed"); } }
      for await (const n of count(3)) log.push(n);
      for await (const n of count(3)) { if (n === 1) break; }
      for await (const n of [Promise.resolve("a"), "b"]) log.push(n);
      const failing = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("no")) }) };
      try { for await (const _ of failing); } catch (error) { log.push((error as Error).message); }
      {
        await using first = { [Symbol.asyncDispose]: async () => { await null; log.push("first"); } };
        await using second = { [Symbol.asyncDispose]: async () => { log.push("second", typeof first); } };
        log.push(typeof second);
      }
      console.log(JSON.stringify(log));`,
    "a rejection that nobody handles": `
      const work = async () => { await null; throw new Error("nobody"); };
      const kept = work();
      setTimeout(() => console.log("not reached", typeof kept), 50);`,
    "a rejection that is handled in time": `
      const work = async () => { await null; throw new Error("somebody"); };
      const [a, b, c, d] = [work(), work(), work(), work()];
      const outer = (async () => b)();
      for (const one of [a, outer, Promise.all([c])]) console.log(await one.catch((error) => error.message));
      try { for await (const _ of [d]); } catch (error) { console.log((error as Error).message); }
      async function* fails() { yield work(); }
      async function* passesOn() { yield* fails(); }
      for (const values of [fails(), passesOn()]) {
        try { for await (const _ of values); } catch (error) { console.log((error as Error).message); }
      }
      function* plain() { const got: unknown = yield work(); console.log(got); }
      const values = plain();
      console.log(await (values.next().value as Promise<never>).catch((error) => error.message), values.next("sent").done);
      setTimeout(() => console.log("reached"), 20);`,
  };
  it.each(Object.entries(programs))("changes nothing of %s", (_, source) => {
    const [node, own] = both(source).map(({ status, output }) => ({ status, output }));
    expect(node!.output).not.toBe("");
    expect(own).toEqual(node);
  });

  it("reports what it reports in Node, also of fibers and of kept promises", () => {
    const register = new URL("register.ts", import.meta.url).href;
    const [node, own] = both(
      `import { chan, main } from "{{index}}";
       import { gosched, lock, recv, send, until } from "{{fiber/index}}";
       import { Mutex, WaitGroup } from "{{sync/index}}";
       await main(async () => {
         let [n, m, k, z]: number[] = [0, 0, 0, 0];
         const mu = new Mutex();
         const ch = chan<number>();
         const wg = new WaitGroup();
         for (let i = 0; i < 2; i++) wg.go(function* hit() { const b = n!; yield* gosched(); n = b + 1; });
         for (let i = 0; i < 2; i++) wg.go(function* safe() { yield* lock(mu); const b = m!; yield* gosched(); m = b + 1; mu.unlock(); });
         wg.go(function* sender() { k = 5; yield* send(ch, 1); });
         wg.go(function* receiver() { yield* recv(ch); k = 7; });
         const load = async (): Promise<void> => { await null; z = 1; };
         const loaded = load();
         wg.go(function* waits() { yield* until(loaded); z = 2; });
         wg.go(async function alsoWaits() { await loaded; console.log(z); });
         await wg.wait();
         console.log(n, m, k, z);
       });`,
      ["--import", register],
    );
    // Which access came first depends on how busy the machine is.
    const pairs = (errors: string): string[] =>
      errors
        .split("WARNING: DATA RACE")
        .slice(1)
        .map((report) =>
          [...report.matchAll(/ by (?:main )?goroutine.*:\n {2}(\w+)\(\)\n.*main\.mts:(\d+:\d+)/g)]
            .map(([, name, place]) => `${name} ${place}`)
            .sort()
            .join(", "),
        )
        .sort();
    expect(pairs(node!.errors)).toEqual(["alsoWaits 16:71, waits 15:58", "hit 9:72, hit 9:94", "hit 9:94, hit 9:94"]);
    expect(pairs(own!.errors)).toEqual(pairs(node!.errors));
    expect(own!.status).toBe(node!.status);
  });
});
