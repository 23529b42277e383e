// Reports by themselves: their text, and which of them is one that was told already.
import { afterEach, expect, it } from "vitest";
import { races } from "../internal/races.ts";
import type { Access, Location } from "./detector.ts";
import { addPlaces, listenToRaces, reportRace } from "./report.ts";

const first = addPlaces("file.ts", [3, 5, "main.read", 7, 9, "main.write", 8, 1, "main.walk", 11, 2, "main.late"]);
const access = (place: number, isWrite: boolean, thread = 1, more: Partial<Access> = {}): Access =>
  ({ thread: { id: thread, isOver: thread > 2 }, site: first + place, isWrite, isWalk: false, stack: undefined, ...more }) as Access; // prettier-ignore

let stop: () => void = () => undefined;
afterEach(() => stop());

/** The reports of races, of which none is printed. */
function told(...of: readonly (readonly [access: Access, previous: Access, kind?: Location["kind"]])[]): string[] {
  const reports: string[] = [];
  stop = listenToRaces((report) => reports.push(report) > 0);
  for (const [one, previous, kind = "variable"] of of)
    reportRace({ location: { kind } as Location, access: one, previous });
  stop();
  return reports;
}

it("tells of two places once, whichever comes first, and counts each time", () => {
  const [read, write] = [access(0, false), access(1, true, 2)];
  const before = races.found;
  expect(told([read, write], [write, read], [read, write])).toHaveLength(1);
  expect(races.found - before).toBe(3);
  expect(races.last).toContain("WARNING: DATA RACE");
  // A write at the place of the read is another race, and so is another place.
  expect(told([access(0, true), write], [access(3, false), write], [access(3, false), write])).toHaveLength(2);
});

it("says what was done where and by whom, in Go's words", () => {
  const plain = (report: string): string => report.replaceAll(/0x[0-9a-f]{12}/g, "ADDRESS");
  const made = new Error("made");
  made.stack = "Error: made\n    at start (/app/start.ts:1:2)";
  const walk = access(2, false, 3, { isWalk: true });
  expect(
    told(
      [access(3, true), access(3, true, 2)],
      [walk, access(3, true, 2), "map"],
      [access(2, true, 4), access(2, true, 5), "map"],
      [access(0, false, 4), access(2, true, 5), "map"],
      [
        { ...walk, isWalk: false, thread: { ...walk.thread, made: { stack: made, site: -1 } } as Access["thread"] },
        access(1, true),
        "property",
      ],
    ).map(plain),
  ).toMatchSnapshot();
  // Without a place it is the library's own.
  expect(told([access(0, false), access(900, true)])).toEqual([]);
});

it("gives a location one address, and another one another", () => {
  const [a, b] = [{ kind: "variable" }, { kind: "variable" }] as Location[];
  const reports: string[] = [];
  stop = listenToRaces((report) => reports.push(report) > 0);
  reportRace({ location: a!, access: access(0, true, 6), previous: access(0, true, 7) });
  reportRace({ location: a!, access: access(1, true, 6), previous: access(2, true, 7) });
  reportRace({ location: b!, access: access(1, false, 6), previous: access(2, true, 7) });
  const addresses = reports.map((report) => [...new Set(report.match(/0x[0-9a-f]+/g))]);
  expect(addresses.map(({ length }) => length)).toEqual([1, 1, 1]);
  expect(addresses[1]).toEqual(addresses[0]);
  expect(addresses[2]).not.toEqual(addresses[0]);
});
