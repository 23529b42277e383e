import { background, withTimeout } from "@sluice/go/context";
import { test as bubble } from "@sluice/go/synctest";
import { now } from "@sluice/go/time";
import { describe, expect, it } from "vitest";
import { collect, machine, type Metrics } from "./metrics.ts";

const fail = (error: Error): never => {
  throw error;
};
const empty = async (): Promise<Metrics> => ({ time: now(), cpu: 0, memory: 0, disk: 0, reads: 0, writes: 0 });

describe("the metrics collector", () => {
  it("takes a sample at each tick, and ends with its context", () =>
    bubble(async () => {
      const [ctx, cancel] = withTimeout(background(), 200_000);
      using _ = cancel;
      const times: string[] = [];
      await collect(ctx, 60_000, empty, async (_, { time }) => void times.push(time.toISOString()), fail);
      expect(times).toEqual(["2000-01-01T00:01:00.000Z", "2000-01-01T00:02:00.000Z", "2000-01-01T00:03:00.000Z"]);
    }));

  it("reports a sample that fails or cannot be sent, and goes on", () =>
    bubble(async () => {
      const [ctx, cancel] = withTimeout(background(), 4_500);
      using _ = cancel;
      const events: string[] = [];
      let n = 0;
      const sample = async (): Promise<Metrics> => {
        if (++n === 1) throw new Error("no such disk");
        return empty();
      };
      const send = async (): Promise<void> => {
        if (n === 3) throw new Error("503");
        events.push("sent");
      };
      await collect(ctx, 1_000, sample, send, ({ message }) => events.push(message));
      expect(events).toEqual(["no such disk", "sent", "503", "sent"]);
    }));

  it("measures this machine", async () => {
    const sample = machine(".");
    await sample();
    for (let work = 0; work < 1e8; work++);
    const { cpu, memory, disk, reads, writes } = await sample();
    for (const share of [cpu, memory, disk]) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(1);
    }
    expect(memory).toBeGreaterThan(0);
    for (const count of [reads, writes]) expect(Number.isInteger(count) && count >= 0).toBe(true);
  });
});
