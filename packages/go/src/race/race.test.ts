import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseOptions } from "./options.ts";
import type { Ran } from "./test/run.ts";

const register = new URL("register.ts", import.meta.url).href;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-race-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program in a file under the detector; `{{x}}` is the address of that file of the library.
 */
function run(name: string, source: string, env: Record<string, string> = {}, args: readonly string[] = []): Outcome {
  const file = join(folder, name);
  writeFileSync(
    file,
    source.replaceAll(/\{\{(.*?)\}\}/g, (_, entry: string) => new URL(`../${entry}.ts`, import.meta.url).href),
  );
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--no-warnings", "--import", register, ...args, file],
    {
      encoding: "utf8",
      env: { ...process.env, NODE_OPTIONS: "", NODE_TEST_CONTEXT: undefined, ...env },
    },
  );
  return { status, stdout, stderr: stderr.replaceAll(folder, "DIR") };
}

const lost = `import { gosched } from "{{index}}";
import { WaitGroup } from "{{sync/index}}";

let n: number = 0;
const wg = new WaitGroup();
for (let i = 0; i < 2; i++) {
  wg.go(async function add() {
    const seen = n;
    await gosched();
    n = seen + 1;
  });
}
await wg.wait();
console.log("n", n);
`;

describe("the detector", () => {
  let ran: Ran[];
  beforeAll(() => {
    const program = new URL("test/run.ts", import.meta.url);
    const args = ["--no-warnings", "--import", register, program.pathname];
    ran = JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Ran[];
  });

  const what = (races: boolean): string[] =>
    ran.filter(({ reports }) => reports.length > 0 === races).map(({ what }) => what);

  it("H1 H2 H3 H38 reports each program that races, and no other", () => {
    expect(ran.length).toBeGreaterThan(95);
    expect(what(true).toSorted()).toEqual(ran.flatMap(({ what, races }) => (races ? what : [])).toSorted());
    expect(what(false).toSorted()).toEqual(ran.flatMap(({ what, races }) => (races ? [] : what)).toSorted());
  });

  it("H4 H5 H7 H8 H9 H10 H11 H12 H13 H14 H15 H16 orders what channels order", () => expectRight(/^H(?:[4-9]|1[0-6]) /));
  it("H17 H18 H19 H20 H21 H22 H23 H24 H25 H26 orders what sync and atomic order", () =>
    expectRight(/^H(?:1[7-9]|2[0-6]) /));
  it("H27 H28 H29 orders what contexts and timers order, and time does not", () => expectRight(/^H2[789] /));
  it("H30 orders what a bubble orders", () => expectRight(/^H30 /));

  it("H32 takes a Map as one location, elements and properties as many", () => {
    expectRight(/^H32 /);
    const reports = ran.filter(({ what }) => what.startsWith("H32")).flatMap(({ reports }) => reports);
    const misuse = new Set(reports.flatMap((report) => /^concurrent .*$/m.exec(report) ?? []));
    expect([...misuse].toSorted()).toEqual([
      "concurrent map iteration and map write",
      "concurrent map read and map write",
      "concurrent map writes",
    ]);
  });
  it("knows what is atomic in JavaScript, promises, and the packages of this library", () =>
    expectRight(/^(?:atomic|promise|errgroup|semaphore|singleflight|patterns) /));

  function expectRight(ids: RegExp): void {
    const those = ran.filter(({ what }) => ids.test(what));
    expect(those.length).toBeGreaterThan(0);
    expect(those.filter(({ races, reports }) => races !== reports.length > 0)).toEqual([]);
  }
});

describe("a report", () => {
  it("H34 H35 has Go's form, once for each pair of places, and the status is 66", () => {
    const { status, stdout, stderr } = run("lost.ts", lost);
    expect({ status, stdout }).toEqual({ status: 66, stdout: "n 1\n" });
    const [first, ...rest] = stderr.split(/(?<=^={18}\n)(?=={18}\n|Found)/m);
    expect(first?.replaceAll(/0x[0-9a-f]{12}/g, "0xADDRESS")).toBe(`==================
WARNING: DATA RACE
Write at 0xADDRESS by goroutine 2:
  add()
      DIR/lost.ts:10:5

Previous read at 0xADDRESS by goroutine 3:
  add()
      DIR/lost.ts:8:18

Goroutine 2 (running) created at:
  main.main()
      DIR/lost.ts:7:6

Goroutine 3 (running) created at:
  main.main()
      DIR/lost.ts:7:6
==================
`);
    expect(rest).toHaveLength(2);
    expect(rest[0]).toContain("Previous write at");
    expect(rest[1]).toBe("Found 2 data race(s)\n");
  });

  it("names the main goroutine, and whether the other one has ended", () => {
    const { stderr } = run(
      "main.ts",
      `import { go } from "{{index}}";\nimport { sleep } from "{{time}}";\nconst o = { n: 0 };\ngo(() => (o.n = 1));\nawait sleep(5);\nconsole.log(o.n);\n`,
    );
    expect(stderr).toMatch(/^Read at 0x[0-9a-f]+ by main goroutine:\n {2}main\.main\(\)\n {6}DIR\/main\.ts:6:13$/m);
    expect(stderr).toMatch(
      /^Previous write at 0x[0-9a-f]+ by goroutine 2:\n {2}main\.func1\(\)\n {6}DIR\/main\.ts:4:11$/m,
    );
    expect(stderr).toMatch(/^Goroutine 2 \(finished\) created at:\n {2}main\.main\(\)\n {6}DIR\/main\.ts:4:1$/m);
    expect(stderr).not.toMatch(/Goroutine 1 /);
  });

  it("has the places of JavaScript and CommonJS modules too", () => {
    const body = `let n = 0;\nconst add = async () => {\n  const seen = n; await null;\n  n = seen + 1;\n};\ngo(add);\ngo(add);\n`;
    for (const [name, load] of [
      ["a.mjs", 'import { go } from "{{index}}";'],
      ["a.cjs", 'const { go } = require(require("node:url").fileURLToPath("{{index}}"));'],
      ["a.cts", 'const { go } = require(require("node:url").fileURLToPath("{{index}}"));'],
    ] as const) {
      const { status, stderr } = run(name, `${load}\n${body}`);
      expect({ name, status, stderr }).toEqual({
        name,
        status: 66,
        stderr: expect.stringMatching(new RegExp(`Write at .*\\n {2}add\\(\\)\\n {6}DIR/${name}:5:3\\n`)),
      });
    }
  });

  it("keeps no access that a later write knows of", () => {
    const { stdout } = run(
      "chain.ts",
      `import { WaitGroup } from "{{sync/index}}";
       import { Location, write } from "{{race/detector}}";
       const location = new Location("variable");
       const wg = new WaitGroup();
       for (let i = 0; i < 20; i++) {
         wg.go(() => write(location, 1));
         await wg.wait();
       }
       console.log(location.writes.length);`,
    );
    expect(stdout).toBe("1\n");
  });

  it("keeps few reads and short clocks, however many goroutines nobody waits for", () => {
    const { status, stdout } = run(
      "many.ts",
      `import { go, gosched, main } from "{{index}}";
       import { WaitGroup } from "{{sync/index}}";
       import { Location, read } from "{{race/detector}}";
       import { me } from "{{race/threads}}";
       const location = new Location("variable");
       await main(async () => {
         let slot = 0;
         for (let i = 0; i < 2_000; i++) {
           go(() => { slot = Math.max(slot, me().slot); }); // race:ignore: the test looks
           await gosched();
         }
         const wg = new WaitGroup();
         for (let i = 0; i < 100; i++) {
           wg.go(() => read(location, 1, false));
           await wg.wait();
         }
         console.log(slot < 300, location.reads.length < 20);
       });`,
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: "true true\n" });
  });

  it("keeps little of arrays whose elements a few steps use, and finds a race for one of them", () => {
    const { status, stdout, stderr } = run(
      "elements.ts",
      `import { chan, main } from "{{index}}";
       import { WaitGroup } from "{{sync/index}}";
       const length = 500_000;
       const [filled, counted] = [chan<number[]>(), chan()];
       const arrays = Array.from({ length: 4 }, () => Array.from({ length }, () => 0));
       await main(async () => {
         const wg = new WaitGroup();
         wg.go(async () => {
           for (const array of arrays) {
             for (let i = 0; i < length; i++) array[i] = i;
             await filled.send(array);
           }
         });
         wg.go(async function count() {
           let sum = 0;
           for (let n = 0; n < 4; n++) {
             const array = (await filled.recv()) as number[];
             for (let i = 0; i < length; i++) sum += array[i] as number;
           }
           console.log(sum);
         });
         await wg.wait();
         wg.go(async function early() { (arrays[2] as number[])[400_000] = 1; });
         wg.go(async function late() { await Promise.resolve(); (arrays[2] as number[])[400_000] = 2; });
         await wg.wait();
       });`,
      { NODE_OPTIONS: "--max-old-space-size=256" },
    );
    expect({ status, stdout }).toEqual({ status: 66, stdout: "499999000000\n" });
    expect(stderr).toMatch(/^Write at .*\n {2}late\(\)[^]*^Previous write at .*\n {2}early\(\)/m);
    expect(stderr).toContain("Found 1 data race(s)\n");
  });

  it("keeps the order of a lock if other goroutines have got the slots of those that ended", () => {
    const program = (before: string): string => `import { chan, go, gosched, main } from "{{index}}";
      import { Mutex } from "{{sync/index}}";
      await main(async () => {
        let y = 0;
        const mu = new Mutex();
        const [told, over, done, ended] = [chan(1), chan(), chan(600), chan()];
        go(async () => { y = 1; await told.send(); await over.recv(); });
        go(async () => { await told.recv(); await mu.lock(); mu.unlock(); });
        for (let i = 0; i < 10; i++) await gosched();
        for (let i = 0; i < 600; i++) { go(() => done.send()); await gosched(); }
        go(async () => {
          ${before}
          y++;
          await ended.send();
        });
        await ended.recv();
        over.close();
      });`;
    const after = "for (let i = 0; i < 600; i++) await done.recv(); await mu.lock(); mu.unlock();";
    expect(run("slots.mjs", program(after))).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(run("slots.mjs", program(""))).toMatchObject({ status: 66 });
  });

  it("does not hide that a program failed otherwise, and errors keep their places", () => {
    const { status, stderr } = run("fails.ts", lost.replace('console.log("n", n);', "throw new Error(`n is ${n}`);"));
    expect(status).toBe(2);
    expect(stderr).toContain("panic: n is 1\n");
    expect(stderr).toMatch(/DIR\/fails\.ts:14:7/);
  });
});

describe("over threads", () => {
  it("the operations of /parallel order what they order on one thread, and what goes through a worker", () => {
    const program = new URL("test/across.ts", import.meta.url).pathname;
    const args = ["--no-warnings", "--conditions=source", "--import", register, program];
    const text = execFileSync(process.execPath, args, { encoding: "utf8" });
    const ran = JSON.parse(text) as { what: string; races: boolean; found: number }[];
    expect(ran.length).toBeGreaterThan(40);
    expect(ran.filter(({ races, found }) => races !== found > 0)).toEqual([]);
  });

  const inWorker = (task: string): string => `import { go, gosched, main } from "{{index}}";
import { parallel } from "{{parallel/index}}";
import { WaitGroup } from "{{sync/index}}";
const task = parallel(import.meta.url, async () => {
  let n = 0;
  const wg = new WaitGroup();
  for (let i = 0; i < 2; i++) {
    wg.go(async function add() {
      ${task}
    });
  }
  await wg.wait();
  return n;
});
await main(async () => console.log(await task()));
`;

  it("a race within a worker is reported, and the status of the program is 66", () => {
    const racy = run("worker.ts", inWorker("const was = n;\n      await gosched();\n      n = was + 1;"));
    expect(racy).toMatchObject({ status: 66, stdout: "1\n" });
    expect(racy.stderr).toMatch(/Write at 0x[0-9a-f]+ by goroutine \d{7}:\n {2}add\(\)\n {6}DIR\/worker\.ts:11:7\n/);
    expect(racy.stderr).toMatch(/\nFound 2 data race\(s\)\n$/);
    const right = run("right.ts", inWorker("await gosched();\n      n++;"));
    expect(right).toEqual({ status: 0, stdout: "2\n", stderr: "" });
  });

  it("a race within a worker ends the whole program if the first one is to end it", () => {
    const racy = inWorker("const was = n;\n      await gosched();\n      n = was + 1;");
    const halted = run("worker.ts", racy, { GORACE: "halt_on_error=1" });
    expect(halted).toMatchObject({ status: 66, stdout: "" });
    expect(halted.stderr.match(/WARNING: DATA RACE/g)).toHaveLength(1);
    expect(halted.stderr).toMatch(/\nFound 1 data race\(s\)\n$/);
    expect(run("worker.ts", racy, { GORACE: "halt_on_error=1 exitcode=3" })).toMatchObject({ status: 3, stdout: "" });
  });

  it("what comes from a worker that does not follow its operations is after all that was given away", () => {
    // Without the option, its workers load nothing else first.
    const lost = `process.execArgv = [];
${inWorker("await gosched();")}
let x = 0;
export const pass = parallel(import.meta.url, (to: { send: (n: number) => Promise<void> }) => to.send(1));
const { sharedChan } = await import("{{parallel/index}}");
if ((await import("node:worker_threads")).isMainThread) {
  const done = sharedChan<number>();
  go(async () => { x = 1; pass.go(done); });
  await done.recv();
  console.log(x);
}`.replace("await main(async () => console.log(await task()));\n", "");
    expect(run("unfollowed.ts", lost)).toEqual({ status: 0, stdout: "1\n", stderr: "" });
  });
});

describe("GORACE", () => {
  it("H35 halts on the first race, and sets the status", () => {
    expect(run("halt.ts", lost, { GORACE: "halt_on_error=1 exitcode=7" })).toMatchObject({ status: 7, stdout: "" });
    expect(run("zero.ts", lost, { GORACE: "exitcode=0" })).toMatchObject({ status: 0, stdout: "n 1\n" });
  });

  it("H36 writes to files, strips a prefix and keeps no history", () => {
    const env = { GORACE: `log_path=${folder}/log strip_path_prefix=${folder}/ history_size=0` };
    expect(run("log.ts", lost, env)).toMatchObject({ status: 66, stderr: "" });
    const log = readdirSync(folder).find((file) => file.startsWith("log."));
    const text = readFileSync(join(folder, log as string), "utf8");
    expect(text).toContain("  add()\n      log.ts:10:5\n");
    expect(text).toContain("Found 2 data race(s)\n");
  });

  it("refuses what it does not know", () => {
    expect(parseOptions("")).toMatchObject({ exitcode: 66, haltOnError: false, logPath: "stderr" });
    expect(parseOptions(" exitcode=3  halt_on_error=1 ")).toMatchObject({ exitcode: 3, haltOnError: true });
    expect(() => parseOptions("exit_code=3")).toThrow("GORACE: unknown option exit_code=3: expected exitcode,");
    expect(() => parseOptions("exitcode=x")).toThrow("GORACE: expected a whole number, got exitcode=x");
  });
});

describe("what is rewritten", () => {
  it("is the program's own modules, not those of node_modules nor lines that say so", () => {
    const ignored = lost.replace("n = seen + 1;", "n = seen + 1; // race:ignore: the last one may win");
    expect(run("ignored.ts", ignored)).toMatchObject({ status: 0, stderr: "" });
  });
});

describe("under a test runner", () => {
  it("H37 a test of node:test fails in which a race was found, with the report, and no other", () => {
    const { status, stdout } = run(
      "races.test.mjs",
      `import { test } from "node:test";
       import { gosched } from "{{index}}";
       import { WaitGroup } from "{{sync/index}}";
       test("racy", async () => {
         let n = 0;
         const wg = new WaitGroup();
         for (let i = 0; i < 2; i++) wg.go(async () => { const seen = n; await gosched(); n = seen + 1; });
         await wg.wait();
         return void n;
       });
       test("right", () => undefined);`,
      {},
      ["--test-reporter=tap", "--test"],
    );
    expect(status).toBe(1);
    expect(stdout).toMatch(/not ok 1 - racy/);
    expect(stdout).toMatch(/race detected during execution of test/);
    expect(stdout).toMatch(/WARNING: DATA RACE/);
    expect(stdout).toMatch(/ok 2 - right/);
  });

  it("so does one of Vitest, with the plugin and the setup file", () => {
    writeFileSync(
      join(folder, "vitest.config.mjs"),
      `import { race } from "${new URL("vite.ts", import.meta.url).href}";
       export default { plugins: [race()], test: { include: ["*.spec.ts"], setupFiles: [${JSON.stringify(new URL("vitest.ts", import.meta.url).pathname)}] } };`,
    );
    const path = (file: string): string => JSON.stringify(new URL(file, import.meta.url).pathname);
    writeFileSync(
      join(folder, "a.spec.ts"),
      `import { test } from ${JSON.stringify(import.meta.resolve("vitest"))};
       import { gosched } from ${path("../index.ts")};
       import { WaitGroup } from ${path("../sync/index.ts")};
       test("racy", async () => {
         const o: { n: number } = { n: 0 };
         const wg = new WaitGroup();
         for (let i = 0; i < 2; i++) wg.go(async () => { const seen = o.n; await gosched(); o.n = seen + 1; });
         await wg.wait();
       });
       test("right", () => undefined);`,
    );
    const vitest = join(import.meta.dirname, "../../../../node_modules/vitest/vitest.mjs");
    const { status, stdout, stderr } = spawnSync(process.execPath, [vitest, "run", "--root", folder], {
      encoding: "utf8",
    });
    expect({ status, stdout: stdout + stderr }).toEqual({
      status: 1,
      stdout: expect.stringMatching(/race detected during execution of test[^]*WARNING: DATA RACE[^]*a\.spec\.ts:7:/),
    });
    expect(stdout).toMatch(/1 failed.*1 passed/);
  });
});

describe("with explore of /synctest", () => {
  it("a race is a failure of its schedule, which is found, made short and found again", () => {
    const { status, stdout } = run(
      "explore.ts",
      `import { gosched } from "{{index}}";
       import { WaitGroup } from "{{sync/index}}";
       import { explore } from "{{synctest/index}}";
       const racy = async (): Promise<void> => {
         const o = { n: 0 };
         const wg = new WaitGroup();
         for (let i = 0; i < 2; i++) wg.go(async () => { const seen = o.n; await gosched(); o.n = seen + 1; });
         await wg.wait();
       };
       const first = await explore(racy).catch((error) => error);
       const again = await explore(racy, { seed: first.seed }).catch((error) => error);
       console.log(JSON.stringify([first, again].map(({ message, cause }) => [message.split("\\n")[0], cause.message.includes("WARNING: DATA RACE")])));`,
    );
    const found = [expect.stringMatching(/^seed \d+ fails: data race$/), true];
    expect({ status, found: JSON.parse(stdout) as unknown }).toEqual({ status: 66, found: [found, found] });
  });
});
