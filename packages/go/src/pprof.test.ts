import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
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
  handler({ url, method }, { writeHead: (code) => (status = code), end: (text) => (body = String(text)) });
  return [status, body];
};

describe("goroutineProfile", () => {
  it("debug 1 counts equal stacks together", async () => {
    await whileWaiting(() => {
      expect(goroutineProfile()).toMatch(
        /^goroutine profile: total 4\n3 @ 0x[0-9a-f]+\n#\tworker\(\.\.\.\)\n\n1 @ 0x[0-9a-f]+\n#\tmain\.main\(\.\.\.\)\n\n$/,
      );
    });
  });

  it("debug 1 tells anonymous functions apart, numbers them by who started them, and counts what is equal", async () => {
    const ch = chan<number>();
    go(async function outer() {
      for (let i = 0; i < 2; i++) go(async () => void (await ch.recv()));
      await ch.recv();
    });
    await gosched();
    for (let i = 0; i < 3; i++) go(async () => void (await ch.recv()));
    go(async () => {
      await ch.recv();
    });
    go(async () => {
      for (let ok = true; ok;) [, ok] = await ch.recvOk();
    });
    await gosched();
    const groups = [...goroutineProfile().matchAll(/^(\d+) @ \S+\n#\t(.*)\(/gm)].map(([, n, name]) => `${n} ${name}`);
    expect(groups.sort()).toEqual([
      "1 main.func2",
      "1 main.func3",
      "1 main.main",
      "1 outer",
      "2 outer.func1",
      "3 main.func1",
    ]);
    ch.close();
  });

  it("debug 2 is a dump of all, with stacks where they are recorded", async () => {
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

  it.each([
    ["addresses", ""],
    [
      "paths",
      'Error.prepareStackTrace = (e, sites) => [e, ...sites.map((site) => "    at " + decodeURI(String(site)).replace("file://", ""))].join("\\n");',
    ],
  ])("shows the places of a program in any folder, written as %s, and not the library's own", async (_, tool) => {
    const home = mkdtempSync(join(tmpdir(), "sluice-go-"));
    onTestFinished(() => rmSync(home, { recursive: true, force: true }));
    const folder = join(home, "ein Büro (1)");
    cpSync(import.meta.dirname, join(folder, "go"), { recursive: true, filter: (path) => !path.endsWith(".test.ts") });
    const program = join(folder, "program.ts");
    writeFileSync(
      program,
      `${tool}
      import { chan, go, gosched } from "./go/index.ts";
      import { goroutineProfile, recordStacks } from "./go/pprof.ts";
      recordStacks(true);
      go(async function reader() {
        await chan().recv();
      });
      await gosched();
      console.log(goroutineProfile({ debug: 2 }).split("\\n\\n")[1]);
      process.exit(0);`,
    );
    const dump = execFileSync(process.execPath, ["--no-warnings", program], { encoding: "utf8" });
    const places = dump.split("\n").filter((line) => line.startsWith("\t"));
    expect(places.map((place) => /Büro.*|B%C3%BCro.*/.exec(place)?.[0].replace("%C3%BC", "ü"))).toEqual(
      ["Büro (1)/program.ts:6:22", "Büro (1)/program.ts:5:7"].map((place) =>
        tool === "" ? place.replace(" ", "%20") : place,
      ),
    );
  });
});

describe("handler", () => {
  it("serves the profiles that there are, to GET only", async () => {
    await whileWaiting(() => {
      expect(get("/debug/pprof/")[1]).toContain('<td>4</td><td><a href="goroutine?debug=1">goroutine</a></td>');
      expect(get("/debug/pprof/goroutine?debug=1")[1]).toMatch(/^goroutine profile: total 4\n/);
      expect(get("/debug/pprof/goroutine?debug=2")[1]).toContain("[chan receive]:");
      expect(get("/debug/pprof/threadcreate")).toEqual([404, "Unknown profile: threadcreate\n"]);
      expect(get("/debug/pprof/goroutine?debug=3")).toEqual([400, 'debug: expected 0 or 1 or 2, got "3"\n']);
      expect(get("/debug/pprof/cmdline")[1].split("\0")[0]).toBe(process.argv[0]);
      expect(get("/debug/pprof/goroutine", "POST")[0]).toBe(405);
    });
  });

  it("serves the profile of leaks once the collection is over", async () => {
    const body = await new Promise<string>((resolve) => {
      handler(
        { url: "/debug/pprof/goroutineleak?debug=1" },
        {
          writeHead: () => undefined,
          end: (body) => resolve(String(body)),
        },
      );
    });
    expect(body).toBe("goroutineleak profile: total 0\n");
  });
});

describe("metrics", () => {
  it("gives the number of goroutines, by state too, in Prometheus' format", async () => {
    await whileWaiting(() => {
      const text = metrics();
      expect(text).toContain(
        "# HELP go_goroutines Number of goroutines that currently exist.\n# TYPE go_goroutines gauge\ngo_goroutines 4\n",
      );
      expect(text).toContain('go_goroutines_by_state{state="chan receive"} 3\n');
      expect(text).toContain("# TYPE go_goroutines_queued gauge\ngo_goroutines_queued 0\n");
      expect(get("/metrics")[1].replaceAll(/^go_wait.*\n/gm, "")).toBe(text.replaceAll(/^go_wait.*\n/gm, ""));
    });
  });

  it("counts what has been: goroutines that were started, waits that have ended and the time they took", async () => {
    const value = (name: string): number =>
      Number(
        metrics()
          .split("\n")
          .find((line) => line.startsWith(`${name} `))
          ?.slice(name.length) ?? 0,
      );
    recordStacks(true);
    const before = value("go_goroutines_created_total");
    await whileWaiting(() => undefined);
    const ended = value('go_waits_total{state="chan receive"}');
    await whileWaiting(() => expect(value('go_wait_longest_seconds{state="chan receive"}')).toBeGreaterThan(0));
    expect(value("go_goroutines_created_total")).toBe(before + 6);
    expect(value('go_waits_total{state="chan receive"}')).toBe(ended + 3);
    expect(value('go_wait_seconds_total{state="chan receive"}')).toBeGreaterThan(0);
    recordStacks(false);
  });
});
