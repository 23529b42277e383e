import { expect, test } from "vitest";
import type { PictureEvent } from "../code/messages.ts";
import { Model } from "./model.ts";

const common = { at: 0, line: undefined };
type Bare = PictureEvent extends infer E
  ? E extends PictureEvent
    ? Omit<E, "at" | "line"> & { line?: number }
    : never
  : never;

function modelOf(program: string, events: readonly Bare[]): Model {
  const model = new Model(program);
  for (const event of events) model.add({ ...common, ...event });
  return model;
}

const full: readonly Bare[] = [
  { kind: "makes", g: 1, channel: 1, capacity: 1, line: 1 },
  { kind: "starts", g: 2, name: "sender", by: 1 },
  { kind: "runs", g: 2 },
  { kind: "sends", g: 2, channel: 1, value: "'a'", to: undefined },
  { kind: "waits", g: 2, state: "chan send", on: [{ way: "send", channel: 1, value: "'b'" }] },
  { kind: "runs", g: 1 },
  { kind: "receives", g: 1, channel: 1, value: "'a'", from: 2 },
  { kind: "wakes", g: 2, by: 1 },
];

test("a full channel keeps its sender, and a receive lets the value move in and the sender continue", () => {
  const { steps } = modelOf("const jobs = chan<string>(1);", full);
  expect(steps.map(({ caption }) => caption).slice(1)).toEqual([
    "main makes channel jobs with 1 place.",
    "main starts goroutine 2, sender.",
    "sender puts 'a' into jobs. It does not have to wait: 1 of 1 place is taken now.",
    "sender wants to send 'b' into jobs. But its only place is taken, so sender keeps 'b' and waits.",
    "main takes 'a' out of jobs. Now a place is free: the 'b' of sender moves in, and sender can continue.",
  ]);
  const [waits, received] = steps.slice(-2);
  expect(waits!.tubes[0]).toMatchObject({ values: ["'a'"], senders: [{ g: 2, value: "'b'" }] });
  expect(waits!.lanes.map(({ activity }) => activity)).toEqual(["ready", "waits"]);
  expect(received!.tubes[0]).toMatchObject({ values: ["'b'"], senders: [] });
  expect(received!.wakes).toEqual([2]);
  expect(received!.moves).toEqual([
    { value: "'a'", from: "tube-1", to: "lane-1" },
    { value: "'b'", from: "lane-2", to: "tube-1" },
  ]);
});

test("a sender whose value is taken has left its channel at once, before it is said to wake", () => {
  const { steps } = modelOf("const jobs = chan<string>(1);", full.slice(0, 7));
  expect(steps.at(-1)!.tubes[0]).toMatchObject({ values: ["'b'"], senders: [] });
});

test("an earlier step is not changed by later ones", () => {
  const model = modelOf("const jobs = chan<string>(1);", full.slice(0, 5));
  const before = structuredClone(model.steps.at(-1));
  for (const event of full.slice(5)) model.add({ ...common, ...event });
  expect(model.steps[4]).toEqual(before);
});

test("channels have the names of the variables in the line that makes them", () => {
  const program = "const [jobs, results] = [chan(), chan()];\nreturn chan();\nconst out = chan();";
  const model = modelOf(
    program,
    [1, 1, 2, 3, 3].map((line, i) => ({ kind: "makes", g: 1, channel: i + 1, capacity: 0, line }) as const),
  );
  expect(model.steps.at(-1)!.tubes.map(({ name }) => name)).toEqual(["jobs", "results", "channel 3", "out", "out 2"]);
});

test("the last step says how the program ended, and who still waits", () => {
  const model = modelOf("const jobs = chan<string>(1);", full.slice(0, 5));
  model.end(2);
  expect(model.steps.at(-1)!.caption).toBe(
    "The program has ended with exit status 2. One goroutine still waits. Nobody can wake it.",
  );
});

test("a report of the race detector is a sentence with the two goroutines and their lines", () => {
  const access = (what: string, by: string, line: number): string =>
    `${what} at 0x00c000012010 by ${by}:\n  hit()\n      /app/main.ts:${line}:7\n  run()\n      /app/main.ts:99:1\n`;
  const report = (first: string, second: string): string =>
    `==================\nWARNING: DATA RACE\n${first}\n${second}\nGoroutine 3 (running) created at:\n  …\n==================`;
  const model = modelOf("", [
    { kind: "starts", g: 2, name: "hit", by: 1 },
    { kind: "starts", g: 3, name: "hit", by: 1 },
    {
      kind: "prints",
      g: 3,
      text: report(access("Write", "goroutine 3", 11), access("Previous read", "goroutine 2", 9)),
    },
    {
      kind: "prints",
      g: 1,
      text: report(access("Read", "main goroutine", 4), access("Previous write", "goroutine 3", 8)),
    },
    { kind: "prints", g: 1, text: "Found 2 data race(s)" },
  ]);
  expect(model.steps.slice(3).map(({ caption }) => caption)).toEqual([
    "A race: hit (3) writes in line 11 what hit (2) read in line 9. Nothing decides which of the two comes first.",
    "A race: main reads in line 4 what hit (3) wrote in line 8. Nothing decides which of the two comes first.",
    "main prints: Found 2 data race(s)",
  ]);
  expect(model.steps.slice(3).map(({ race }) => race)).toEqual([[2, 3], [3, 1], []]);
});

test("a picture that is cut says so, and does not say what waits at the end of the program", () => {
  const model = modelOf("", [...full.slice(0, 5), { kind: "cut", g: 0, after: 4_000 }]);
  model.end(0);
  expect(model.steps.slice(-2).map(({ caption }) => caption)).toEqual([
    "The picture ends here, after 4,000 events. The program runs on.",
    "The program has ended.",
  ]);
  const whole = modelOf("", full.slice(0, 5));
  whole.end(0);
  expect(whole.steps.at(-1)?.caption).toBe("The program has ended. One goroutine still waits.");
});
