import { background, Canceled, withCancel } from "@sluice/go/context";
import { go } from "@sluice/go";
import { test as bubble, wait } from "@sluice/go/synctest";
import { now, sleep } from "@sluice/go/time";
import { describe, expect, it } from "vitest";
import { type Replica, ReplicaPool } from "./resilient-client.ts";

const ctx = background();

/** A replica that answers with its name after `ms` milliseconds, and counts its calls. */
function replica(name: string, ms: () => number): Replica & { calls: number; cancelled: number } {
  const ask = async (ctx: Parameters<Replica>[0]): Promise<string> => {
    ask.calls++;
    const wait = ms();
    if (wait < 0) throw new Error(`${name} is down`);
    await sleep(wait, ctx).catch((error) => {
      ask.cancelled++;
      throw error;
    });
    return name;
  };
  ask.calls = 0;
  ask.cancelled = 0;
  return ask;
}

describe("the pool of replicas", () => {
  it("takes turns", () =>
    bubble(async () => {
      const pool = new ReplicaPool([replica("a", () => 1), replica("b", () => 1)], { hedgeMs: 10 });
      expect([await pool.get(ctx, "/"), await pool.get(ctx, "/"), await pool.get(ctx, "/")]).toEqual(["a", "b", "a"]);
    }));

  it("asks the other when one is slow, and cancels the slow call, which is not a failure", () =>
    bubble(async () => {
      const a = replica("a", () => 1_000);
      const b = replica("b", () => 5);
      const states: string[] = [];
      const pool = new ReplicaPool([a, b], { hedgeMs: 30, failures: 1, onChange: (_, state) => states.push(state) });
      const began = now().getTime();
      expect(await pool.get(ctx, "/")).toBe("b");
      expect(now().getTime() - began).toBe(35);
      await wait();
      expect([a.calls, a.cancelled, states]).toEqual([1, 1, []]);
    }));

  it("leaves one alone that is down, and tries it again after a while", () =>
    bubble(async () => {
      let down = true;
      const a = replica("a", () => (down ? -1 : 1));
      const b = replica("b", () => 1);
      const states: string[] = [];
      const pool = new ReplicaPool([a, b], {
        hedgeMs: 50,
        failures: 3,
        restMs: 1_000,
        onChange: (i, state) => states.push(`${"ab"[i]} ${state}`),
      });
      for (let i = 0; i < 20; i++) expect(await pool.get(ctx, "/")).toBe("b");
      expect([a.calls, states]).toEqual([3, ["a open"]]);
      down = false;
      await sleep(1_000);
      expect([await pool.get(ctx, "/"), await pool.get(ctx, "/"), await pool.get(ctx, "/")]).toEqual(["a", "b", "a"]);
      expect(states).toEqual(["a open", "a half-open", "a closed"]);
    }));

  it("reports the errors of all replicas when all are down, and stops when its caller gives up", () =>
    bubble(async () => {
      const pool = new ReplicaPool([replica("a", () => -1), replica("b", () => -1)], { hedgeMs: 10 });
      const error = (await pool.get(ctx, "/").catch((error: unknown) => error)) as AggregateError;
      expect(error.errors.map(({ message }: Error) => message)).toEqual(["a is down", "b is down"]);
      const slow = replica("slow", () => 10_000);
      const [own, cancel] = withCancel(ctx);
      go(async () => {
        await sleep(5);
        cancel();
      });
      await expect(new ReplicaPool([slow], { hedgeMs: 10 }).get(own, "/")).rejects.toBe(Canceled);
      await wait();
      expect(slow.cancelled).toBe(1);
    }));
});
