import { background, Canceled, DeadlineExceeded, withCancel } from "@sluice/go/context";
import { generate, map } from "@sluice/go/patterns";
import { test as bubble } from "@sluice/go/synctest";
import { now } from "@sluice/go/time";
import { describe, expect, it } from "vitest";
import { Bank, Refused, sample } from "./transaction.ts";

const ctx = background();
const two = [
  ["ann", 1000],
  ["bob", 0],
] as const;

describe("a bank transaction", () => {
  it("moves the money after all four checks, which run at the same time", () =>
    bubble(async () => {
      const bank = new Bank(two, { latency: 500 });
      const began = now().getTime();
      await bank.transfer(ctx, { from: "ann", to: "bob", cents: 300 });
      expect(now().getTime() - began).toBe(500);
      expect([...bank.balances.values()]).toEqual([700, 300]);
    }));

  it("moves nothing if its deadline passes, or its caller gives up", () =>
    bubble(async () => {
      const bank = new Bank(two, { latency: 5_000 });
      const transfer = { from: "ann", to: "bob", cents: 300 };
      const began = now().getTime();
      await expect(bank.transfer(ctx, transfer)).rejects.toBe(DeadlineExceeded);
      expect(now().getTime() - began).toBe(3_000);
      const [child, cancel] = withCancel(ctx);
      cancel();
      await expect(bank.transfer(child, transfer)).rejects.toBe(Canceled);
      expect([...bank.balances.values()]).toEqual([1000, 0]);
    }));

  it.each([
    ["balance too low", { from: "bob", to: "ann", cents: 1 }],
    ["no such account", { from: "ann", to: "zoe", cents: 1 }],
    ["above the limit", { from: "ann", to: "bob", cents: 501 }],
    ["sanctioned", { from: "ann", to: "eve", cents: 1 }],
  ])("is refused: %s", async (why, transfer) => {
    const bank = new Bank([...two, ["eve", 0]], { limit: 500, sanctioned: new Set(["eve"]) });
    await expect(bank.transfer(ctx, transfer)).rejects.toThrow(why);
    expect([...bank.balances.values()]).toEqual([1000, 0, 0]);
  });

  it("is suspicious after three to the same account", async () => {
    const bank = new Bank(two);
    for (let i = 0; i < 3; i++) await bank.transfer(ctx, { from: "ann", to: "bob", cents: 1 });
    await expect(bank.transfer(ctx, { from: "ann", to: "bob", cents: 1 })).rejects.toThrow("ann: suspicious");
  });

  it("loses and makes no money, and overdraws no account, however many run at once", () =>
    bubble(async () => {
      const bank = new Bank(Array.from({ length: 20 }, (_, i) => [`account ${i}`, 500]));
      const outcomes = { moved: 0, refused: 0 };
      const move = (transfer: Parameters<Bank["transfer"]>[1]): Promise<unknown> =>
        bank.transfer(ctx, transfer).then(
          () => outcomes.moved++,
          (error) => {
            expect(error).toBeInstanceOf(Refused);
            outcomes.refused++;
          },
        );
      for await (const _ of map(ctx, generate(ctx, sample(500, 20)), move, { workers: 100 }));
      const balances = [...bank.balances.values()];
      expect(balances.reduce((sum, cents) => sum + cents, 0)).toBe(10_000);
      expect(Math.min(...balances)).toBeGreaterThanOrEqual(0);
      expect(outcomes.moved + outcomes.refused).toBe(500);
      expect(Math.min(outcomes.moved, outcomes.refused)).toBeGreaterThan(0);
    }));
});
