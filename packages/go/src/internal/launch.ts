// The beginning and the end of a goroutine.
//
// Invariants: a goroutine's function runs in a separate microtask, never inside the statement that
// started it. Its record lives until its promise settles. If it throws, the program ends. The
// exceptions are the signal of `goexit` and a supervisor, which gets the error instead. Only the
// reactions of its promise hold the function that ends it and its supervisor. So a goroutine that
// nothing can wake any more does not keep other objects from being collected.

import { panic } from "./fatal.ts";
import { create, main, remove, runnable, setCurrent, setForeign, type Goroutine } from "./goroutine.ts";
import { elsewhere, observer } from "./hooks.ts";
import { type Beginning, proceed, start } from "./sched.ts";
import { isGoexit } from "./thrown.ts";

type Body = (...args: never[]) => unknown;
type Tagged = { readonly [Symbol.toStringTag]?: string } | undefined;

/** Code other than the program that is told about a goroutine's end. */
export interface Supervisor {
  /** Called when its function has returned or called Goexit, but not after a panic. */
  readonly ended?: (g: Goroutine, goexit: boolean) => void;
  /** Called instead of a panic when its function has thrown. */
  readonly failed?: (error: unknown) => void;
}

/** Starts a goroutine. */
export function spawn(fn: Body, args: readonly unknown[], supervisor?: Supervisor): void {
  launch(create(fn), fn, args, supervisor);
}

/** Starts goroutine g, whose record exists. */
export function launch(g: Goroutine, fn: Body, args: readonly unknown[], supervisor?: Supervisor): void {
  start(new Launch(g, fn, args, supervisor));
}

class Launch implements Beginning {
  next: Beginning | undefined = undefined;
  open: Beginning["open"] = undefined;
  declare readonly g: Goroutine;
  declare readonly supervisor: Supervisor | undefined;
  /** Cleared when the function begins. */
  #fn: Body | undefined;
  #args: readonly unknown[] | undefined;

  constructor(g: Goroutine, fn: Body, args: readonly unknown[], supervisor: Supervisor | undefined) {
    this.g = g;
    this.supervisor = supervisor;
    this.#fn = fn;
    this.#args = args;
  }

  begin(): void {
    if (observer === undefined) this.run();
    else observer.run(this.g, () => this.run());
  }

  /** Runs the goroutine's function. */
  run(): void {
    const { g } = this;
    const fn = this.#fn as Body;
    const args = this.#args as never[];
    this.#fn = this.#args = undefined;
    setCurrent(g);
    g.state = "running";
    const subject = this.supervisor ? this : g;
    let result: unknown;
    try {
      result = driven(g, fn(...args));
    } catch (error) {
      fail.call(subject, error);
      return;
    } finally {
      // Foreign code counts as main's. But if only g can run, its own code continues without an
      // announcement.
      if (runnable > 1 || g.waits > 0) setForeign();
    }
    if (typeof (result as PromiseLike<unknown> | undefined)?.then !== "function") {
      finish.call(subject);
      return;
    }
    // Bound functions live as long as the goroutine. They are half the size of closures, and hold
    // neither fn nor its arguments. Nothing else holds them, and the proof of leaks relies on that.
    const finished = finish.bind(subject);
    if (observer !== undefined) observer.began(g, finished);
    void (result as PromiseLike<unknown>).then(finished, fail.bind(subject));
  }
}

/**
 * What ends with goroutine g's function: its result or, if that is a generator, the fiber that runs
 * it. Throws if nobody would run the generator, since its caller would not hear of that.
 */
export function driven(g: Goroutine, result: unknown): unknown {
  const end = elsewhere.drive?.(g, result) ?? result;
  if ((end as Tagged)?.[Symbol.toStringTag]?.endsWith("Generator"))
    throw new TypeError("expected a function, got a generator: import @sluice/go/fiber");
  return end;
}

/** A goroutine's record or, if it has a supervisor, the Launch that knows both. */
type Subject = Goroutine | Launch;

function finish(this: Subject): void {
  end(this, false);
}

function fail(this: Subject, error: unknown): void {
  if (isGoexit(error)) {
    end(this, true);
    return;
  }
  const g = this instanceof Launch ? this.g : this;
  remove(g);
  if (this instanceof Launch && this.supervisor?.failed) {
    setCurrent(g);
    this.supervisor.failed(error);
    setForeign();
  } else if (!observer?.takes(g, error)) panic(g, error);
  proceed();
}

function end(subject: Subject, goexit: boolean): void {
  const g = subject instanceof Launch ? subject.g : subject;
  if (g !== main) remove(g);
  if (subject instanceof Launch) {
    // The supervisor acts for the goroutine, such as a WaitGroup that counts it. Without this, code
    // without AsyncLocalStorage would take it for main's.
    setCurrent(g);
    subject.supervisor?.ended?.(g, goexit);
    setForeign();
  }
  proceed();
}
