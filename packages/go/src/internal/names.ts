// Names of anonymous functions in Go's form: `main.func1`, `main.func2`. The first part is the
// named function whose goroutine started them.
//
// /pprof, /leak and recorded stacks switch this on. Without them each anonymous function is
// `func1`. Telling them apart takes a sixth of the time that a goroutine takes to start.
//
// Invariant: this file holds no function, because a function would keep its captured variables
// alive. It holds only a function's text, which is a slice of the program's source, and that is in
// memory anyway.

import type { Body, Goroutine } from "./goroutine.ts";
import { nameBy, namer } from "./hooks.ts";

/** The source texts of anonymous functions, by the named function whose goroutine started them. */
const anonymous = new Map<string, string[]>();
/** Goroutines that have no name yet, each followed by its function. */
let unnamed: (Goroutine | Body)[] = [];
const resolved = Promise.resolve();

/** Tells anonymous functions apart from now on. */
export function tellApart(): void {
  if (namer === undefined) nameBy({ later: nameLater, all: nameAll });
}

/**
 * Gives an anonymous function its name a little later, when it is known whether the name is needed.
 * To get a function's text takes almost as long as to start a goroutine, and most goroutines end
 * soon.
 */
function nameLater(g: Goroutine, fn: Body): void {
  if (unnamed.length === 0) {
    const later = (): void => undefined;
    void resolved
      .then(later)
      .then(later)
      .then(later)
      .then(() => nameAll(false));
  }
  unnamed.push(g, fn);
}

/** Names the living goroutines, or all. Two functions count as one if their source is the same. */
export function nameAll(ended: boolean): void {
  const all = unnamed;
  unnamed = [];
  for (let i = 0; i < all.length; i += 2) {
    const g = all[i] as Goroutine;
    if (!ended && g.waits === Infinity) continue;
    const text = Function.prototype.toString.call(all[i + 1]);
    const nested = g.parentName.lastIndexOf(".func");
    const enclosing = nested < 0 ? g.parentName : g.parentName.slice(0, nested);
    let known = anonymous.get(enclosing);
    if (known === undefined) anonymous.set(enclosing, (known = []));
    const index = known.indexOf(text);
    g.name = `${enclosing}.func${index < 0 ? known.push(text) : index + 1}`;
  }
}
