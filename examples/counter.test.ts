// The story of docs/tools.md: each tool on the counter that loses hits, and on the two that do not.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const page = readFileSync(join(import.meta.dirname, "../docs/tools.md"), "utf8");

async function node(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const all = ["--no-warnings", "--conditions=source", ...args];
  const child = spawn(process.execPath, all, { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const status = await new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  return { status, stdout, stderr };
}

/** Runs a module beside the examples, and gives what it prints. */
async function program(code: string): Promise<string> {
  const { stdout, stderr, status } = await node(
    "--input-type=module-typescript",
    "-e",
    `import { variants } from "./counter.ts";\n${code}\nprocess.exit(0);`,
  );
  return status === 0 ? stdout : `status ${status}\n${stderr}`;
}

const explored = (variant: string): string => `
  import { explore } from "@sluice/go/synctest";
  const found = await explore(async () => {
    const count = await variants.${variant}(2);
    if (count !== 2) throw new Error("count is " + count);
  }, { seeds: 100 }).then(({ schedules }) => schedules + " are right", (error) => error.message);
  console.log(found);`;

describe("the counter", () => {
  it("loses hits, unless they are counted under a lock or in one step", async () => {
    expect((await node("counter.ts", "lost")).stdout).toBe("1 of 100\n");
    expect(page).toContain("\n1 of 100\n");
    for (const variant of ["locked", "whole"]) expect((await node("counter.ts", variant)).stdout).toBe("100 of 100\n");
    expect((await node("counter.ts", "none")).stderr).toContain("expected lost, locked, whole, got none");
  });

  it("is reported by the race detector, with the lines of the page, and the mended ones are not", async () => {
    const { status, stderr } = await node("--import", "@sluice/go/race/register", "counter.ts", "lost");
    expect(status).toBe(66);
    const places = (text: string): (string | undefined)[] =>
      text.slice(0, text.indexOf("created at")).match(/(?:Write|read) at|counter\.ts:\d+:\d+/g) ?? [];
    expect(places(stderr).slice(0, 4)).toEqual(["Write at", "counter.ts:19:7", "read at", "counter.ts:17:20"]);
    expect(page).toContain("counter.ts:19:7");
    expect(page).toContain("counter.ts:17:20");
    for (const variant of ["locked", "whole"]) {
      const mended = await node("--import", "@sluice/go/race/register", "counter.ts", variant);
      expect([mended.status, mended.stderr]).toEqual([0, ""]);
    }
  });

  it("fails in a schedule that explore finds, as the page has it, and the mended ones in none", async () => {
    const found = await program(explored("lost"));
    expect(found).toMatch(/^seed 4 fails: count is 1\nin 3 changes of goroutine, after 5 schedules/);
    expect(page).toContain("seed 4 fails: count is 1\nin 3 changes of goroutine, after 5 schedules");
    for (const variant of ["locked", "whole"]) expect(await program(explored(variant))).toBe("100 are right\n");
  });

  it("under a lock makes all others wait, which the mutex profile and the trace show", async () => {
    const profile = await program(`
      import { mutexProfile, setMutexProfileFraction } from "@sluice/go/pprof";
      setMutexProfileFraction(1);
      await variants.locked(100);
      console.log(mutexProfile({ debug: 1 }));`);
    expect(profile).toMatch(/^--- mutex:\ncycles\/second=1000000000\n\d+ 99 @\n#\thit\t.*counter\.ts:37\n/);
    expect(page).toContain(" 99 @\n#\thit\t/app/counter.ts:37\n");
    const waits = await program(`
      import { start, stop } from "@sluice/go/trace";
      for (const variant of ["locked", "whole"]) {
        start();
        await variants[variant](100);
        const { traceEvents } = JSON.parse(stop());
        const waits = traceEvents.filter(({ ph, name }) => ph === "X" && name === "sync.Mutex.Lock");
        console.log(variant, new Set(waits.map(({ tid }) => tid)).size);
      }`);
    expect(waits).toBe("locked 99\nwhole 0\n");
  });
});
