import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { launchBrowser, withoutBrowser } from "../../../../scripts/browser.ts";
import { background } from "../context.ts";
import { chan, go, gosched } from "../index.ts";
import { observer } from "../internal/hooks.ts";
import { Mutex, WaitGroup } from "../sync/index.ts";
import { runProgram } from "../test/program.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { sleep } from "../time.ts";
import type { ChromeEvent, ChromeTrace } from "./chrome.ts";
import { traceHtml } from "./html.ts";
import {
  FlightRecorder,
  isEnabled,
  log,
  newTask,
  start,
  type StartOptions,
  startRegion,
  stop,
  withRegion,
} from "./index.ts";
import { memoryFor, Ring } from "./ring.ts";

expectNoLeaks();

async function traced(fn: () => Promise<void>, options?: StartOptions): Promise<ChromeTrace> {
  start(options);
  let text = "";
  try {
    await fn();
  } finally {
    text = stop();
  }
  return JSON.parse(text) as ChromeTrace;
}

/** The slices of the goroutines with that name, in order. */
function slicesOf({ traceEvents }: ChromeTrace, name: string): ChromeEvent[] {
  const tracks = traceEvents.filter(
    (event) => event.name === "thread_name" && event.pid > 0 && String(event.args?.["name"]).endsWith(` ${name}`),
  );
  return traceEvents
    .filter((event) => event.ph === "X" && tracks.some(({ pid, tid }) => pid === event.pid && tid === event.tid))
    .toSorted((a, b) => a.ts - b.ts);
}

const named = (trace: ChromeTrace, name: string): ChromeEvent[] =>
  trace.traceEvents.filter((event) => event.name === name);

/** The name of the goroutine on whose track an event is. */
function nameOf({ traceEvents }: ChromeTrace, { pid, tid }: ChromeEvent): string {
  const named = traceEvents.find((event) => event.name === "thread_name" && event.pid === pid && event.tid === tid);
  return String(named?.args?.["name"]).replace(/^G\d+ /, "");
}

function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

/**
 * A producer, two consumers that share a lock, and a foreign wait. However busy the machine is, the
 * consumers wait for the first job, one of them for the lock, and the producer for a consumer: the
 * first job lasts until then.
 */
async function program(): Promise<void> {
  const [ctx, task] = newTask(background(), "order");
  const jobs = chan<number>();
  const mu = new Mutex();
  const wg = new WaitGroup();
  let sent = -1;
  wg.go(async function produce() {
    for (let i = 0; i < 5; i++) {
      await sleep(1);
      sent = i;
      await jobs.send(i);
    }
    jobs.close();
  });
  for (let i = 0; i < 2; i++) {
    wg.go(async function consume() {
      for await (const job of jobs) {
        using _ = await mu.lock();
        await withRegion(ctx, "handle", async () => {
          spin(1);
          await new Promise<void>((resolve) => {
            const look = (): unknown => (job === 0 && sent < 2 ? setTimeout(look, 5) : resolve());
            setTimeout(look, 5);
          });
          log(ctx, "job", `job ${job} done`);
        });
      }
    });
  }
  await wg.wait();
  task.end();
}

describe("start and stop", () => {
  it("give each goroutine a track of slices without gaps: what it did, and what it waited for", async () => {
    const trace = await traced(program);
    for (const name of ["produce", "main"]) {
      const slices = slicesOf(trace, name);
      for (const [i, { ts }] of slices.entries()) {
        const before = slices[i - 1];
        if (before !== undefined) expect(Math.abs(before.ts + (before.dur ?? 0) - ts)).toBeLessThan(0.01);
      }
    }
    const kinds = (name: string): string[] => [...new Set(slicesOf(trace, name).map((slice) => slice.name))].sort();
    expect(kinds("produce")).toEqual(["chan send", "runnable", "running", "sleep"]);
    expect(kinds("consume")).toEqual(["IO wait", "chan receive", "runnable", "running", "sync.Mutex.Lock"]);
    expect(kinds("main")).toContain("sync.WaitGroup.Wait");
    expect(slicesOf(trace, "produce").filter(({ name }) => name === "sleep").length).toBeGreaterThanOrEqual(5);
    expect(new Set(slicesOf(trace, "consume").map(({ cat }) => cat))).toEqual(new Set(["wait", "running", "runnable"]));
  });

  it("draw an arrow from who woke a goroutine to where that runs next", async () => {
    const trace = await traced(program);
    const starts = new Map(trace.traceEvents.filter(({ ph }) => ph === "s").map((event) => [event.id, event]));
    const ends = trace.traceEvents.filter(({ ph }) => ph === "f");
    const at = ({ pid, tid, ts }: ChromeEvent): ChromeEvent | undefined =>
      trace.traceEvents.findLast(
        (slice) =>
          slice.ph === "X" &&
          slice.pid === pid &&
          slice.tid === tid &&
          slice.ts <= ts &&
          slice.ts + (slice.dur ?? 0) >= ts,
      );
    const nameOf = ({ pid, tid }: ChromeEvent): string =>
      String(
        trace.traceEvents.find((e) => e.name === "thread_name" && e.pid === pid && e.tid === tid)?.args?.["name"],
      ).replace(/^G\d+ /, "");
    const arrows = ends.map((end) => `${nameOf(starts.get(end.id) as ChromeEvent)} → ${nameOf(end)}`);
    expect(arrows.filter((arrow) => arrow === "main → consume")).toHaveLength(2);
    expect(arrows.filter((arrow) => arrow === "timers and host → produce")).toHaveLength(5);
    expect(arrows).toContain("produce → consume");
    expect(arrows).toContain("consume → consume");
    expect(arrows).toContain("consume → main");
    for (const end of ends) expect(at(end)?.name).toBe("running");
    for (const end of ends) expect(end.ts).toBeGreaterThanOrEqual((starts.get(end.id) as ChromeEvent).ts);
  });

  it("know who runs through foreign awaits, and show that only one runs at a time", async () => {
    const trace = await traced(async () => {
      const wg = new WaitGroup();
      for (const name of ["a", "b"]) {
        const body = {
          [name]: async () => {
            for (let i = 0; i < 3; i++) {
              spin(1);
              await Promise.resolve();
              await new Promise((resolve) => {
                setImmediate(resolve);
              });
            }
          },
        }[name] as () => Promise<void>;
        wg.go(body);
      }
      await wg.wait();
    });
    const running = trace.traceEvents
      .filter(({ ph, cat, pid }) => ph === "X" && cat === "running" && pid > 0)
      .toSorted((a, b) => a.ts - b.ts);
    for (const [i, { ts, dur = 0 }] of running.entries()) {
      expect(running[i + 1]?.ts ?? Infinity).toBeGreaterThanOrEqual(ts + dur - 0.01);
    }
    // Each used three milliseconds, which are in its own slices.
    for (const name of ["a", "b"]) {
      const used = slicesOf(trace, name).filter((slice) => slice.name === "running");
      expect(used.reduce((sum, { dur = 0 }) => sum + dur, 0)).toBeGreaterThan(2990);
      expect(slicesOf(trace, name).some((slice) => slice.name === "IO wait")).toBe(true);
    }
    const thread = trace.traceEvents.filter(({ ph, pid }) => ph === "X" && pid === 0);
    expect(thread.map(({ name }) => name)).toEqual(expect.arrayContaining([expect.stringMatching(/^G\d+ a$/)]));
    expect(thread).toHaveLength(running.length);
  });

  it("have tasks, regions, messages and counters", async () => {
    const trace = await traced(program);
    expect(named(trace, "order").map(({ ph }) => ph)).toEqual(["b", "e"]);
    const regions = named(trace, "handle").filter(({ ph }) => ph === "b");
    expect(regions).toHaveLength(5);
    expect(regions.every(({ args }) => args?.["task"] === "order")).toBe(true);
    expect(named(trace, "handle").filter(({ ph }) => ph === "e")).toHaveLength(5);
    expect(named(trace, "job 3 done").map(({ ph, args }) => [ph, args])).toEqual([
      ["i", { category: "job", message: "job 3 done", task: "order" }],
    ]);
    expect(Number(named(trace, "heap")[0]?.args?.["MB"])).toBeGreaterThan(1);
    expect(named(trace, "event loop delay").length).toBeGreaterThan(1);
  });

  it("show a region as the goroutine's that began it, whoever ends it", async () => {
    const trace = await traced(async () => {
      const region = startRegion(background(), "lent");
      go(function ender() {
        region.end();
      });
      await gosched();
    });
    const [begin, end] = named(trace, "lent").map(({ ph, tid }) => ({ ph, tid }));
    expect([begin?.ph, end?.ph]).toEqual(["b", "e"]);
    expect(end?.tid).toBe(begin?.tid);
  });

  it("say where a goroutine waits if stacks are asked for", async () => {
    const trace = await traced(program, { stacks: true });
    const sends = slicesOf(trace, "produce").filter(({ name }) => name === "chan send");
    expect(sends.map(({ args }) => args?.["at"])).toEqual(
      expect.arrayContaining([expect.stringMatching(/^produce .*trace\.test\.ts:\d+:\d+$/)]),
    );
  });

  it("show a goroutine that waited before the start, and one that still waits at the end", async () => {
    const before = chan<number>();
    const after = chan<number>();
    go(async function early() {
      await before.recv();
    });
    await gosched();
    const trace = await traced(async () => {
      go(async function late() {
        await after.recv();
      });
      await before.send(1);
      await gosched();
    });
    expect(slicesOf(trace, "early")[0]).toMatchObject({ name: "chan receive" });
    expect(slicesOf(trace, "early")[0]?.ts).toBeLessThan(slicesOf(trace, "late")[0]?.ts as number);
    expect(slicesOf(trace, "late").at(-1)).toMatchObject({ name: "chan receive", cat: "wait" });
    after.close();
    await gosched();
  });

  it("keep the newest events when there are too many, and say so", async () => {
    const trace = await traced(
      async () => {
        const ch = chan<number>();
        go(async function reader() {
          for await (const _ of ch);
        });
        for (let i = 0; i < 2000; i++) await ch.send(i);
        ch.close();
        await gosched();
      },
      { maxEvents: 1000 },
    );
    expect(trace.otherData["older events dropped"]).toBe("the main thread");
    expect(slicesOf(trace, "reader").some(({ name }) => name === "chan receive")).toBe(true);
  });

  it("refuse to start twice, to stop what was not started, and to keep a strange number of events", () => {
    start();
    expect(isEnabled()).toBe(true);
    expect(() => start()).toThrow("execution tracer already enabled");
    stop();
    expect(isEnabled()).toBe(false);
    expect(() => stop()).toThrow("execution tracer not enabled");
    expect(() => start({ maxEvents: 0.5 })).toThrow("expected maxEvents to be a whole number");
  });

  it("leave nothing on when they are over", async () => {
    await traced(program);
    expect(observer).toBeUndefined();
    const [ctx, task] = newTask(background(), "nobody records");
    using region = startRegion(ctx, "nothing");
    region.end();
    task.end();
    expect(withRegion(ctx, "nothing", () => 5)).toBe(5);
    expect(() => withRegion(ctx, "nothing", () => JSON.parse("{"))).toThrow(SyntaxError);
  });
});

describe("FlightRecorder", () => {
  it("gives the last moments at any time, beside start and stop", async () => {
    const recorder = new FlightRecorder({ minAge: 60_000 });
    expect(() => recorder.snapshot()).toThrow("cannot snapshot a disabled flight recorder");
    recorder.start();
    expect(() => new FlightRecorder().start()).toThrow("flight recorder already enabled");
    const trace = await traced(program);
    let written = "";
    await recorder.writeTo({ write: (text, done) => ((written = text), done()) });
    const snapshot = JSON.parse(written) as ChromeTrace;
    expect(slicesOf(snapshot, "produce").map(({ name }) => name)).toEqual(
      slicesOf(trace, "produce").map(({ name }) => name),
    );
    expect(recorder.enabled()).toBe(true);
    recorder.stop();
    expect([recorder.enabled(), isEnabled()]).toEqual([false, false]);
  });

  it("forgets what is older than asked for", async () => {
    const recorder = new FlightRecorder({ minAge: 1000 });
    recorder.start();
    const never = chan<number>();
    go(async function waiting() {
      await never.recv();
    });
    await program();
    await sleep(1100);
    go(async function last() {
      await sleep(1);
    });
    await sleep(5);
    const trace = JSON.parse(recorder.snapshot()) as ChromeTrace;
    const names = trace.traceEvents.map(({ args }) => args?.["name"]);
    recorder.stop();
    never.close();
    await gosched();
    expect(slicesOf(trace, "waiting").map(({ name }) => name)).toEqual(["chan receive"]);
    expect(names.some((name) => String(name).endsWith(" last"))).toBe(true);
    expect(names.some((name) => String(name).endsWith(" produce"))).toBe(false);
  });
});

describe("the threads of /parallel", () => {
  it("have tracks of their own, for what runs on each P", async () => {
    const { stdout, stderr } = await runProgram(`
      import { parallel, gomaxprocs, sharedChan, type SharedChan } from "go/parallel";
      import { main } from "go";
      import { sleep } from "go/time";
      import { start, stop } from "go/trace";
      const count = parallel(import.meta.url, async function count(n: number) {
        let sum = 0;
        for (let i = 0; i < n; i++) sum += i;
        await sleep(1);
        return sum;
      });
      const parallelTell = parallel(import.meta.url, async function tell(done: SharedChan<number>) {
        await sleep(1);
        await done.send(1);
      });
      await main(async () => {
        gomaxprocs(2);
        await count(10); // a worker that is there before
        start();
        await Promise.all(Array.from({ length: 20 }, () => count(1e5)));
        const done = sharedChan<number>();
        const tell = parallelTell(done);
        await done.recv();
        await tell;
        await new Promise((resolve) => setTimeout(resolve, 20));
        await count(10);
        console.log(stop());
      });`);
    expect(stderr).toBe("");
    const trace = JSON.parse(stdout) as ChromeTrace;
    const threads = trace.traceEvents.filter(({ name, pid }) => name === "thread_name" && pid === 0);
    expect(threads.map(({ args }) => args?.["name"])).toEqual(expect.arrayContaining(["the main thread", "P0"]));
    const onPs = trace.traceEvents.filter(({ ph, pid, tid }) => ph === "X" && pid === 0 && tid > 1);
    expect(onPs.filter(({ name }) => name.endsWith(" count")).length).toBeGreaterThan(1);
    expect(slicesOf(trace, "count").some(({ name }) => name === "sleep")).toBe(true);
    expect(slicesOf(trace, "main").some(({ name }) => name === "parallel call")).toBe(true);

    // Arrows go from the caller to its task, and from the task to its caller.
    const starts = new Map(trace.traceEvents.filter(({ ph }) => ph === "s").map((event) => [event.id, event]));
    const across = trace.traceEvents.flatMap((end, at) => {
      const start = end.ph === "f" ? starts.get(end.id) : undefined;
      if (start === undefined || start.pid === end.pid) return [];
      expect(start.ts).toBeLessThanOrEqual(end.ts);
      expect(trace.traceEvents.indexOf(start)).toBeLessThan(at);
      return [`${nameOf(trace, start)} → ${nameOf(trace, end)}`];
    });
    expect(new Set(across)).toEqual(new Set(["main → count", "count → main", "main → tell", "tell → main"]));
    expect(across.filter((arrow) => arrow === "main → count")).toHaveLength(21);
    const woken = slicesOf(trace, "main").flatMap(({ args }) => args?.["let go on by"] ?? []);
    expect(woken).toContainEqual(expect.stringMatching(/^G\d{7} on P\d$/));
  });
});

describe("Ring", () => {
  it("keeps the newest records and texts, and knows which texts are gone", () => {
    const ring = new Ring(new ArrayBuffer(memoryFor(1)));
    const first = ring.text("first");
    for (let i = 0; i < 5000; i++) ring.add(i, 1, i, 0, ring.text(`text ${i}`));
    const { events, isCut, text } = ring.read();
    expect([isCut, events.length, events[0]?.at, events.at(-1)?.at]).toEqual([true, 1024, 3976, 4999]);
    expect(text(first)).toBeUndefined();
    expect(text(events.at(-1)?.b as number)).toBe("text 4999");
    // Named again and again, it stays.
    const often = new Ring(new ArrayBuffer(memoryFor(1)));
    for (let i = 0; i < 5000; i++) {
      often.text(`text ${i}`);
      often.add(i, 1, i, 0, often.text("often"));
    }
    const read = often.read();
    expect(read.text(read.events.at(-1)?.b as number)).toBe("often");
  });
});

describe("the page", () => {
  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), "sluice-trace-"));
    onTestFinished(() => rmSync(made, { recursive: true, force: true }));
    return made;
  };
  const command = join(import.meta.dirname, "../../bin/sluice-go.js");
  const run = (...args: string[]): string =>
    execFileSync(process.execPath, ["--no-warnings", command, ...args], { encoding: "utf8", stdio: "pipe" });

  it.skipIf(withoutBrowser)("is one file, drawn in a browser, with the longest waits first", async () => {
    const file = join(folder(), "run.json");
    const trace = await traced(program, { stacks: true });
    writeFileSync(file, JSON.stringify(trace));
    const page = run("trace", file).trim();
    expect(page).toBe(file.replace(".json", ".html"));
    expect(readFileSync(page, "utf8")).not.toMatch(/\b(?:src|href)=/);

    const browser = await launchBrowser();
    onTestFinished(() => browser.close());
    const tab = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    const faults: string[] = [];
    tab.on("pageerror", (error) => faults.push(error.message));
    await tab.goto(`file://${page}`);

    const waits = trace.traceEvents.filter(({ ph, cat }) => ph === "X" && cat === "wait");
    const longest = Math.max(...waits.map(({ dur = 0 }) => dur));
    const first = tab.locator("#waits tr").first();
    await expect.poll(() => first.innerText()).toMatch(new RegExp(`^${Math.round(longest) / 1000} ms\\t`));
    expect(await tab.locator("#waits tr").count()).toBe(waits.length);
    expect(await tab.locator("#kinds").innerText()).toContain("sync.Mutex.Lock");

    /** How many pixels of the timeline have a colour. */
    const pixels = (colour: string): Promise<number> =>
      tab.evaluate((colour) => {
        interface Page {
          document: {
            querySelector: (name: string) => {
              width: number;
              height: number;
              getContext: (kind: "2d") => {
                getImageData: (...box: number[]) => { data: ArrayLike<number> };
              };
            };
          };
        }
        const canvas = (globalThis as unknown as Page).document.querySelector("canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let n = 0;
        for (let i = 0; i < data.length; i += 4) {
          const hex = [data[i], data[i + 1], data[i + 2]].map((part) => Number(part).toString(16).padStart(2, "0"));
          if (`#${hex.join("")}` === colour) n++;
        }
        return n;
      }, colour);
    await expect.poll(() => pixels("#3a9d5d")).toBeGreaterThan(0);
    const wait = await pixels("#c65d4e");
    expect(wait).toBeGreaterThan(0);

    // A click on the longest wait zooms to it, and says what it was.
    await first.click();
    await expect.poll(() => pixels("#c65d4e")).not.toBe(wait);
    expect(await tab.locator("#details").innerText()).toMatch(/: .*\n.* from .* on\nat: .*trace\.test\.ts/);

    await tab.fill("#search", "chan send");
    const sends = waits.filter(({ name }) => name === "chan send").length;
    expect(await tab.locator("#found").innerText()).toBe(`${sends} found`);
    await tab.press("#search", "Enter");
    expect(await tab.locator("#found").innerText()).toBe(`1 of ${sends}`);
    expect(await tab.locator("#details").innerText()).toMatch(/produce: chan send/);

    // The wheel zooms: one slice fills the width.
    await tab.fill("#search", "");
    await tab.click("#all");
    const box = await tab.locator("canvas").boundingBox();
    await tab.mouse.move((box?.x ?? 0) + 700, (box?.y ?? 0) + 60);
    const whole = await pixels("#3a9d5d");
    for (let i = 0; i < 20; i++) await tab.mouse.wheel(0, -200);
    await expect.poll(() => pixels("#3a9d5d")).not.toBe(whole);
    expect(faults).toEqual([]);
  });

  it("holds a trace in which there is HTML, and refuses what is no trace", () => {
    const page = traceHtml('{"traceEvents":[],"otherData":{"x":"</script><b>"}}', "a <b> & c");
    expect(page).toContain("\\u003c/script>");
    expect(page).toContain("<title>a &lt;b> &amp; c</title>");
    expect(() => traceHtml("{}")).toThrow('there is no "traceEvents"');
    expect(() => traceHtml("no")).toThrow("trace: expected JSON");
  });

  it("is made by a command that explains itself", () => {
    expect(run("--help")).toMatch(/^Usage: sluice-go trace/);
    const failing = (...args: string[]): unknown => {
      try {
        return run(...args);
      } catch (error) {
        const { status, stderr } = error as { status: number; stderr: string };
        return [status, stderr.split("\n")[0]];
      }
    };
    expect(failing("trace")).toEqual([2, "sluice-go: expected: trace FILE.json"]);
    const missing = join(folder(), "none.json");
    expect(failing("trace", missing)).toEqual([1, expect.stringContaining(`${missing}: ENOENT`)]);
  });
});
