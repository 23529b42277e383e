import { Canceled, background, withCancel, withTimeout } from "@sluice/go/context";
import { test as bubble, sleep } from "@sluice/go/synctest";
import { go } from "@sluice/go";
import { now } from "@sluice/go/time";
import { describe, expect, it } from "vitest";
import { type Cart, checkout, Shop } from "./checkout.ts";

const good: Cart = { items: [{ sku: "book", count: 2 }], country: "PT", card: "4539578763621486" };
const messages = (error: AggregateError): string[] => error.errors.map(({ message }: Error) => message);

describe("the checkout", () => {
  it("takes as long as its slowest check, and keeps stock and payment", () =>
    bubble(async () => {
      const shop = new Shop();
      const began = now().getTime();
      expect(await checkout(background(), shop, good)).toEqual({ cents: 2890, shipping: 390, payment: "payment-1" });
      expect(now().getTime() - began).toBe(120);
      expect([shop.stock.get("book"), shop.payments.size]).toEqual([1, 1]);
    }));

  it("reports every problem, and keeps nothing", () =>
    bubble(async () => {
      const shop = new Shop();
      const bad = { items: [{ sku: "desk", count: 1 }], country: "AQ", card: "4539578763621487" };
      const error = await checkout(background(), shop, bad).catch((error: AggregateError) => error);
      expect(messages(error as AggregateError)).toEqual([
        "out of stock: desk",
        "no shipping to AQ",
        "card ending in 1487 declined",
      ]);
      expect([shop.stock.get("desk"), shop.payments.size]).toEqual([0, 0]);
    }));

  it("gives the stock and the payment back if another check fails", () =>
    bubble(async () => {
      const shop = new Shop();
      const error = await checkout(background(), shop, { ...good, country: "AQ" }).catch(
        (error: AggregateError) => error,
      );
      expect(messages(error as AggregateError)).toEqual(["no shipping to AQ"]);
      expect([shop.stock.get("book"), shop.payments.size]).toEqual([3, 0]);
    }));

  it("gives the stock back if it is cancelled, or its deadline passes, before the payment", () =>
    bubble(async () => {
      const shop = new Shop();
      const [ctx, cancel] = withCancel(background());
      go(async () => {
        await sleep(100);
        cancel();
      });
      const error = await checkout(ctx, shop, good).catch((error: AggregateError) => error);
      expect((error as AggregateError).errors).toEqual([Canceled]);
      const [late, end] = withTimeout(background(), 10);
      using _ = end;
      await expect(checkout(late, shop, good)).rejects.toThrow("3 of 3 failed");
      expect([shop.stock.get("book"), shop.payments.size]).toEqual([3, 0]);
    }));

  it("sells the last piece once", () =>
    bubble(async () => {
      const shop = new Shop();
      const lamp = { ...good, items: [{ sku: "lamp", count: 1 }] };
      const outcomes = await Promise.allSettled([1, 2, 3].map(() => checkout(background(), shop, lamp)));
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      expect([shop.stock.get("lamp"), shop.payments.size]).toEqual([0, 1]);
    }));
});
