import { describe, expect, it } from "vitest";
import { chan, go, gosched } from "./index.ts";
import { goroutineProfile, handler, metrics, recordStacks } from "./pprof.ts";
import { expectNoLeaks } from "./test/quiet.ts";

expectNoLeaks();

/** Three goroutines that wait, while `look` is called. */
async function whileWaiting(look: () => void): Promise<void> {
  const ch = chan<number>();
  async function worker(): Promise<void> {
    await ch.recv();
  }
  for (let i = 0; i < 3; i++) go(worker);
  await gosched();
  look();
  ch.close();
}

const get = (url: string, method = "GET"): [number, string] => {
  let status = 0;
  let body = "";
  handler({ url, method }, { writeHead: (code) => (status = code), end: (text) => (body = text) });
  return [status, body];
};

describe("goroutineProfile", () => {
  it("I3 debug 1 counts equal stacks together", async () => {
    await whileWaiting(() => {
      expect(goroutineProfile()).toMatch(
        /^goroutine profile: total 4\n3 @ 0x[0-9a-f]+\n#\tworker\(\.\.\.\)\n\n1 @ 0x[0-9a-f]+\n#\tmain\.main\(\.\.\.\)\n\n$/,
      );
    });
  });

  it("I4 debug 2 is a dump of all, with stacks where they are recorded", async () => {
    recordStacks(true);
    await whileWaiting(() => {
      const text = goroutineProfile({ debug: 2 });
      expect(text).toMatch(/^goroutine 1 \[running\]:\n/);
      expect(text).toMatch(
        /\n\ngoroutine \d+ \[chan receive\]:\nworker\(\.\.\.\)\n\t.*pprof\.test\.ts:\d+:\d+\ncreated by main in goroutine 1\n\t.*pprof\.test\.ts/,
      );
    });
    recordStacks(false);
  });
});

describe("handler", () => {
  it("I6 serves the profiles that there are, to GET only", async () => {
    await whileWaiting(() => {
      expect(get("/debug/pprof/")[1]).toContain("4\tgoroutine\n");
      expect(get("/debug/pprof/goroutine?debug=1")[1]).toMatch(/^goroutine profile: total 4\n/);
      expect(get("/debug/pprof/goroutine?debug=2")[1]).toContain("[chan receive]:");
      expect(get("/debug/pprof/heap")).toEqual([404, "Unknown profile: heap\n"]);
      expect(get("/debug/pprof/goroutine", "POST")[0]).toBe(405);
    });
  });
});

describe("metrics", () => {
  it("I14 gives the number of goroutines, by state too, in Prometheus' format", async () => {
    await whileWaiting(() => {
      const text = metrics();
      expect(text).toContain(
        "# HELP go_goroutines Number of goroutines that currently exist.\n# TYPE go_goroutines gauge\ngo_goroutines 4\n",
      );
      expect(text).toContain('go_goroutines_by_state{state="chan receive"} 3\n');
      expect(get("/metrics")[1]).toBe(text);
    });
  });
});
