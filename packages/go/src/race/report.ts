// Reports, in the format of Go's race detector, one for each pair of places. Also the exit status
// of a program in which races were found.

import { frames } from "../internal/dump.ts";
import { host } from "../internal/host.ts";
import { races } from "../internal/races.ts";
import type { Access, Location, Race, Site } from "./detector.ts";
import { options } from "./options.ts";
import type { Made, Thread } from "./threads.ts";

/** The place of a rewritten access in its source. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The function around it. */
  readonly name: string;
}

const line = "=".repeat(18);
/** Places by site, in the order in which modules were loaded. */
const places: Place[] = [];
/** The reports of each pair of places. */
const told = new Map<string, string>();
/** Functions that also get each report. If one returns true, the report is not printed. */
const listeners = new Set<(report: string) => boolean>();

/** Adds the places of a module; returns the site of the first one. */
export function addPlaces(file: string, packed: readonly (string | number)[]): Site {
  const base = places.length;
  for (let i = 0; i < packed.length; i += 3) {
    const [line, column, name] = packed.slice(i, i + 3) as [number, number, string];
    places.push({ file, line, column, name });
  }
  return base;
}

/**
 * Calls the listener for each report from now on. A report that it takes is neither printed nor
 * counted at the end.
 */
export function listenToRaces(listener: (report: string) => boolean): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The number of reports, which other threads may count too, and 1 if one ends the program. */
let printed: Int32Array = new Int32Array(2);
/** True if another thread tells the number at the end. */
let isOther = false;

/** Counts the reports together with other threads. `other` is true if this is not the first. */
export function countWith(shared: Int32Array, other: boolean): void {
  printed = shared;
  isOther = other;
}

/** Reports a race, unless one with the same two places was reported already. */
export function reportRace({ location, access, previous }: Race): void {
  // If this library itself made an access, the program cannot fix the race.
  const stack = stackOf(access);
  const before = stack === undefined ? undefined : stackOf(previous);
  if (stack === undefined || before === undefined) return;
  const stacks = [stack, before];
  const key = [access, previous]
    .map((one, i) => keyOf(one, stacks[i] as string))
    .sort()
    .join(" ");
  const earlier = told.get(key);
  const report = earlier ?? render(location, access, previous, stacks);
  // A search for schedules needs each occurrence.
  races.found++;
  races.last = report;
  if (earlier !== undefined) return;
  told.set(key, report);
  for (const listener of listeners) if (listener(report)) return;
  Atomics.add(printed, 0, 1);
  write(report);
  if (!options.haltOnError) return;
  Atomics.store(printed, 1, 1);
  host.process?.exit?.(options.exitcode);
}

/** Ends this thread too if a race in another one ends the program. */
export function haltWithOthers(): void {
  if (Atomics.load(printed, 1) === 1) host.process?.exit?.(options.exitcode);
}

/** At the end of the process: prints the number of races, and sets the exit status. */
export function atExit(): void {
  const { process } = host;
  process?.on?.("exit", () => {
    const count = Atomics.load(printed, 0);
    if (count === 0 || isOther) return;
    write(`Found ${count} data race(s)\n`);
    if (!Number(process.exitCode ?? 0)) process.exitCode = options.exitcode;
  });
}

function keyOf(access: Access, stack: string): string {
  const place = access.site >= 0 ? access.site : (stack.split("\n")[1] ?? "");
  return `${access.isWrite ? "write" : "read"} ${place}`;
}

function render(location: Location, access: Access, previous: Access, stacks: readonly string[]): string {
  const address = addressOf(location);
  const what = ({ isWrite }: Access, before: boolean): string =>
    before ? `Previous ${isWrite ? "write" : "read"}` : isWrite ? "Write" : "Read";
  const part = (one: Access, i: number): string =>
    `${what(one, i === 1)} at ${address} by ${nameOf(one.thread)}:\n${stacks[i]}`;
  const made = [access.thread, previous.thread].filter((thread) => thread.id !== 1);
  const parts = [part(access, 0), part(previous, 1), ...made.map(madeBy)];
  return `${line}\nWARNING: DATA RACE\n${parts.join("\n")}${misuse(location, access, previous)}${line}\n`;
}

function nameOf({ id }: Thread): string {
  return id === 1 ? "main goroutine" : `goroutine ${id}`;
}

function madeBy({ id, isOver, made }: Thread): string {
  return `Goroutine ${id} (${isOver ? "finished" : "running"}) created at:\n${shownMade(made)}`;
}

function shownMade(made: Made | undefined): string {
  const place = made === undefined ? undefined : places[made.site];
  if (made?.stack === undefined) return place === undefined ? "" : placeOf(place);
  const stack = shown(made.stack, undefined);
  // The host knows the maker's name, and the rewritten code the column.
  const maker = /^ {2}(.*)\(\)\n.*\n/.exec(stack);
  if (place === undefined || !maker) return stack;
  return placeOf({ ...place, name: maker[1]! }) + stack.slice(maker[0].length);
}

/** The words of Go's runtime for the misuse of a map. */
function misuse({ kind }: Location, access: Access, previous: Access): string {
  if (kind !== "map") return "";
  if (access.isWrite && previous.isWrite) return "\nconcurrent map writes\n";
  const walk = access.isWalk || previous.isWalk ? "iteration" : "read";
  return `\nconcurrent map ${walk} and map write\n`;
}

/** The stack of an access; `undefined` if the library itself made it. */
function stackOf(access: Access): string | undefined {
  const place = places[access.site];
  if (access.stack !== undefined) return shown(access.stack, place, access.site < 0);
  return place === undefined ? undefined : placeOf(place);
}

function placeOf({ name, file, line, column }: Place): string {
  return frame(name, `${file}:${line}:${column}`);
}

const home = /^.*\/(?=race\/report\.[jt]s$)/.exec(import.meta.url)?.[0] ?? "";
const homes = [home, decodeURIComponent(home.replace("file://", ""))].filter((home) => home !== "");
/**
 * The library's operations that a program calls by name. Other files of the library also use them.
 */
const face =
  /^(?:race\/(?!.*\.test\.)|internal\/(?:channel|patch)\.|select\.|synctest\/border\.|sync\/waitgroup\.[jt]s)/;

/**
 * A stack with the program's frames only. The first one is the place that the rewritten code names.
 */
function shown(error: Error, place: Place | undefined, isOperation?: false): string;
function shown(error: Error, place: Place | undefined, isOperation: boolean): string | undefined;
function shown(error: Error, place: Place | undefined, isOperation = false): string | undefined {
  const lines = frames(error).split("\n");
  let text = "";
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const name = (lines[i] as string).replace(/\(\.\.\.\)$/, "");
    const at = (lines[i + 1] as string).trim();
    if (at.startsWith("node:")) continue;
    const own = homes.find((home) => at.startsWith(home));
    if (own !== undefined && !/\.test\.[jt]s:|\/test\//.test(at)) {
      if (isOperation && text === "" && !face.test(at.slice(own.length))) return undefined;
      continue;
    }
    // The host's line decides the first frame only if the rewriter does not know the place.
    if (text === "" && place !== undefined) {
      text += placeOf(place);
    } else text += frame(nameIn(name), plain(at));
  }
  if (text === "" && place !== undefined) text = placeOf(place);
  return text === "" && isOperation ? undefined : text;
}

/**
 * The host's name of a function, in the form of dumps. A stack does not tell an anonymous function
 * from the code of a module: with source maps both are `<anonymous>`, without them both have no
 * name, which `frames` writes as `func1`.
 */
function nameIn(name: string): string {
  return /^(?:(?:Object\.)?<anonymous>|func1)$/.test(name) ? "main.main" : name;
}

function frame(name: string, at: string): string {
  const { stripPathPrefix } = options;
  const file = at.startsWith(stripPathPrefix) ? at.slice(stripPathPrefix.length) : at;
  return `  ${name}()\n      ${file}\n`;
}

function plain(at: string): string {
  return at.startsWith("file://") ? decodeURIComponent(at.replace("file://", "")) : at;
}

const addresses = new WeakMap<Location, string>();
let lastAddress = 0xc000012000;

/** A number for a location, as a replacement for Go's address. */
function addressOf(location: Location): string {
  let address = addresses.get(location);
  if (address === undefined) {
    address = `0x${(lastAddress += 16).toString(16).padStart(12, "0")}`;
    addresses.set(location, address);
  }
  return address;
}

interface Files {
  readonly appendFileSync: (file: string, text: string) => void;
  readonly writeSync: (file: number, text: string) => void;
}

function write(text: string): void {
  const { process } = host;
  const { logPath } = options;
  if (logPath !== "stderr" && logPath !== "stdout") {
    const files = process?.getBuiltinModule?.("node:fs") as Files;
    files.appendFileSync(`${logPath}.${(process as { pid?: number }).pid}`, text);
    return;
  }
  if (isOther) {
    // A worker's own streams go by way of the first thread, which may end before they are written.
    const files = process?.getBuiltinModule?.("node:fs") as Files;
    files.writeSync(logPath === "stdout" ? 1 : 2, text);
    return;
  }
  const stream = process?.[logPath];
  if (stream === undefined) host.console.error(text);
  else {
    stream._handle?.setBlocking?.(true);
    stream.write(text);
  }
}
