// How goroutines and programs end, as Go's crash_test and proc_test check it, in programs of their
// own.
import { describe, expect, it } from "vitest";
import { type Outcome, runProgram } from "./program.ts";

const imports = `
  import { chan, defer, go, goexit, gosched, main, numGoroutine, recoverable, recv, select, send } from "go";
  import { Cond, Mutex, Once, RWMutex, WaitGroup } from "go/sync";
  import { sleep } from "go/time";
`;
const run = (body: string, signal?: NodeJS.Signals): Promise<Outcome> => runProgram(imports + body, signal);

/** The first lines of what a program writes that panics, up to its goroutine's header. */
const panicOf = async (body: string): Promise<string> => {
  const { status, stderr } = await run(body);
  expect(status).toBe(2);
  return stderr.slice(0, stderr.indexOf("\n\n"));
};

describe("the end of a program", () => {
  it("F6 process.exit ends it at once, with its status and nobody's cleanup", async () => {
    // 13 is also Node's status for a top-level await that never ends.
    for (const code of [3, 13]) {
      const { status, stdout, stderr } = await run(`
        go(async () => { try { await chan<number>().recv(); } finally { console.log("cleanup"); } });
        await main(async () => { using _ = defer(() => console.log("cleanup")); await gosched(); process.exit(${code}); });
      `);
      expect({ status, stdout, stderr }).toEqual({ status: code, stdout: "", stderr: "" });
    }
  });

  it("F8 F33 a panic runs the cleanups of its own goroutine, newest first, and shows that goroutine alone", async () => {
    const { status, stdout, stderr } = await run(`
      go(async function bystander() { try { await chan<number>().recv(); } finally { console.log("not this"); } });
      go(async function faulty() {
        using _a = defer(() => console.log("second"));
        using _b = defer(() => console.log("first"));
        await gosched();
        throw new Error("boom");
      });
      await chan<number>().recv();
    `);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "first\nsecond\n" });
    expect(stderr).toMatch(/^panic: boom\n\ngoroutine 3 \[running\]:\nfaulty\(\.\.\.\)\n/);
    expect(stderr).not.toContain("bystander");
  });

  it("F11 F22 a panic names the goroutine that started the one which failed, however deep", async () => {
    const { stderr } = await run(`
      go(async function outer() {
        await gosched();
        go(function middle() { go(async function inner() { await gosched(); throw new Error("deep"); }); });
        try { await chan<number>().recv(); } catch { console.log("never"); }
      });
    `);
    expect(stderr).toMatch(/^panic: deep\n\ngoroutine 4 \[running\]:\ninner\(\.\.\.\)\n\t\S+\n/);
    expect(stderr).toContain("created by middle in goroutine 3\n");
  });

  it("F33 a fatal error shows every goroutine", async () => {
    const { stderr } = await run(`
      go(async function bystander() { await chan<number>().recv(); });
      await gosched();
      new Mutex().unlock();
    `);
    expect(stderr).toMatch(/^fatal error: sync: unlock of unlocked mutex\n\ngoroutine 1 \[running\]:\n/);
    expect(stderr).toContain("\n\ngoroutine 2 [chan receive]:\nbystander(...)\ncreated by main in goroutine 1\n");
  });

  it("F22 nobody can catch another goroutine's panic", async () => {
    const { status, stderr, stdout } = await run(`
      await main(async () => {
        try { go(() => { throw new Error("mine"); }); await gosched(); await gosched(); } catch { console.log("caught"); }
      });
    `);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^panic: mine\n\ngoroutine 2 \[running\]:/);
  });

  it("F44 SIGQUIT prints all stacks", async () => {
    const { status, stderr } = await run(
      `
      go(async function waiting() { await chan<number>().recv(); });
      setTimeout(() => console.log("ready"), 10);
      await sleep(60_000);
    `,
      "SIGQUIT",
    );
    expect(stderr).toMatch(
      /^SIGQUIT: quit\n\ngoroutine 1 \[sleep\]:\nmain\.main\(\.\.\.\)\n\ngoroutine 2 \[chan receive\]:\n/,
    );
    expect(status).toBe(2);
  });

  it("F44 SIGQUIT is left to a program that handles it", async () => {
    const { status, stdout, stderr } = await run(
      `
      process.on("SIGQUIT", () => { console.log("mine"); process.exit(0); });
      setTimeout(() => console.log("ready"), 10);
      await sleep(60_000);
    `,
      "SIGQUIT",
    );
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "ready\nmine\n", stderr: "" });
  });
});

describe("a chain of panics", () => {
  it("F16 shows a panic in a cleanup after the one it came upon, with both stacks", async () => {
    const { status, stderr } = await run(`
      go(async function faulty() {
        using _ = defer(function cleanup() { throw new Error("second"); });
        await gosched();
        throw new Error("first");
      });
    `);
    expect(stderr).toMatch(/^panic: first\n\tpanic: second\n\ngoroutine 2 \[running\]:\n.*cleanup\(\.\.\.\)\n/);
    expect(stderr).toMatch(/\nsuppressed: first\nfaulty\(\.\.\.\)\n/);
    expect(status).toBe(2);
    expect(
      await panicOf(`go(() => {
        using _a = defer(() => { throw new Error("third"); });
        using _b = defer(() => { throw new Error("second"); });
        throw new Error("first");
      });`),
    ).toBe("panic: first\n\tpanic: second\n\tpanic: third");
  });

  it("F17 shows a panic that was recovered before the one that followed it", async () => {
    const body = `() => { throw new Error("first"); }`;
    expect(await panicOf(`go(recoverable(${body}, () => { throw new Error("second"); }));`)).toBe(
      "panic: first [recovered]\n\tpanic: second",
    );
    expect(
      await panicOf(
        `go(recoverable(recoverable(${body}, () => { throw new Error("second"); }), () => { throw new Error("third"); }));`,
      ),
    ).toBe("panic: first [recovered]\n\tpanic: second [recovered]\n\tpanic: third");
  });

  it("F18 shows a panic once that was recovered and raised again", async () => {
    const { stderr } = await run(`
      go(recoverable(async function origin() { await null; throw new Error("message"); }, (error) => { throw error; }));
    `);
    expect(stderr).toMatch(/^panic: message \[recovered, repanicked\]\n\ngoroutine 2 \[running\]:\norigin\(\.\.\.\)\n/);
    expect(
      await panicOf(`
        const outer = new Error("outer");
        go(recoverable(recoverable(() => { throw outer; }, () => { throw new Error("inner"); }), () => { throw outer; }));
      `),
    ).toBe("panic: outer [recovered]\n\tpanic: inner [recovered]\n\tpanic: outer");
  });

  it("F21 F20 a panic that is recovered inside a cleanup does not stop the one outside", async () => {
    expect(
      await panicOf(`go(async () => {
        await using _ = defer(recoverable(async () => { throw new Error("inner"); }, () => undefined));
        throw new Error("outer");
      });`),
    ).toBe("panic: outer");
  });

  it("F36 shortens a stack of more than 100 frames to its two ends", async () => {
    const { stderr } = await run(`
      Error.stackTraceLimit = Infinity;
      go(function bottom() {
        const down = (n: number): void => { if (n === 0) throw new Error("deep"); down(n - 1); };
        down(149);
      });
    `);
    const lines = stderr.split("\n");
    const at = lines.findIndex((line) => line.startsWith("..."));
    expect(lines[at]).toMatch(/^\.\.\.\d+ frames elided\.\.\.$/);
    const frames = (part: string[]): number => part.filter((line) => line.endsWith("(...)")).length;
    expect([frames(lines.slice(0, at)), frames(lines.slice(at))]).toEqual([50, 50]);
    expect(stderr).toContain("\nbottom(...)\n");
  });
});

describe("recover", () => {
  it("F20 lets the function return what the handler gives, after the cleanups", async () => {
    const { stdout, status } = await run(`
      const body = recoverable(() => {
        using _ = defer(() => console.log("cleanup"));
        throw new Error("boom");
      }, (error) => "recovered " + (error as Error).message);
      console.log(await body());
      process.exit(0);
    `);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "cleanup\nrecovered boom\n" });
  });

  it("F23 a nil function panics when its turn comes, not when it is deferred", async () => {
    const { stdout, status } = await run(`
      go(() => { using _ = defer(undefined as never); console.log("deferred"); });
    `);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "deferred\n" });
  });
});

describe("goexit", () => {
  /** What a program says whose one goroutine has this body, and that ends well. */
  const survived = async (body: string): Promise<string> => {
    const { status, stdout, stderr } = await run(`
      const wg = new WaitGroup();
      wg.go(async () => { await gosched(); ${body} });
      await wg.wait();
      console.log(numGoroutine());
      process.exit(0);
    `);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return stdout;
  };

  it("F25 goes on after a panic that was recovered on its way", async () => {
    expect(
      await survived(`
        try { goexit(); } finally { try { throw new Error("inner"); } catch { console.log("recovered"); } }
        console.log("never");
      `),
    ).toBe("recovered\n1\n");
  });

  it("F26 is overtaken by a panic", async () => {
    expect(await panicOf(`go(() => { try { goexit(); } finally { throw new Error("boom"); } });`)).toBe("panic: boom");
    expect(await panicOf(`go(() => { using _ = defer(() => { throw new Error("boom"); }); goexit(); });`)).toBe(
      "panic: boom",
    );
  });

  it("F27 ends a panic that is on its way", async () => {
    expect(await survived(`try { throw new Error("boom"); } finally { goexit(); }`)).toBe("1\n");
    expect(await survived(`using _ = defer(() => goexit()); throw new Error("boom");`)).toBe("1\n");
  });
});

describe("goexit outside of any goroutine", () => {
  it("says what is wrong", async () => {
    for (const body of ["goexit();", "setTimeout(async () => goexit(), 1);"]) {
      const { status, stderr } = await run(body);
      expect(stderr).toContain("goexit outside of go and main");
      expect(status).toBe(1); // nothing of the library was used but this
    }
  });
});

describe("deadlock", () => {
  const deadlock = "fatal error: all goroutines are asleep - deadlock!";

  it("B17 C14 C29 C37 is what waiting for oneself is", async () => {
    const bodies = [
      "const ch = chan<number>(); await select({ in: recv(ch), out: send(ch, 1) });",
      "const mu = new Mutex(); await mu.lock(); await mu.lock();",
      "const rw = new RWMutex(); await rw.rLock(); await rw.lock();",
      "const once = new Once(); await once.do(() => once.do(() => undefined));",
    ];
    for (const body of bodies) {
      const { status, stderr } = await run(body);
      expect([status, stderr.split("\n")[0]]).toEqual([2, deadlock]);
    }
  });

  it.each(["void main", "await main"])(
    "F29 is what a %s is that waits for nothing of ours, and for ever",
    async (call) => {
      const { status, stderr } = await runProgram(`
      import { main } from "go";
      ${call}(async () => { await new Promise(() => undefined); });`);
      expect({ status, stderr }).toEqual({
        status: 2,
        stderr: expect.stringMatching(
          /^fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 \[IO wait\]:\nmain\.main\(\.\.\.\)\n/,
        ),
      });
    },
  );

  it("B10 B11 is what a select without a case that could ever be ready is", async () => {
    for (const [cases, state] of [
      ["[recv(undefined), send(undefined, 1)]", "select"],
      ["[recv(undefined)]", "chan receive (nil chan)"],
      ["{}", "select (no cases)"],
    ]) {
      const { status, stderr } = await run(`await select(${cases});`);
      const dump = stderr.slice(0, stderr.indexOf("\n(SLUICE_STACKS=1 "));
      expect([status, dump]).toEqual([2, `${deadlock}\n\ngoroutine 1 [${state}]:\nmain.main(...)\n`]);
    }
  });

  it("F31 of some goroutines only is not reported while others can go on", async () => {
    const { status, stdout, stderr } = await run(`
      import { createServer } from "node:net";
      go(async () => { const mu = new Mutex(); await mu.lock(); await mu.lock(); });
      const server = createServer().listen(0);
      const ch = chan<string>();
      setTimeout(() => { server.close(); void ch.send("done"); }, 50).unref();
      console.log(await ch.recv());
      process.exit(0);
    `);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "done\n", stderr: "" });
  });

  it("F29 F30 is reported when a server closes that somebody hoped for", async () => {
    const { status, stderr } = await run(`
      import { createServer } from "node:net";
      const server = createServer().listen(0);
      setTimeout(() => server.close(), 30);
      await chan<number>().recv();
    `);
    expect([status, stderr.split("\n")[0]]).toEqual([2, deadlock]);
  });

  it("F29 ends a worker thread, whose error status tells the main thread, and is not reported there", async () => {
    const { status, stdout, stderr } = await run(`
      import { isMainThread, Worker } from "node:worker_threads";
      if (isMainThread) {
        const ended = chan<number>(1);
        new Worker(new URL(import.meta.url)).on("exit", (code) => ended.trySend(code));
        console.log("worker exited with", await ended.recv());
        process.exit(0);
      }
      go(async function stuck() { await chan<number>().send(1); });
    `);
    expect(stdout).toBe("worker exited with 2\n");
    expect(stderr).toContain(`${deadlock}\n\ngoroutine 2 [chan send]:\nstuck(...)\n`);
    expect(status).toBe(0);
  });
});

describe("a context", () => {
  const imports = `import { background, fromSignal, withCancel, withTimeout } from "go/context";\n`;
  const outcome = async (body: string): Promise<unknown[]> => {
    const { status, stdout, stderr } = await run(imports + body);
    return [status, stdout, stderr.split("\n")[0]];
  };
  const deadlock = "fatal error: all goroutines are asleep - deadlock!";

  it("F30 with a deadline keeps a program waiting, whoever waits for it", async () => {
    const late = "const [late] = withTimeout(background(), 20);";
    expect(
      await outcome(`${late} late.signal.addEventListener("abort", () => console.log(late.err()?.message));`),
    ).toEqual([0, "context deadline exceeded\n", ""]);
    expect(
      await outcome(`${late} const ch = chan<string>(1);
        late.signal.addEventListener("abort", () => ch.trySend("aborted"));
        console.log(await ch.recv());`),
    ).toEqual([0, "aborted\n", ""]);
    expect(await outcome(`${late} await chan().recv();`)).toEqual([2, "", deadlock]);
  });
});

describe("a dump", () => {
  it("B11 F35 F38 names what each goroutine waits for, and shows as many as there are", async () => {
    const { stdout } = await run(`
      import { goroutineProfile } from "go/pprof";
      const mu = new Mutex(), rw = new RWMutex(), busy = new RWMutex(), wg = new WaitGroup();
      await mu.lock(); await rw.lock(); await busy.rLock(); wg.add(1);
      const waits: Record<string, () => Promise<unknown>> = {
        "sleep": () => sleep(60_000),
        "chan receive": () => chan<number>().recv(),
        "chan send": () => chan<number>().send(1),
        "chan receive (nil chan)": () => select([recv(undefined)]),
        "chan send (nil chan)": () => select([send(undefined, 1)]),
        "select": () => select({ a: recv(chan<number>()), b: send(chan<number>(), 1) }),
        "select (no cases)": () => select({}),
        "sync.Mutex.Lock": () => mu.lock(),
        "sync.RWMutex.Lock": () => busy.lock(),
        "sync.RWMutex.RLock": () => rw.rLock(),
        "sync.WaitGroup.Wait": () => wg.wait(),
        "sync.Cond.Wait": async () => { const l = new Mutex(); await l.lock(); await new Cond(l).wait(); },
      };
      for (const wait of Object.values(waits)) go(wait);
      await gosched();
      const states = [...goroutineProfile({ debug: 2 }).matchAll(/^goroutine \\d+ \\[(.*)\\]:$/gm)].map(([, state]) => state);
      console.log(JSON.stringify(states) === JSON.stringify(["running", ...Object.keys(waits)]), numGoroutine());
      process.exit(0);
    `);
    expect(stdout).toBe("true 13\n");
  });

  for (const recorded of [false, true]) {
    it(`F35 lays no wait at another's door${recorded ? ", with stacks recorded" : ""}: several on one goroutine are counted there`, async () => {
      const { stderr } = await run(
        `
        import { recordStacks } from "go/pprof";
        recordStacks(${recorded});
        const mu = new Mutex();
        await mu.lock();
        go(async function bystander() { await new Promise((resolve) => { setTimeout(resolve, 60_000); }); });
        go(async function fan() { await Promise.all([chan<number>().recv(), mu.lock(), chan<number>().recv()]); });
        const callback = async (): Promise<void> => { using _ = await mu.lock(); };
        setTimeout(() => { for (let i = 0; i < 3; i++) void callback(); console.log("ready"); }, 10);
      `,
        "SIGQUIT",
      );
      expect(stderr.match(/^goroutine .*$/gm)).toEqual([
        "goroutine 1 [sync.Mutex.Lock, +2 sync.Mutex.Lock]:",
        "goroutine 2 [IO wait]:",
        "goroutine 3 [chan receive, +1 sync.Mutex.Lock, +1 chan receive]:",
      ]);
    });
  }

  it("F29 F35 of a deadlock shows every wait once: what a foreign await has parted from its goroutine there, the rest where it is booked", async () => {
    const { stderr } = await run(`
      const late = async (wait: () => Promise<unknown>): Promise<void> => {
        await new Promise((resolve) => { setTimeout(resolve, 1); });
        await wait();
      };
      go(async function lost() { await late(() => chan<number>().send(1)); });
      void late(() => chan<number>().recv());
      void late(() => chan<number>().recv());
      await late(() => new Mutex().lock().then(() => new WaitGroup().wait()));
      await chan<number>().send(1);
    `);
    const states = [...stderr.matchAll(/^goroutine .*\[(.*)\]:$/gm)].flatMap(([, all]) => all!.split(", "));
    expect(states.length).toBeGreaterThan(2);
    expect(states.join()).not.toContain("IO wait");
    const counted = states.flatMap((state) => {
      const [, n = 1, name = state] = /^\+(\d+) (.*)$/.exec(state) ?? [];
      return Array.from({ length: Number(n) }, () => name);
    });
    expect(counted.sort()).toEqual(["chan receive", "chan receive", "chan send", "chan send"]);
  });

  it("costs no more for each of many waits on one goroutine: they are counted by state", async () => {
    const { stdout } = await run(`
      import { goroutineProfile } from "go/pprof";
      const n = 10_000, ch = chan<number>(), other = chan<number>();
      const waits = Array.from({ length: n }, (_, i) => i % 2 ? ch.recv() : select([recv(ch), recv(other)]));
      console.log(goroutineProfile({ debug: 2 }).split("\\n")[0]);
      for (let i = 0; i < n; i++) ch.trySend(i);
      await Promise.all(waits);
      console.log(goroutineProfile({ debug: 2 }).split("\\n")[0]);
    `);
    expect(stdout).toBe("goroutine 1 [running, +5000 chan receive, +5000 select]:\ngoroutine 1 [running]:\n");
  });
});
