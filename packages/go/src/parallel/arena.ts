// The memory that all threads share: one SharedArrayBuffer, made by the thread that uses this
// library first.
//
//  header   words of no thread: the number of Ps, of idle workers, of workers that look for work
//  Ps       counters of each P, and the slot that runs it
//  table    the functions: an append-only list of entries (functions.ts)
//  report   space for the report of one worker at a time about its goroutines (census.ts)
//  slots    of each thread: its doorbell, its deque, its inbox and its cells
//
// A *slot* belongs to one thread from its start to its end: slot 1 to the first thread, the others
// to workers. A *cell* is 256 bytes that its slot's thread lends out. It holds a task on its way to
// a P and back, or a goroutine that waits for a shared object. A *reference* names a cell for all
// threads: the slot's number and the cell's.
//
// Invariants
//
// - Only the owner of a cell takes it and gives it back. Other threads only fill it, and then send
//   its reference to the owner's inbox. They do that at most once for each time that it is taken.
//   So an inbox with space for all cells never overflows.
// - A write to a cell is published by an atomic operation on another word, and a reader reads after
//   such an operation.

import { observer } from "../internal/hooks.ts";

export const SLOTS = 96;
export const MAX_PROCS = 64;
export const CELLS = 2048;
export const CELL_BYTES = 256;
/** The words in front of a cell's bytes. */
export const CELL_WORDS = 12;
export const INLINE_BYTES: number = CELL_BYTES - CELL_WORDS * 4;
/**
 * The capacity of a deque: the tasks of all cells of its thread, and half of the tasks of another
 * one.
 */
export const DEQUE: number = CELLS * 2;

// Words of the header.
export const PROCS = 0;
export const IDLE = 1;
export const SPINNING = 2;
export const TABLE_END = 3;
export const FATAL = 4;
export const NEXT_OBJECT = 5;
/** The number of slots that have been used. */
export const SLOTS_USED = 6;
/** The number of workers, including those that are starting. */
export const LIVE = 7;
/** The number of times that a thread was woken. The thread that woke it counts that afterwards. */
export const RINGS = 8;
/** The length of the text in the report. */
export const REPORTED = 9;
const HEADER = 16;

// Words of a P.
export const P_SLOT = 0;
export const P_RAN = 1;
export const P_STOLEN = 2;
const P_WORDS = 16;

// The words of a slot, before its rings. They are far apart, since different threads write them.
export const BELL = 0;
export const TOP = 16;
export const BOTTOM = 32;
export const INBOX_TAIL = 48;
export const LIFE = 64;
/** 1 while its thread counts in SPINNING. */
export const LOOKS = 65;
/**
 * 1 while the first thread asks for a report of the thread's goroutines, 2 while that is written.
 */
export const ASKED = 66;
const SLOT_HEAD = 80;
const DEQUE_AT = SLOT_HEAD;
const INBOX_AT: number = DEQUE_AT + DEQUE;
const CELLS_AT: number = INBOX_AT + CELLS;
const SLOT_WORDS: number = CELLS_AT + (CELLS * CELL_BYTES) / 4;

const PS_AT = HEADER;
const TABLE_AT: number = PS_AT + MAX_PROCS * P_WORDS;
export const TABLE_WORDS = 65_536;
/** The report of a worker about its goroutines, as text. */
export const REPORT_AT: number = (TABLE_AT + TABLE_WORDS) * 4;
export const REPORT_BYTES = 262_144;
const SLOTS_AT: number = TABLE_AT + TABLE_WORDS + REPORT_BYTES / 4;
const BYTES: number = (SLOTS_AT + SLOTS * SLOT_WORDS) * 4;

// Words of a cell.
/** For a task: 0, or the slot that runs it. For a waiter: its claim (waits.ts). */
export const C_STATE = 0;
/** For a task: its function, and its result. */
export const C_FN = 1;
export const C_LENGTH = 2;
/** The meaning of the bytes: the value itself, or the number of a parcel. */
export const C_FORM = 3;
export const C_OUTCOME = 4;
/** The contexts of a task that are done, two bits each. */
export const C_DONE = 5;
export const C_PREV = 6;
export const C_NEXT = 7;
/** For a waiter: its case. For a task: the number of its goroutine, after it has begun. */
export const C_CASE = 8;
/** For a waiter: its token. For a task: TASK. */
export const C_TOKEN = 9;
export const TASK: number = -1;
/** For a task: 1 if its outcome is awaited. */
export const C_AWAITED = 10;
/** The number of the use of the cell. Waits count theirs only for a diagnostic. */
export const C_USE = 11;

// The values of a slot's LIFE.
export const UNUSED = 0;
export const ALIVE = 1;
export const RETIRING = 2;
export const DEAD = 3;
export const STARTING = 4;

export let memory: SharedArrayBuffer;
export let words: Int32Array;
export let bytes: Uint8Array;
/** The slot of this thread; 0 as long as it has no slot. */
export let self = 0;
/** The start of this thread's slot, in words. */
export let home = 0;

/** Makes the memory, as the first thread. */
export function makeArena(procs: number): void {
  openArena(new SharedArrayBuffer(BYTES), 1);
  words[PROCS] = procs;
  words[SLOTS_USED] = 1;
  Atomics.store(words, home + LIFE, ALIVE);
}

/** Uses the memory that another thread has made. */
export function openArena(shared: SharedArrayBuffer, slot: number): void {
  memory = shared;
  words = new Int32Array(shared);
  bytes = new Uint8Array(shared);
  self = slot;
  home = slotAt(slot);
}

/** The start of a slot, in words. */
export function slotAt(slot: number): number {
  return SLOTS_AT + (slot - 1) * SLOT_WORDS;
}

export function dequeAt(slot: number): number {
  return slotAt(slot) + DEQUE_AT;
}

export function inboxAt(slot: number): number {
  return slotAt(slot) + INBOX_AT;
}

export function procAt(proc: number): number {
  return PS_AT + proc * P_WORDS;
}

export const tableAt: number = TABLE_AT;

/** A name for a cell that all threads understand; never 0. */
export function referenceOf(slot: number, cell: number): number {
  return (slot << 16) | cell;
}

export function slotOf(reference: number): number {
  return reference >>> 16;
}

export function cellOf(reference: number): number {
  return reference & 0xffff;
}

/** The start of a cell, in words. */
export function cellAt(reference: number): number {
  return SLOTS_AT + ((reference >>> 16) - 1) * SLOT_WORDS + CELLS_AT + (reference & 0xffff) * (CELL_BYTES / 4);
}

/** The number of the use of a cell. */
export function useOf(cell: number): number {
  return words[cellAt(cell) + C_USE] as number;
}

const free: number[] = [];
let fresh = 0;

/** Takes a cell of this thread; 0 if all are in use. Its state is 0. */
export function takeCell(): number {
  const cell = free.pop() ?? (fresh < CELLS ? fresh++ : -1);
  return cell < 0 ? 0 : (self << 16) | cell;
}

/** Gives a cell of this thread back. After that no thread may use its reference. */
export function giveCell(reference: number): void {
  free.push(reference & 0xffff);
  if (starved.length > 0 && !isFeeding) {
    isFeeding = true;
    queueMicrotask(feed);
  }
}

const starved: (() => void)[] = [];
let isFeeding = false;

/** Called if all cells are in use: calls `fn`, in the order of the calls, when a cell is free. */
export function whenCellIsFree(fn: () => void): void {
  const known = observer;
  const g = known?.current();
  starved.push(known === undefined || g === undefined ? fn : () => known.run(g, fn));
}

/** This is not done in `giveCell` itself, whose caller may hold an object's guard. */
function feed(): void {
  let n = 0;
  while (n < starved.length && free.length > 0) (starved[n++] as () => void)();
  starved.splice(0, n);
  isFeeding = false;
}

/** The number of cells of this thread that are in use. */
export function cellsLent(): number {
  return fresh - free.length;
}

/** True if a slot's thread has ended without having been asked to. */
export function isDead(slot: number): boolean {
  return Atomics.load(words, slotAt(slot) + LIFE) === DEAD;
}
