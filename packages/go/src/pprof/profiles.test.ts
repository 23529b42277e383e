import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { background } from "../context.ts";
import { chan, go, gosched } from "../index.ts";
import * as pprof from "../pprof.ts";
import { Mutex, WaitGroup } from "../sync/index.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { sleep } from "../time.ts";
import { decodeProfile, type Decoded } from "./test/decode.ts";
import type { Page, Taken } from "./test/profiling.ts";

expectNoLeaks();

const withFunction = (profile: Decoded, name: string): Decoded["samples"][0][] =>
  profile.samples.filter(({ stack }) => stack.some((frame) => frame.name === name));
const sum = (samples: readonly Decoded["samples"][0][], value: number): number =>
  samples.reduce((sum, { values }) => sum + (values[value] ?? 0), 0);

/** How long a program that takes profiles may need, on a machine that has other work too. */
const LONGEST_MS = 20_000;
const MOST_PROGRAMS = 4;
/** The limit of a test that starts such programs. */
const PROFILING_MS = (MOST_PROGRAMS + 1) * LONGEST_MS;

/** What a part of test/profiling.ts prints. One that hangs is killed, and begun again. */
async function taken<T>(part: "work" | "labels" | "pages"): Promise<T> {
  const program = [join(import.meta.dirname, "test/profiling.ts"), part];
  const options = { timeout: LONGEST_MS, killSignal: "SIGKILL", maxBuffer: 2 ** 26 } as const;
  for (let left = MOST_PROGRAMS - 1; ; left--) {
    try {
      const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", ...program], options);
      return JSON.parse(stdout) as T;
    } catch (error) {
      if ((error as { killed?: boolean }).killed !== true || left === 0) throw error;
    }
  }
}

/** Whether Go's tool reads a profile, and what it prints; nothing where there is no Go. */
async function goTool(profile: Uint8Array, ...args: string[]): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-pprof-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "profile.pb.gz");
  writeFileSync(file, profile);
  const env = { ...process.env, GOTOOLCHAIN: "local", PPROF_TMPDIR: folder };
  try {
    return (await promisify(execFile)("go", ["tool", "pprof", "-top", ...args, file], { env })).stdout;
  } catch (error) {
    if ((error as { code?: unknown }).code === "ENOENT") return undefined;
    throw error;
  }
}

async function expectGoReads(profile: Uint8Array, contents: RegExp, ...args: string[]): Promise<void> {
  const printed = await goTool(profile, ...args);
  if (printed !== undefined) expect(printed).toMatch(contents);
}

// The first call compiles Go's tool, which takes minutes on a slow machine. It fails for want of a
// file then, or of Go.
beforeAll(async () => {
  await promisify(execFile)("go", ["tool", "pprof"], { env: { ...process.env, GOTOOLCHAIN: "local" } }).catch(
    () => undefined,
  );
}, 600_000);

describe("a CPU profile", { timeout: PROFILING_MS }, () => {
  it("says where the processor's time went, for go tool pprof and as .cpuprofile", async () => {
    const profile = await taken<Taken>("work");
    const bytes = Buffer.from(profile.pprof, "base64");
    const decoded = decodeProfile(bytes);
    expect(decoded.types).toEqual(["samples/count", "cpu/nanoseconds"]);
    const own = withFunction(decoded, "burn");
    expect(own[0]?.stack.find(({ name }) => name === "burn")?.file).toMatch(/^\/.*profiling\.ts$/);
    expect(sum(own, 0)).toBeGreaterThan(0);
    expect(sum(own, 1)).toBeGreaterThan(0);
    expect(decoded.samples.some(({ stack }) => stack[0]?.name === "(idle)")).toBe(false);
    expect(decoded.durationNanos).toBeGreaterThan(100e6);
    expect(decoded.period).toBe(1e6);
    const { nodes, samples } = JSON.parse(profile.cpuprofile) as { nodes: unknown[]; samples: unknown[] };
    expect([nodes.length > 1, samples.length > 0]).toEqual([true, true]);
    await expectGoReads(bytes, /Type: cpu\n[^]* burn$/m);
    expect(profile.refusals).toEqual([
      expect.stringContaining("cpu profiling is not in use"),
      expect.stringContaining("cpu profiling already in use"),
    ]);
  });

  it("tells the work of goroutines apart by their labels, through foreign awaits and into those they start", async () => {
    const bytes = Buffer.from((await taken<Taken>("labels")).pprof, "base64");
    const burnt = withFunction(decodeProfile(bytes), "burn");
    for (const job of ["red", "blue", undefined]) {
      const its = burnt.filter(({ labels }) => labels["job"] === job);
      expect([job, sum(its, 1) > 0]).toEqual([job, true]);
    }
    await expectGoReads(bytes, / burn$/m, "-tagfocus=job=red");
  });
});

describe("labels", () => {
  it("stand in the goroutine profile, in both formats", async () => {
    const ctx = pprof.withLabels(background(), pprof.labels("a", "1", "b", 'say "x"'));
    const ch = chan<number>();
    go(async function labelled() {
      await pprof.do(ctx, pprof.labels("b", "2"), () => ch.recv());
    });
    await gosched();
    expect(pprof.goroutineProfile()).toContain('# labels: {"a":"1", "b":"2"}\n#\tlabelled(...)');
    const samples = withFunction(decodeProfile(pprof.goroutineProfile({ debug: 0 })), "labelled");
    expect(samples.map(({ labels, values }) => [labels, values])).toEqual([[{ a: "1", b: "2" }, [1]]]);
    ch.close();
    await gosched();
    const seen: string[] = [];
    pprof.forLabels(ctx, (key, value) => seen.push(`${key}=${value}`) < 1);
    expect(seen).toEqual(["a=1"]);
    expect(() => pprof.labels("a")).toThrow("uneven number of arguments to pprof.labels");
  });

  it("are those of before when do is over, also if it throws", () => {
    const outer = pprof.labels("a", "1");
    pprof.do(background(), outer, (ctx) => {
      expect(() => pprof.do(ctx, pprof.labels("a", "2"), () => JSON.parse("{"))).toThrow(SyntaxError);
      expect(pprof.goroutineProfile()).toContain('# labels: {"a":"1"}');
    });
    expect(pprof.goroutineProfile()).not.toContain("# labels");
  });
});

describe("a heap profile", () => {
  it("says who allocated what lives", async () => {
    const kept: unknown[] = [];
    function allocate(): void {
      for (let i = 0; i < 2000; i++) kept.push(Array.from({ length: 100 }, (_, k) => k + i));
    }
    await pprof.startHeapProfile({ interval: 1024 });
    await expect(pprof.startHeapProfile()).rejects.toThrow("heap profiling already in use");
    allocate();
    const profile = await pprof.heapProfile({ gc: true });
    const decoded = decodeProfile(profile.pprof());
    expect(decoded.types).toEqual(["inuse_objects/count", "inuse_space/bytes"]);
    expect(sum(withFunction(decoded, "allocate"), 1)).toBeGreaterThan(500_000);
    expect(JSON.parse(profile.heapprofile())).toHaveProperty("head");
    await expectGoReads(profile.pprof(), /Type: inuse_space\n[^]*allocate/);
    expect(kept).toHaveLength(2000);
    await pprof.stopHeapProfile();
    await expect(pprof.heapProfile()).rejects.toThrow("heap profiling is not in use");
  });

  it("counts what was collected since too, if allocations are asked for", async () => {
    function waste(): number {
      let sum = 0;
      for (let i = 0; i < 20_000; i++) sum += Array.from({ length: 100 }, (_, k) => k + i).length;
      return sum;
    }
    await pprof.startHeapProfile({ interval: 4096, kind: "allocs" });
    waste();
    const decoded = decodeProfile((await pprof.heapProfile({ gc: true })).pprof());
    await pprof.stopHeapProfile();
    expect(decoded.types).toEqual(["alloc_objects/count", "alloc_space/bytes"]);
    expect(sum(withFunction(decoded, "waste"), 1)).toBeGreaterThan(5e6);
  });
});

describe("block and mutex profiles", () => {
  it("say who waited, and who held the lock, with their stacks", async () => {
    const mu = new Mutex();
    const release = chan<void>(1);
    async function holder(): Promise<void> {
      await mu.lock();
      await release.recv();
      await sleep(1);
      mu.unlock();
    }
    async function waiter(): Promise<void> {
      await mu.lock();
      mu.unlock();
    }
    pprof.setBlockProfileRate(1e-6);
    expect(pprof.setMutexProfileFraction(1)).toBe(0);
    const wg = new WaitGroup();
    wg.go(holder);
    await gosched();
    for (let i = 0; i < 3; i++) wg.go(waiter);
    await gosched();
    await sleep(5);
    await release.send();
    await wg.wait();
    pprof.setBlockProfileRate(0);
    expect(pprof.setMutexProfileFraction(-1)).toBe(1);
    expect(pprof.setMutexProfileFraction(0)).toBe(1);

    const block = decodeProfile(pprof.blockProfile());
    expect(block.types).toEqual(["contentions/count", "delay/nanoseconds"]);
    const waited = withFunction(block, "waiter");
    expect(sum(waited, 0)).toBe(3);
    expect(sum(waited, 1)).toBeGreaterThan(3 * 5e6);
    expect(waited[0]?.stack[0]).toMatchObject({ name: "waiter", file: expect.stringMatching(/profiles\.test\.ts$/) });
    // Sleep is no wait for anybody: the holder waited for its message alone.
    expect(sum(withFunction(block, "holder"), 0)).toBe(1);

    const mutex = decodeProfile(pprof.mutexProfile());
    expect(sum(withFunction(mutex, "holder"), 0)).toBe(1);
    expect(sum(withFunction(mutex, "holder"), 1)).toBeGreaterThan(5e6);
    expect(pprof.mutexProfile({ debug: 1 })).toMatch(
      /^--- mutex:\ncycles\/second=1000000000\n[^]*\d{7,} 1 @\n#\tholder\t.*profiles\.test\.ts:\d+\n/,
    );
    expect(pprof.blockProfile({ debug: 1 })).toMatch(/^--- contention:\n/);
    await expectGoReads(pprof.blockProfile(), /Type: delay\n[^]*waiter/);
    await expectGoReads(pprof.mutexProfile(), /Type: delay\n[^]*holder/);
  });
});

describe("the goroutine profile with debug 0", () => {
  it("has what each waits for as its innermost frame", async () => {
    const ch = chan<number>();
    for (let i = 0; i < 3; i++) {
      go(async function reader() {
        await ch.recv();
      });
    }
    await gosched();
    const profile = pprof.goroutineProfile({ debug: 0 });
    const [sample] = withFunction(decodeProfile(profile), "reader");
    expect(sample?.values).toEqual([3]);
    expect(sample?.stack.map(({ name }) => name)).toEqual(["[chan receive]", "reader"]);
    await expectGoReads(profile, /\[chan receive\]/);
    ch.close();
    await gosched();
  });
});

describe("/debug/pprof/ over HTTP", { timeout: PROFILING_MS }, () => {
  it("serves every page of its index", async () => {
    const pages = await taken<Record<string, Page>>("pages");
    const textOf = (name: string): string => Buffer.from(pages[name]!.body, "base64").toString();
    const index = textOf("");
    const names = [...index.matchAll(/<td><a href="(\w+)/g)].map(([, name]) => name as string);
    expect(names).toEqual([
      "allocs",
      "block",
      "cmdline",
      "goroutine",
      "goroutineleak",
      "heap",
      "mutex",
      "profile",
      "symbol",
      "trace",
    ]);
    for (const name of names) {
      const { status, type, disposition, body } = pages[name]!;
      expect([name, status]).toEqual([name, 200]);
      if (type === "application/octet-stream") {
        expect(decodeProfile(Buffer.from(body, "base64")).types.length).toBeGreaterThan(0);
        expect(disposition).toBe(`attachment; filename="${name}"`);
      } else expect(body.length).toBeGreaterThan(0);
    }
    const trace = JSON.parse(textOf("trace")) as { traceEvents: unknown[] };
    expect(trace.traceEvents.length).toBeGreaterThan(5);
    expect(JSON.parse(textOf("profile?seconds=0.05&format=cpuprofile"))).toHaveProperty("samples");
    expect([pages["profile?seconds=ten"]!.status, textOf("profile?seconds=ten")]).toEqual([
      400,
      'seconds: expected a number above 0 and up to 3600, got "ten"\n',
    ]);
    expect(pages["profile once more"]!.status).toBe(200);
    expect([pages["profile while one is taken"]!.status, textOf("profile while one is taken")]).toEqual([
      500,
      "Could not enable CPU profiling: cpu profiling already in use\n",
    ]);
    expect(pages["allocs while the heap is watched"]!.status).toBe(500);
    expect(pages["heap?gc=1"]!.status).toBe(200);
  });
});
