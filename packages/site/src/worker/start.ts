// The beginning of a program in the page: its process, its console, and the events for the picture.

import { inspect } from "node-inspect-extracted";
import { acting, type LiveEvent, watch } from "@sluice/go/src/trace/live.ts";
import { columnOf, COLUMNS, type Columns, WITHOUT_TYPES } from "../code/columns.ts";
import type { Message, PictureEvent } from "../code/messages.ts";
import { consoleOf } from "./console.ts";
import { beginProcess, evaluated } from "./host.ts";

/** The most events of a picture. After these the program runs on without one. */
const MOST_EVENTS = 4_000;
/** The most characters of output. */
const MOST_OUTPUT = 200_000;
/** The most characters of a value in the picture. */
const LONGEST_VALUE = 24;
/** The most characters of a text that is printed, in the picture. A report of a race has fewer. */
const LONGEST_TEXT = 4_000;
/** The most events that are sent in one message. */
const BATCH = 200;

const ownAddress = new URL(location.href).href;
const folder = import.meta.url.slice(0, -"start.js".length);
const library = `${folder}go/`;
/** Taken at load: a program may replace them. */
const { setTimeout: later, postMessage: send } = globalThis;

let events: PictureEvent[] = [];
let count = 0;
let printed = 0;
let isFlushing = false;
/**
 * True if the program has ended: what it still does until the page ends the worker does not count.
 */
let isOver = false;
let began: number | undefined;
let lastAt = 0;
let stopWatching: (() => void) | undefined;

function quoted(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function post(message: Message): void {
  if (!isOver) send(message);
}

function flush(): void {
  isFlushing = false;
  if (events.length === 0) return;
  post({ kind: "events", events });
  events = [];
}

function add(event: PictureEvent): void {
  events.push(event);
  lastAt = event.at;
  if (++count === MOST_EVENTS) {
    events.push({ kind: "cut", g: 0, at: lastAt, line: undefined, after: MOST_EVENTS });
    stopWatching?.();
    stopWatching = undefined;
  }
  if (events.length >= BATCH || stopWatching === undefined) flush();
  else if (!isFlushing) {
    isFlushing = true;
    later(flush, 0);
  }
}

/**
 * A place in the module that is the program, after the spaces that a report of a race has before
 * it. The page puts one line before the program.
 */
const inProgram = new RegExp(`(\\n {6})?${quoted(ownAddress)}:(\\d+)(?::(\\d+))?`, "g");
const inReport = new RegExp(`${quoted(WITHOUT_TYPES)}:(\\d+):(\\d+)`, "g");
/**
 * A place in the library: its line would be another one after each change there, so it is left out.
 */
const inLibrary = new RegExp(`${quoted(library)}[\\w/-]+\\.js(?::\\d+:\\d+)?`, "g");

/** A line of a stack that is in what the page puts around a program. */
const inSite = new RegExp(`\\n {4}at [^\\n]*${quoted(folder)}(?:host|start)\\.js[^\\n]*`, "g");

/**
 * Text with the places that a terminal shows: addresses of the page's files mean nothing to a
 * reader.
 */
function named(text: string): string {
  return text
    .replaceAll(inSite, "")
    .replaceAll(inProgram, (_, report: string | undefined, line: string, column: string | undefined) => {
      const at = column === undefined ? "" : `:${columnOf(Number(line) - 1, Number(column), columns())}`;
      return `${report ?? "file://"}/app/main.ts:${Number(line) - 1}${at}`;
    })
    .replaceAll(inReport, (_, line: string, column: string) => {
      return `/app/main.ts:${line}:${columnOf(Number(line), Number(column), columns().slice(-1))}`;
    })
    .replaceAll(ownAddress, "file:///app/main.ts")
    .replaceAll(inLibrary, "@sluice/go");
}

function columns(): readonly Columns[] {
  return (globalThis as { [name: symbol]: readonly Columns[] | undefined })[Symbol.for(COLUMNS)] ?? [];
}

function write(text: string): void {
  const shown = named(text.slice(0, MOST_OUTPUT));
  if (stopWatching !== undefined) {
    const g = acting();
    add({
      kind: "prints",
      g,
      text: shown.slice(0, LONGEST_TEXT).replace(/\n$/, ""),
      at: lastAt,
      line: lineOf(new Error().stack ?? ""),
    });
  }
  flush();
  const room = MOST_OUTPUT - printed;
  if (room < 0) return;
  printed += text.length;
  const isLast = printed > MOST_OUTPUT;
  post({ kind: "output", text: isLast ? `${shown.slice(0, room)}\n… more output is not shown\n` : shown });
}

function tell(event: LiveEvent): void {
  // A bubble of /synctest has a separate clock: the times begin again there.
  if (began === undefined || event.at < began || event.at - began > 86_400_000) began = event.at;
  const at = event.at - began;
  // A stack is long, and the page needs only the line.
  const told = { ...event, at, line: "stack" in event ? lineOf(event.stack) : undefined, stack: undefined };
  if (told.kind === "waits") {
    const on = told.on.map((one) => (one.way === "send" ? { ...one, value: textOf(one.value) } : one));
    add({ ...told, on });
  } else if (told.kind === "sends" || told.kind === "receives") add({ ...told, value: textOf(told.value) });
  else add(told);
}

function textOf(value: unknown): string {
  const text =
    value instanceof Date
      ? value.toISOString().slice(11, 19)
      : inspect(beginningOf(value), { depth: 1, breakLength: Infinity, compact: true });
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}

/**
 * A value without what a picture does not show. To inspect an array of three million numbers takes
 * half a minute.
 */
function beginningOf(value: unknown, depth = 1): unknown {
  const parts = <T>(all: readonly T[]): readonly T[] => all.slice(0, LONGEST_VALUE);
  const inner = (part: unknown): unknown => (depth > 0 ? beginningOf(part, depth - 1) : part);
  if (typeof value === "string") return value.slice(0, LONGEST_VALUE);
  if (Array.isArray(value)) return parts(value).map(inner);
  if (ArrayBuffer.isView(value) && value.byteLength > 1_000) {
    const length = value instanceof DataView ? value.byteLength : (value as Uint8Array).length;
    return { [inspect.custom]: () => `${value.constructor.name}(${length})` };
  }
  if (value?.constructor === Object)
    return Object.fromEntries(parts(Object.entries(value)).map(([name, part]) => [name, inner(part)]));
  return value;
}

/** The line of the program on a stack: that of its innermost frame. */
function lineOf(stack: string): number | undefined {
  const at = stack.indexOf(ownAddress);
  const line = at < 0 ? undefined : /^:(\d+):\d+/.exec(stack.slice(at + ownAddress.length))?.[1];
  return line === undefined ? undefined : Number(line) - 1;
}

Object.assign(console, consoleOf(write));
// Node has no postMessage, and the page would take a program's messages for those of this module.
Object.assign(globalThis, { [Symbol.for("@sluice/site: evaluated")]: evaluated, postMessage: undefined });

beginProcess(write, inspect, (status) => {
  flush();
  post({ kind: "exit", status });
  isOver = true;
});
stopWatching = watch(tell);
