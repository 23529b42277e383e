// Chunks of a table with unique keys that load at the same time, because no row of one can have the
// key of a row of the other.
//
// What must hold: of two chunks on their way, in each column that is told, all whole numbers of the
// one are below those of the other. So no unique index finds two of their rows the same, and it
// does not matter which of them commits first. A chunk that may share a number with one on its way
// waits until that one is in; so does a chunk with a number that is missing or has too many digits.
// Chunks come in the sheet's order, from one goroutine.
import { chan, recv, select } from "@sluice/go";
import type { Context } from "@sluice/go/context";
import type { Chunk, LoadPlan } from "../chunk/chunk.ts";

const TAB = 0x09;
const NEWLINE = 0x0a;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
/** Whole numbers with at most this many digits are exact as doubles. */
const EXACT_DIGITS = 15;

interface Range {
  readonly least: number;
  readonly most: number;
}

/** Lets chunks in that can be loaded beside those on their way. */
export class Apart {
  readonly #fields: readonly number[];
  /** The range of each field, by chunk; undefined if that is not known. */
  readonly #onWay = new Map<number, readonly (Range | undefined)[]>();
  readonly #left = chan<void>(1);

  /** @param names of the plan's columns that tell chunks apart */
  constructor({ columns }: Pick<LoadPlan, "columns">, names: readonly string[]) {
    this.#fields = names.map((name) => columns.findIndex(({ column }) => column.name === name));
  }

  /** Waits until a chunk can be loaded beside the others; false if `ctx` is over before. */
  async enter(ctx: Context, chunk: Chunk): Promise<boolean> {
    const ranges = chunk.rowCount === 0 ? [] : this.#fields.map((field) => rangeIn(chunk, field));
    while ([...this.#onWay.values()].some((others) => meet(ranges, others))) {
      const won = await select({ left: recv(this.#left), stopped: recv(ctx.done()) });
      if (won.case === "stopped") return false;
    }
    this.#onWay.set(chunk.index, ranges); // race:ignore: each chunk has an index of its own
    return true;
  }

  /** A chunk is in. @param chunk its index */
  leave(chunk: number): void {
    this.#onWay.delete(chunk); // race:ignore: each chunk has an index of its own
    this.#left.trySend();
  }
}

/** Reports whether two chunks may have the same number in a column. */
function meet(one: readonly (Range | undefined)[], other: readonly (Range | undefined)[]): boolean {
  if (one.length === 0 || other.length === 0) return false; // a chunk without rows
  return one.some((range, n) => {
    const beside = other[n];
    return !range || !beside || (range.least <= beside.most && beside.least <= range.most);
  });
}

/**
 * The least and the most of a chunk's whole numbers in a field; undefined if it has another value
 * there.
 */
export function rangeIn({ data, lineEnds, rowCount }: Chunk, field: number): Range | undefined {
  let [least, most] = [Infinity, -Infinity];
  for (let row = 0; row < rowCount; row++) {
    let at = row === 0 ? 0 : lineEnds[row - 1]!;
    for (let tabs = 0; tabs < field; at++) if (data[at] === TAB) tabs++;
    const negative = data[at] === MINUS;
    if (negative) at++;
    const first = at;
    let value = 0;
    for (; data[at]! >= ZERO && data[at]! <= NINE; at++) value = value * 10 + data[at]! - ZERO;
    const isWhole = at > first && at - first <= EXACT_DIGITS && (data[at] === TAB || data[at] === NEWLINE);
    if (!isWhole) return undefined;
    if (negative) value = -value;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return { least, most };
}
