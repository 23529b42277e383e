// The viewer's program with a page that writes down what is drawn. A drawing is a list of calls,
// each with what is set for it. It is one test, since the program keeps where it is.
import { afterAll, beforeAll, expect, it, vi } from "vitest";

interface Input {
  readonly [name: string]: unknown;
}

/** An element that keeps what it is given. */
class Fake {
  textContent = "";
  value = "";
  width = 0;
  height = 0;
  clientWidth = 1000;
  clientHeight = 142;
  children: Fake[] = [];
  readonly calls: string[] = [];
  readonly #listeners = new Map<string, (input: Input) => void>();

  append(...children: Fake[]): void {
    this.children.push(...children);
  }
  replaceChildren(...children: Fake[]): void {
    this.children = children;
  }
  addEventListener(type: string, listener: (input: Input) => void): void {
    this.#listeners.set(type, listener);
  }
  fire(type: string, input: Input = {}): void {
    this.#listeners.get(type)!(input);
  }
  get text(): string {
    return this.children.length === 0 ? this.textContent : this.children.map(({ text }) => text).join(" | ");
  }
  getContext(): unknown {
    const set: Record<string, unknown> = { globalAlpha: 1 };
    const round = (value: unknown): unknown => (typeof value === "number" ? Math.round(value * 100) / 100 : value);
    const call =
      (name: string) =>
      (...values: unknown[]): void => {
        const how = name.startsWith("fill") ? [set["fillStyle"], set["globalAlpha"] === 1 ? "" : `alpha ${String(set["globalAlpha"])}`] : name.startsWith("stroke") ? [set["strokeStyle"], set["lineWidth"]] : []; // prettier-ignore
        this.calls.push([name, values.map(round).join(" "), ...how].filter((one) => one !== "").join(", "));
      };
    return new Proxy(set, {
      get: (_, name) => (typeof name === "string" ? (set[name] ?? call(name)) : undefined),
      set: (_, name, value) => {
        set[name as string] = value;
        return true;
      },
    });
  }
}

const elements = new Map<string, Fake>();
const get = (id: string): Fake => elements.get(id) ?? elements.set(id, new Fake()).get(id)!;
let frames: (() => void)[] = [];
let onResize: () => void;

/** What is drawn, and how often, since the last time. */
function drawn(): string[] {
  const waiting = frames;
  frames = [];
  for (const frame of waiting) frame();
  return [`${waiting.length} frames`, ...get("timeline").calls.splice(0)];
}

const meta = (name: string, pid: number, tid: number, text: string) => ({ ph: "M", name, pid, tid, ts: 0, args: { name: text } }); // prettier-ignore
const slice = (pid: number, tid: number, name: string, ts: number, dur: number, cat = "", args = {}) => ({ ph: "X", name, cat, pid, tid, ts, dur, args }); // prettier-ignore
const EVENTS = [
  meta("process_name", 1, 0, "goroutines of main"), meta("process_name", 2, 0, "goroutines of worker 1"), meta("process_name", 0, 0, "threads"), meta("thread_name", 0, 1, "main"), meta("thread_name", 1, 1, "main.main"), meta("thread_name", 2, 7, "G7 crawl"), { ...meta("thread_sort_index", 1, 1, "9") },
  { ph: "C", name: "goroutines", pid: 1, tid: 0, ts: 1000, args: { count: 1 } }, { ph: "C", name: "goroutines", pid: 1, tid: 0, ts: 1500, args: { count: 4 } }, { ph: "C", name: "heap", pid: 2, tid: 0, ts: 1200, args: { mib: 2.25 } },
  slice(0, 1, "host", 1000, 1000), slice(1, 1, "running", 1400, 300), slice(1, 1, "running", 1000, 200), slice(1, 1, "chan receive", 1200, 200, "wait", { at: "a.ts:3", by: "G7" }), slice(2, 7, "runnable", 1000, 100), slice(2, 7, "sleep", 1100, 600, "wait", { at: 7 }), slice(2, 7, "chan receive", 1700, 250, "wait"), slice(2, 7, "unknown", 1950, 0.1), slice(2, 7, "unknown", 1950.1, 0.1), slice(1, 9, "IO wait", 1900, 100),
  { ph: "b", name: "load", cat: "task", id: 1, pid: 1, tid: 1, ts: 1100 }, { ph: "b", name: "parse", cat: "region", id: 1, pid: 1, tid: 1, ts: 1150 }, { ph: "e", name: "parse", cat: "region", id: 1, pid: 1, tid: 1, ts: 1350 }, { ph: "e", name: "parse", cat: "region", id: 9, pid: 1, tid: 1, ts: 1360 },
  { ph: "s", name: "wake", id: 5, pid: 1, tid: 1, ts: 1200 }, { ph: "f", name: "wake", id: 5, pid: 2, tid: 7, ts: 1700 }, { ph: "f", name: "back", id: 6, pid: 1, tid: 1, ts: 1400 }, { ph: "s", name: "back", id: 6, pid: 2, tid: 7, ts: 1100 }, { ph: "f", name: "lost", id: 8, pid: 1, tid: 1, ts: 1800 },
  { ph: "i", name: "a log", pid: 1, tid: 1, ts: 1300 },
]; // prettier-ignore

beforeAll(async () => {
  get("trace").textContent = JSON.stringify({ traceEvents: EVENTS });
  vi.stubGlobal("document", { getElementById: get, createElement: () => new Fake() });
  vi.stubGlobal("devicePixelRatio", 2);
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) => frames.push(draw));
  vi.stubGlobal("addEventListener", (type: string, listener: () => void) => {
    expect(type).toBe("resize");
    onResize = listener;
  });
  await import("./viewer.ts");
});
afterAll(() => vi.unstubAllGlobals());

const wheel = (input: Input): string[] => {
  let prevented = 0;
  get("timeline").fire("wheel", { offsetX: 600, offsetY: 50, deltaX: 0, deltaY: 0, shiftKey: false, preventDefault: () => prevented++, ...input }); // prettier-ignore
  expect(prevented).toBe(1);
  return drawn();
};
const axisOf = (calls: readonly string[]): string => calls.filter((call) => / [µm]?s [\d.]+ 13, /.test(call)).map((call) => call.replace(/^fillText, (.*) 13, .*$/, "$1")).join(" | "); // prettier-ignore
const rowsOf = (calls: readonly string[]): string => calls.filter((call) => call.endsWith(" 186, #222222")).map((call) => call.replace(/^fillText, (.*) 6 ([\d.-]+) 186, .*$/, "$1 at $2")).join(" | "); // prettier-ignore
const state = (calls: readonly string[]): string[] => [calls[0]!, axisOf(calls), rowsOf(calls), get("details").text, get("found").text]; // prettier-ignore

it("draws the trace, and goes where wheel, mouse, search and tables lead", () => {
  expect(drawn()).toMatchSnapshot("at the beginning");
  expect([get("timeline").width, get("timeline").height]).toEqual([2000, 284]);
  expect({ waits: get("waits").children.map(({ text }) => text), kinds: get("kinds").children.map(({ text }) => text) }).toMatchSnapshot("tables"); // prettier-ignore

  // Wheel, mouse, search and tables lead no farther than the trace.
  const all = get("all");
  all.fire("click");
  const steps: Record<string, unknown> = { "all of it": state(drawn()) };
  steps["nearer"] = state(wheel({ deltaY: -100 }));
  steps["to the right"] = state(wheel({ deltaX: 80 }));
  steps["far to the right"] = state(wheel({ deltaX: 99_999 }));
  steps["far to the left"] = state(wheel({ deltaX: -99_999 }));
  steps["as near as it goes"] = state(wheel({ deltaY: -9999 }));
  steps["as far as it goes"] = state(wheel({ deltaY: 99_999 }));
  steps["down, over the names"] = state(wheel({ offsetX: 100, deltaY: 30 }));
  steps["down, with shift"] = state(wheel({ shiftKey: true, deltaX: 20, deltaY: 10 }));
  steps["far down"] = state(wheel({ offsetX: 10, deltaY: 9999 }));
  steps["far up"] = state(wheel({ offsetX: 10, deltaY: -9999 }));
  wheel({ deltaY: -100 });
  const timeline = get("timeline");
  timeline.fire("mousedown");
  timeline.fire("mousemove", { buttons: 0, movementX: 50, movementY: 50 });
  steps["moved without a button"] = frames.length;
  timeline.fire("mousemove", { buttons: 1, movementX: 3, movementY: -1 });
  steps["dragged a little"] = state(drawn());
  timeline.fire("click", { offsetX: 600, offsetY: 100 });
  steps["a click after a little"] = state(drawn());
  timeline.fire("mousemove", { buttons: 1, movementX: 100, movementY: -20 });
  steps["dragged"] = state(drawn());
  timeline.fire("click", { offsetX: 300, offsetY: 30 });
  steps["a click after a drag"] = frames.length;
  all.fire("click");
  drawn();
  timeline.fire("mousedown");
  timeline.fire("click", { offsetX: 500, offsetY: 22 + 5 * 20 + 3 });
  steps["a slice"] = state(drawn());
  timeline.fire("click", { offsetX: 500, offsetY: 22 + 30 * 20 });
  steps["no row"] = state(drawn());
  get("waits").children[1]!.fire("click");
  steps["a wait of the table"] = state(drawn());
  const field = get("search");
  const typed = (text: string): void => {
    field.value = text;
    field.fire("input");
  };
  typed("RUNNING");
  steps["found"] = state(drawn());
  field.fire("keydown", { key: "a" });
  steps["another key"] = frames.length;
  for (const n of [1, 2, 3]) {
    field.fire("keydown", { key: "Enter" });
    steps[`enter ${n}`] = state(drawn());
  }
  typed("a.ts:3");
  steps["found by what is said of it"] = state(drawn());
  typed("nothing like it");
  field.fire("keydown", { key: "Enter" });
  steps["nothing"] = state(drawn());
  typed("");
  steps["no search"] = state(drawn());
  onResize();
  onResize();
  steps["resized, drawn once"] = state(drawn());
  expect(steps).toMatchSnapshot("each step");

  // What is selected and what is found is marked.
  all.fire("click");
  get("timeline").fire("mousedown");
  get("timeline").fire("click", { offsetX: 300, offsetY: 22 + 5 * 20 + 3 });
  get("search").value = "chan";
  get("search").fire("input");
  expect(drawn()).toMatchSnapshot("one of each");
});
