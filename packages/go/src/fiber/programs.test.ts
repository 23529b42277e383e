// What diagnostics say about fibers, in programs of their own: dumps, deadlocks, panics, leaks,
// races and schedules.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runProgram } from "../test/program.ts";

const imports = `
  import { chan, numGoroutine } from "go";
  import { endWith, fail, go, gosched, lock, main, range, recv, select, send, sleep, until, wait } from "go/fiber";
  import { Mutex, WaitGroup } from "go/sync";
`;

async function run(body: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const { status, stdout, stderr } = await runProgram(imports + body);
  return {
    status,
    stdout,
    stderr: stderr.replace("\n(SLUICE_STACKS=1 in the environment adds files and lines)\n", ""),
  };
}

/** Runs a program in a file under a module that is loaded first. */
function runUnder(source: string): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const folder = mkdtempSync(join(tmpdir(), "sluice-fiber-"));
  try {
    const file = join(folder, "program.ts");
    const at = (entry: string): string => new URL(`../${entry}.ts`, import.meta.url).href;
    writeFileSync(
      file,
      source.replaceAll(/\{\{(.*?)\}\}/g, (_, entry: string) => at(entry)),
    );
    return spawnSync(process.execPath, ["--no-warnings", "--import", at("race/register"), file], {
      encoding: "utf8",
      env: { ...process.env, NODE_OPTIONS: "", NODE_TEST_CONTEXT: undefined },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("a program of fibers", () => {
  it("main takes a generator function, and its end ends the program", async () => {
    const { status, stdout, stderr } = await run(`
      await main(function* () {
        go(function* () { for (;;) yield* sleep(1); });
        yield* sleep(3);
        console.log("over", numGoroutine());
      });
      console.log("not reached");
    `);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "over 2\n", stderr: "" });
  });

  it("needs no promise and no microtask of its own while nothing foreign is awaited", async () => {
    const { stdout, stderr } = await run(`
      import { promiseHooks } from "node:v8";
      const ch = chan<number>();
      const mu = new Mutex();
      const wg = new WaitGroup();
      let made = 0;
      const stop = promiseHooks.onInit(() => made++);
      wg.go(function* () { for (let i = 0; i < 10_000; i++) yield* send(ch, i); });
      wg.go(function* () {
        for (let i = 0; i < 10_000; i++) {
          using _ = yield* lock(mu);
          yield* select({ in: recv(ch) });
        }
      });
      wg.go(function* () { for (let i = 0; i < 100; i++) { using _ = yield* lock(mu); } });
      await wg.wait();
      stop();
      console.log(made < 1500 ? "few" : made);
    `);
    // Those are the microtasks in which the loop goes on, for 20,100 operations.
    expect({ stdout, stderr }).toEqual({ stdout: "few\n", stderr: "" });
  });

  it("a deadlock is reported with the waits of all fibers", async () => {
    const { status, stderr } = await run(`
      const ch = chan<number>();
      const mu = new Mutex();
      const wg = new WaitGroup();
      wg.add(1);
      await main(function* () {
        go(function* sender() { yield* send(ch, 1); });
        yield* recv(ch);
        go(function* receiver() { yield* recv(ch); });
        go(function* selecting() { yield* select({ a: recv(ch), b: send(chan(), 1) }); });
        go(function* nil() { yield* recv(undefined); });
        go(function* locking() { yield* lock(mu); yield* lock(mu); });
        go(function* waiting() { yield* wait(wg); });
        go(function* foreign() { yield* until(new Promise(() => {})); });
        yield* send(chan(), 1);
      });
    `);
    expect(status).toBe(2);
    const parts = stderr.split(/\n(?=goroutine )/).map((text) => text.trim().split("\n").slice(0, 2).join(" "));
    expect(parts).toEqual([
      "fatal error: all goroutines are asleep - deadlock!",
      "goroutine 1 [chan send]: main.main(...)",
      "goroutine 3 [chan receive]: receiver(...)",
      "goroutine 4 [select]: selecting(...)",
      "goroutine 5 [chan receive (nil chan)]: nil(...)",
      "goroutine 6 [sync.Mutex.Lock]: locking(...)",
      "goroutine 7 [sync.WaitGroup.Wait]: waiting(...)",
      "goroutine 8 [IO wait]: foreign(...)",
    ]);
  });

  it.each([
    ["go", "go(function* ignored() {});"],
    ["go, of an async one", "go(async function* ignored() {});"],
    ["a WaitGroup", "const wg = new WaitGroup(); wg.go(function* ignored() {}); await wg.wait();"],
  ])("a generator that nobody would run is a panic: %s", async (_, body) => {
    const { status, stderr } = await runProgram(`
      import { go } from "go"; import { WaitGroup } from "go/sync";
      ${body}
    `);
    expect(stderr).toMatch(/^panic: expected a function, got a generator: import @sluice\/go\/fiber\n/);
    expect(status).toBe(2);
  });

  it("a panic in a fiber ends the program, with the stack of its generators only", async () => {
    const { status, stderr } = await run(`
      function* inner() { yield* sleep(1); yield* fail(new Error("boom")); }
      go(function* outer() { yield* inner(); });
    `);
    expect(status).toBe(2);
    expect(stderr).toMatch(
      /^panic: boom\n\ngoroutine 2 \[running\]:\ninner\(\.\.\.\)\n\t.*program\.ts:.*\nouter\(\.\.\.\)\n\t.*program\.ts:.*\ncreated by main in goroutine 1\n$/,
    );
  });

  it("a dump has the line at which a fiber waits", async () => {
    const { stdout, stderr } = await run(`
      import { goroutineProfile, recordStacks } from "go/pprof";
      recordStacks(true);
      const ch = chan<number>();
      function* nested() { yield* recv(ch); }
      go(function* waiter() { yield* sleep(1); yield* nested(); });
      let dump = "";
      while (!dump.includes("[chan receive]")) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        dump = goroutineProfile({ debug: 2 });
      }
      console.log(dump.replace(/.*\\n\\n/s, ""));
      process.exit(0);
    `);
    expect(stderr).toBe("");
    expect(stdout).toMatch(
      /^goroutine 2 \[chan receive\]:\nnested\(\.\.\.\)\n\t.*program\.ts:9:\d+\nwaiter\(\.\.\.\)\n\t.*program\.ts:10:\d+\ncreated by main in goroutine 1\n/,
    );
  });

  it("F35 a dump and a panic name the wait, a sleep with a context too", async () => {
    const { stdout, stderr, status } = await run(`
      import { goroutineProfile } from "go/pprof";
      import { background, withCancel } from "go/context";
      const [ctx, cancel] = withCancel(background());
      go(function* sleeper() { yield* sleep(60_000, ctx); });
      go(function* single() { yield* select({ only: recv(chan()) }); });
      const dump = () => goroutineProfile({ debug: 2 });
      const both = (text) => text.includes("[sleep]") && text.includes("[chan receive]");
      while (!both(dump())) await new Promise((resolve) => setImmediate(resolve));
      console.log(dump());
      cancel();
    `);
    expect([...stdout.matchAll(/\[(.*)\]:\n(sleeper|single)/g)].map(([, state, name]) => [name, state])).toEqual([
      ["sleeper", "sleep"],
      ["single", "chan receive"],
    ]);
    expect(stderr).toContain("\ncancelled while waiting: sleep\n");
    expect(status).toBe(2);
  });

  it("a leak is found, and proved by the garbage collector", async () => {
    const { stdout, stderr } = await run(`
      import { find, proven } from "go/leak";
      (() => { const ch = chan(); go(function* lost() { yield* recv(ch); }); })();
      (() => { const ch = chan(); go(function* lostToo() { yield* select({ a: recv(ch), b: send(ch, 1) }); }); })();
      const held = chan();
      go(function* kept() { yield* recv(held); });
      await new Promise((resolve) => setTimeout(resolve, 20));
      const names = (error: Error | undefined) => error?.message.match(/with \\S+ on top/g)?.join();
      console.log(names(await find(proven())), names(await find()));
      held.close();
      process.exit(0);
    `);
    expect({ stdout, stderr }).toEqual({
      stdout: "with lost on top,with lostToo on top with lost on top,with lostToo on top,with kept on top\n",
      stderr: "",
    });
  });

  it("explore runs fibers under its schedules, and finds a lost update", async () => {
    const { stdout } = await run(`
      import { explore } from "go/synctest";
      const update = (locked: boolean) => async () => {
        let n = 0;
        const mu = new Mutex();
        const wg = new WaitGroup();
        for (let i = 0; i < 2; i++) {
          wg.go(function* () {
            const hold = locked ? yield* lock(mu) : undefined;
            const seen = n;
            yield* gosched();
            n = seen + 1;
            hold?.[Symbol.dispose]();
          });
        }
        await wg.wait();
        if (n !== 2) throw new Error("lost");
      };
      console.error = () => {};
      console.log(await explore(update(false), { seeds: 200 }).then(() => "none", (e) => e.message.match(/lost/)?.[0] ?? e.message));
      console.log(await explore(update(true), { seeds: 200 }).then(() => "none", (e) => e.message));
    `);
    expect(stdout).toMatch(/lost\nnone\n$/);
  });

  it("a bubble's clock moves when its fibers are blocked", async () => {
    const { stdout, stderr } = await run(`
      import { test } from "go/synctest";
      const begun = performance.now();
      await test(async () => {
        const wg = new WaitGroup();
        const inner = new WaitGroup();
        const ch = chan<number>();
        inner.add(1);
        wg.go(function* () { yield* sleep(3_600_000); yield* send(ch, 1); });
        wg.go(function* () { yield* select({ in: recv(ch) }); yield* sleep(60_000); inner.done(); });
        wg.go(function* () { yield* wait(inner); });
        await wg.wait();
      });
      console.log(performance.now() - begun < 60_000 ? "soon" : "late");
    `);
    expect({ stdout, stderr }).toEqual({ stdout: "soon\n", stderr: "" });
  });
});

describe("the race detector", () => {
  const program = (locked: boolean): string => `
    import { chan } from "{{index}}";
    import { go, gosched, lock, range, recv, send, wait } from "{{fiber/index}}";
    import { Mutex, WaitGroup } from "{{sync/index}}";
    let n = 0;
    let sum = 0;
    const mu = new Mutex();
    const wg = new WaitGroup();
    const ch = chan<{ v: number }>();
    for (let i = 0; i < 2; i++) {
      wg.go(function* add() {
        const hold = ${locked} ? yield* lock(mu) : undefined;
        const seen = n;
        yield* gosched();
        n = seen + 1;
        hold?.[Symbol.dispose]();
      });
    }
    wg.go(function* () {
      for (let v = 0; v < 3; v++) yield* send(ch, { v });
      ch.close();
    });
    wg.go(function* () {
      for (const values = range(ch); yield* values; ) sum += values.value.v;
    });
    const over = chan<number>();
    go(function* () {
      yield* wait(wg);
      yield* send(over, n + sum);
    });
    console.log(await over.recv());
  `;

  it("finds what fibers share without order, and nothing in what locks, channels and groups order", () => {
    const racy = runUnder(program(false));
    expect(racy.stderr).toMatch(/^==================\nWARNING: DATA RACE\n/);
    expect(racy.stderr).toMatch(/goroutine \d+:\n {2}add\(\)\n/);
    expect(racy.status).toBe(66);
    const { status, stdout, stderr } = runUnder(program(true));
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "5\n", stderr: "" });
  });
});
