// Goroutines: starting them, ending them, and what becomes of their panics (after Go's runtime/proc.go).
//
// How a goroutine begins and ends stands in internal/launch.ts.

import { isThenable } from "./internal/channel.ts";
import { exit, fatal, mainBegins, mainCalledGoexit } from "./internal/fatal.ts";
import { countGoroutines, create, daemons, main as mainGoroutine, remove } from "./internal/goroutine.ts";
import { launch, spawn } from "./internal/launch.ts";
import { completedWith, freeze, watchProgram, yieldToAll } from "./internal/sched.ts";
import { exitSignal, isGoexit, repanicked } from "./internal/thrown.ts";

/**
 * Starts a goroutine that calls fn(...args). Returns at once: fn runs no earlier than the caller's next suspension, and
 * its result is dropped. What it throws, or what its promise rejects with, ends the program like a Go panic.
 */
export function go<A extends unknown[]>(fn: (...args: A) => unknown, ...args: A): void {
  if (typeof fn !== "function") noFunction(fn);
  spawn(fn, args);
}

/**
 * Starts a goroutine as `go` does, but one that nobody waits for: the background worker of a
 * module, which waits for work as long as the program lives. That it waits is not a deadlock; what it
 * throws is a panic all the same.
 */
export function daemon<A extends unknown[]>(fn: (...args: A) => unknown, ...args: A): void {
  if (typeof fn !== "function") noFunction(fn);
  const g = create(fn);
  daemons.add(g);
  launch(g, fn, args);
}

/**
 * Go's main function: runs fn as goroutine 1. When it returns the program ends with status 0 (or `process.exitCode`), no
 * matter who still runs; nobody's `finally` blocks run then. An operation that has failed by then
 * and that nobody awaits is a panic, as every rejection that nobody handles. The promise resolves
 * only if there is no process to end. A program has one: a second call runs as the same
 * goroutine, and whichever returns first ends the program.
 */
export function main(fn: () => unknown): Promise<void> {
  if (typeof fn !== "function") noFunction(fn);
  mainBegins();
  return new Promise((resolve) => {
    launch(mainGoroutine, fn, [], {
      ended: (g, goexit) => {
        if (goexit) {
          remove(g);
          mainCalledGoexit();
          watchProgram();
        } else {
          const goOn = freeze();
          exit(() => {
            goOn();
            resolve();
          });
        }
      },
    });
  });
}

/** Go's text for a nil function; in words for what was called already. */
function noFunction(given: unknown): never {
  if (isThenable(given)) throw new TypeError("expected a function, got a promise: write go(f, x), not go(f(x))");
  fatal("go of nil func value");
}

/** Lets everyone else run who can, timers and I/O included. */
export const gosched: () => Promise<void> = yieldToAll;

/**
 * Ends the goroutine that calls it, and only that; its `finally` blocks run. It works by throwing, so code that catches
 * everything must rethrow what it does not know. In `main` it leaves the other goroutines running. In code that runs in no
 * goroutine it is an error that nobody catches, as every other throw is: use `main` for a program that ends so.
 */
export function goexit(): never {
  throw exitSignal;
}

/** How many goroutines there are, main included. */
export const numGoroutine: () => number = countGoroutines;

/** A cleanup for `using` (or, with an async fn, for `await using`): fn runs when the block is left, however it is left. */
export function defer(fn: () => PromiseLike<unknown>): AsyncDisposable;
export function defer(fn: () => void): Disposable;
export function defer(fn: () => unknown): Disposable & AsyncDisposable {
  return {
    [Symbol.dispose]: () => void fn(),
    [Symbol.asyncDispose]: async () => void (await fn()),
  };
}

/**
 * A goroutine body whose panic goes to `handler` instead of ending the program: Go's deferred function that calls recover.
 * `goexit` is no panic and passes through.
 */
export function recoverable<A extends unknown[], R, H = R>(
  fn: (...args: A) => R | PromiseLike<R>,
  handler: (error: unknown) => H | PromiseLike<H>,
): (...args: A) => Promise<R | H> {
  const body = async (...args: A): Promise<R | H> => {
    try {
      return await fn(...args);
    } catch (error) {
      if (isGoexit(error)) throw error;
      try {
        return await completedWith(await handler(error));
      } catch (next) {
        repanicked(error, next);
        throw next;
      }
    }
  };
  Object.defineProperty(body, "name", { value: fn.name });
  return body;
}
