// What each entry has: the names that programs import, and the shapes that they rely on. A name
// that goes away, or changes its shape, is a breaking change and must be one on purpose.
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, expectTypeOf, it } from "vitest";
import type * as Atomic from "../atomic.ts";
import type * as Bench from "../bench/index.ts";
import type * as Contexts from "../context.ts";
import type * as Errgroup from "../errgroup.ts";
import type * as Fibers from "../fiber/index.ts";
import type * as Go from "../index.ts";
import type * as Leak from "../leak.ts";
import type * as Parallel from "../parallel/index.ts";
import type * as Patterns from "../patterns/index.ts";
import type * as Pprof from "../pprof.ts";
import type * as Semaphore from "../semaphore.ts";
import type * as Singleflight from "../singleflight.ts";
import type * as Sync from "../sync/index.ts";
import type * as Synctest from "../synctest/index.ts";
import type * as Time from "../time.ts";
import type * as Trace from "../trace/index.ts";

const exported: Readonly<Record<string, string>> = {
  ".": "chan daemon defer go goexit gosched main numGoroutine otherwise recoverable recv select send timeout",
  "./sync": "Cond Mutex Once Pool RWMutex SyncMap WaitGroup onceFunc onceValue onceValues",
  "./atomic": "Bool Int32 Int64 Uint32 Uint64 Value",
  "./context":
    "Canceled DeadlineExceeded TypedKey afterFunc background cause fromSignal key notify todo withCancel " +
    "withCancelCause withDeadline withDeadlineCause withTimeout withTimeoutCause withValue withoutCancel",
  "./time": "Ticker Timer after afterFunc now settle sleep tick",
  "./errgroup": "Group withContext",
  "./semaphore": "Weighted",
  "./singleflight": "Group",
  "./patterns":
    "Breaker BreakerOpenError Pool UnhealthyError batch bridge buffer conflate debounce every fanOut filter flatMap " +
    "forEach fromEvent generate groupBy heal heartbeat hedge map merge or orDone ordered partition rateLimit reduce " +
    "replicate sample stage take tee throttle toReadableStream toWritableStream unbatch window workList workerPool",
  "./net": "LineTooLongError StreamClosedError connections lines requests serve write",
  "./pubsub": "SlowSubscriberError Topic",
  "./rate": "Inf KeyedLimiter Limiter every",
  "./retry": "Budget constant exponential permanent retry retryAfter",
  "./parallel":
    "SharedCond SharedMutex SharedOnce SharedRWMutex SharedWaitGroup gomaxprocs numCPU parallel runtimeStats " +
    "sharedChan transfer",
  "./fiber":
    "acquire endWith fail go gosched lock main otherwise rLock range recv recvOk select send sleep timeout until wait",
  "./leak":
    "cleanup find ignoreAnyFunction ignoreCreatedBy ignoreCurrent ignoreTopFunction proven runOnFailure verifyNone " +
    "verifyTestMain",
  "./pprof":
    "blockProfile do forLabels goroutineLeakProfile goroutineProfile handler heapProfile label labels metrics " +
    "mutexProfile recordStacks setBlockProfileRate setGoroutineLabels setMutexProfileFraction startCPUProfile " +
    "startHeapProfile stopCPUProfile stopHeapProfile withLabels",
  "./trace": "FlightRecorder Region Task isEnabled log newTask start startRegion stop withRegion",
  "./trace/html": "traceHtml",
  "./bench": "bench benchmark parallelBody run",
  "./synctest": "ScheduleError explore sleep test wait",
  "./race": "detect failTests onRace",
  "./race/vite": "race",
};
/** Loading these switches the detector on. */
const switches = ["./race/register", "./race/vitest", "./package.json"];

const root = new URL("../../", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
  exports: Record<string, { source: string }>;
};

describe("the entries", () => {
  it("are those of the package", () => {
    expect(Object.keys(manifest.exports).toSorted()).toEqual([...Object.keys(exported), ...switches].toSorted());
  });

  it.each(Object.entries(exported))("%s has these names and no others", async (entry, names) => {
    const file = new URL(manifest.exports[entry]?.source ?? "", root).href;
    const module = (await import(/* @vite-ignore */ file)) as object;
    expect(Object.keys(module).toSorted().join(" ")).toBe(names.split(" ").toSorted().join(" "));
  });
});

describe("the shapes", () => {
  it("are what the documentation promises", () => {
    type Ctx = Contexts.Context;
    expectTypeOf<Parameters<typeof Go.main>[0]>().toEqualTypeOf<() => unknown>();
    expectTypeOf<ReturnType<typeof Go.main>>().toEqualTypeOf<Promise<void>>();
    expectTypeOf<ReturnType<typeof Go.goexit>>().toEqualTypeOf<never>();
    expectTypeOf<Go.RecvChan<number>["tryRecv"]>().returns.toEqualTypeOf<
      | { readonly ready: true; readonly value: number; readonly ok: true }
      | { readonly ready: true; readonly value: undefined; readonly ok: false }
      | { readonly ready: false }
    >();
    expectTypeOf<Go.RecvChan<number>["recvOk"]>().returns.toEqualTypeOf<
      Promise<[value: number, ok: true] | [value: undefined, ok: false]>
    >();

    expectTypeOf<Sync.Mutex["lock"]>().toEqualTypeOf<() => Promise<Disposable>>();
    expectTypeOf<Sync.Mutex["tryLock"]>().toEqualTypeOf<() => Disposable | undefined>();
    expectTypeOf<Sync.RWMutex["rLocker"]>().toEqualTypeOf<() => Sync.Locker>();
    expectTypeOf<Sync.SyncMap<string, number>["loadOrStore"]>().returns.toEqualTypeOf<
      [actual: number, loaded: boolean]
    >();
    expectTypeOf<Atomic.Int64["add"]>().returns.toEqualTypeOf<bigint>();
    expectTypeOf<Atomic.Int32["compareAndSwap"]>().toEqualTypeOf<(old: number, next: number) => boolean>();

    expectTypeOf<Ctx["done"]>().returns.toEqualTypeOf<Go.RecvChan<never> | undefined>();
    expectTypeOf<Ctx["deadline"]>().returns.toEqualTypeOf<Date | undefined>();
    expectTypeOf<Ctx["signal"]>().toEqualTypeOf<AbortSignal>();
    expectTypeOf<typeof Contexts.withTimeout>().returns.toEqualTypeOf<[Ctx, Contexts.CancelFunc]>();
    expectTypeOf<typeof Contexts.withTimeoutCause>().parameters.toEqualTypeOf<[Ctx, number, Error | undefined]>();
    expectTypeOf<typeof Contexts.withDeadlineCause>().parameters.toEqualTypeOf<[Ctx, Date, Error | undefined]>();
    expectTypeOf<Contexts.CancelFunc>().toExtend<Disposable>();
    expectTypeOf<Parameters<typeof Time.sleep>>().toEqualTypeOf<[ms: number, ctx?: Ctx | undefined]>();
    expectTypeOf<Time.Timer["c"]>().toExtend<Go.RecvChan<Date>>();

    expectTypeOf<typeof Errgroup.withContext>().returns.toEqualTypeOf<[Errgroup.Group, Ctx]>();
    expectTypeOf<Semaphore.Weighted["acquire"]>().toEqualTypeOf<(ctx: Ctx, n?: number) => Promise<void>>();
    expectTypeOf<Singleflight.Group<string, number>["do"]>().returns.toEqualTypeOf<
      Promise<{ readonly value: number; readonly shared: boolean }>
    >();
    expectTypeOf<Singleflight.Group<string, number>["doChan"]>().returns.toExtend<
      Go.RecvChan<{ readonly value?: number; readonly err?: unknown; readonly shared: boolean }>
    >();
    expectTypeOf<typeof Patterns.take<number>>().parameters.toExtend<[Ctx, Go.RecvChan<number>, number]>();

    expectTypeOf<Parallel.Parallel<[n: number], boolean>>().returns.toEqualTypeOf<Promise<boolean>>();
    expectTypeOf<Parallel.Parallel<[n: number], boolean>["go"]>().toEqualTypeOf<(n: number) => void>();
    expectTypeOf<typeof Parallel.gomaxprocs>().toEqualTypeOf<(n?: number) => number>();
    expectTypeOf<Parallel.RuntimeStats["perProc"][0]>().toEqualTypeOf<{
      readonly id: number;
      readonly queued: number;
      readonly ran: number;
      readonly stolen: number;
    }>();
    expectTypeOf<Parallel.SharedChan<number>>().toExtend<Go.Chan<number>>();

    expectTypeOf<typeof Fibers.main>().toEqualTypeOf<typeof Go.main>();
    expectTypeOf<ReturnType<typeof Fibers.recvOk<number>>>().toEqualTypeOf<Fibers.Operation<Go.Received<number>>>();
    expectTypeOf<typeof Fibers.acquire>().parameters.toEqualTypeOf<
      [semaphore: Semaphore.Weighted, n?: number | undefined, ctx?: Ctx | undefined]
    >();

    expectTypeOf<typeof Leak.find>().toEqualTypeOf<
      (...options: readonly Leak.Option[]) => Promise<Error | undefined>
    >();
    expectTypeOf<typeof Pprof.handler>().toBeCallableWith({} as IncomingMessage, {} as ServerResponse);
    expectTypeOf<typeof Pprof.metrics>().returns.toEqualTypeOf<string>();
    expectTypeOf<ReturnType<typeof Pprof.goroutineProfile>>().toEqualTypeOf<string>();
    expectTypeOf<Parameters<typeof Trace.start>>().toEqualTypeOf<[options?: Trace.StartOptions | undefined]>();
    expectTypeOf<typeof Trace.stop>().toEqualTypeOf<() => string>();
    expectTypeOf<Bench.B["loop"]>().toEqualTypeOf<() => boolean>();
    expectTypeOf<typeof Synctest.test>().toEqualTypeOf<(fn: () => unknown) => Promise<void>>();
    expectTypeOf<typeof Synctest.explore>().parameter(1).toEqualTypeOf<Synctest.ExploreOptions | undefined>();
    expect(true).toBe(true);
  });
});
