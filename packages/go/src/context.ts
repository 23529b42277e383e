// @sluice/go/context: cancellation, deadlines and values that follow a call tree (after Go's
//   context/context.go).
//
// Invariants
// - Cancelling is synchronous: when `cancel` returns, the whole subtree of contexts is done,
//   parents before children.
// - A context is in its parent's set of children exactly as long as neither of them is done, so no
//   entry remains afterwards.
// - `err` changes and `done` closes in one step. The done channel and the AbortSignal are made at
//   the first request.
// - An AbortSignal gets one listener, however many contexts descend from it.
//
// This file is longer than most because the kinds of contexts know each other. Cancellation goes
// from one to the next without a channel or a goroutine between them.

import type { RecvChan } from "./chan.ts";
import { Channel } from "./internal/channel.ts";
import { alarmIn, wall } from "./internal/clock.ts";
import { holdOpen } from "./internal/fatal.ts";
import { host } from "./internal/host.ts";
import { spawn } from "./internal/launch.ts";
import { misuse } from "./internal/sched.ts";
import { recv, select } from "./select.ts";

export interface Context {
  /**
   * Closed when the context is done; `undefined` (the nil channel) if it never can be. Each call
   * returns the same channel.
   */
  done(): RecvChan<never> | undefined;
  /** `undefined` until the context is done, then `Canceled` or `DeadlineExceeded` for ever. */
  err(): Error | undefined;
  /** The latest time at which the context will be done, if that is known. */
  deadline(): Date | undefined;
  /** The value that the nearest `withValue` bound to the key. */
  value<T>(key: Key<T>): T | undefined;
  /**
   * For `fetch` and similar functions: aborted when the context is done, with its cause as the
   * reason.
   */
  readonly signal: AbortSignal;
  /** Go's notation: `context.Background.WithCancel`. */
  toString(): string;
}

/** Cancels a context; further calls do nothing. With `using` it cancels at the end of the block. */
export interface CancelFunc extends Disposable {
  (): void;
}
/** Cancels a context with a cause, or with `Canceled` if no cause is given. */
export interface CancelCauseFunc extends Disposable {
  (cause?: Error): void;
}

/**
 * A key that knows the type of its value. Keys are compared by identity: two keys with the same
 * name are different keys.
 */
export class TypedKey<T> {
  readonly name: string;
  declare private readonly type: T;

  constructor(name: string) {
    this.name = name;
  }

  toString(): string {
    return this.name;
  }
}
/** Any object or symbol is a key as well; its value is `unknown`. */
export type Key<T> = TypedKey<T> | object | symbol;

/** Makes a typed key. */
export function key<T>(name: string): TypedKey<T> {
  return new TypedKey<T>(name);
}

// These errors have the names that other code looks for when it gets the reason of an AbortSignal.
/** The `err` of a context that was cancelled. */
export const Canceled: Error = singleton("context canceled", { name: "AbortError" });
/** The `err` of a context whose deadline passed. */
export const DeadlineExceeded: Error & { timeout(): boolean; temporary(): boolean } = singleton(
  "context deadline exceeded",
  { name: "TimeoutError", timeout: () => true, temporary: () => true },
);

/** The root context: never done, no values. */
export function background(): Context {
  return backgroundContext;
}

/** Another root, for code in which it is not yet clear which context to use. */
export function todo(): Context {
  return todoContext;
}

/**
 * A child that can be cancelled. Call the CancelFunc when the work is over, or the child stays in
 * its parent's set.
 */
export function withCancel(parent: Context): [Context, CancelFunc] {
  const [child, cancel] = withCancelCause(parent);
  return [child, cancelFunc(() => cancel())];
}

/**
 * Like `withCancel`, but the caller of the cancel function gives the reason, and `cause` returns
 * it.
 */
export function withCancelCause(parent: Context): [Context, CancelCauseFunc] {
  const child = new CancelContext(checked(parent), "WithCancel");
  child.attach();
  return [child, cancelFunc((cause?: Error) => child.cancel(Canceled, cause))];
}

/**
 * A child that is done `ms` milliseconds from now at the latest. Until it is done, it keeps the
 * process alive.
 */
export function withTimeout(parent: Context, ms: number): [Context, CancelFunc] {
  return until(parent, dateIn(ms), ms);
}

/** A child that is done at `date` at the latest. */
export function withDeadline(parent: Context, date: Date): [Context, CancelFunc] {
  return until(parent, date, date.getTime() - wall());
}

/**
 * Like `withTimeout`, with the cause to give when time is up. If it is cancelled earlier, its cause
 * is `Canceled`.
 */
export function withTimeoutCause(parent: Context, ms: number, cause: Error | undefined): [Context, CancelFunc] {
  return until(parent, dateIn(ms), ms, cause);
}

/** Like `withDeadline`, with the cause to give when time is up. */
export function withDeadlineCause(parent: Context, date: Date, cause: Error | undefined): [Context, CancelFunc] {
  return until(parent, date, date.getTime() - wall(), cause);
}

/** A child that has `value` for `key`. */
export function withValue<K extends object | symbol>(
  parent: Context,
  key: K extends TypedKey<unknown> ? never : K,
  value: unknown,
): Context;
export function withValue<T>(parent: Context, key: TypedKey<T>, value: T): Context;
export function withValue(parent: Context, key: unknown, value: unknown): Context {
  checked(parent);
  if (key === undefined || key === null) throw misuse("nil key");
  return new ValueContext(parent, key, value);
}

/** The parent's values without its cancellation or deadline. */
export function withoutCancel(parent: Context): Context {
  return new WithoutCancelContext(checked(parent));
}

/**
 * Starts fn in a new goroutine when ctx is done (at once if it already is). fn runs in the host's
 * async context of the code that cancels. The returned function returns true if it kept fn from
 * starting. It does not wait for fn.
 */
export function afterFunc(ctx: Context, fn: () => unknown): () => boolean {
  const watcher = new CancelContext(checked(ctx), "WithCancel");
  let waiting = true;
  watcher.whenDone = () => {
    if (!waiting) return;
    waiting = false;
    spawn(fn, []);
  };
  watcher.attach();
  return () => {
    const prevented = waiting;
    waiting = false;
    watcher.cancel(Canceled);
    return prevented;
  };
}

/**
 * The reason why ctx is done: the cause given when it was cancelled, else its `err`; `undefined`
 * while it is not done.
 */
export function cause(ctx: Context): Error | undefined {
  // A foreign implementation of Context may be done before the context that it wraps.
  return ctx.value<CancelContext>(innermost)?.cause ?? ctx.err();
}

/**
 * An AbortSignal as a context. It is done with `Canceled` when the signal aborts
 * (`DeadlineExceeded` for a TimeoutError). Its cause is the signal's reason. A reason that is not
 * an Error becomes the `cause` of the cause. If the goroutines of a program wait only for an
 * `AbortSignal.timeout`, the program continues until that fires, as for `withTimeout`.
 */
export function fromSignal(signal: AbortSignal): Context {
  const known = signalContexts.get(signal);
  if (known) return known;
  const ctx = new SignalContext(signal);
  signalContexts.set(signal, ctx);
  return ctx;
}

/**
 * A context that is cancelled by the first of the signals (SIGINT and SIGTERM by default), like
 * Go's signal.NotifyContext. Until `stop` is called the signals do not end the process.
 */
export function notify(...signals: string[]): [Context, CancelFunc] {
  const ctx = new NotifyContext(signals.length > 0 ? signals : ["SIGINT", "SIGTERM"]);
  return [ctx, cancelFunc(() => ctx.stop())];
}

function until(parent: Context, date: Date, ms: number, cause?: Error): [Context, CancelFunc] {
  const earlier = checked(parent).deadline();
  if (earlier && earlier.getTime() < date.getTime()) return withCancel(parent);
  const child = new DeadlineContext(parent, date);
  child.attach();
  child.startTimer(ms, cause);
  return [child, cancelFunc(() => child.cancel(Canceled))];
}

// The key for which a context gives the nearest CancelContext from which it descends.
const innermost: TypedKey<CancelContext> = new TypedKey("innermost cancellable context");

let neverAborted: AbortSignal | undefined;

class EmptyContext implements Context {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }
  get signal(): AbortSignal {
    return (neverAborted ??= new AbortController().signal);
  }
  done(): undefined {
    return undefined;
  }
  err(): undefined {
    return undefined;
  }
  deadline(): undefined {
    return undefined;
  }
  value(): undefined {
    return undefined;
  }
  toString(): string {
    return `context.${this.#name}`;
  }
}

const backgroundContext = new EmptyContext("Background");
const todoContext = new EmptyContext("TODO");

class CancelContext implements Context {
  readonly parent: Context;
  readonly #kind: string;
  cause: Error | undefined;
  /** Called once, when done: frees what the context holds, for example. */
  whenDone: (() => void) | undefined;
  #err: Error | undefined;
  #done: Channel<never> | undefined;
  #abort: AbortController | undefined;
  private children: Set<CancelContext> | undefined;
  #detach: (() => void) | undefined;
  readonly #until: Date | undefined;

  constructor(parent: Context, kind: string, until: Date | undefined = parent.deadline()) {
    this.parent = parent;
    this.#kind = kind;
    this.#until = until;
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#err) this.#abort.abort(this.cause);
    }
    return this.#abort.signal;
  }

  done(): RecvChan<never> {
    if (!this.#done) {
      this.#done = new Channel<never>(0);
      if (this.#err) this.#done.close();
    }
    return this.#done;
  }

  err(): Error | undefined {
    return this.#err;
  }

  deadline(): Date | undefined {
    return this.#until;
  }

  value<T>(key: Key<T>): T | undefined {
    return lookUp(this, key);
  }

  toString(): string {
    return `${shown(this.parent)}.${this.#kind}`;
  }

  /** Makes the parent's cancellation cancel this context too. */
  attach(): void {
    const { parent } = this;
    const follow = (): void => this.cancel(ownError(parent.err() ?? Canceled), cause(parent));
    if (parent.err()) {
      follow();
      return;
    }
    const ancestor = cancellable(parent);
    if (ancestor) {
      (ancestor.children ??= new Set()).add(this);
      this.#detach = () => ancestor.children?.delete(this);
      return;
    }
    const own = (parent as { afterFunc?: (fn: () => void) => () => boolean }).afterFunc;
    if (own) {
      this.#detach = own.call(parent, follow);
      return;
    }
    const done = parent.done();
    if (!done) return;
    if (!(done instanceof Channel)) {
      this.#follow(parent);
      return;
    }
    // For a foreign implementation of Context, one goroutine watches it. That goroutine ends
    // together with this context.
    spawn(async () => {
      const c = await select({ parent: recv(done), child: recv(this.done()) });
      if (c.case === "parent") follow();
    }, []);
  }

  /**
   * Follows a context of another copy of this library. Its channels are foreign, but its signal is
   * like any other.
   */
  #follow(parent: Context): void {
    const { signal } = parent;
    const aborted = (): void => this.cancel(ownError(parent.err() ?? Canceled), signal.reason as Error);
    signal.addEventListener("abort", aborted, { once: true });
    this.#detach = () => signal.removeEventListener("abort", aborted);
  }

  /**
   * Ends this context and its whole subtree. Only the first call counts. It uses a loop, since a
   * chain may be too deep for recursion.
   */
  cancel(err: Error, cause?: Error): void {
    if (this.#err) return;
    const subtree: CancelContext[] = [this];
    for (const ctx of subtree) {
      ctx.#err = err;
      ctx.cause = cause ?? err;
      ctx.#done?.close();
      const children = ctx.children;
      ctx.children = undefined;
      if (children) for (const child of children) subtree.push(child);
    }
    for (const ctx of subtree) {
      ctx.#detach?.();
      ctx.#detach = undefined;
      const { whenDone } = ctx;
      ctx.whenDone = undefined;
      whenDone?.();
    }
    // Signals come last: their listeners are foreign code, and must find everything done.
    for (const ctx of subtree) ctx.#abort?.abort(ctx.cause);
  }

  /** Makes the program wait for what ends it, which does not keep the event loop alive. */
  holdOpen(): void {
    holdOpen(1);
    this.whenDone = () => holdOpen(-1);
  }
}

class DeadlineContext extends CancelContext {
  constructor(parent: Context, date: Date) {
    super(parent, "WithDeadline", date);
  }

  startTimer(ms: number, cause: Error | undefined): void {
    if (this.err()) return;
    const expire = (): void => this.cancel(DeadlineExceeded, cause);
    if (!(ms > 0)) {
      expire();
      return;
    }
    const alarm = alarmIn(ms, expire);
    this.whenDone = () => alarm.cancel();
  }

  override toString(): string {
    const date = this.deadline() as Date;
    return `${super.toString()}(${date.toISOString()} [${(date.getTime() - wall()) / 1000}s])`;
  }
}

class SignalContext extends CancelContext {
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    super(backgroundContext, "fromSignal");
    this.#signal = signal;
    const aborted = (): void => {
      const reason: unknown = signal.reason;
      const error = reason instanceof Error ? reason : new Error(String(reason), { cause: reason });
      this.cancel(error.name === "TimeoutError" ? DeadlineExceeded : Canceled, error);
    };
    if (signal.aborted) {
      aborted();
      return;
    }
    signal.addEventListener("abort", aborted, { once: true });
    if (isTimeout(signal)) this.holdOpen();
  }

  override get signal(): AbortSignal {
    return this.#signal;
  }
}

/**
 * True for a signal of Node's `AbortSignal.timeout`, or one of `AbortSignal.any` that follows such
 * a signal. Node does not stay alive for its timer. So a goroutine that waits for it would look as
 * if nothing could wake it.
 */
function isTimeout(signal: AbortSignal): boolean {
  return Object.getOwnPropertySymbols(signal).some((symbol) => {
    const value = (signal as unknown as Record<symbol, unknown>)[symbol];
    if (symbol.description === "kTimeout") return value === true;
    if (symbol.description !== "kSourceSignals") return false;
    return [...(value as Iterable<WeakRef<AbortSignal>>)].some((source) => isTimeout(source.deref?.() ?? signal));
  });
}

const signalContexts = new WeakMap<AbortSignal, SignalContext>();

class NotifyContext extends CancelContext {
  readonly #signals: readonly string[];
  readonly #listener = (signal: string): void => {
    this.cancel(Canceled, new Error(`${signalNames[signal] ?? signal} signal received`));
  };

  constructor(signals: readonly string[]) {
    super(backgroundContext, "NotifyContext");
    this.#signals = signals;
    for (const signal of signals) host.process?.on?.(signal, this.#listener);
    this.holdOpen();
  }

  /** Gives the signals their usual effect again. */
  stop(): void {
    for (const signal of this.#signals) host.process?.off?.(signal, this.#listener);
    this.cancel(Canceled);
  }

  override toString(): string {
    const names = this.#signals.map((signal) => signalNames[signal] ?? signal);
    return `signal.NotifyContext(${shown(this.parent)}, [${names.join(" ")}])`;
  }
}

/** Go's names of the usual signals. Other signals keep the names they have. */
const signalNames: Readonly<Record<string, string>> = {
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGTERM: "terminated",
};

class ValueContext implements Context {
  readonly parent: Context;
  readonly key: unknown;
  readonly bound: unknown;
  /**
   * The nearest ancestor that is more than a value. Without this shortcut a chain could be too deep
   * for recursion.
   */
  readonly base: Context;

  constructor(parent: Context, key: unknown, bound: unknown) {
    this.parent = parent;
    this.key = key;
    this.bound = bound;
    this.base = parent instanceof ValueContext ? parent.base : parent;
  }
  get signal(): AbortSignal {
    return this.base.signal;
  }
  done(): RecvChan<never> | undefined {
    return this.base.done();
  }
  err(): Error | undefined {
    return this.base.err();
  }
  deadline(): Date | undefined {
    return this.base.deadline();
  }
  value<T>(key: Key<T>): T | undefined {
    return lookUp(this, key);
  }
  toString(): string {
    return `${shown(this.parent)}.WithValue(${shown(this.key)}, ${shown(this.bound)})`;
  }
}

class WithoutCancelContext extends EmptyContext {
  readonly #parent: Context;

  constructor(parent: Context) {
    super("WithoutCancel");
    this.#parent = parent;
  }
  override value<T>(key?: Key<T>): undefined {
    return key === undefined || key === innermost ? undefined : (this.#parent.value(key) as undefined);
  }
  override toString(): string {
    return `${shown(this.#parent)}.WithoutCancel`;
  }
}

/**
 * The value that the nearest context binds to the key. It uses a loop, since a chain may be too
 * deep for recursion.
 */
function lookUp<T>(from: Context, key: Key<T>): T | undefined {
  for (let ctx = from; ;) {
    if (ctx instanceof ValueContext) {
      if (ctx.key === key) return ctx.bound as T | undefined;
    } else if (!(ctx instanceof CancelContext)) return ctx.value(key);
    else if (key === innermost) return ctx as unknown as T;
    ctx = ctx.parent;
  }
}

/**
 * Canceled and DeadlineExceeded are compared by identity, so this maps those of another copy of
 * this library to this copy's.
 */
function ownError(err: Error): Error {
  return [Canceled, DeadlineExceeded].find((own) => own.message === err.message) ?? err;
}

/**
 * The CancelContext that is done exactly when ctx is, if there is one. It is found through contexts
 * that only add values, but not through one with a different `done`.
 */
function cancellable(ctx: Context): CancelContext | undefined {
  if (ctx instanceof CancelContext) return ctx;
  if (ctx instanceof ValueContext) return cancellable(ctx.base);
  const inner = ctx.value<CancelContext>(innermost);
  return inner && inner.done() === ctx.done() ? inner : undefined;
}

function checked(parent: Context): Context {
  if ((parent as Context | null | undefined) === undefined || (parent as Context | null) === null) {
    throw misuse("cannot create context from nil parent");
  }
  return parent;
}

function cancelFunc<F extends (cause?: Error) => void>(fn: F): F & Disposable {
  return Object.assign(fn, { [Symbol.dispose]: () => fn() });
}

/**
 * An error that is the same object for everybody, so that `===` finds it. If a helper writes a
 * property onto the error, the property must not appear in another request. So an assignment goes
 * up the prototypes to a proxy, which drops it. (An assignment to `message` throws, as it does for
 * the DOMException of an AbortController.) The error object itself is not a proxy, since hosts
 * recognise errors by properties that a proxy lacks. It has no stack, because a stack would tell
 * from which place this file was loaded.
 */
function singleton<P extends object>(message: string, properties: P): Error & P {
  const error = new Error(message);
  delete error.stack;
  Object.defineProperty(error, "message", { writable: false });
  const inherited = {
    __proto__: Error.prototype,
    stack: `Error: ${message}`,
    [Symbol.toStringTag]: "Error",
    ...properties,
  };
  return Object.setPrototypeOf(error, new Proxy(inherited, { set: () => true })) as Error & P;
}

function dateIn(ms: number): Date {
  // The furthest date that exists, used for "never".
  return new Date(Math.min(wall() + (ms || 0), 8.64e15));
}

/**
 * The text of keys, values and foreign parents, as Go prints them: strings unchanged, others by
 * their own `toString`, else by type.
 */
function shown(value: unknown): string {
  if (value === undefined || value === null) return "<nil>";
  if (typeof value === "string" || typeof value === "symbol") return String(value);
  if (typeof value !== "object") return typeof value;
  const { toString, constructor } = value as { toString?: () => string; constructor?: { name: string } };
  if (typeof toString === "function" && toString !== Object.prototype.toString) return toString.call(value);
  return constructor?.name ?? "Object";
}
