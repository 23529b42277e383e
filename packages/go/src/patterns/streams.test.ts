import { EventEmitter, getEventListeners, once } from "node:events";
import { createInterface } from "node:readline";
import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { chan, go, gosched, numGoroutine, type RecvChan } from "../index.ts";
import { background, Canceled, withCancel } from "../context.ts";
import { expectNoLeaks } from "../test/quiet.ts";
import { flatMap, fromEvent, generate, map, stage, toReadableStream, toWritableStream } from "./index.ts";

expectNoLeaks();

const ctx = background();

function* count(to: number): Generator<number> {
  for (let i = 0; i < to; i++) yield i;
}

/** A stream that gives 0, 1, … and then waits for ever, and tells why it was cancelled. */
function endless(first: number): { stream: ReadableStream<number>; cancelled: () => boolean; pulls: () => number } {
  let cancelled = false;
  let pulls = 0;
  const stream = new ReadableStream<number>(
    {
      pull: (controller) => {
        if (pulls < first) controller.enqueue(pulls++);
        else return new Promise<void>(() => undefined);
        return undefined;
      },
      cancel: () => void (cancelled = true),
    },
    { highWaterMark: 0 },
  );
  return { stream, cancelled: () => cancelled, pulls: () => pulls };
}

describe("a stream into a channel", () => {
  it("gives every chunk, and ends with the stream", async () => {
    const got: number[] = [];
    for await (const v of generate(ctx, toReadableStream(generate(ctx, count(100))))) got.push(v);
    expect(got).toEqual([...count(100)]);
  });

  it("is cancelled in the middle of a read when the reader leaves", async () => {
    const { stream, cancelled } = endless(3);
    const [c, cancel] = withCancel(ctx);
    const got: number[] = [];
    go(async () => {
      while (got.length < 3) await gosched();
      cancel();
    });
    for await (const v of generate(c, stream)) got.push(v);
    expect({ got, cancelled: cancelled() }).toEqual({ got: [0, 1, 2], cancelled: true });
  });

  it("asks for no more than is taken", async () => {
    const { stream, pulls } = endless(1000);
    for await (const v of generate(ctx, stream)) if (v === 4) break;
    expect(pulls()).toBeLessThan(10);
  });

  it("has released its lock at its end, and after the loop was left, as a plain for await does", async () => {
    const ended = new ReadableStream<number>({ start: (controller) => controller.close() });
    for await (const _ of generate(ctx, ended)) throw new Error("it has no chunk");
    const { stream } = endless(3);
    for await (const _ of generate(ctx, stream)) break;
    expect([ended.locked, stream.locked]).toEqual([false, false]);
  });

  it("rejects with the stream's error", async () => {
    const stream = new ReadableStream<number>({ start: (controller) => controller.error(new Error("lost")) });
    await expect(generate(ctx, stream)[Symbol.asyncIterator]().next()).rejects.toThrow("lost");
  });
});

describe("a Node stream as a source", () => {
  it("is destroyed at once when the pipeline is cancelled while it is silent", async () => {
    const stream = new PassThrough();
    const [c, cancel] = withCancel(ctx);
    const got: string[] = [];
    stream.write("hello");
    go(async () => {
      while (got.length === 0) await gosched();
      cancel();
    });
    for await (const part of map(ctx, generate<Buffer>(c, stream), (part) => part.toString())) got.push(part);
    expect({ got, destroyed: stream.destroyed }).toEqual({ got: ["hello"], destroyed: true });
  });

  it("is destroyed when the loop is left", async () => {
    const stream = Readable.from(["a", "b", "c"]);
    for await (const _ of map(ctx, generate<string>(ctx, stream), (part) => part)) break;
    expect(stream.destroyed).toBe(true);
  });

  it("may be read by a readline interface, which has lines before the goroutine begins", async () => {
    const got: string[] = [];
    for (let i = 0; i < 300; i++) go(() => undefined); // they begin first
    const input = Readable.from(["a\nb\n", "c\nd"]);
    for await (const line of generate(ctx, createInterface({ input }))) got.push(line);
    expect(got).toEqual(["a", "b", "c", "d"]);
  });

  it("takes no value that a stream over the channel was not asked for when that is destroyed", async () => {
    const ch = chan<number>();
    const stream = Readable.from(ch);
    stream.on("error", () => undefined);
    stream.resume();
    await gosched();
    stream.destroy();
    await once(stream, "close");
    expect(ch.trySend(1)).toBe(false);
  });
});

describe("a source whose cleanup fails", () => {
  const fail = (): never => {
    throw new Error("cursor could not be closed");
  };
  const closing = [
    [
      "an async generator",
      async function* (): AsyncGenerator<number> {
        try {
          for (;;) yield 1;
        } finally {
          fail();
        }
      },
    ],
    [
      "a generator",
      function* (): Generator<number> {
        try {
          for (;;) yield 1;
        } finally {
          fail();
        }
      },
    ],
  ] as const;

  it.each(closing)("%s: the error is thrown where the loop was left, behind other stages too", async (_, rows) => {
    const leave = async (source: AsyncIterable<number>): Promise<void> => {
      for await (const _ of source) break;
    };
    await expect(leave(generate(ctx, rows()))).rejects.toThrow("cursor could not be closed");
    const staged = map(
      ctx,
      map(ctx, generate(ctx, rows()), (v) => v),
      (v) => v,
    );
    await expect(leave(staged)).rejects.toThrow("cursor could not be closed");
  });

  it("an async generator in the middle of its next: the loop waits for the cleanup, and gets its error", async () => {
    const events: string[] = [];
    const rows = async function* (): AsyncGenerator<number> {
      try {
        for (let n = 0; ; n++) {
          yield n;
          await new Promise((resolve) => setTimeout(resolve, 5)); // the query of the next row
        }
      } finally {
        await new Promise((resolve) => setTimeout(resolve, 5));
        events.push("closed");
        fail();
      }
    };
    for (const through of [(rows: RecvChan<number>) => rows, (rows: RecvChan<number>) => map(ctx, rows, (v) => v)]) {
      const read = async (): Promise<void> => {
        for await (const v of through(generate(ctx, rows()))) if (v === 1) break;
      };
      await expect(read()).rejects.toThrow("cursor could not be closed");
      events.push("left");
    }
    expect(events).toEqual(["closed", "left", "closed", "left"]);
  });

  it.each(closing)("%s: an error from before is not replaced by it", async (_, rows) => {
    const failing = map(ctx, generate(ctx, rows()), (): number => {
      throw new Error("the first");
    });
    await expect(failing.recv()).rejects.toThrow("the first");
  });

  it.each(closing)("%s: a pipeline that is cancelled ends with it", async (_, rows) => {
    const [c, cancel] = withCancel(ctx);
    const read = async (): Promise<void> => {
      for await (const _ of generate(c, rows())) cancel();
    };
    await expect(read()).rejects.toThrow("cursor could not be closed");
  });
});

describe("fromEvent over an emitter in Node's manner", () => {
  it("gives the argument of each event, or all of them, and takes its listener off", async () => {
    const emitter = new EventEmitter();
    const [c, cancel] = withCancel(ctx);
    const jobs = fromEvent<number | string[]>(c, emitter, "job");
    emitter.emit("job", 42);
    emitter.emit("job", "a", "b");
    expect([await jobs.recv(), await jobs.recv()]).toEqual([42, ["a", "b"]]);
    expect(emitter.listenerCount("job")).toBe(1);
    cancel();
    expect(emitter.listenerCount("job")).toBe(0);
    expect(await jobs.recvOk()).toEqual([undefined, false]);
    const late = fromEvent(c, emitter, "job");
    expect(emitter.listenerCount("job")).toBe(0);
    expect(await late.recvOk()).toEqual([undefined, false]);
  });

  it("refuses anything else before it starts anything", async () => {
    const before = numGoroutine();
    expect(() => fromEvent(ctx, {} as EventEmitter, "job")).toThrow(
      "fromEvent: expected an EventTarget, or an emitter with `on` and `off`",
    );
    expect(() => fromEvent(ctx, null as never, "job")).toThrow(TypeError);
    expect(numGoroutine()).toBe(before);
  });
});

describe("generate over an async iterator", () => {
  it("does not wait for a next that never comes when the stage stops", async () => {
    let returned = false;
    const stuck: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: async () => {
          returned = true;
          return { value: undefined, done: true };
        },
      }),
    };
    const before = numGoroutine();
    const [c, cancel] = withCancel(ctx);
    const out = generate(c, stuck);
    await gosched();
    cancel();
    expect(await out.recvOk()).toEqual([undefined, false]);
    expect({ returned, goroutines: numGoroutine() }).toEqual({ returned: true, goroutines: before });
  });

  it("leaves a generator whose next never comes when the grace is over, and warns", async () => {
    let answer: (() => void) | undefined;
    const stuck = (async function* () {
      yield 1;
      await new Promise<void>((resolve) => (answer = resolve));
    })();
    const warnings: string[] = [];
    const listener = ({ message }: Error): unknown => warnings.push(message);
    process.on("warning", listener);
    for await (const _ of stage<number>(ctx, [], (s) => s.emitAll(stuck), { name: "rows", grace: 1 })) {
      while (answer === undefined) await gosched();
      break;
    }
    answer?.();
    await gosched();
    process.off("warning", listener);
    expect(warnings).toEqual([expect.stringMatching(/^rows: 1 of its workers did not end within 1 ms/)]);
  });

  it.each([
    [5, "Number"],
    [null, "Null"],
    [undefined, "Undefined"],
    [{}, "Object"],
  ])("refuses %j with a text that says what it takes", (given, kind) => {
    expect(() => generate(ctx, given as never)).toThrow(`generate: expected an iterable or a stream, got ${kind}`);
  });

  it("does not ask at all when the context is done", async () => {
    const [c, cancel] = withCancel(ctx);
    cancel();
    let asked = false;
    const out = generate(
      c,
      (async function* () {
        asked = true;
        yield 1;
      })(),
    );
    expect(await out.recvOk()).toEqual([undefined, false]);
    expect(asked).toBe(false);
  });

  it("does not call return on an iterator that threw", async () => {
    let returned = 0;
    const broken: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error("torn")),
        return: async () => ({ value: returned++, done: true }),
      }),
    };
    await expect(generate(ctx, broken).recv()).rejects.toThrow("torn");
    expect(returned).toBe(0);
  });

  it("takes a next and a return that give no promise, as for await does", async () => {
    let left = false;
    const iterator = {
      n: 0,
      next: () => ({ value: iterator.n, done: iterator.n++ >= 5 }),
      return: () => ((left = true), { value: undefined, done: true }),
    };
    const synchronous = { [Symbol.asyncIterator]: () => iterator } as unknown as AsyncIterable<number>;
    const got: number[] = [];
    for await (const v of generate(ctx, synchronous)) if (got.push(v) === 3) break;
    expect({ got, left }).toEqual({ got: [0, 1, 2], left: true });
    for await (const v of generate(ctx, synchronous)) got.push(v);
    expect(got.at(-1)).toBe(4);
  });

  it("does not call return on an iterator whose next throws instead of rejecting", async () => {
    let left = false;
    const broken: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          throw new Error("at once");
        },
        return: () => ((left = true), Promise.resolve({ value: undefined, done: true })),
      }),
    };
    await expect(generate(ctx, broken).recv()).rejects.toThrow("at once");
    expect(left).toBe(false);
  });
});

describe("flatMap over async iterables", () => {
  it("keeps nothing of those that have ended", async () => {
    let signal: AbortSignal | undefined;
    async function* one(v: number): AsyncGenerator<number> {
      yield v;
    }
    const out = flatMap(ctx, generate(ctx, count(100)), (v, stage) => {
      signal = stage.signal;
      return one(v);
    });
    let most = 0;
    for await (const _ of out) most = Math.max(most, getEventListeners(signal as AbortSignal, "abort").length);
    expect(most).toBe(1);
  });
});

describe("a channel into a stream", () => {
  it("pipes through, at the pace of the slower side", async () => {
    let made = 0;
    const source = map(ctx, generate(ctx, count(50)), (v) => {
      made++;
      return v;
    });
    const sums: number[] = [];
    let sum = 0;
    await toReadableStream(source).pipeTo(
      new WritableStream<number>(
        {
          write: (v) => {
            expect(made - sums.length).toBeLessThan(6);
            sums.push((sum += v));
          },
        },
        { highWaterMark: 1 },
      ),
    );
    expect(sums.at(-1)).toBe(1225);
  });

  it("ends the stages before it when it is cancelled", async () => {
    const before = numGoroutine();
    const stream = toReadableStream(map(ctx, generate(ctx, count(1e9)), (v) => v));
    const reader = stream.getReader();
    expect(await reader.read()).toEqual({ value: 0, done: false });
    await reader.cancel();
    expect(numGoroutine()).toBe(before);
  });

  it("takes no value from a plain channel after it was cancelled in the middle of a read", async () => {
    const ch = chan<string>();
    const reader = toReadableStream(ch).getReader();
    const reading = reader.read();
    await gosched();
    await reader.cancel();
    expect((await reading).done).toBe(true);
    go(() => ch.send("kept"));
    expect(await ch.recv()).toBe("kept");
  });

  it("has what was sent before it was cancelled, and loses nothing", async () => {
    const ch = chan<string>();
    const reader = toReadableStream(ch).getReader();
    const reading = reader.read();
    await gosched();
    const sent = ch.trySend("a");
    const cancelling = reader.cancel();
    expect({ sent, read: await reading }).toEqual({ sent: true, read: { value: "a", done: false } });
    await cancelling;
    expect(ch.trySend("b")).toBe(false);
  });

  it("closes with the channel, and rejects with its error, also where it waits", async () => {
    const ch = chan<string>();
    const reading = toReadableStream(ch).getReader().read();
    await gosched();
    ch.close();
    expect((await reading).done).toBe(true);
    const failing = map(ctx, generate(ctx, count(1)), async () => (await gosched(), Promise.reject(new Error("late"))));
    await expect(toReadableStream(failing).getReader().read()).rejects.toThrow("late");
  });

  it("lets the event loop have its turns, however fast it is read", async () => {
    const ch = chan<number>(1);
    let over = false;
    setTimeout(() => (over = true), 5);
    const reader = toReadableStream(ch).getReader();
    for (ch.trySend(0); !over; ch.trySend(0)) await reader.read();
    await reader.cancel();
  });

  it("rejects with the error of a stage", async () => {
    const failing = map(ctx, generate(ctx, count(3)), (v) => (v === 1 ? Promise.reject(new Error("one")) : v));
    const reader = toReadableStream(failing).getReader();
    expect((await reader.read()).value).toBe(0);
    await expect(reader.read()).rejects.toThrow("one");
  });
});

describe("a stream's writes into a channel", () => {
  it("wait while the channel is full, and close it at the end", async () => {
    const ch = chan<number>(2);
    const writing = toReadableStream(generate(ctx, count(20))).pipeTo(toWritableStream(ch));
    const got: number[] = [];
    for await (const v of ch) {
      expect(ch.len).toBeLessThanOrEqual(2);
      got.push(v);
    }
    await writing;
    expect(got).toEqual([...count(20)]);
  });

  it("give receivers the reason when the stream is aborted, also while a write waits", async () => {
    const ch = chan<number>(1);
    const writer = toWritableStream(ch).getWriter();
    await writer.write(1);
    const stuck = writer.write(2);
    stuck.catch(() => undefined);
    await gosched();
    await writer.abort(new Error("gone"));
    expect(await ch.recv()).toBe(1);
    await expect(ch.recv()).rejects.toThrow("gone");
  });
});

describe("events", () => {
  it("come through a channel from the call on, and the listener goes with the reader", async () => {
    const target = new EventTarget();
    const events = fromEvent(ctx, target, "tick");
    for (let i = 0; i < 3; i++) target.dispatchEvent(new CustomEvent("tick", { detail: i }));
    const got: unknown[] = [];
    for await (const event of events) {
      got.push((event as CustomEvent<number>).detail);
      if (got.length === 3) break;
    }
    expect(got).toEqual([0, 1, 2]);
    target.dispatchEvent(new Event("tick")); // would panic if it were still listened to: the channel is closed
  });

  it("end when the context does", async () => {
    const [c, cancel] = withCancel(ctx);
    const events = fromEvent(c, new EventTarget(), "never");
    cancel();
    expect(await events.recvOk()).toEqual([undefined, false]);
  });

  it("are not listened to once the context is done", async () => {
    const [c, cancel] = withCancel(ctx);
    const target = new EventTarget();
    const before = fromEvent(c, target, "tick");
    cancel();
    const after = fromEvent(c, target, "tick");
    target.dispatchEvent(new Event("tick"));
    expect([await before.recvOk(), await after.recvOk()]).toEqual([
      [undefined, false],
      [undefined, false],
    ]);
  });

  it("beyond a capacity are dropped, as signal.Notify drops signals", async () => {
    const [c, cancel] = withCancel(ctx);
    const target = new EventTarget();
    const events = fromEvent(c, target, "tick", 2);
    for (let i = 0; i < 5; i++) target.dispatchEvent(new Event("tick"));
    expect(events.len).toBe(2);
    cancel();
    while ((await events.recvOk())[1]);
  });

  it("take ctx.signal, as every API does that takes an AbortSignal", async () => {
    const [c, cancel] = withCancel(ctx);
    const waiting = once(new EventEmitter(), "never", { signal: c.signal });
    cancel();
    await expect(waiting).rejects.toMatchObject({ name: "AbortError", cause: Canceled });
  });
});
