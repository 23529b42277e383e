// How a goroutine begins and ends.
//
// Invariants: its function runs in a microtask of its own, never inside the statement that started it. Its record lives
// until its promise settles. What it throws ends the program, unless it is the signal of `goexit` or somebody supervises
// it. Only the reactions of its promise hold what ends it and its supervisor: a goroutine that nothing can wake any more
// keeps nobody else from being collected.

import { panic } from "./fatal.ts";
import { create, main, remove, runnable, setCurrent, setForeign, type Goroutine } from "./goroutine.ts";
import { observer } from "./hooks.ts";
import { proceed, start } from "./sched.ts";
import { isGoexit } from "./thrown.ts";

type Body = (...args: never[]) => unknown;

/** Who wants to know of a goroutine's end, besides the program. */
export interface Supervisor {
  /** Its function has returned or called Goexit; not called after a panic. */
  readonly ended?: (g: Goroutine, goexit: boolean) => void;
  /** Its function threw: called instead of a panic. */
  readonly failed?: (error: unknown) => void;
}

/** Starts a goroutine. */
export function spawn(fn: Body, args: readonly unknown[], supervisor?: Supervisor): void {
  launch(create(fn), fn, args, supervisor);
}

/** Starts goroutine g, whose record exists. */
export function launch(g: Goroutine, fn: Body, args: readonly unknown[], supervisor?: Supervisor): void {
  start(g, (g) => run(g, fn, args, supervisor));
}

function run(g: Goroutine, fn: Body, args: readonly unknown[], supervisor: Supervisor | undefined): void {
  setCurrent(g);
  g.state = "running";
  const subject = supervisor === undefined ? g : new Supervised(g, supervisor);
  let result: unknown;
  try {
    result = observer === undefined ? fn(...(args as never[])) : observer.run(g, () => fn(...(args as never[])));
  } catch (error) {
    fail.call(subject, error);
    return;
  } finally {
    // Foreign code is main's. But where nobody else can run, g's own goes on without being announced.
    if (runnable > 1) setForeign();
  }
  if (typeof (result as PromiseLike<unknown> | undefined)?.then !== "function") {
    finish.call(subject);
    return;
  }
  // Bound functions, which live as long as the goroutine, are half the size of closures, and hold neither fn nor its
  // arguments. Nothing else holds them, which the proof of leaks relies on.
  const finished = finish.bind(subject);
  if (observer !== undefined) observer.began(g, finished);
  void (result as PromiseLike<unknown>).then(finished, fail.bind(subject));
}

class Supervised {
  declare readonly g: Goroutine;
  declare readonly supervisor: Supervisor;

  constructor(g: Goroutine, supervisor: Supervisor) {
    this.g = g;
    this.supervisor = supervisor;
  }
}

function finish(this: Goroutine | Supervised): void {
  end(this, false);
}

function fail(this: Goroutine | Supervised, error: unknown): void {
  if (isGoexit(error)) {
    end(this, true);
    return;
  }
  const g = this instanceof Supervised ? this.g : this;
  remove(g);
  if (this instanceof Supervised && this.supervisor.failed !== undefined) this.supervisor.failed(error);
  else panic(g, error);
  proceed();
}

function end(subject: Goroutine | Supervised, goexit: boolean): void {
  const g = subject instanceof Supervised ? subject.g : subject;
  if (g !== main) remove(g);
  if (subject instanceof Supervised) subject.supervisor.ended?.(g, goexit);
  proceed();
}
