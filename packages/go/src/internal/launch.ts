// How a goroutine begins and ends.
//
// Invariants: its function runs in a microtask of its own, never inside the statement that started it. Its record lives
// until its promise settles. What it throws ends the program, unless it is the signal of `goexit`.

import { panic } from "./fatal.ts";
import { create, main, remove, setCurrent, type Goroutine } from "./goroutine.ts";
import { observer } from "./hooks.ts";
import { start } from "./sched.ts";

/** What `goexit` throws. Not an Error: code that catches errors by class lets it pass. */
export const exitSignal: unique symbol = Symbol("runtime.Goexit");

type Body = (...args: never[]) => unknown;
/** Called when a goroutine's function has returned or called Goexit; not after a panic. */
export type Ended = (g: Goroutine, goexit: boolean) => void;
/** Called with what a goroutine's function threw, instead of a panic. */
export type Failed = (error: unknown) => void;

/** Starts a goroutine. */
export function spawn(fn: Body, args: readonly unknown[], ended?: Ended, failed?: Failed): void {
  launch(create(fn.name), fn, args, ended, failed);
}

/** Starts goroutine g, whose record exists. */
export function launch(g: Goroutine, fn: Body, args: readonly unknown[], ended?: Ended, failed?: Failed): void {
  start(g, (g) => run(g, fn, args, ended, failed));
}

function run(g: Goroutine, fn: Body, args: readonly unknown[], ended?: Ended, failed?: Failed): void {
  setCurrent(g);
  g.state = "running";
  let result: unknown;
  try {
    result = observer === undefined ? fn(...(args as never[])) : observer.run(g, () => fn(...(args as never[])));
  } catch (error) {
    fail(g, error, ended, failed);
    return;
  } finally {
    setCurrent(main);
  }
  if (typeof (result as PromiseLike<unknown> | undefined)?.then === "function") {
    settle(g, result as PromiseLike<unknown>, ended, failed);
  } else end(g, false, ended);
}

// A function of its own, so that the closures, which live as long as the goroutine, hold neither fn nor its arguments.
function settle(g: Goroutine, result: PromiseLike<unknown>, ended?: Ended, failed?: Failed): void {
  void result.then(
    () => end(g, false, ended),
    (error: unknown) => fail(g, error, ended, failed),
  );
}

function fail(g: Goroutine, error: unknown, ended?: Ended, failed?: Failed): void {
  if (error === exitSignal) end(g, true, ended);
  else {
    remove(g);
    if (failed === undefined) panic(g, error);
    else failed(error);
  }
}

function end(g: Goroutine, goexit: boolean, ended?: Ended): void {
  if (g !== main) remove(g);
  ended?.(g, goexit);
}
