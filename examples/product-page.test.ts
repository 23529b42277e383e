import { background, type Context } from "@sluice/go/context";
import { test as bubble } from "@sluice/go/synctest";
import { now, sleep } from "@sluice/go/time";
import { describe, expect, it } from "vitest";
import { type Get, oneByOne, services, together } from "./product-page.ts";

const get: Get = async (ctx, path) => {
  const { ms, body } = services[path.split("/")[1]!]!;
  await sleep(ms, ctx);
  return body;
};

async function timed(page: typeof together): Promise<[number, unknown]> {
  const began = now().getTime();
  const result = await page(background(), get, "17");
  return [now().getTime() - began, result];
}

describe("the product page", () => {
  it("takes 2,500 ms one by one, and 900 ms together, for the same page", () =>
    bubble(async () => {
      const [slow, first] = await timed(oneByOne);
      const [fast, second] = await timed(together);
      expect([slow, fast]).toEqual([2_500, 900]);
      expect(second).toEqual(first);
      expect(second).toMatchObject({ product: { name: "Desk lamp" }, inventory: { count: 12 } });
    }));

  it("fails with the first error, and cancels the other calls", () =>
    bubble(async () => {
      const cancelled: string[] = [];
      const failing: Get = async (ctx: Context, path) => {
        if (path === "/inventory/17") throw new Error("503");
        await get(ctx, path).catch(() => cancelled.push(path));
      };
      const began = now().getTime();
      await expect(together(background(), failing, "17")).rejects.toThrow("503");
      expect(cancelled.sort()).toEqual(["/products/17", "/reviews/17", "/similar/17"]);
      expect(now().getTime() - began).toBe(0);
    }));
});
