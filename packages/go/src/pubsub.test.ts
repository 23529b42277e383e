import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { background, Canceled, withCancel } from "./context.ts";
import { go, gosched, type RecvChan } from "./index.ts";
import { type SlowPolicy, SlowSubscriberError, Topic } from "./pubsub.ts";
import { WaitGroup } from "./sync/index.ts";
import { expectNoLeaks } from "./test/quiet.ts";

expectNoLeaks();

const ctx = background();

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await gosched();
}

async function all<T>(channel: RecvChan<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const value of channel) got.push(value);
  return got;
}

describe("Topic", () => {
  it("gives each value to all subscribers, in the order in which it was published", async () => {
    const sizes = fc.array(fc.nat(3), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(3), fc.nat(20), async (buffers, publishers, each) => {
        const topic = new Topic<string>();
        const wg = new WaitGroup();
        const got = buffers.map((): string[] => []);
        for (const [n, buffer] of buffers.entries()) {
          const values = topic.subscribe(ctx, { buffer });
          wg.go(async () => {
            for await (const value of values) {
              for (let i = n; i > 0; i--) await gosched();
              got[n]!.push(value);
            }
          });
        }
        const senders = new WaitGroup();
        for (let p = 0; p < publishers; p++) {
          senders.go(async () => {
            for (let i = 0; i < each; i++) await topic.publish(`${p}.${i}`);
          });
        }
        await senders.wait();
        topic.close();
        await wg.wait();
        for (const values of got) {
          expect(values).toHaveLength(publishers * each);
          expect(values).toEqual(got[0]);
          for (let p = 0; p < publishers; p++) {
            const own = values.filter((value) => value.startsWith(`${p}.`));
            expect(own).toEqual(Array.from({ length: each }, (_, i) => `${p}.${i}`));
          }
        }
      }),
    );
  });

  it("wait: the publisher waits for the slowest subscriber", async () => {
    const topic = new Topic<number>();
    const fast = topic.subscribe(ctx, { buffer: 10 });
    const slow = topic.subscribe(ctx, { buffer: 1 });
    let published = 0;
    go(async () => {
      for (let i = 1; i <= 3; i++) {
        await topic.publish(i);
        published = i;
      }
      topic.close();
    });
    await settle();
    expect(published).toBe(1);
    expect(await slow.recv()).toBe(1);
    await settle();
    expect(published).toBe(2);
    expect(await all(slow)).toEqual([2, 3]);
    expect(await all(fast)).toEqual([1, 2, 3]);
  });

  it("ends for a subscriber although the publisher that waited for it has given up", async () => {
    const topic = new Topic<number>();
    const values = topic.subscribe(ctx, { buffer: 1 });
    await topic.publish(1);
    const [waiting, cancel] = withCancel(ctx);
    const given = topic.publish(2, waiting).catch((error: unknown) => error);
    await settle();
    topic.close();
    cancel();
    expect(await given).toBe(Canceled);
    expect(await all(values)).toEqual([1]);
  });

  it.each([
    ["dropOldest", [3, 4], [1, 2]],
    ["dropNewest", [1, 2], [3, 4]],
  ] as const)("%s: the publisher never waits, and is told what is dropped", async (slow, kept, dropped) => {
    const topic = new Topic<number>();
    const lost: number[] = [];
    const values = topic.subscribe(ctx, { buffer: 2, slow, onDrop: (n) => void lost.push(n) });
    for (let i = 1; i <= 4; i++) await topic.publish(i);
    topic.close();
    expect({ got: await all(values), lost }).toEqual({ got: kept, lost: dropped });
  });

  it("keeps to its policy also if nobody asks what is dropped", async () => {
    const topic = new Topic<number>();
    const newest = topic.subscribe(ctx, { buffer: 2, slow: "dropOldest" });
    const oldest = topic.subscribe(ctx, { buffer: 2, slow: "dropNewest" });
    for (let i = 1; i <= 4; i++) await topic.publish(i);
    topic.close();
    expect([await all(newest), await all(oldest)]).toEqual([
      [3, 4],
      [1, 2],
    ]);
  });

  it("disconnect: the subscriber gets what is buffered and then the error; the others notice nothing", async () => {
    const topic = new Topic<number>();
    const dropped: number[] = [];
    const slow = topic.subscribe(ctx, { buffer: 2, slow: "disconnect", onDrop: (n) => void dropped.push(n) });
    const other = topic.subscribe(ctx, { buffer: 9 });
    for (let i = 1; i <= 4; i++) await topic.publish(i);
    await settle();
    expect(topic.subscribers).toBe(1);
    const got: number[] = [];
    const read = async (): Promise<void> => {
      for await (const value of slow) got.push(value);
    };
    const error = await read().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(SlowSubscriberError);
    expect(error).toMatchObject({ code: "slow_subscriber" });
    expect({ got, dropped }).toEqual({ got: [1, 2], dropped: [3] });
    topic.close();
    expect(await all(other)).toEqual([1, 2, 3, 4]);
  });

  it("replays the last values to a new subscriber, also after it was closed", async () => {
    const topic = new Topic<number>({ replay: 2 });
    for (let i = 1; i <= 3; i++) await topic.publish(i);
    const late = topic.subscribe(ctx, { buffer: 0 });
    go(() => topic.publish(4));
    expect([await late.recv(), await late.recv(), await late.recv()]).toEqual([2, 3, 4]);
    topic.close();
    expect(await all(late)).toEqual([]);
    expect(await all(topic.subscribe(ctx))).toEqual([3, 4]);
  });

  it("a subscriber that leaves its loop, or whose context ends, holds nobody back", async () => {
    const topic = new Topic<number>();
    const [child, cancel] = withCancel(ctx);
    const leaving = topic.subscribe(ctx, { buffer: 0 });
    const ending = topic.subscribe(child, { buffer: 0 });
    const done: string[] = [];
    go(async () => {
      await topic.publish(1);
      await topic.publish(2);
      done.push("published");
    });
    for await (const value of leaving) {
      done.push(`left at ${value}`);
      break;
    }
    await settle();
    expect(done).toEqual(["left at 1"]);
    cancel();
    await settle();
    expect(done).toEqual(["left at 1", "published"]);
    expect(topic.subscribers).toBe(0);
    expect(await ending.recvOk()).toEqual([undefined, false]);
  });

  it("a publisher whose context ends waits no longer", async () => {
    const topic = new Topic<number>();
    const values = topic.subscribe(ctx, { buffer: 0 });
    const [child, cancel] = withCancel(ctx);
    const outcome = topic.publish(1, child).catch((error: unknown) => error);
    await settle();
    cancel();
    expect(await outcome).toBe(Canceled);
    go(() => topic.publish(2));
    expect(await values.recv()).toBe(2);
    topic.close();
  });

  it("a value that a publisher waits to give still comes when the topic is closed", async () => {
    const topic = new Topic<number>();
    const values = topic.subscribe(ctx, { buffer: 0 });
    const published = topic.publish(1);
    await settle();
    topic.close();
    topic.close();
    expect(await all(values)).toEqual([1]);
    await published;
    await expect(topic.publish(2)).rejects.toThrow("publish on closed topic");
    expect(topic.closed).toBe(true);
  });

  it("refuses options that make no sense", () => {
    const topic = new Topic<number>();
    expect(() => new Topic({ replay: -1 })).toThrow("pubsub: replay must be a whole number from 0 on, got -1");
    expect(() => topic.subscribe(ctx, { buffer: 0, slow: "dropOldest" })).toThrow(
      "pubsub: buffer must be a whole number from 1 on for dropOldest, got 0",
    );
    expect(() => topic.subscribe(ctx, { slow: "hurry" as SlowPolicy })).toThrow(
      "pubsub: slow must be one of wait, dropOldest, dropNewest, disconnect, got hurry",
    );
  });
});
