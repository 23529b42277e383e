// Goroutines: how to start them, how to end them, and what happens to their panics (after Go's
// runtime/proc.go).
//
// The beginning and the end of a goroutine are in internal/launch.ts.

import { isThenable } from "./internal/channel.ts";
import { exit, fatal, mainBegins, mainCalledGoexit } from "./internal/fatal.ts";
import { elsewhere } from "./internal/hooks.ts";
import { countGoroutines, create, current, daemons, main as mainGoroutine, remove } from "./internal/goroutine.ts";
import { driven, launch, spawn } from "./internal/launch.ts";
import { completedWith, freeze, watchProgram, yieldToAll } from "./internal/sched.ts";
import { exitSignal, isGoexit, repanicked } from "./internal/thrown.ts";

/**
 * Starts a goroutine that calls fn(...args). Returns at once: fn runs no earlier than the caller's
 * next suspension, and its result is dropped. If fn throws, or its promise rejects, the program
 * ends as with a Go panic.
 */
export function go<A extends unknown[]>(fn: (...args: A) => unknown, ...args: A): void {
  if (typeof fn !== "function") noFunction(fn);
  spawn(fn, args);
}

/**
 * Starts a goroutine as `go` does, but one that nobody waits for. An example is a background worker
 * of a module, which waits for work as long as the program lives. Its wait does not count as a
 * deadlock. If it throws, that is still a panic.
 */
export function daemon<A extends unknown[]>(fn: (...args: A) => unknown, ...args: A): void {
  if (typeof fn !== "function") noFunction(fn);
  const g = create(fn);
  daemons.add(g);
  launch(g, fn, args);
}

/**
 * Go's main function: runs fn as goroutine 1. When fn returns, the program ends with status 0 (or
 * `process.exitCode`), even if other goroutines are still running. Their `finally` blocks do not
 * run then. If an operation has failed by then and its promise is not awaited, that is a panic,
 * like every unhandled rejection. The returned promise resolves only if there is no process to end.
 * A program has one main goroutine: a second call runs as the same one, and the call that returns
 * first ends the program.
 */
export function main(fn: () => unknown): Promise<void> {
  if (typeof fn !== "function") noFunction(fn);
  if (elsewhere.main) return elsewhere.main();
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

/**
 * Throws Go's text for a nil function, or an explanation if the argument is the result of a call.
 */
function noFunction(given: unknown): never {
  if (isThenable(given)) throw new TypeError("expected a function, got a promise: write go(f, x), not go(f(x))");
  fatal("go of nil func value");
}

/** Lets all other goroutines that can run do so, and timers and I/O too. */
export const gosched: () => Promise<void> = yieldToAll;

/**
 * Ends the calling goroutine, and only that one. Its `finally` blocks run. It works by throwing, so
 * code that catches everything must rethrow errors that it does not know. In `main` it leaves the
 * other goroutines running. In code outside of every goroutine it is an uncaught error, like any
 * other throw: use `main` for a program that ends like this.
 */
export function goexit(): never {
  throw exitSignal;
}

/** The number of goroutines, main included. */
export const numGoroutine: () => number = countGoroutines;

/**
 * A cleanup for `using` (or, with an async fn, for `await using`): fn runs at the end of the block,
 * however that ends.
 */
export function defer(fn: () => never): Disposable & AsyncDisposable;
export function defer(fn: () => PromiseLike<unknown>): AsyncDisposable;
export function defer(fn: () => void): Disposable;
export function defer(fn: () => unknown): Disposable & AsyncDisposable {
  return {
    [Symbol.dispose]: () => void fn(),
    [Symbol.asyncDispose]: async () => void (await fn()),
  };
}

/**
 * A goroutine body whose panic goes to `handler` instead of ending the program, like Go's deferred
 * function that calls recover. `goexit` is not a panic and passes through.
 */
export function recoverable<A extends unknown[], R, H = R>(
  fn: (...args: A) => R | PromiseLike<R>,
  handler: (error: unknown) => H | PromiseLike<H>,
): (...args: A) => Promise<R | H> {
  const body = async (...args: A): Promise<R | H> => {
    try {
      return await (driven(current(), fn(...args)) as PromiseLike<R>);
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
