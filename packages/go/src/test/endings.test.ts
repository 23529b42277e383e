// What a program says when it ends: no failure is lost, none is invented, and each is told with its
// place.
import { describe, expect, it } from "vitest";
import { type Outcome, runProgram } from "./program.ts";

const imports = `
  import { chan, daemon, go, gosched, main, recv, select, send } from "go";
  import { background, fromSignal, withCancel, withTimeout } from "go/context";
  import { Group } from "go/errgroup";
  import { Mutex, WaitGroup } from "go/sync";
  import { sleep } from "go/time";
`;
const run = (body: string, signal?: NodeJS.Signals): Promise<Outcome> => runProgram(imports + body, signal);
/** The status of a program, and the first line of what it writes to stderr. */
const ending = async (body: string): Promise<[status: number | null, line: string]> => {
  const { status, stderr } = await run(body);
  return [status, stderr.split("\n")[0] ?? ""];
};

describe("main", () => {
  const lost: readonly [what: string, body: string, text: string][] = [
    ["a send on a closed channel", "const ch = chan(); ch.close(); void ch.send(1);", "send on closed channel"],
    [
      "sends that a close has failed",
      "const ch = chan<number>(); for (let i = 0; i < 3; i++) void ch.send(i); await ch.recv(); ch.close();",
      "send on closed channel",
    ],
    [
      "an async callback of forEach",
      "const ch = chan<number>(); [1, 2].forEach(async (n) => { await ch.send(n); }); ch.close();",
      "send on closed channel",
    ],
    [
      "a group's wait",
      `const g = new Group(); await g.go(async () => { throw new Error("task"); }); void g.wait();`,
      "task",
    ],
    ["a rejection of the program's own", `void Promise.reject(new Error("own"));`, "own"],
  ];
  it.each(lost)("does not lose what nobody awaits: %s", async (_, body, text) => {
    const { status, stderr } = await run(`await main(async () => { ${body} });`);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^panic: .*\n\ngoroutine 1 \[running\]:\n/);
    expect(stderr).toContain(`panic: ${text}\n`);
  });

  it("ends well with operations that are pending, and with waits that its own return has cancelled", async () => {
    expect(await ending(`await main(() => { void chan().send(1); process.exitCode = 4; });`)).toEqual([4, ""]);
    expect(
      await ending(`await main(async () => {
        const [ctx, cancel] = withCancel(background());
        using _ = cancel;
        go(() => sleep(60_000, ctx));
        void sleep(60_000, ctx);
        await sleep(1);
      });`),
    ).toEqual([0, ""]);
  });

  it("F4 lets nobody go on once it has returned", async () => {
    const { status, stdout } = await run(`await main(async () => {
      go(async () => { for (;;) { await gosched(); console.log("turn"); } });
      await sleep(5);
      console.log("over");
    });`);
    expect({ status, last: stdout.trimEnd().split("\n").at(-1) }).toEqual({ status: 0, last: "over" });
  });
});

describe("a panic outside of go and main", () => {
  it("F7 has Go's text and status 2, at top level and in a callback", async () => {
    for (const body of [
      "const ch = chan(); ch.close(); await ch.send(1);",
      "setTimeout(() => { const ch = chan(); ch.close(); void ch.send(1); }, 1);",
      "setTimeout(() => { const ch = chan(); ch.close(); ch.trySend(1); }, 1);",
    ]) {
      const { status, stderr } = await run(body);
      expect(stderr).toMatch(/^panic: send on closed channel\n\ngoroutine 1 \[running\]:\n\S+\n\t.*program\.ts:/);
      expect(status).toBe(2);
    }
  });

  it("is left to a program that catches what nobody else does", async () => {
    const { status, stdout, stderr } = await run(`
      process.on("uncaughtException", (error) => { console.log("mine:", error.message); process.exit(7); });
      const ch = chan();
      ch.close();
      await ch.send(1);`);
    expect({ status, stdout, stderr }).toEqual({ status: 7, stdout: "mine: send on closed channel\n", stderr: "" });
  });
});

describe("a panic", () => {
  it("of a send shows the sender's stack, not that of the goroutine that closed", async () => {
    for (const wait of ["ch.send(1)", "select([send(ch, 1)])", "select({ a: send(ch, 1), b: recv(chan()) })"]) {
      const { stderr } = await run(`
        const ch = chan<number>();
        go(function closer() { ch.close(); });
        await main(async function sender() { await ${wait}; });`);
      expect(stderr).toMatch(
        /^panic: send on closed channel\n\ngoroutine 1 \[running\]:\nsender\(\.\.\.\)\n\t.*program\.ts:/,
      );
      expect(stderr).not.toContain("closer");
    }
  });

  it("of a cancelled wait says which wait it was, and with stacks where", async () => {
    const program = (stacks: boolean): string => `
      import { recordStacks } from "go/pprof";
      recordStacks(${stacks});
      const [ctx] = withTimeout(background(), 5);
      async function ask() { await sleep(60_000, ctx); }
      go(async function feed() { await ask(); });
      await chan().recv();`;
    const plain = (await run(program(false))).stderr;
    expect(plain).toMatch(/^panic: context deadline exceeded\n\ngoroutine 2 \[running\]:\nfeed\(\.\.\.\)\n/);
    expect(plain).toContain("\ncancelled while waiting: sleep\n");
    const { stderr, status } = await run(program(true));
    expect(stderr).toMatch(
      /^panic: context deadline exceeded\n\ngoroutine 2 \[running\]:\nask\(\.\.\.\)\n\t.*program\.ts:/,
    );
    expect(status).toBe(2);
    const done = await run(`const [ctx, cancel] = withCancel(background()); cancel(); await sleep(5, ctx);`);
    expect(done.stderr).toMatch(/^panic: context canceled\n[^]*\ncancelled while waiting: sleep\n/);
  });

  it("of a cancelled wait names that wait, whatever main waits for meanwhile", async () => {
    const { stderr } = await run(`
      import { Weighted } from "go/semaphore";
      const [ctx, cancel] = withCancel(background());
      async function start() {
        const sem = new Weighted(1);
        await sem.acquire(background());
        go(async function worker() { await sem.acquire(ctx); });
      }
      await main(async () => {
        await start();
        await sleep(1);
        cancel();
        await sleep(1_000);
      });`);
    expect(stderr).toMatch(/^panic: context canceled\n\ngoroutine 2 \[running\]:\nworker\(\.\.\.\)\n/);
    expect(stderr).toContain("\ncancelled while waiting: select\n");
  });

  it("tells an error's class and code, and the names in an object that JSON cannot have", async () => {
    expect((await run(`go(() => { throw Object.assign(new TypeError("x"), { code: "E_X" }); });`)).stderr).toContain(
      "\n[TypeError code=E_X]\n",
    );
    expect((await run(`go(() => { throw new Error("x"); });`)).stderr).not.toContain("[Error");
    expect(await ending(`const o: any = { id: 1n }; o.self = o; go(() => { throw o; });`)).toEqual([
      2,
      "panic: (Object) {id,self}",
    ]);
  });
});

describe("what a goroutine waits for", () => {
  it("F35 is IO wait in every report if it is nothing of ours, without the frame of a wait that is over", async () => {
    const { stderr } = await run(
      `
      import { goroutineProfile, recordStacks } from "go/pprof";
      recordStacks(true);
      async function before() { await gosched(); await sleep(1); }
      go(async function foreign() { await before(); await new Promise((resolve) => setTimeout(resolve, 60_000)); });
      const look = () => goroutineProfile({ debug: 2 }).includes("IO wait") ? console.log("ready") : setTimeout(look, 1);
      setTimeout(look, 1);
      await sleep(60_000);`,
      "SIGQUIT",
    );
    expect(stderr).toContain("\ngoroutine 2 [IO wait]:\nforeign(...)\ncreated by");
    expect(stderr).not.toContain("before");
  });

  it("has lines where SLUICE_STACKS asks for them, which reports without lines say", async () => {
    const body = `go(async function stuck() { await chan().recv(); });`;
    const { stderr } = await run(body);
    expect(stderr).toMatch(/\n\(SLUICE_STACKS=1 in the environment adds files and lines\)\n$/);
    process.env["SLUICE_STACKS"] = "1";
    const { stderr: told } = await run(body).finally(() => delete process.env["SLUICE_STACKS"]);
    expect(told).toMatch(/goroutine 2 \[chan receive\]:\nstuck\(\.\.\.\)\n\t.*program\.ts:\d+:\d+\n/);
    expect(told).not.toContain("SLUICE_STACKS");
  });
});

describe("no deadlock", () => {
  it("is reported for the idle worker of a program whose top-level code is through", async () => {
    expect(
      await ending(`
        const lines = chan<string>(16);
        go(async function logger() { for await (const _ of lines); });
        await lines.send("done");`),
    ).toEqual([0, ""]);
    expect(await ending("daemon(async function worker() { await chan().recv(); });")).toEqual([0, ""]);
  });

  it("but one is where a top-level await depends on the goroutine, and beside a daemon", async () => {
    const deadlock = "fatal error: all goroutines are asleep - deadlock!";
    const { status, stderr } = await run(`
      await gosched();
      await new Promise<void>((resolve) => { go(async () => { await chan().recv(); resolve(); }); });`);
    expect(status).toBe(2);
    expect(stderr).toContain(`${deadlock}\n`);
    expect(await ending("daemon(() => chan().recv()); go(async function stuck() { await chan().recv(); });")).toEqual([
      2,
      deadlock,
    ]);
  });

  it("F30 is reported while a goroutine waits for an AbortSignal.timeout, but when that has fired in vain", async () => {
    const { status, stdout, stderr } = await run(`
      await fromSignal(AbortSignal.timeout(20)).done()?.recv();
      console.log("one");
      await fromSignal(AbortSignal.any([new AbortController().signal, AbortSignal.timeout(20)])).done()?.recv();
      console.log("two");
      fromSignal(AbortSignal.timeout(20));
      await chan().recv();`);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "one\ntwo\n" });
    expect(stderr).toMatch(/^fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 \[chan receive\]/);
  });

  it("comes on top of a test of node:test that has failed for its leak", async () => {
    const { status, stdout, stderr } = await run(`
      import { afterEach, test } from "node:test";
      import { verifyTestMain } from "go/leak";
      verifyTestMain(afterEach);
      test("leaky", () => { go(async function left() { await chan().recv(); }); });`);
    expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
    expect(stdout).toContain("with left on top of the stack");
  });
});

it("twelve copies of the library have one set of listeners, which holds only the last", async () => {
  const { stdout, stderr } = await run(`
    import { registerHooks } from "node:module";
    let generation = 0;
    registerHooks({
      resolve(specifier, context, next) {
        const found = next(specifier, context);
        return { ...found, url: found.url.includes("/go/src/") ? found.url.split("?")[0] + "?copy=" + generation : found.url };
      },
    });
    const count = () => process.eventNames().map((name) => process.listenerCount(name)).reduce((a, b) => a + b, 0);
    await gosched();
    const before = count();
    for (generation = 1; generation <= 12; generation++) {
      const copy = await import("go");
      const ch = copy.chan();
      copy.go(async () => { await ch.send(1); });
      await ch.recv();
    }
    console.log(count() - before);
    process.exit(0);`);
  expect({ stdout, stderr }).toEqual({ stdout: "0\n", stderr: "" });
});

it("who was woken goes on although the one that woke it awaits only promises of others", async () => {
  // On a busy machine the slice may end at the send, and then a turn is right. So there are many
  // tries, of which one is enough.
  const program = `
    let turns = 0;
    const count = () => { turns++; setImmediate(count); };
    setImmediate(count);
    await new Promise((resolve) => setImmediate(resolve));
    async function waker() {
      const ch = chan<number>();
      let woken = false;
      go(async () => { await ch.recv(); woken = true; });
      await gosched();
      const then = turns;
      await ch.send(1);
      for (let i = 0; i < 100_000 && !woken; i++) await null;
      return woken && turns === then;
    }
    const mu = new Mutex();
    await mu.lock();
    go(async () => {
      let right = false;
      for (let i = 0; i < 100 && !right; i++) right = await waker();
      console.log(right);
      process.exit(0);
    });
    await mu.lock();`;
  expect((await run(program)).stdout).toBe("true\n");
});
