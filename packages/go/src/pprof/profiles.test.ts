import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { background, type Context } from "../context.ts";
import { chan, go, gosched } from "../index.ts";
import * as pprof from "../pprof.ts";
import { Mutex, WaitGroup } from "../sync/index.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { sleep } from "../time.ts";
import { decodeProfile, type Decoded } from "./test/decode.ts";

expectNoLeaks();

/** Uses the processor for so many milliseconds, so that a profile shows this function. */
function burn(ms: number): number {
  let sum = 0;
  for (const end = performance.now() + ms; performance.now() < end;) {
    for (let i = 0; i < 1000; i++) sum += Math.sqrt(i);
  }
  return sum;
}

const withFunction = (profile: Decoded, name: string): Decoded["samples"][0][] =>
  profile.samples.filter(({ stack }) => stack.some((frame) => frame.name === name));
const sum = (samples: readonly Decoded["samples"][0][], value: number): number =>
  samples.reduce((sum, { values }) => sum + (values[value] ?? 0), 0);

/**
 * Takes a profile of fn; again as long as the sampler, on a busy machine, did not see what it is to
 * see.
 */
async function profiled(fn: () => unknown, isSeen: (profile: Decoded) => boolean): Promise<pprof.CPUProfile> {
  let profile: pprof.CPUProfile | undefined;
  await expect
    .poll(async () => {
      await pprof.startCPUProfile();
      await fn();
      profile = await pprof.stopCPUProfile();
      return isSeen(decodeProfile(profile.pprof()));
    })
    .toBe(true);
  return profile as pprof.CPUProfile;
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

// The first call compiles Go's tool, which takes minutes on a slow machine. It fails for want of a file then, or of Go.
beforeAll(async () => {
  await promisify(execFile)("go", ["tool", "pprof"], { env: { ...process.env, GOTOOLCHAIN: "local" } }).catch(
    () => undefined,
  );
}, 600_000);

// Once in some thirty runs a test here waited for a sample until its time was over. The reason is not
// known. The runs after it passed.
describe("a CPU profile", { retry: 2 }, () => {
  it("says where the processor's time went, for go tool pprof and as .cpuprofile", async () => {
    const profile = await profiled(
      () => burn(100),
      (decoded) => withFunction(decoded, "burn").length > 0,
    );
    const decoded = decodeProfile(profile.pprof());
    expect(decoded.types).toEqual(["samples/count", "cpu/nanoseconds"]);
    const own = withFunction(decoded, "burn");
    expect(own[0]?.stack.find(({ name }) => name === "burn")?.file).toMatch(/^\/.*profiles\.test\.ts$/);
    expect(sum(own, 0)).toBeGreaterThan(0);
    expect(sum(own, 1)).toBeGreaterThan(0);
    expect(decoded.samples.some(({ stack }) => stack[0]?.name === "(idle)")).toBe(false);
    expect(decoded.durationNanos).toBeGreaterThan(100e6);
    expect(decoded.period).toBe(1e6);
    const { nodes, samples } = JSON.parse(profile.cpuprofile()) as { nodes: unknown[]; samples: unknown[] };
    expect([nodes.length > 1, samples.length > 0]).toEqual([true, true]);
    await expectGoReads(profile.pprof(), /Type: cpu\n[^]* burn$/m);
    await expect(pprof.stopCPUProfile()).rejects.toThrow("cpu profiling is not in use");
    await pprof.startCPUProfile();
    await expect(pprof.startCPUProfile()).rejects.toThrow("cpu profiling already in use");
    await pprof.stopCPUProfile();
  });

  it("tells the work of goroutines apart by their labels, through foreign awaits and into those they start", async () => {
    const ctx = background();
    const work = async (): Promise<void> => {
      for (let i = 0; i < 20; i++) {
        burn(5);
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      }
    };
    const wg = new WaitGroup();
    const begin = (name: string): void =>
      wg.go(() =>
        pprof.do(ctx, pprof.labels("job", name), async (ctx: Context) => {
          expect(pprof.label(ctx, "job")).toBe(name);
          const child = new WaitGroup();
          child.go(work); // has the labels of who started it
          await child.wait();
        }),
      );
    // From the first label on goroutines inherit them.
    pprof.setGoroutineLabels(ctx);
    const of = (decoded: Decoded, job: string | undefined): number =>
      sum(
        withFunction(decoded, "burn").filter(({ labels }) => labels["job"] === job),
        1,
      );
    const profile = await profiled(
      async () => {
        begin("red");
        begin("blue");
        wg.go(work);
        await wg.wait();
      },
      (decoded) => ["red", "blue", undefined].every((job) => of(decoded, job) > 0),
    );
    await expectGoReads(profile.pprof(), / burn$/m, "-tagfocus=job=red");
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

describe("/debug/pprof/ over HTTP", () => {
  it("serves every page of its index", async () => {
    const server = createServer(pprof.handler).listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/debug/pprof/`;
    const index = await (await fetch(base)).text();
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
      const seconds = ["allocs", "heap", "profile", "trace"].includes(name) ? "?seconds=0.05" : "";
      const response = await fetch(base + name + seconds);
      const body = new Uint8Array(await response.arrayBuffer());
      expect([name, response.status]).toEqual([name, 200]);
      if (response.headers.get("content-type") === "application/octet-stream") {
        expect(decodeProfile(body).types.length).toBeGreaterThan(0);
        expect(response.headers.get("content-disposition")).toBe(`attachment; filename="${name}"`);
      } else expect(body.length).toBeGreaterThan(0);
    }
    const trace = (await (await fetch(`${base}trace?seconds=0.05`)).json()) as { traceEvents: unknown[] };
    expect(trace.traceEvents.length).toBeGreaterThan(5);
    const profile = (await (await fetch(`${base}profile?seconds=0.05&format=cpuprofile`)).json()) as object;
    expect(profile).toHaveProperty("samples");
    const [bad, twice] = await Promise.all([
      fetch(`${base}profile?seconds=ten`),
      fetch(`${base}profile?seconds=0.2`).then(() => fetch(`${base}profile?seconds=0.05`)),
    ]);
    expect([bad?.status, await bad?.text(), twice?.status]).toEqual([
      400,
      'seconds: expected a number above 0 and up to 3600, got "ten"\n',
      200,
    ]);
    await pprof.startCPUProfile();
    const refused = await fetch(`${base}profile?seconds=0.05`);
    expect([refused.status, await refused.text()]).toEqual([
      500,
      "Could not enable CPU profiling: cpu profiling already in use\n",
    ]);
    await pprof.stopCPUProfile();
    await pprof.startHeapProfile();
    const allocs = await fetch(`${base}allocs?seconds=0.05`);
    expect(allocs.status).toBe(500);
    expect((await fetch(`${base}heap?gc=1`)).status).toBe(200);
    await pprof.stopHeapProfile();
  });
});
