// @sluice/go/leak: finds goroutines that should have ended (after uber-go/goleak).
//
// It can find a goroutine that lives although the code that started it is finished. It cannot tell
// to which of several concurrent tests the goroutine belongs. With `proven` it reports only
// goroutines that nothing can wake any more. That is certain at any time, in a running service too.
// Importing this module records the stacks of goroutines from then on.

import { block, suffix, topFunction } from "./internal/dump.ts";
import { current, daemons, list, main, nameOf, type Goroutine, type Listed } from "./internal/goroutine.ts";
import { collect, collectSoon, isLeaked } from "./internal/proof.ts";
import { recordStacks } from "./internal/stacks.ts";

recordStacks(true);

/** An option: it ignores some goroutines, or adds an action. */
export interface Option {
  readonly ignores?: (g: Goroutine) => boolean;
  readonly proven?: boolean;
  readonly runOnFailure?: boolean;
  readonly cleanup?: (exitCode: number) => void;
}

/**
 * Ignores the goroutines that live when the option is made. Later ones count, even if they look the
 * same.
 */
export function ignoreCurrent(): Option {
  const ids = new Set(list().map(({ goroutine }) => goroutine.id));
  return { ignores: (g) => ids.has(g.id) };
}

/** Ignores goroutines with the function on top of their stack. */
export function ignoreTopFunction(name: string): Option {
  return { ignores: (g) => topFunction(g) === name };
}

/** Ignores goroutines with the function anywhere on their stack (their creator is not on it). */
export function ignoreAnyFunction(name: string): Option {
  return { ignores: (g) => nameOf(g) === name || functions(g.notes?.parkedAt).includes(name) };
}

/** Ignores goroutines whose `go` statement is in the function. */
export function ignoreCreatedBy(name: string): Option {
  return { ignores: (g) => functions(g.notes?.createdAt)[0] === name };
}

/**
 * Looks only for goroutines that nothing can wake any more: the garbage collector shows that
 * everything that could wake them is unreachable. It never accuses a goroutine wrongly. It does not
 * accuse a goroutine that waits on something that a global or a living function still holds. Stops
 * the program for a full collection, which Node, Deno and Bun let a program request.
 */
export function proven(): Option {
  return { ignores: (g) => !isLeaked(g), proven: true };
}

/**
 * For `verifyTestMain`: fn gets the exit code, and the process does not end with it. For
 * `verifyNone`: fn is called with 0.
 */
export function cleanup(fn: (exitCode: number) => void): Option {
  return { cleanup: fn };
}

/** For `verifyTestMain`: looks for leaks even after a failed run. */
export function runOnFailure(): Option {
  return { runOnFailure: true };
}

/**
 * The leaks as an error that begins with `found unexpected goroutines:`, or `undefined`. Gives
 * goroutines that are about to end up to 0.4 s of time. The caller and main do not count as leaks.
 */
export async function find(...options: readonly Option[]): Promise<Error | undefined> {
  if (options.some((option) => option.cleanup !== undefined)) {
    return new Error("Cleanup can only be passed to VerifyNone or VerifyTestMain");
  }
  return search(options);
}

async function search(options: readonly Option[]): Promise<Error | undefined> {
  const self = current();
  const certain = isProofAsked(options);
  const tries = certain ? 0 : 20;
  if (certain) await collectSoon();
  let found = leaks(self, options);
  for (let i = 0; found.length > 0 && i < tries; i++) {
    const wait = Math.min(2 ** i / 1000, 100);
    await new Promise((resolve) => {
      setTimeout(resolve, wait);
    });
    found = leaks(self, options);
  }
  return found.length === 0 ? undefined : report(found, certain);
}

function isProofAsked(options: readonly Option[]): boolean {
  return options.some((option) => option.proven === true);
}

/**
 * Rejects if there are leaks. Call it at the end of a test, after its `using`s and `finally`s have
 * run.
 */
export async function verifyNone(...options: readonly Option[]): Promise<void> {
  const self = current();
  const error = await search(options);
  for (const option of options) option.cleanup?.(0);
  if (error === undefined) return;
  // These goroutines have been reported, so the end of the run need not report them again as a
  // deadlock.
  for (const { goroutine } of leaks(self, options)) daemons.add(goroutine);
  throw error;
}

/**
 * Checks a whole test run. With a test framework, give its hook: `verifyTestMain(afterAll)` for
 * Vitest, `verifyTestMain(after)` for node:test, or `afterEach` to check each test. Without a hook
 * it looks when the process has nothing left to do. After a run that was successful so far, it
 * prints the leaks and makes the exit code 1.
 */
export function verifyTestMain(...args: readonly (Option | Hook)[]): void {
  const options = args.filter((arg) => typeof arg !== "function");
  const hooks = args.filter((arg) => typeof arg === "function");
  // A leak that was already reported is not the fault of later tests.
  const told = new Set<Goroutine>();
  const check = async (): Promise<void> => {
    try {
      await verifyNone(...options, { ignores: (g) => told.has(g) });
    } finally {
      for (const { goroutine } of list()) told.add(goroutine);
    }
  };
  for (const hook of hooks) hook(check);
  if (hooks.length === 0) atEnd(options);
}

/** A test framework's `afterAll` or `afterEach`. */
export type Hook = (check: () => Promise<void>) => unknown;

interface TestProcess {
  prependListener: (event: "beforeExit", listener: (code: number) => void) => void;
  exitCode?: number | string | null | undefined;
  exit: (code: number) => void;
  stderr: { write: (text: string) => unknown };
}

function atEnd(options: readonly Option[]): void {
  const process = (globalThis as { process?: TestProcess }).process;
  // It must run before the deadlock report, which would otherwise report the parked goroutines.
  process?.prependListener("beforeExit", (code) => {
    const anyway = options.some((option) => option.runOnFailure);
    if (isProofAsked(options)) collect();
    const found = code === 0 || anyway ? leaks(main, options) : [];
    let status = code;
    if (found.length > 0) {
      const kind = code === 0 ? "successful" : "unsuccessful";
      process.stderr.write(`goleak: Errors on ${kind} test run: ${report(found, isProofAsked(options)).message}\n`);
      status = code === 0 ? 1 : code;
    }
    const cleanups = options.filter((option) => option.cleanup !== undefined);
    for (const option of cleanups) option.cleanup?.(status);
    if (cleanups.length === 0 && found.length > 0) process.exit(status);
  });
}

function leaks(self: Goroutine, options: readonly Option[]): Listed[] {
  return list().filter(
    ({ goroutine: g }) => g !== self && g !== main && !options.some((option) => option.ignores?.(g) === true),
  );
}

function report(found: readonly Listed[], certain: boolean): Error {
  const texts = found.map((entry) => {
    const { goroutine: g, state } = entry;
    const shown = certain ? `${state} (leaked)` : state;
    const text = block(g, shown + suffix(entry));
    return `Goroutine ${g.id} in state ${state}, with ${topFunction(g)} on top of the stack:\n${text}`;
  });
  return new Error(`found unexpected goroutines:\n[${texts.join("\n ")}]`);
}

function functions(stack: string | undefined): string[] {
  return (stack ?? "").split("\n").flatMap((line) => /^(\S.*)\(\.\.\.\)$/.exec(line)?.[1] ?? []);
}
