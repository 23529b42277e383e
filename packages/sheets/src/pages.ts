// The pages of the shared strings' arena. Past a budget the oldest move to a temporary file, and come back when they are
// asked for. A page does not change once it is full, so it is written once at most; the newest is the one being filled, and
// stays. First in, first out: strings are mostly used in the order in which they were written.
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

  constructor(budget: number) {
    this.#budget = Math.max(budget, BUDGET_MIN);
  }

  /** A new page for at least so many words; it is the last one from now on. */
  add(words: number): Int32Array {
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
    this.#io(() => {
      for (let at = 0; at < page.byteLength;) {
        const got = readSync(this.#file!, page, at, page.byteLength - at, this.#places[index]! + at);
        if (got === 0) throw new Error("it is shorter than what was written to it");
        at += got;
      }
    });
    this.inMemory[index] = page;
    this.#order.push(index);
    return page;
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
