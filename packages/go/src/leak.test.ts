import { afterEach, describe, expect, it } from "vitest";
import { chan, go, gosched } from "./index.ts";
import {
  find,
  ignoreAnyFunction,
  ignoreCreatedBy,
  ignoreCurrent,
  ignoreTopFunction,
  cleanup,
  verifyNone,
  verifyTestMain,
} from "./leak.ts";
import { sleep } from "./time.ts";
import { runProgram } from "./test/program.ts";

verifyTestMain(afterEach);

describe("find", () => {
  it("G30 describes each goroutine that should have ended, with its stack and creator", async () => {
    const ch = chan<number>();
    async function waiter(): Promise<void> {
      await nested();
    }
    async function nested(): Promise<void> {
      await ch.recv();
    }
    go(waiter);
    const error = await find();
    expect(error?.message).toMatch(
      /^found unexpected goroutines:\n\[Goroutine (\d+) in state chan receive, with nested on top of the stack:\ngoroutine \1 \[chan receive\]:\nnested\(\.\.\.\)\n\t.*leak\.test\.ts:\d+:\d+\nwaiter\(\.\.\.\)\n\t/,
    );
    expect(error?.message).toMatch(/created by .* in goroutine 1\n\t.*leak\.test\.ts/);
    ch.close();
  });

  it("G32 counts neither main nor the one who asks", async () => {
    expect(await find()).toBeUndefined();
    const asked = chan<Error | undefined>(1);
    go(async function asking() {
      await asked.send(await find());
    });
    expect(await asked.recv()).toBeUndefined();
  });

  it("G31 gives goroutines that are about to end some 0.4 s", async () => {
    go(async () => {
      for (let i = 0; i < 5; i++) await gosched();
      await sleep(200);
    });
    expect(await find()).toBeUndefined();
  });

  it("G36 G37 leaves out what it is told to", async () => {
    const ch = chan<number>();
    const wait = async (): Promise<void> => void (await ch.recv());
    function starter(): void {
      go(wait);
    }
    starter();
    await gosched();
    expect(await find(ignoreCurrent())).toBeUndefined();
    expect(await find(ignoreTopFunction("wait"))).toBeUndefined();
    expect(await find(ignoreAnyFunction("wait"))).toBeUndefined();
    expect(await find(ignoreCreatedBy("starter"))).toBeUndefined();
    expect(await find(ignoreTopFunction("other"))).toBeDefined();
    const current = ignoreCurrent();
    starter();
    await gosched();
    expect(await find(current)).toBeDefined();
    ch.close();
  });

  it("G38 refuses a cleanup, which verifyNone calls", async () => {
    expect((await find(cleanup(() => undefined)))?.message).toBe(
      "Cleanup can only be passed to VerifyNone or VerifyTestMain",
    );
    const codes: number[] = [];
    await verifyNone(cleanup((code) => void codes.push(code)));
    expect(codes).toEqual([0]);
  });

  it("knows goroutines through foreign awaits", async () => {
    const ch = chan<number>();
    go(async function foreign() {
      await new Promise((resolve) => {
        setTimeout(resolve, 1);
      });
      await ch.recv();
    });
    go(async function busy() {
      await ch.recv();
    });
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
    const error = await find();
    expect(error?.message).toContain("with foreign on top of the stack");
    expect(error?.message).toContain("with busy on top of the stack");
    ch.close();
  });
});

describe("verifyNone and verifyTestMain", () => {
  it("G33 rejects with the leaks", async () => {
    const ch = chan<number>();
    go(async () => void (await ch.recv()));
    await expect(verifyNone()).rejects.toThrow("found unexpected goroutines:");
    ch.close();
  });

  it("G34 turns the exit code of a run with leaks into 1", async () => {
    const { status, stderr } = await runProgram(`
      import { chan, go } from "go";
      import { verifyTestMain } from "go/leak";
      verifyTestMain();
      go(async function leaked() { await chan<number>().recv(); });
    `);
    expect(stderr).toMatch(
      /^goleak: Errors on successful test run: found unexpected goroutines:\n\[Goroutine 2 in state chan receive, with leaked/,
    );
    expect(status).toBe(1);
    expect((await runProgram(`import { verifyTestMain } from "go/leak"; verifyTestMain();`)).status).toBe(0);
  });

  it("G33 fails the test of node:test that left a goroutine, and no other", async () => {
    const { status, stdout } = await runProgram(`
      import { after, afterEach, test } from "node:test";
      import { chan, go } from "go";
      import { verifyTestMain } from "go/leak";
      verifyTestMain(afterEach);
      const ch = chan<number>();
      test("tidy", async () => { go(() => ch.recv()); await ch.send(1); });
      test("leaky", () => { go(async function left() { await ch.recv(); }); });
      after(() => ch.close());
    `);
    expect(stdout).toMatch(/✔ tidy/);
    expect(stdout).toMatch(/✖ leaky/);
    expect(stdout).toContain("in state chan receive, with left on top of the stack");
    expect(status).toBe(1);
  });

  it("G34 G35 looks after a run that failed only if it is told to, and keeps its exit code", async () => {
    const failing = (options: string): string => `
      import { chan, go } from "go";
      import { runOnFailure, verifyTestMain } from "go/leak";
      verifyTestMain(${options});
      process.exitCode = 5;
      go(async function leaked() { await chan<number>().recv(); });
    `;
    const told = await runProgram(failing("runOnFailure()"));
    expect(told.stderr).toMatch(/^goleak: Errors on unsuccessful test run: found unexpected goroutines:\n/);
    expect(told.status).toBe(5);
    expect((await runProgram(failing(""))).stderr).not.toContain("goleak");
  });

  it("G38 verifyTestMain gives the exit code to a cleanup and leaves the rest to it", async () => {
    const { status, stdout } = await runProgram(`
      import { chan, go } from "go";
      import { cleanup, verifyTestMain } from "go/leak";
      verifyTestMain(cleanup((code) => { console.log("cleanup", code); process.exit(7); }));
      go(async function leaked() { await chan<number>().recv(); });
    `);
    expect({ status, stdout }).toEqual({ status: 7, stdout: "cleanup 1\n" });
  });
});
