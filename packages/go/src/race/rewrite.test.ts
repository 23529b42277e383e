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

function script(source: string, more: Partial<Pick<RewriteOptions, "awaits" | "lang">> = {}): string {
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

/** Bodies of async functions, whose result must stay what it was. */
const bodies: readonly string[] = [
  "const g = async function* () { let n = 0; const f = () => n++; try { for (;;) { f(); if (n > 3) return n; yield n } } finally { n = 10; f() } }; const out = []; for await (const v of g()) { out.push(v); if (v === 2) continue } return out",
  "let log = []; const it = { [Symbol.asyncIterator]() { let i = 0; return { next: async () => (i++, { value: i, done: i > 3 }), return: async () => (log.push('ret'), {}) } } }; for await (const v of it) { log.push(v); if (v === 2) break } return log",
  "let n = 0; const o = { m: new Map([[1, 2], [3, 4]]) }; outer: for (const [k, v] of o.m) { for (const x of [1, 2, 3]) { await null; if (x === 2) continue outer; n += k * v * x } } const f = () => n; return f()",
  "let n = 0; const f = () => n; lab: { n = 1; if (f()) break lab; n = 2 } return n",
  "let n = 0; const f = () => n; a: for (let i = 0; i < 3; i++) { b: for (n of [1, 2, 3]) { if (n === 2) continue a; if (i === 2) break a } } return [n, f()]",
  "class A { #x = 1; static #n = 0; #m() { return ++this.#x } get #g() { return this.#x } set #g(v) { this.#x = v * 2 } has(o) { return #x in o } run() { this.#m(); this.#g = 5; this.#g += 1; this.#g++; A.#n ??= 3; A.#n ||= 4; return [this.#x, this.#g, A.#n, this.has(this), this.has({})] } } return new A().run()",
  "class A { #o = { a: [1, 2] }; run() { const { a: [x, y = 3, z = this.#o.a.length] } = this.#o; [this.#o.a[0], this.#o.b = 9] = [7]; return [x, y, z, this.#o] } } return new A().run()",
  "class A { #f; set(v) { this.#f ??= v; this.#f &&= v + 1; return this.#f } static async *gen() { yield* [1, 2]; yield await this.x } static x = 5 } const out = []; for await (const v of A.gen()) out.push(v); return [new A().set(1), out]",
  "let d = 0; const f = (a = d++, { b = d++, c: { e = d++ } = {} } = {}, [g = d++] = []) => [a, b, e, g]; return [f(), f(1, { b: 2 }), d]",
  "let x = {}, k = 'q'; const f = () => [x, k]; ({ a: x[k], b: x.z = 3, ...x.rest } = { a: 1, c: 4, d: 5 }); return f()",
  "let i = 0; const f = () => i; const o = { a: 1, get b() { return i++ }, set b(v) { i = v }, ['c' + i]: i, async m() { return this.a }, *g() { yield i }, async *h() { yield i } }; o.b = 5; o.b += 2; o.b++; const r = [o.b, o.c0, await o.m(), [...o.g()]]; for await (const v of o.h()) r.push(v); return [r, f()]",
  "let o = null; const f = () => o; o ??= { a: { b: null } }; o.a.b ??= []; o.a.b.push(1); o?.a?.b?.push?.(2); o.a?.['b'].push(3); delete o?.a?.c; return [o, f()?.a.b?.[1], o.x?.y.z(1)]",
  "let t; const f = () => t; const g = () => { try { t = 1; throw new Error('x') } catch ({ message }) { t += message; return t } finally { t = t + '!' } }; return [g(), f(), t]",
  "let t = 0; const f = () => t; const g = async () => { try { await null; t++; return t } finally { await null; t = 10 } }; return [await g(), f()]",
  "let n = 1; const f = () => n++; const tag = (s, ...v) => s.raw.join('|') + v; const o = { tag(s, ...v) { return [this === o, v] } }; return [tag`a${n}b${f()}c`, o.tag`${n}`, o['tag']`${f()}${n}`, `${n}${f()}`]",
  "let n = 0; const f = () => n; const a = [...[1, 2], n++, ...new Set([n])]; const o = { ...{ a: n }, n, ...null }; return [a, o, Math.max(...a, n), f()]",
  "let n = 5; const f = () => n; do { n-- } while (n > 2)\n; while (n --> 0) ; for (n = 0; n < 3; n++); return [n, f()]",
  "let n = 1; const f = () => n; if (n) n++\nelse n--\nconst r = n ? n++ : --n\nreturn [r, f()]",
  "let n = 0n; const f = () => n; n++; n += 2n; n **= 3n; return [String(n), String(f()), typeof n, void n, !n, -n < 0]",
  "let x = { y: 1 }; const f = () => x; with_: for (const k in x) { x[k]++; x = { ...x, z: k } } return [x, f(), 'y' in x, delete x.y, x instanceof Object]",
  "const o = { n: 0, inc() { return this.n++ } }; const { inc } = o; return [inc.call(o), o.inc(), (0, o.inc).call(o), (o.inc)(), o['inc'](), o?.inc?.(), o.n]",
  "const m = new Map(); const k = {}; m.set(k, (m.get(k) ?? 0) + 1).set('a', await 3); const w = new WeakMap([[k, 1]]); for (const e of m.entries()) { await null; e[1] = 0 } let s = 0; m.forEach(function (v, k, mm) { s += v + (mm === m) + this.q }, { q: 1 }); return [m.get(k), m.get('a'), w.get(k), s, m.size]",
  "class B extends Array { get last() { return this[this.length - 1] } } const b = new B(); b.push(1, 2); b[5] = 3; b.length = 4; return [b.last, b.length, [...b].length, b.at(-1), b.pop(), b.indexOf(2), b instanceof B, b.map((v) => v).constructor.name]",
  "class A { static #c = 0; static inc = () => ++A.#c; static { this.z = A.inc() } x = A.inc(); y = (() => this.x)(); ['k' + 1] = 2; static async m() { await null; return super.toString === Function.prototype.toString } } const a = new A(); return [a, A.z, await A.m()]",
  "class A { v = 1; get p() { return this.v } set p(n) { this.v = n } } class C extends A { get p() { return super.p + 1 } set p(n) { super.p = n * 2 } m() { super.v = 9; super['p'] = 3; super.p += 1; super.v++; return [this.v, this.p] } } return new C().m()",
  "function F(a) { if (!new.target) return new F(a); this.a = a; arguments[0] = 5; return } const f = F(1); return [f.a, new F(3).a]",
  "let f = function g(n) { return n ? g(n - 1) : g.name }; const h = () => f; f = f; return [f(2), h().name]",
  "let f = () => 1; const h = () => f; f = () => 2; f ??= () => 3; let g; g ??= () => 1; (() => g)(); g ||= 1; g &&= class {}; return [f.name, g.name, h()()]",
  "let [a, b = () => 1, { c = class {} } = {}] = [1]; const f = () => [a, b, c]; [b = () => 2] = []; ({ c = () => 3 } = {}); return [a, b.name, c.name]",
  "const o = {}; o.f = () => 1; o['g'] = function () {}; o.h ??= () => 1; return [o.f.name, o.g.name, o.h.name]",
  "var v = 1; { var v = 2; function q() { return v } } var g = () => v++; g(); return [v, q(), typeof u, (() => { try { return typeof z } catch (e) { return e.name } let z })()]",
  "let n = 0; const f = () => n; const p = [1, 2, 3].map(async (x) => { const was = n; await null; n = was + x; return n }); return [await Promise.all(p), f()]",
  "let a = 1, b = 2; const f = () => [a, b]; [a, b] = [b, a]; ({ a, b: [b] } = { a: b, b: [a] }); for ([a, b] of [[5, 6]]) f(); for ({ a, b = a } of [{ a: 8 }]) f(); for (a in { q: 1 }) f(); return f()",
  "const a = [3, 1, 2]; const c = a.toSorted(); a.sort((x, y) => (a.length, x - y)); a.copyWithin(0, 1); a.fill(9, 2); a.unshift(0); const s = a.splice(1, 2, 'x', 'y', 'z'); a.reverse(); const [h, ...t] = a; return [a, c, s, h, t, a.findLast((v) => v), a.shift(), a.with(0, 5), Array.from(a.entries())]",
  "const u = new Uint8Array([1, 2, 300]); const v = new DataView(u.buffer); const w = new Uint16Array(u.buffer, 0, 1); u[0]++; u[1] += 255; u['2'] = 7; w[0] ^= 1; v.setUint8(0, 9); let s = 0; for (const x of u) s += x; const [p, q] = u; return [[...u], s, u[9], u[-1], u['x'], p, q, w[0], u.at(-1), u.subarray(1)[0], u.length]",
  "let n = 0; const f = () => n; const r = (n++, n++, f()); const x = n > 1 && n++ || n--; const y = (n = 5) + (n = 6) + n; return [r, x, y, n]",
  "let o = { a: 1 }; const f = () => o; o.a = (o = { a: 2 }, 7); const was = o; o.b = o = { c: 1 }; return [o, was, f()]",
  "const log = []; const ob = () => (log.push('o'), { get k() { log.push('get'); return 1 }, set k(v) { log.push('set' + v) } }); const key = () => (log.push('k'), 'k'); ob()[key()] += (log.push('v'), 2); ob()[key()]++; ob()[key()] ??= 4; ob()[key()] = (log.push('w'), 3); ob().k; return log",
  "async function f(n = 1, ...r) { const g = () => n; n++; await null; return [n, g(), r, arguments.length] } const h = async (n) => { const g = () => (n += 1); await g(); return n }; return [await f(), await f(2, 3), await h(4)]",
  "function* g() { let n = 0; const f = () => n; while (true) { const c = yield n++; if (c) n = c; if (n > 20) return f() } } const i = g(); return [i.next(), i.next(), i.next(10), i.return(5), i.next()]",
  "function* inner() { try { yield 1; yield 2 } finally { log.push('fin') } } let log = []; function* o() { const r = yield* inner(); log = [...log, r]; yield 3 } for (const x of o()) { log.push(x); if (x === 1) continue; if (x === 2) break } return log",
  "let n = 0; const f = () => n; { using d = { [Symbol.dispose]() { n++ } }; n += 5 } { await using d = { async [Symbol.asyncDispose]() { await null; n++ } }; n += 5 } return [n, f()]",
  "let x = 1; const f = () => x; return [typeof x, -x, x ** 2, (x) + 1, x, { x }, { x: x }.x, [x], x ? x : 0, x || 1, x?.y, `${x}`, f()]",
  "const o = { a: { b: { c: 1 } } }; (o.a).b.c = 2; ((o.a.b)).c++; (o['a']['b'] = { c: 5 }).c += 1; return o",
  "let l = []; const f = () => l; l[l.length] = 1; l[l.length] = l.length; l[0] += l[l[0]] ??= 4; [l[0], l[1]] = [l[1], l[0]]; l.length = 1; return f()",
  "let s = ''; const f = () => s; for (const c of 'aé😀') s += c; for (const [i, c] of [...s].entries()) { await null; s += i + c } return f()",
  "const it = { *[Symbol.iterator]() { yield 1; yield 2 } }; let n = 0; const f = () => n; for (const v of it) { await null; n += v } const [a, ...b] = it; return [f(), a, b, Math.max(...it), new Map(Object.entries({ q: 1 })).get('q')]",
  "let n = 0; const f = () => n; const r = await (async () => { for (;;) { if (n++ > 2) return f(); await null } })(); return r",
  "label: { let n = 1; const f = () => n; n++; break label } var r = 0; x: y: for (;;) { r++; break x } return r",
  "let n; const f = () => n; n = async () => 1; n = async function () {}; const a = n.name; n = function* () {}; n = (class { static name = 'zz' }); return [a, n.name, f().name]",
  "let a = 1; const b = { f() { return () => a }, get [a]() { return a++ } }; return [b[1], b.f()(), b[1]]",
  "const o = { list: [1, 2, 3], m: new Map([['a', [1]]]) }; for (o.x of o.list) await null; for (o['y'] in { q: 1 }); for ([o.p, o.q = 2] of [[5]]) ; o.m.get('a').push(o.x); o.m.get('a')[0]++; return [o.x, o.y, o.p, o.q, o.m.get('a')]",
  "'use strict'; const fr = Object.freeze({ a: 1, l: Object.freeze([1]) }); try { fr.a = 2 } catch (e) { return [e.name, fr.l[0], fr.l.at(0), fr.a] }",
  "const n = null; const errs = []; for (const f of [() => n.x, () => n.x(), () => n[0], () => { n.x = 1 }, () => n.x++, () => { n.x += 1 }, () => { const { a } = n }, () => { const [a] = n }, () => [...n], () => n.a.b, () => { for (const q of n); }, () => undefined.at(-1), () => { n.x ??= 1 }, () => delete n.x]) try { f() } catch (e) { errs.push(e.constructor.name) } return errs",
];

/** TypeScript that is more than types. */
const typed: readonly string[] = [
  "var out; enum E { A, B = 5, C = 'x'.length } let e: E = E.A; const f = () => e; e = E.C; out = [f(), E[5], E.B]",
  "var out; const enum K { A = 1, B } let k = K.A; const f = () => k; k = K.B; out = f()",
  "var out; namespace N { export let n = 1; export const f = (): number => n++; export namespace M { export const z = n } } N.f(); N.n += 2; out = [N.n, N.M.z]",
  "var out; class P { constructor(private readonly a: number, public b = a + 1, protected c?: string) { const f = () => b; b++; this.b += f() } sum(): number { out = this.a + this.b } } globalThis.out = [new P(1).sum(), new P(1, 5).b]",
  "var out; let x: { y?: number } | undefined; const f = () => x!.y!; x = { y: 1 } as const as { y?: number }; x!.y! += 2; (x as { y: number }).y++; (<any>x).z = 1; out = [f(), x satisfies object]",
  "var out; abstract class A<T> { abstract m(): T; declare q: number; static s?: number; v!: string; n: T[] = []; add(this: A<T>, t: T): this { this.n.push(t); return this } } class B extends A<number> { override m() { return this.n[0]! } } function over(a: string): string; function over(a: number): number; function over(a: any) { const g = () => a; a = a + 1; out = g() } globalThis.out = [new B().add(4).m(), over(1), over('x')]",
  "var out; let n = 0; const f = () => n; const g = <T,>(x: T): T => (n++, x); type Q = typeof n; interface I { n: number } declare const zz: number; g<number>(1); const i: I = { n }; n = (i.n as number)!; out = [f(), i] as unknown as Q[]",
];

describe("rewritten code", () => {
  it.each(programs)("gives what it gave before: %s", (source) => {
    const result = JSON.stringify(run(source));
    const code = script(source);
    expect(JSON.stringify(run(code))).toBe(result);
    expect(code.split("\n")).toHaveLength(source.split("\n").length);
    expect(JSON.stringify(run(script(source, { awaits: "also" })))).toBe(result);
  });

  it.each(bodies)("gives in the end what it gave before: %s", async (body) => {
    const source = `const main = async () => { ${body}\n};`;
    const result = async (code: string): Promise<string> => JSON.stringify(await run(`${code} main();`));
    const expected = await result(source);
    for (const more of [{}, { awaits: "also" }] as const) expect(await result(script(source, more))).toBe(expected);
  });

  it.each(typed)("of TypeScript gives what it gave before: %s", (source) => {
    const result = (code: string): string =>
      JSON.stringify(run(`${stripTypeScriptTypes(code, { mode: "transform" })};out`));
    expect(result(script(source, { lang: "ts" }))).toBe(result(source));
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
