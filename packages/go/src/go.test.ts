import { describe, expect, it } from "vitest";
import { chan, defer, go, goexit, gosched, main, numGoroutine, recoverable } from "./index.ts";
import { WaitGroup } from "./sync/index.ts";
import { runProgram } from "./test/program.ts";
import { expectNoLeaks } from "./test/quiet.ts";

expectNoLeaks();

describe("go", () => {
  it("F1 F3 takes its arguments at once and never runs the function before the caller suspends", async () => {
    const seen: number[] = [];
    let x = 1;
    go((v: number) => void seen.push(v), x);
    x = 2;
    go((v: number) => void seen.push(v), x);
    expect(seen).toEqual([]);
    await gosched();
    expect(seen).toEqual([1, 2]);
  });

  it("of what was called already says what to write", () => {
    const work = (): Promise<void> => Promise.resolve();
    expect(() => go(work() as never)).toThrow("expected a function, got a promise: write go(f, x), not go(f(x))");
    expect(() => main(work() as never)).toThrow("expected a function, got a promise");
  });

  it("F2 of a nil function is a fatal error at the go statement", async () => {
    const { status, stderr } = await runProgram(`
      import { go } from "go";
      try { go(undefined as never); } catch {}
    `);
    expect(stderr).toMatch(/^fatal error: go of nil func value\n\ngoroutine 1 \[running\]:\n/);
    expect(status).toBe(2);
  });

  it("F38 counts a goroutine from its go statement until its function has ended", async () => {
    const release = chan<never>();
    expect(numGoroutine()).toBe(1);
    go(() => release.recv());
    go(() => undefined);
    expect(numGoroutine()).toBe(3);
    await gosched();
    expect(numGoroutine()).toBe(2);
    release.close();
    await gosched();
    expect(numGoroutine()).toBe(1);
  });

  it("F42 each iteration has its own variable", async () => {
    const wg = new WaitGroup();
    const seen = new Set<number>();
    for (let i = 0; i < 10; i++) wg.go(() => void seen.add(i));
    await wg.wait();
    expect(seen.size).toBe(10);
  });
});

describe("goexit", () => {
  it("F24 ends its goroutine only, and runs its finally blocks", async () => {
    const seen: string[] = [];
    const wg = new WaitGroup();
    wg.go(async () => {
      try {
        await gosched();
        goexit();
      } finally {
        seen.push("finally");
      }
    });
    await wg.wait();
    expect(seen).toEqual(["finally"]);
  });

  it("F28 in main leaves the others running, and is a deadlock when none is left", async () => {
    const { status, stdout, stderr } = await runProgram(`
      import { go, goexit, main } from "go";
      import { sleep } from "go/time";
      await main(async () => {
        go(async () => { await sleep(5); console.log("still here"); });
        goexit();
      });
    `);
    expect(stdout).toBe("still here\n");
    expect(stderr).toBe("fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n");
    expect(status).toBe(2);
  });
});

describe("main", () => {
  it("F4 F10 its return ends the program with status 0 although others still run", async () => {
    const { status, stdout, stderr } = await runProgram(`
      import { chan, go, main } from "go";
      import { sleep } from "go/time";
      await main(async () => {
        const never = chan<number>();
        go(async () => { try { await never.recv(); } finally { console.log("never"); } });
        go(() => sleep(60_000));
        await sleep(1);
        console.log("done");
      });
      console.log("never reached");
    `);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "done\n", stderr: "" });
  });

  it("keeps an exit status that the program has set", async () => {
    const { status } = await runProgram(`
      import { main } from "go";
      await main(() => { process.exitCode = 3; });
    `);
    expect(status).toBe(3);
  });

  it("F7 F9 F13 its panic ends the program with status 2", async () => {
    const { status, stderr } = await runProgram(`
      import { main } from "go";
      await main(async function boot() { throw new TypeError("boom\\ngoroutine 7 [running]:"); });
    `);
    expect(stderr).toMatch(
      /^panic: boom\n\tgoroutine 7 \[running\]:\n\ngoroutine 1 \[running\]:\n\S+\(\.\.\.\)\n\t.*:\d+:\d+\n/,
    );
    expect(status).toBe(2);
  });
});

describe("panic", () => {
  it("F7 F9 F11 an error nobody catches in a goroutine ends the program with Go's report", async () => {
    const { status, stdout, stderr } = await runProgram(`
      import { go } from "go";
      import { sleep } from "go/time";
      go(async function worker() {
        await null;
        throw new RangeError("out of luck", { cause: new Error("the cause") });
      });
      await sleep(60_000);
      console.log("never");
    `);
    expect(stdout).toBe("");
    expect(stderr).toMatch(
      /^panic: out of luck\n\ngoroutine 2 \[running\]:\nworker\(\.\.\.\)\n\t.*program\.ts:6:\d+\n/,
    );
    expect(stderr).toContain("created by main in goroutine 1\n");
    expect(stderr).toContain("caused by: the cause\n");
    expect(status).toBe(2);
  });

  it("shows the program's own frames, down to the goroutine's function, and none of the library's", async () => {
    for (const start of ["go(worker)", "new WaitGroup().go(worker)"]) {
      const { stderr } = await runProgram(`
        import { go } from "go";
        import { WaitGroup } from "go/sync";
        function deep() { throw new Error("at once"); }
        function worker() { deep(); }
        ${start};
      `);
      const lines = stderr.split("\n").map((line) => line.replace(/^\t.*program\.ts:.*/, "\tprogram.ts"));
      expect(lines.slice(2)).toEqual([
        "goroutine 2 [running]:",
        "deep(...)",
        "\tprogram.ts",
        "worker(...)",
        "\tprogram.ts",
        "created by main in goroutine 1",
        "",
      ]);
    }
  });

  it("F12 F15 prints strings and numbers as they are, and the members of an AggregateError", async () => {
    const text = async (value: string): Promise<string> =>
      (await runProgram(`import { go } from "go"; go(() => { throw ${value}; });`)).stderr;
    expect(await text(`"just a string"`)).toMatch(/^panic: just a string\n\ngoroutine 2 \[running\]:/);
    expect(await text("42")).toMatch(/^panic: 42\n\n/);
    expect(await text("undefined")).toMatch(/^panic: panic called with nil argument/);
    const all = await text(`new AggregateError([new Error("one"), new Error("two")], "both failed")`);
    expect(all).toMatch(/^panic: both failed\n\n/);
    expect(all).toMatch(/\nerror 1 of 2: one\n[^]*\nerror 2 of 2: two\n/);
  });

  it("F14 survives an error whose message throws", async () => {
    const { stderr, status } = await runProgram(`
      import { go } from "go";
      go(() => { throw { toString() { throw new Error("no"); } }; });
    `);
    expect(stderr).toMatch(/^panic: panic while printing panic value\n/);
    expect(status).toBe(2);
  });
});

describe("deadlock", () => {
  const deadlock =
    /^fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 \[chan receive\]:\nmain\.main\(\.\.\.\)\n/;

  it("F29 is reported in main, with every goroutine's state", async () => {
    const { status, stderr } = await runProgram(`
      import { chan, go, main, select } from "go";
      import { Mutex, WaitGroup } from "go/sync";
      await main(async () => {
        const ch = chan<number>();
        go(async function sender() { await chan<number>().send(1); });
        go(async () => { await select({}); });
        go(async () => { const mu = new Mutex(); await mu.lock(); await mu.lock(); });
        go(async () => { const wg = new WaitGroup(); wg.add(1); await wg.wait(); });
        await ch.recv();
      });
    `);
    expect(stderr).toMatch(deadlock);
    expect(stderr).toContain("\n\ngoroutine 2 [chan send]:\nsender(...)\ncreated by main in goroutine 1\n");
    expect(stderr).toContain("\n\ngoroutine 3 [select (no cases)]:\n");
    expect(stderr).toContain("\n\ngoroutine 4 [sync.Mutex.Lock]:\n");
    expect(stderr).toContain("\n\ngoroutine 5 [sync.WaitGroup.Wait]:\n");
    expect(status).toBe(2);
  });

  it("F29 is reported without main, before Node's own warning about a top-level await", async () => {
    const { status, stdout, stderr } = await runProgram(`
      import { chan } from "go";
      console.log("before");
      await chan<number>().recv();
      console.log("never");
    `);
    expect(stdout).toBe("before\n");
    expect(stderr).toMatch(deadlock);
    expect(stderr).not.toContain("Warning");
    expect(status).toBe(2);
  });

  it("F29 is reported when the program's own code has ended and a goroutine is parked", async () => {
    const { status, stderr } = await runProgram(`
      import { chan, go } from "go";
      const ch = chan<number>();
      go(async () => { for (;;) await ch.recv(); });
      go(async () => { for (let i = 0; i < 1000; i++) await ch.send(i); });
    `);
    expect(stderr).toContain("all goroutines are asleep - deadlock!\n\ngoroutine 2 [chan receive]:\n");
    expect(status).toBe(2);
  });

  it("F30 is not reported while a timer, a sleep or a child process may wake somebody", async () => {
    const { status, stdout, stderr } = await runProgram(`
      import { chan, go } from "go";
      import { after, afterFunc, sleep } from "go/time";
      import { background, withTimeout } from "go/context";
      import { execFile } from "node:child_process";
      const ch = chan<string>();
      setTimeout(() => ch.send("timer"), 20);
      console.log(await ch.recv());
      afterFunc(20, () => ch.send("afterFunc"));
      console.log(await ch.recv());
      go(async () => { await sleep(20); await ch.send("sleep"); });
      console.log(await ch.recv());
      const [ctx] = withTimeout(background(), 20);
      await ctx.done()?.recv();
      console.log(ctx.err()?.message);
      await after(20).recv();
      execFile(process.execPath, ["-e", "setTimeout(() => {}, 50)"], () => ch.send("child"));
      console.log(await ch.recv());
    `);
    expect(stderr).toBe("");
    expect(stdout).toBe("timer\nafterFunc\nsleep\ncontext deadline exceeded\nchild\n");
    expect(status).toBe(0);
  });

  it("F30 is not held back by a timer nobody waits on", async () => {
    const { status, stderr } = await runProgram(`
      import { chan } from "go";
      import { after, Ticker, Timer } from "go/time";
      after(1e9); new Timer(1e9); new Ticker(1e9);
      await chan<number>().recv();
    `);
    expect(stderr).toMatch(deadlock);
    expect(status).toBe(2);
  });

  it("lets work go on that another listener of beforeExit starts", async () => {
    const { status, stdout } = await runProgram(`
      import { chan, go } from "go";
      const ch = chan<string>();
      let asked = false;
      process.on("beforeExit", () => { if (!asked) { asked = true; setTimeout(() => void ch.send("flushed"), 10); } });
      console.log(await ch.recv());
    `);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "flushed\n" });
  });
});

describe("recoverable", () => {
  it("hands a panic to the handler and lets goexit pass", async () => {
    const seen: unknown[] = [];
    const wg = new WaitGroup();
    wg.go(
      recoverable(
        async () => {
          await gosched();
          throw new Error("caught");
        },
        (error) => void seen.push((error as Error).message),
      ),
    );
    wg.go(
      recoverable(
        () => goexit(),
        (error) => void seen.push(error),
      ),
    );
    await wg.wait();
    expect(seen).toEqual(["caught"]);
  });
});

describe("defer", () => {
  it("runs when the block is left, newest first", async () => {
    const seen: number[] = [];
    const scope = async (): Promise<void> => {
      using _a = defer(() => void seen.push(1));
      await using _b = defer(async () => {
        await gosched();
        seen.push(2);
      });
      seen.push(0);
    };
    await scope();
    expect(seen).toEqual([0, 2, 1]);
  });
});

describe("a dump", () => {
  it("shows each goroutine in the wait it is in, also after operations that did not wait", async () => {
    const { stderr } = await runProgram(`
      import { chan, go, main, recv, select } from "go";
      import { Mutex, WaitGroup } from "go/sync";
      import { sleep } from "go/time";
      await main(async () => {
        const jobs = chan<number>(3), results = chan<number>(), quit = chan<never>();
        const wg = new WaitGroup();
        const mu = new Mutex();
        go(async function producer() {
          for (let i = 0; i < 20; i++) {
            await jobs.send(i);
            await mu.lock();
            mu.unlock();
            if (i % 7 === 0) await sleep(1);
          }
          jobs.close();
          await quit.recv();
        });
        for (let w = 0; w < 2; w++) {
          wg.go(async function worker() { for await (const job of jobs) if (job < 8) await results.send(job); });
        }
        go(async function closer() { await wg.wait(); await select([]); });
        go(async function other() { await select({ a: recv(quit), b: recv(jobs), c: recv(undefined) }); await chan<number>().send(1); });
        for (let i = 0; i < 7; i++) await results.recv();
        await mu.lock();
        await mu.lock();
      });
    `);
    const blocks = [...stderr.matchAll(/goroutine (\d+) \[(.*)\]:\n(?:main\.)?(\w+)/g)].map(([, ...parts]) => parts);
    expect(blocks.filter(([, , name]) => name === "main")).toEqual([["1", "sync.Mutex.Lock", "main"]]);
    expect(blocks.map(([, , name]) => String(name)).toSorted((a, b) => a.localeCompare(b))).toEqual([
      "closer",
      "main",
      "other",
      "producer",
      "worker",
      "worker",
    ]);
    for (const [id, state, name] of blocks) {
      if (id === "2") expect([state, name]).toEqual(["sync.Mutex.Lock", "producer"]);
      if (name === "worker") expect(["chan send", "chan receive"]).toContain(state);
      if (name === "closer") expect(state).toBe("sync.WaitGroup.Wait");
    }
  });
});
