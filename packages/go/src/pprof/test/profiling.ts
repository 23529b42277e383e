// A program that takes profiles of the processor, for profiles.test.ts, and prints what it got as
// JSON:
//
//   node --conditions=source profiling.ts work|labels|pages
//
// It is a process of its own because V8's profiler stopped the process it ran in twice in some
// thirty runs: it took no sample for half a minute, or did not return at all. The test kills this
// program then, and starts it again.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { background, type Context } from "../../context.ts";
import * as pprof from "../../pprof.ts";
import { WaitGroup } from "../../sync/index.ts";
import { decodeProfile, type Decoded } from "./decode.ts";

/** A profile, as both formats have it: pprof in base64. */
export interface Taken {
  readonly pprof: string;
  readonly cpuprofile: string;
  /** What was said of calls that come at the wrong time. */
  readonly refusals?: readonly string[];
}

/** An answer over HTTP: its body in base64. */
export interface Page {
  readonly status: number;
  readonly type: string | null;
  readonly disposition: string | null;
  readonly body: string;
}

/** Uses the processor for so many milliseconds, so that a profile shows this function. */
function burn(ms: number): number {
  let sum = 0;
  for (const end = performance.now() + ms; performance.now() < end;) {
    for (let i = 0; i < 1000; i++) sum += Math.sqrt(i);
  }
  return sum;
}

function isBurning(profile: Decoded, job?: string): boolean {
  return profile.samples.some(
    ({ stack, labels }) => labels["job"] === job && stack.some(({ name }) => name === burn.name),
  );
}

/**
 * Takes a profile of fn, and again while the sampler, on a busy machine, does not see what it is to
 * see.
 */
async function profiled(fn: () => unknown, isSeen: (profile: Decoded) => boolean): Promise<Taken> {
  for (;;) {
    await pprof.startCPUProfile();
    await fn();
    const profile = await pprof.stopCPUProfile();
    const bytes = profile.pprof();
    if (isSeen(decodeProfile(bytes)))
      return { pprof: Buffer.from(bytes).toString("base64"), cpuprofile: profile.cpuprofile() };
  }
}

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "nothing was refused",
    (error: Error) => error.message,
  );

async function work(): Promise<Taken> {
  const taken = await profiled(
    () => burn(100),
    (profile) => isBurning(profile),
  );
  const refusals = [await messageOf(pprof.stopCPUProfile())];
  await pprof.startCPUProfile();
  refusals.push(await messageOf(pprof.startCPUProfile()));
  await pprof.stopCPUProfile();
  return { ...taken, refusals };
}

/** Two goroutines with a label, which those that they start inherit, and one without. */
async function labels(): Promise<Taken> {
  const ctx = background();
  const turns = async (): Promise<void> => {
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
        if (pprof.label(ctx, "job") !== name) throw new Error("do has not set the label");
        const child = new WaitGroup();
        child.go(turns);
        await child.wait();
      }),
    );
  // From the first label on goroutines inherit them.
  pprof.setGoroutineLabels(ctx);
  return await profiled(
    async () => {
      begin("red");
      begin("blue");
      wg.go(turns);
      await wg.wait();
    },
    (profile) => ["red", "blue", undefined].every((job) => isBurning(profile, job)),
  );
}

/** The pages of /debug/pprof/ by what was asked for. */
async function pages(): Promise<Record<string, Page>> {
  const server = createServer(pprof.handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/debug/pprof/`;
  const got: Record<string, Page> = {};
  const get = async (name: string, as = name): Promise<string> => {
    const response = await fetch(base + name);
    const body = Buffer.from(await response.arrayBuffer());
    got[as] = {
      status: response.status,
      type: response.headers.get("content-type"),
      disposition: response.headers.get("content-disposition"),
      body: body.toString("base64"),
    };
    return body.toString();
  };
  const index = await get("");
  for (const [, name = ""] of index.matchAll(/<td><a href="(\w+)/g))
    await get(name + (["allocs", "heap", "profile", "trace"].includes(name) ? "?seconds=0.05" : ""), name);
  await get("profile?seconds=0.05&format=cpuprofile");
  await Promise.all([
    get("profile?seconds=ten"),
    get("profile?seconds=0.2").then(() => get("profile?seconds=0.05", "profile once more")),
  ]);
  await pprof.startCPUProfile();
  await get("profile?seconds=0.05", "profile while one is taken");
  await pprof.stopCPUProfile();
  await pprof.startHeapProfile();
  await get("allocs?seconds=0.05", "allocs while the heap is watched");
  await get("heap?gc=1");
  await pprof.stopHeapProfile();
  server.close();
  return got;
}

const parts: Readonly<Record<string, () => Promise<unknown>>> = { work, labels, pages };
if (import.meta.main) process.stdout.write(JSON.stringify(await parts[process.argv[2] ?? ""]!()));
