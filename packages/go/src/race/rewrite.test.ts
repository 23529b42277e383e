import { globSync, readFileSync } from "node:fs";
import { runInThisContext } from "node:vm";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { parseSync } from "oxc-parser";
import { describe, expect, it } from "vitest";
import * as probes from "./probe.ts";
import { probesKey, rewrite, type RewriteOptions } from "./rewrite.ts";

const root = join(import.meta.dirname, "../../../..");

/** Runs a script whose last expression is its result; its probes are the real ones. */
function run(code: string): unknown {
  (globalThis as Record<symbol, unknown>)[Symbol.for(probesKey)] = probes;
  // In a block of its own: names of one script are not those of the next.
  return runInThisContext(`{ ${code}\n}`);
}

function script(source: string, more: Pick<RewriteOptions, "awaits"> = {}): string {
  const rewritten = rewrite(source, { file: "a.js", lang: "js", format: "commonjs", probe: "", ...more });
  expect(rewritten?.code).toContain("$r.");
  return (rewritten as { code: string }).code;
}

/** Programs whose result must stay what it was; each has something to rewrite. */
const programs: readonly string[] = [
  // Variables: reads, writes, updates, compound and logical assignments, patterns.
  "let n = 1; const f = () => { n++; ++n; n += 2; n -= 1; n **= 2; return n }; [f(), n, n--, n]",
  "let a, b = null, c = 0; const f = () => { a ??= 1; b ||= 2; c &&= 3; return [a, b, c] }; f()",
  "let a = 1, b = 2; const f = () => { [a, b] = [b, a]; ({ a } = { a: 7 }); return [a, b] }; f()",
  "let n = 0; const f = () => (n = 5, n); const o = { n, f: f() }; [o, n, typeof n, `${n}`]",
  "let f; const g = () => { f = () => 1; return f.name }; g() + f()",
  "let f; const g = () => { f = class {}; return f.name }; g() + typeof f",
  "var n = 1; function f() { n = n + 1; return n } f() + n",
  "function f(n) { const g = () => n++; g(); g(); return n } f(3)",
  "const f = (n) => { const g = () => { n = n * 2 }; g(); return n }; f(4)",
  "let x = 0; for (x of [1, 2, 3]) { (() => x)() } x",
  "let k = ''; const f = () => k; for (k in { a: 1, b: 2 }) { f() } k",
  "const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i); fs.map((f) => f())",
  "let n = 0\nconst f = () => n\nn++\nn = 4\n;[n].length\nf()",
  "let n = 0; const f = () => n; if (true) n++; else n--; do n++; while (n < 3); l: n++; f()",
  "let n = 0; function later() { return n } function f() { n = 2; return later() } f()",
  "switch (1) { case 1: let n = 1; n++; (() => n)(); n }",
  "function f(a, b = a, c = () => a) { const g = () => { a++; return a }; return [g(), a, b, c(), arguments.length] } f(1)",
  "const f = (a, b = (a = 2, () => a)) => { const g = () => a; a = 3; return [g(), b()] }; f(1)",
  // Properties.
  "const o = { a: { b: 1 }, f() { return this.a.b } }; o.a.b = 2; o.a.b += 3; o.a.b++; [o.f(), o['a']['b'], delete o.a.b, o]",
  "const o = { n: 0 }; const get = () => (o.n++, o); get().n = 5; get().n += 2; get().n ??= 1; get()['n'] = 1; o.n",
  "const a = [1, 2, 3]; let i = 0; a[i++] = 7; a[i++] += 1; a[i]++; [a, a[i - 1], i]",
  "const o = null; let m = ''; try { o.x } catch (e) { m = e.message } m.slice(0, 22)",
  "const o = { a: null }; [o?.a?.b.c.d, o?.['a'], o.a?.(), o.a?.b()]",
  "const o = { f: { g(x) { return [this === o.f, x] } } }; o.f.g(o.f.g.name)",
  "const o = { get a() { return 4 }, set a(v) { this.b = v } }; o.a = 3; [o.a, o.b]",
  "class A { #x = 1; y = 2; inc() { this.#x++; this.#x += 2; this.#x = this.#x + this.y; return this.#x } static s = 1; static { A.s++ } } [new A().inc(), A.s]",
  "class A { n = 1; m() { return this.n } } class B extends A { m() { super.n = 3; return super.m() + this.n } } new B().m()",
  "const { a, b: [c], ...d } = { a: 1, b: [2], e: 3 }; const [x, , y] = [1, 2, 3]; const o = { p: 1 }; const { p } = o; [a, c, d, x, y, p]",
  "const o = { t: (s) => s.raw[0] }; o.t`x`",
  "const o = { a: 1, b: {} }; [o.a, o['c'], ...o.b.d] = [2, 3, 4, 5]; ({ x: o.a, y: o.e = 6 } = { x: 7 }); o",
  "const o = { a: 1 }; const p = Object.assign(o, { b: 2 }, null, [3]); [p === o, o, Object.assign({}, o).b]",
  "const a = new Int32Array(2); const b = Atomics.add(a, 1, 2) + Atomics.load(a, 1); [b, Atomics.compareExchange(a, 1, 2, 3), Atomics.isLockFree(4), a[1]]",
  "const o = { C: class { constructor(n) { this.n = n } } }; new o.C(5).n",
  "const key = { toString() { return 'k' } }; const o = {}; o[key] = 1; o[key]++; o",
  // Collections.
  "const m = new Map([['a', 1]]); m.set('b', 2).set('c', 3); m.delete('a'); [m.size, [...m], m.get('b'), m.has('x'), [...m.keys()]]",
  "const s = new Set(); for (const v of [1, 2, 1]) s.add(v); let n = 0; for (const v of s) n += v; [n, s.size]",
  "const a = [3, 1, 2]; a.push(4); a.sort(); a.splice(1, 1); [a, a.map((v) => v * 2), a.at(-1), a.at(1), a.at(-9), a.at(a.length - 2), a.at(), a.pop(), [].pop(), Math.max(...a), a.length]",
  "const f = (...args) => args; const v = [1, 2]; f(...v, ...new Set([3]))",
  "const g = function* () { for (const v of [1, 2]) yield v; const m = new Map([[1, 2]]); for (const v of m.values()) yield v }; [...g()]",
  "const o = { n: 1 }; const h = (v = o.n, { w = o.n } = {}) => v + w; h()",
  "'use strict'; let n = 0; const f = () => n; n = 1; f()",
];

describe("rewritten code", () => {
  it.each(programs)("gives what it gave before: %s", (source) => {
    const result = JSON.stringify(run(source));
    const code = script(source);
    expect(JSON.stringify(run(code))).toBe(result);
    expect(code.split("\n")).toHaveLength(source.split("\n").length);
    expect(JSON.stringify(run(script(source, { awaits: "also" })))).toBe(result);
  });

  it("keeps awaits in order", async () => {
    const source = `(async () => {
      const o = { n: 1 }, all = [], m = new Map();
      let n = 1;
      const get = () => (all.push("get"), o);
      const later = async (v) => (await null, all.push(v), n);
      n += await later("a");
      get().n = await later("b");
      get().n += await later("c");
      m.set("k", await later("d"));
      for (const [k, v] of m) all.push(k, await v);
      for (const k of m.keys()) all.push(await k);
      const f = () => n;
      return JSON.stringify([o, all, n, f()]);
    })()`;
    expect(await run(script(source))).toBe(await run(source));
    expect(await run(script(source, { awaits: "also" }))).toBe(await run(source));
  });

  it.each([
    [{}, ["packages/*/src/**/*.ts", "examples/*.ts", "bench/*.ts", "scripts/*.ts"]],
    [{ awaits: "also" }, ["packages/go/src/{patterns,sync,test}/*.ts", "examples/*.ts"]],
  ] as const)(
    "of every source of this repository parses, and keeps its lines (%o)",
    { timeout: 120_000 },
    (more, where) => {
      const files = globSync(where, { cwd: root });
      let count = 0;
      for (const file of files) {
        const source = readFileSync(join(root, file), "utf8");
        const rewritten = rewrite(source, { file, lang: "ts", format: "module", probe: "probe", ...more });
        if (rewritten === undefined) continue;
        count++;
        const { errors } = parseSync(file, rewritten.code, { lang: "ts", sourceType: "module" });
        expect({ file, errors }).toEqual({ file, errors: [] });
        expect({ file, lines: rewritten.code.split("\n").length }).toEqual({ file, lines: source.split("\n").length });
        expect(() => stripTypeScriptTypes(rewritten.code)).not.toThrow();
      }
      expect(count).toBeGreaterThan(100);
    },
  );

  it("has a map to the source, and names places of the source", () => {
    const source = "export let n: number = 0;\nexport const f = (): void => {\n  n = n + 1;\n};\n";
    const rewritten = rewrite(source, { file: "/a.ts", lang: "ts", format: "module", probe: "probe" });
    const map = JSON.parse(rewritten?.map.toString() ?? "{}") as { sources: string[]; sourcesContent: string[] };
    expect(map).toMatchObject({ sourcesContent: [source] });
    // Line, column and function of the write and of the read.
    expect(rewritten?.code).toContain('[3,3,"f",3,7,"f"]');
    const line = rewritten?.code.split("\n")[2] ?? "";
    expect(rewritten?.columns()[2]).toContainEqual([line.lastIndexOf("+ 1"), 8]);
  });

  it("has probes at awaits, and at calls whose promise is kept, if the host tells nothing of promises", () => {
    const probed = (source: string, awaits: "also" | "only" = "only"): string | undefined =>
      rewrite(source, { file: "a.ts", lang: "ts", format: "module", probe: "p", awaits })?.code.replace(/^.*?";/, "");
    expect(probed("await f(); const p = f(); await p;")).toBe(
      "await $r.b(f(), true); const p = $r.k(f()); await $r.b(p);",
    );
    expect(probed("for await (const n of f()) g(a?.b(n).c);")).toBe("for await (const n of $r.n(f())) g(a?.b(n).c);");
    expect(probed("{ await using a = b; }")).toBe("{ using $o0 = $r.o();await using a = b; }");
    expect(probed("f(); const n: number = 1;")).toBeUndefined();
  });

  it("leaves alone what cannot race, and lines that say so", () => {
    const rewritten = (source: string): unknown =>
      rewrite(source, { file: "a.ts", lang: "ts", format: "module", probe: "probe" });
    expect(rewritten("const n = 1; export const f = () => n;")).toBeUndefined();
    expect(rewritten("let n = 1; n = 2; export const f = () => Math.max(1, 2);")).toBeUndefined();
    expect(rewritten("export const f = (o: { n: number }) => o.n; // race:ignore: only for show")).toBeUndefined();
    expect(rewritten("export const f = (o: { n: number }) => o.n;")).toBeDefined();
    expect(rewritten("this is no program")).toBeUndefined();
  });
});
