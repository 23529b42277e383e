// The pages of the shared strings' arena. Past a budget the oldest move to a temporary file, and come back when they are
// asked for. A page does not change once it is full, so it is written once at most; the newest is the one being filled, and
// stays. First in, first out: strings are mostly used in the order in which they were written. Where they are not, a page
// that is asked for once stays where it is, and only a few words of it are read: peek().
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { SheetError } from "./errors.ts";

/**
 * Words in a page: 256 KiB. Only a string that is larger has a larger one, of its own. Smaller pages (32 to 128 KiB) were
 * tried: 40 to 90 MB more of memory for six million strings, and slower.
 */
export const PAGE_SHIFT = 16;
export const PAGE_MASK: number = (1 << PAGE_SHIFT) - 1;
const PAGE_WORDS = 1 << PAGE_SHIFT;

/** Four pages; with less there would be nothing but reading. */
const BUDGET_MIN = 4 * PAGE_WORDS * 4;

/** A place in the arena is a page number and a word in the page, in one number of 32 bits. */
const PAGES_MAX = 1 << (32 - PAGE_SHIFT);

/** What peek() reads of a page, in words. */
const PEEK_WORDS = 1024;

/** A page that is asked for again among so many others comes back whole. */
const RECENT = 8;

export class Pages {
  /** [page] in memory, or undefined: then fetch() gives it. */
  readonly inMemory: (Int32Array | undefined)[] = [];
  readonly #budget: number;
  #bytes = 0;
  /** Pages in memory, from #oldest on in the order in which they came. */
  #order: number[] = [];
  #oldest = 0;
  /** [page] where it begins in the file, or −1. */
  readonly #places: number[] = [];
  readonly #sizes: number[] = [];
  #file: number | undefined;
  #path: string | undefined;
  #fileEnd = 0;
  /** Memory of a page that went to the file, for the next one. */
  #spare: Int32Array | undefined;
  readonly #peeked = new Int32Array(PEEK_WORDS);
  readonly #recent = new Int32Array(RECENT).fill(-1);
  #turn = 0;

  constructor(budget: number) {
    this.#budget = Math.max(budget, BUDGET_MIN);
  }

  /** A new page for at least so many words; it is the last one from now on. */
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
   * Words of a page in the file, from `word` on: as many as there are and the answer holds; the next call takes its memory.
   * Undefined where the page was asked for a moment ago, and is better fetched.
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

  /** The file has no name as soon as it is open, so that nothing of it is left whatever happens; on Windows it keeps it until close(). */
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
