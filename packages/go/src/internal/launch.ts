// How a goroutine begins and ends.
//
// Invariants: its function runs in a microtask of its own, never inside the statement that started it. Its record lives
// until its promise settles. What it throws ends the program, unless it is the signal of `goexit`.

import { panic } from "./fatal.ts";
import { create, main, remove, setCurrent, type Goroutine, type Supervisor } from "./goroutine.ts";
import { observer } from "./hooks.ts";
import { start } from "./sched.ts";

/** What `goexit` throws. Not an Error: code that catches errors by class lets it pass. */
export const exitSignal: unique symbol = Symbol("runtime.Goexit");

type Body = (...args: never[]) => unknown;

/** Starts a goroutine. */
export function spawn(fn: Body, args: readonly unknown[], supervisor?: Supervisor): void {
  launch(create(fn.name), fn, args, supervisor);
}

/** Starts goroutine g, whose record exists. */
export function launch(g: Goroutine, fn: Body, args: readonly unknown[], supervisor: Supervisor | undefined): void {
  g.supervisor = supervisor;
  start(g, (g) => run(g, fn, args));
}

function run(g: Goroutine, fn: Body, args: readonly unknown[]): void {
  setCurrent(g);
  g.state = "running";
  let result: unknown;
  try {
    result = observer === undefined ? fn(...(args as never[])) : observer.run(g, () => fn(...(args as never[])));
  } catch (error) {
    fail.call(g, error);
    return;
  } finally {
    setCurrent(main);
  }
  // Bound functions, which live as long as the goroutine, are half the size of closures, and hold neither fn nor its
  // arguments.
  if (typeof (result as PromiseLike<unknown> | undefined)?.then === "function") {
    void (result as PromiseLike<unknown>).then(finish.bind(g), fail.bind(g));
  } else finish.call(g);
}

function finish(this: Goroutine): void {
  end(this, false);
}

function fail(this: Goroutine, error: unknown): void {
  if (error === exitSignal) {
    end(this, true);
    return;
  }
  remove(this);
  if (this.supervisor?.failed === undefined) panic(this, error);
  else this.supervisor.failed(error);
}

function end(g: Goroutine, goexit: boolean): void {
  if (g !== main) remove(g);
  g.supervisor?.ended?.(g, goexit);
}
