import { background, Canceled, withCancel } from "@sluice/go/context";
import { test as bubble } from "@sluice/go/synctest";
import { now, sleep } from "@sluice/go/time";
import { describe, expect, it } from "vitest";
import { feed, source } from "./feed.ts";

const fast = source("fast", 1, 10, { id: "a", score: 0.5 }, { id: "b", score: 0.1 });
const slow = source("slow", 1, 499, { id: "c", score: 0.9 });
const tooSlow = source("too slow", 1, 501, { id: "d", score: 1 });

describe("the feed", () => {
  it("waits for the slowest source, no longer, and ranks by weighted score", () =>
    bubble(async () => {
      const light = source("light", 0.5, 5, { id: "a", score: 0.9 }, { id: "e", score: 0.8 });
      const began = now().getTime();
      const { videos, missing } = await feed(background(), [fast, slow, light], 3);
      expect(now().getTime() - began).toBe(499);
      expect(videos.map(({ id, score }) => [id, score])).toEqual([
        ["c", 0.9],
        ["a", 0.5],
        ["e", 0.4],
      ]);
      expect(missing.size).toBe(0);
    }));

  it("shows what has come after 500 ms, and names what is missing", () =>
    bubble(async () => {
      const broken = { name: "broken", weight: 1, load: () => Promise.reject(new Error("503")) };
      const deaf = { name: "deaf", weight: 1, load: () => source("", 1, 10_000).load(background()) };
      const began = now().getTime();
      const { videos, missing } = await feed(background(), [fast, tooSlow, broken, deaf], 10);
      expect(now().getTime() - began).toBe(500);
      expect(videos.map(({ id }) => id)).toEqual(["a", "b"]);
      expect([...missing]).toEqual([
        ["too slow", "too slow"],
        ["broken", "503"],
        ["deaf", "too slow"],
      ]);
      await sleep(10_000); // the late answer finds room in the channel, so its goroutine ends
    }));

  it("rejects if its caller gives up", async () => {
    const [ctx, cancel] = withCancel(background());
    cancel();
    await expect(feed(ctx, [fast], 1)).rejects.toBe(Canceled);
  });
});
