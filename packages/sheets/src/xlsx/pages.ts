// The pages of the shared strings' arena. If they exceed a budget, the oldest move to a temporary
// file. They come back on request. A full page does not change any more, so it is written at most
// once. The newest page is the one being filled, and stays in memory.
//
// The order is first in, first out: strings are mostly used in the order in which they were
// written. If they are not, a page that is asked for once stays in the file, and peek() reads only
// a few words of it.
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { SheetError } from "../errors.ts";

/**
 * Words in a page: 256 KiB. A larger string gets one larger page for itself. Smaller pages (32 to
 * 128 KiB) were tried: they took 40 to 90 MB more memory for six million strings, and were slower.
 */
export const PAGE_SHIFT = 16;
export const PAGE_MASK: number = (1 << PAGE_SHIFT) - 1;
const PAGE_WORDS = 1 << PAGE_SHIFT;

/** Four pages. With less memory the reader would do nothing but read pages. */
const BUDGET_MIN = 4 * PAGE_WORDS * 4;

/**
 * The most pages: a place in the arena is a page number and a word in the page, in one number of 32
 * bits.
 */
const PAGES_MAX = 1 << (32 - PAGE_SHIFT);

/** The number of words that peek() reads of a page. */
const PEEK_WORDS = 1024;

/**
 * The number of recent requests that are remembered. If a page is asked for again among them, it
 * comes back whole.
 */
const RECENT = 8;

export class Pages {
  /** [page] the page in memory. If it is undefined, fetch() gets it from the file. */
  readonly inMemory: (Int32Array | undefined)[] = [];
  readonly #budget: number;
  #bytes = 0;
  /** Pages in memory, from #oldest on, in the order of their arrival. */
  #order: number[] = [];
  #oldest = 0;
  /** [page] its offset in the file, or −1. */
  readonly #places: number[] = [];
  readonly #sizes: number[] = [];
  #file: number | undefined;
  #path: string | undefined;
  #fileEnd = 0;
  /** The memory of a page that moved to the file, for the next page. */
  #spare: Int32Array | undefined;
  readonly #peeked = new Int32Array(PEEK_WORDS);
  readonly #recent = new Int32Array(RECENT).fill(-1);
  #turn = 0;

  constructor(budget: number) {
    this.#budget = Math.max(budget, BUDGET_MIN);
  }

  /** Adds a page for at least this number of words. It becomes the newest page. */
  add(words: number): Int32Array {
    if (this.inMemory.length === PAGES_MAX)
      throw new SheetError("limit", `The shared strings take more than ${PAGES_MAX} pages of ${PAGE_WORDS * 4} bytes.`);
    const page = this.#memory(Math.max(words, PAGE_WORDS));
    this.#sizes.push(page.length);
    this.#places.push(-1);
    this.inMemory.push(page);
    this.#order.push(this.inMemory.length - 1);
    return page;
  }

  /** A page from the file. It may go back there at the next call of add() or fetch(). */
  fetch(index: number): Int32Array {
    const page = this.#memory(this.#sizes[index]!);
    this.#read(page, page.length, this.#places[index]!);
    this.inMemory[index] = page;
    this.#order.push(index);
    return page;
  }

  /**
   * Reads words of a page in the file, from `word` on: the rest of the page, or less if the result
   * is full. The next call uses the same memory. Undefined if the page was asked for a moment ago,
   * so that fetch() is better.
   */
  peek(index: number, word: number): Int32Array | undefined {
    if (this.#recent.includes(index)) return undefined;
    this.#recent[this.#turn++ % RECENT] = index;
    const words = Math.min(PEEK_WORDS, this.#sizes[index]! - word);
    this.#read(this.#peeked, words, this.#places[index]! + 4 * word);
    return words === PEEK_WORDS ? this.#peeked : this.#peeked.subarray(0, words);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    if (this.#path !== undefined) unlinkSync(this.#path);
    this.#path = undefined;
    this.inMemory.length = 0;
  }

  #memory(words: number): Int32Array {
    while (this.#bytes + words * 4 > this.#budget && this.#order.length - this.#oldest > 1) this.#evict();
    this.#bytes += words * 4;
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.length === words ? spare : new Int32Array(words);
  }

  #evict(): void {
    const index = this.#order[this.#oldest++]!;
    if (this.#oldest > 4096) {
      this.#order = this.#order.slice(this.#oldest);
      this.#oldest = 0;
    }
    const page = this.inMemory[index]!;
    if (this.#places[index] === -1) {
      this.#places[index] = this.#fileEnd;
      this.#io(() => {
        for (let at = 0; at < page.byteLength;)
          at += writeSync(this.#open(), page, at, page.byteLength - at, this.#fileEnd + at);
      });
      this.#fileEnd += page.byteLength;
    }
    this.inMemory[index] = undefined;
    this.#bytes -= page.byteLength;
    this.#spare = page;
  }

  #read(into: Int32Array, words: number, place: number): void {
    this.#io(() => {
      for (let at = 0; at < words * 4;) {
        const got = readSync(this.#file!, into, at, words * 4 - at, place + at);
        if (got === 0) throw new Error("it is shorter than what was written to it");
        at += got;
      }
    });
  }

  /**
   * Opens the file and removes its name at once, so that nothing of it remains after a crash. On
   * Windows it keeps its name until close().
   */
  #open(): number {
    if (this.#file !== undefined) return this.#file;
    const path = join(tmpdir(), `sluice-sheets-${randomUUID()}`);
    this.#file = openSync(path, "wx+", 0o600);
    try {
      unlinkSync(path);
    } catch {
      this.#path = path;
    }
    return this.#file;
  }

  #io(work: () => void): void {
    try {
      work();
    } catch (error) {
      const message = `The shared strings do not fit in the limit sharedStringBytesInMemory = ${this.#budget}, and the temporary file for the rest in ${tmpdir()} failed: ${(error as Error).message}. Make room there, or raise the limit.`;
      throw new SheetError("temporary_file", message, {}, { cause: error });
    }
  }
}
