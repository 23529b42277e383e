import { background, withCancel } from "@sluice/go/context";
import { describe, expect, it } from "vitest";
import { processRecords, sorted } from "./records.ts";
import { transfer } from "@sluice/go/parallel";

describe("confinement", () => {
  it("keeps each result in its own place, and each error too", async () => {
    const records = Array.from({ length: 500 }, (_, i) => ({
      id: i,
      email: i % 50 === 3 ? "nobody" : `U${i}@Example.org`,
    }));
    const results = await processRecords(background(), records, 16);
    expect(results.map(({ id }) => id)).toEqual(records.map(({ id }) => id));
    for (const [i, { key, error }] of results.entries()) {
      expect([key?.length, error?.message]).toEqual(
        i % 50 === 3 ? [undefined, "not an address: nobody"] : [16, undefined],
      );
    }
    expect(new Set(results.map(({ key }) => key)).size).toBe(491);
    const [same] = await processRecords(background(), [{ id: 1, email: "u7@example.ORG" }]);
    expect(same!.key).toBe(results[7]!.key);
  });

  it("rejects when its context ends", async () => {
    const [ctx, cancel] = withCancel(background());
    cancel();
    await expect(processRecords(ctx, [{ id: 1, email: "a@b" }])).rejects.toBe(ctx.err());
  });

  it("moves numbers to another core and back", async () => {
    const mine = Float64Array.of(3, 1, 2);
    const theirs = sorted(transfer(mine));
    expect(mine.length).toBe(0);
    expect([...(await theirs)]).toEqual([1, 2, 3]);
  });
});
