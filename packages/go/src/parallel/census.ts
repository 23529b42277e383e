// A census of the workers' goroutines, for dumps, profiles and leak checks in the first thread.
//
// The first thread asks one worker after the other, and blocks until the worker has written its
// answer into shared memory. A worker that computes cannot answer. Then its tasks are read from
// their cells, and shown as running.

import { list } from "../internal/goroutine.ts";
import { Goroutine, type Listed, type State } from "../internal/record.ts";
import {
  ASKED,
  bytes,
  C_AWAITED,
  C_CASE,
  C_FN,
  C_STATE,
  C_TOKEN,
  CELLS,
  cellAt,
  home,
  referenceOf,
  REPORT_AT,
  REPORT_BYTES,
  REPORTED,
  slotAt,
  SLOTS_USED,
  TASK,
  words,
} from "./arena.ts";
import { ring } from "./bell.ts";
import { entryOf } from "./functions.ts";
import { mayBlock } from "./host.ts";

/** A goroutine in the form in which its worker reports it. */
interface Remote {
  readonly id: number;
  readonly name: string;
  readonly parent: number;
  readonly parentName: string;
  readonly state: State;
  /** The number of its waits in this library. */
  readonly waits: number;
}

const NOT_ASKED = 0;
const IS_ASKED = 1;
const ANSWERS = 2;
/** The milliseconds in which a worker must begin its answer. */
const patience = 10;
/** The time in which it must finish the answer, as a multiple of `patience`. */
const tries = 100;

/** True if this worker has been asked for its goroutines. */
export function isAsked(): boolean {
  return Atomics.load(words, home + ASKED) === IS_ASKED;
}

/** Reports this worker's goroutines, except those that count elsewhere. */
export function report(countedElsewhere: WeakSet<Goroutine>): void {
  const asked = home + ASKED;
  if (Atomics.compareExchange(words, asked, IS_ASKED, ANSWERS) !== IS_ASKED) return;
  const goroutines: Remote[] = [];
  for (const { goroutine: g, state } of list()) {
    if (g.parent === 0 || countedElsewhere.has(g)) continue;
    const { id, name, parent, parentName, waits } = g;
    goroutines.push({ id, name, parent, parentName, state, waits: Math.min(waits, 1) });
  }
  const { read, text } = written(goroutines);
  new Uint8Array(words.buffer, REPORT_AT, read).set(text);
  words[REPORTED] = read;
  Atomics.store(words, asked, NOT_ASKED);
  Atomics.notify(words, asked);
}

/** The text of as many goroutines as fit into the report. */
function written(goroutines: Remote[]): { readonly read: number; readonly text: Uint8Array } {
  for (let n = goroutines.length; ; n = n >> 1) {
    const text = new TextEncoder().encode(JSON.stringify(goroutines.slice(0, n)));
    if (text.length <= REPORT_BYTES) return { read: text.length, text };
  }
}

/** The goroutines of a worker, from the point of view of the first thread. */
export function goroutinesOf(slot: number): readonly Listed[] {
  return (ask(slot) ?? tasksOf(slot)).map(({ id, name, parent, parentName, state, waits }) => {
    const goroutine = new Goroutine(id, name, parent, parentName);
    goroutine.waits = waits;
    return { goroutine, state, others: {} };
  });
}

function ask(slot: number): readonly Remote[] | undefined {
  if (!mayBlock) return undefined;
  const asked = slotAt(slot) + ASKED;
  Atomics.store(words, asked, IS_ASKED);
  ring(slot);
  Atomics.wait(words, asked, IS_ASKED, patience);
  if (Atomics.compareExchange(words, asked, IS_ASKED, NOT_ASKED) === IS_ASKED) return undefined;
  for (let n = 0; n < tries && Atomics.load(words, asked) === ANSWERS; n++)
    Atomics.wait(words, asked, ANSWERS, patience);
  // It has died in the middle of its answer.
  if (Atomics.load(words, asked) === ANSWERS) return undefined;
  const text = bytes.slice(REPORT_AT, REPORT_AT + (words[REPORTED] as number));
  return JSON.parse(new TextDecoder().decode(text)) as Remote[];
}

/** The tasks of a worker that cannot answer. */
function tasksOf(slot: number): readonly Remote[] {
  const tasks: Remote[] = [];
  for (let caller = 1; caller <= Atomics.load(words, SLOTS_USED); caller++) {
    for (let cell = 0; cell < CELLS; cell++) {
      const at = cellAt(referenceOf(caller, cell));
      if (words[at + C_TOKEN] !== TASK || Atomics.load(words, at + C_STATE) !== slot) continue;
      const id = words[at + C_CASE] as number;
      if (id === 0 || words[at + C_AWAITED] === 0) continue;
      const { name } = entryOf(words[at + C_FN] as number);
      tasks.push({ id, name, parent: 1, parentName: "main", state: "running", waits: 0 });
    }
  }
  return tasks;
}
