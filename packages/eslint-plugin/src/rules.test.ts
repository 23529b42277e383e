// Each rule on code that it must refuse and on the same code mended; then all of them as oxlint
// runs them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Linter } from "eslint";
import { describe, expect, it } from "vitest";
import plugin from "./index.ts";

const IMPORTS = `
import { chan, defer, go, gosched, recv, select, send, timeout } from "@sluice/go";
import * as sluice from "@sluice/go";
import * as contexts from "@sluice/go/context";
import * as fiber from "@sluice/go/fiber";
import * as sync from "@sluice/go/sync";
import { withCancel, withTimeout, background } from "@sluice/go/context";
import { Group } from "@sluice/go/errgroup";
import { Mutex, RWMutex, WaitGroup } from "@sluice/go/sync";
import { generate, heal, Pool } from "@sluice/go/patterns";
import { Topic } from "@sluice/go/pubsub";
import { Limiter } from "@sluice/go/rate";
import { sleep } from "@sluice/go/time";
const ctx = background();
const ch = chan(1);
const wg = new WaitGroup();
const mu = new Mutex();
const rw = new RWMutex();
const group = new Group();
const pool = new Pool(ctx);
const topic = new Topic();
const limiter = new Limiter(1, 1);
`;

interface Sample {
  /** What is wrong, by the beginning of its message. */
  readonly bad: readonly [code: string, message: string][];
  readonly good: readonly string[];
}

const SAMPLES: Record<string, Sample> = {
  "awaited-operation": {
    bad: [
      ["ch.send(1);", "ch.send is not awaited"],
      ["ch.recv();", "ch.recv is not awaited"],
      ["wg.wait();", "wg.wait is not awaited"],
      ["mu.lock();", "mu.lock is not awaited"],
      ["sleep(5);", "sleep is not awaited"],
      ["group.go(f);", "group.go is not awaited"],
      ["topic.publish(1);", "topic.publish is not awaited"],
      ["limiter.wait(ctx);", "limiter.wait is not awaited"],
      ["pool.wait();", "pool.wait is not awaited"],
      ["heal(ctx, f, { ms: 5 });", "heal is not awaited"],
      ["{ using _ = mu.lock(); }", "`using` needs the lock, not the promise of it"],
      ["for (const v of [1]) { ch.send(v); }", "ch.send is not awaited"],
      ["x && ch.send(1);", "ch.send is not awaited"],
      ["x ? f() : (f(), ch?.send(1));", "ch.send is not awaited"],
      ["sluice.select({ a: recv(ch) });", "sluice.select is not awaited"],
      ["const own = new sync.Mutex(); own.lock();", "own.lock is not awaited"],
      ["class C { #mu = new Mutex(); m() { this.#mu.lock(); } }", "this.#mu.lock is not awaited"],
      ["class C { ch = chan(); m = () => { f(() => { this.ch.recv(); }); } }", "this.ch.recv is not awaited"],
      ["function* g() { fiber.send(ch, 1); }", "fiber.send does nothing without `yield*`"],
      ["function* g() { yield fiber.recv(ch); }", "fiber.recv does nothing without `yield*`"],
      ["function* g() { using _ = fiber.lock(mu); }", "`using` needs the lock. Write: using _ = yield* fiber.lock(…)"],
      ["send(ch, 1);", "send makes a case for select, and does nothing else. Write `await ch.send(…)`"],
      ["await recv(ch);", "recv makes a case for select"],
    ],
    good: [
      "await sluice.select({ a: recv(ch), b: send(ch, 1) });",
      "x && (await ch.send(1));",
      "ch[send](1); ch['send'](1);",
      "function* g() { yield* fiber.send(ch, 1); using _ = yield* fiber.lock(mu); const v = yield* fiber.recv(ch); f(v); }",
      "class C { ch = f(); m() { this.ch.recv(); } }",
      "class C { ch = chan(); m() { f(function () { this.ch.recv(); }); } }",
      "await ch.send(1);",
      "void ch.send(1);",
      "const p = ch.send(1); await p;",
      "{ using _ = await mu.lock(); }",
      "go(() => ch.send(1));",
      "wg.go(async () => { await ch.send(1); });",
      "const other = { send() {} }; other.send(1);",
    ],
  },
  "busy-loop": {
    bad: [
      ["while (!ch.trySend(1)) {}", "a loop of trySend"],
      ["for (;;) { const got = ch.tryRecv(); if (got.ready) f(got); }", "a loop of tryRecv"],
      ["do { f(); } while (!mu.tryLock());", "a loop of tryLock"],
      ["while (ch.tryRecv().ready) {}", "a loop of tryRecv"],
      ["while (true) { for (const x of xs) ch.trySend(x); }", "a loop of trySend"],
    ],
    good: [
      "while (!ch.trySend(1)) await gosched();",
      "while (ch.trySend(1)) {}",
      "for (let i = 0; i < 5; i++) ch.trySend(i);",
      "for (const v of [1, 2]) ch.trySend(v);",
      "while (x) { onMessage(() => ch.trySend(1)); break; }",
    ],
  },
  "copied-locks": {
    bad: [
      [
        "class C { n = 0; mu = new Mutex(); } const c = new C(); const d = { ...c };",
        "literal copies lock value from c: c contains sync.Mutex",
      ],
      [
        "const c = { rw: new RWMutex() }; const d = Object.assign({}, c);",
        "literal copies lock value from c: c contains sync.RWMutex",
      ],
      ["const c = { wg: new WaitGroup() }; structuredClone(c);", "literal copies lock value from c"],
    ],
    good: [
      "const c = { n: 1 }; const d = { ...c };",
      "class C { mu = new Mutex(); } const c = new C(); f(c); f(...[c]);",
      "const c = { mu: new Mutex() }; Object.assign(c, { n: 1 });",
    ],
  },
  "defer-using": {
    bad: [
      ["defer(() => wg.done());", "defer needs `using`"],
      ["const d = defer(() => wg.done());", "defer needs `using`"],
    ],
    good: [
      "{ using _ = defer(() => wg.done()); }",
      "{ await using _ = defer(async () => {}); }",
      "stack.use(defer(f));",
    ],
  },
  "detached-operation": {
    bad: [
      ["[1].map(topic.publish);", "topic.publish loses its object"],
      ["[1].map(ch.send);", "ch.send loses its object here. Pass (v) => ch.send(v)"],
      ["{ using _ = defer(wg.done); }", "wg.done loses its object here. Pass () => wg.done()"],
      ["const unlock = mu.unlock;", "mu.unlock loses its object here"],
      ["f({ close: ch.close });", "ch.close loses its object here"],
      ["const { send: out } = ch;", "ch.send loses its object here. Pass (v) => ch.send(v)"],
    ],
    good: [
      "[1].map((v) => ch.send(v));",
      "{ using _ = defer(() => wg.done()); }",
      "const n = ch.len; f(ch.cap);",
      "const { len } = ch;",
      "const emitter = { send() {} }; f(emitter.send);",
    ],
  },
  "lost-cancel": {
    bad: [
      ["const [child] = withCancel(ctx);", "the cancel function returned by context.WithCancel should be called"],
      [
        "const [child, ] = withTimeout(ctx, 5);",
        "the cancel function returned by context.WithTimeout should be called",
      ],
      ["withCancel(ctx);", "the cancel function returned by context.WithCancel should be called"],
      ["const child = withCancel(ctx)[0];", "the cancel function returned by context.WithCancel should be called"],
      ["const [child] = contexts.withCancel(ctx);", "the cancel function returned by context.WithCancel should be"],
      [
        "const [child, _] = withCancel(ctx); f(child);",
        "the _ function is not used on all paths (possible context leak). Write: using _cancel = _;",
      ],
      [
        "const [child, cancel] = withTimeout(ctx, 5); f(child);",
        "the cancel function is not used on all paths (possible context leak)",
      ],
    ],
    good: [
      "const [child, cancel] = withCancel(ctx); cancel();",
      "{ const [child, cancel] = withTimeout(ctx, 5); using _ = cancel; }",
      "function f() { const [child, cancel] = withCancel(ctx); return [child, cancel]; }",
      "const pair = withCancel(ctx); f(pair);",
    ],
  },
  "unused-select": {
    bad: [
      ["await select({ a: recv(ch), b: timeout(5) });", "the result of select is not used"],
      ["await select([recv(ch), recv(ctx.done())]);", "the result of select is not used"],
    ],
    good: [
      "const c = await select({ a: recv(ch), b: timeout(5) }); f(c);",
      "await select({ a: send(ch, 1), done: recv(ctx.done()) });",
      "await select([recv(ch)]);",
      "await select({});",
    ],
  },
  "waitgroup-add": {
    bad: [["go(async () => { wg.add(1); f(); wg.done(); });", "WaitGroup.Add called from inside new goroutine"]],
    good: [
      "wg.add(1); go(async () => { f(); wg.done(); });",
      "wg.go(async () => { wg.add(1); });",
      "go(async () => { const own = new WaitGroup(); f(() => own.add(1)); });",
      "go(async () => { const own = new WaitGroup(); own.add(1); go(() => own.done()); await own.wait(); });",
    ],
  },
};

/** Objects that only their types tell: parameters, and fields that a constructor sets. */
const TYPED = `
import type { Chan, RecvChan } from "@sluice/go";
import { Mutex, type WaitGroup } from "@sluice/go/sync";
export async function f(jobs: Chan<number>, wg: WaitGroup, other: { send(): void }) {
  jobs.send(1);
  wg.wait();
  other.send();
  await jobs.send(2);
}
export class Cache {
  readonly #mu: Mutex = new Mutex();
  private readonly done: RecvChan<never>;
  constructor(done: RecvChan<never>) {
    this.done = done;
  }
  get(): void {
    this.#mu.lock();
    this.done.recv();
  }
}
`;

function messages(code: string): string[] {
  const found = new Linter().verify(`${IMPORTS}async function _() { ${code} }`, [
    plugin.configs.recommended,
    { languageOptions: { ecmaVersion: 2026, sourceType: "module" } },
  ]);
  return found.map(({ ruleId, message }) => `${ruleId ?? "syntax"}: ${message}`);
}

describe.each(Object.entries(SAMPLES))("%s", (rule, { bad, good }) => {
  it.each(bad)("refuses %s", (code, message) => {
    const found = messages(code).filter((one) => one.startsWith(`@sluice/${rule}: `));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`: ${message}`);
  });

  it.each(good)("allows %s", (code) => {
    expect(messages(code).filter((one) => one.startsWith(`@sluice/${rule}: `) || one.startsWith("syntax"))).toEqual([]);
  });
});

it("every rule is in the recommended configuration, and has samples", () => {
  expect(Object.keys(plugin.rules)).toEqual(Object.keys(SAMPLES).toSorted());
  expect(Object.keys(plugin.configs.recommended.rules ?? {})).toEqual(
    Object.keys(SAMPLES)
      .map((rule) => `@sluice/${rule}`)
      .toSorted(),
  );
});

it("leaves names alone that come from elsewhere", () => {
  expect(messages("const withCancel = () => [1]; const [x] = withCancel(); f(x);")).toEqual([]);
});

it("runs in oxlint too, on TypeScript", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-lint-"));
  try {
    const index = fileURLToPath(new URL("index.ts", import.meta.url));
    const config = {
      categories: { correctness: "off" },
      jsPlugins: [{ name: "@sluice", specifier: index }],
      rules: plugin.configs.recommended.rules,
    };
    writeFileSync(join(folder, "oxlintrc.json"), JSON.stringify(config));
    const code = Object.values(SAMPLES).flatMap(({ bad }, i) =>
      bad.map(([text], n) => `export async function bad${i}_${n}(f: any, xs: any, x: any) { ${text} }`),
    );
    writeFileSync(join(folder, "bad.ts"), `${IMPORTS}${code.join("\n")}\n`);
    writeFileSync(join(folder, "typed.ts"), TYPED);
    const program = join(dirname(createRequire(import.meta.url).resolve("oxlint/package.json")), "bin", "oxlint");
    let output = "";
    try {
      output = execFileSync(process.execPath, [program, "-c", "oxlintrc.json", "-f", "json", "bad.ts", "typed.ts"], {
        cwd: folder,
      }).toString();
    } catch (error) {
      output = String((error as { stdout: Buffer }).stdout);
    }
    interface Diagnostic {
      readonly code: string;
      readonly message: string;
      readonly filename: string;
    }
    const { diagnostics } = JSON.parse(output) as { diagnostics: Diagnostic[] };
    const found = new Set(diagnostics.map(({ code }) => code.replace(/^.*\((.*)\)$/, "$1")));
    expect([...found].toSorted()).toEqual(Object.keys(SAMPLES).toSorted());
    const typed = diagnostics.filter(({ filename }) => filename.endsWith("typed.ts"));
    expect(typed.map(({ message }) => message.replace(/ is not.*/, "")).toSorted()).toEqual([
      "jobs.send",
      "this.#mu.lock",
      "this.done.recv",
      "wg.wait",
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
