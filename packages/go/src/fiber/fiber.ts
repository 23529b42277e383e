// A fiber: a goroutine whose function is a generator, and the loop that runs all fibers.
//
// Invariants
// - A fiber's code runs only in the loop, and the loop runs only in a microtask of its own. So the
//   code of other goroutines, between two of its awaits, is never interrupted by a fiber.
// - A fiber is its own waiter in a channel's queue, its own decision, and its own place in the
//   loop's queue. So a wait makes no object.
// - A fiber waits, is in the loop's queue, or runs; it is never two of them.
// - While the loop runs, it counts as one more goroutine that can run. So an awaited goroutine that
//   a fiber wakes continues in the next microtask, and fibers that it wakes join the loop's queue.
// - Each operation uses the scheduler's credit, so fibers stop for timers and I/O as others do.
// - The loop ends after `hop` steps at most and continues in another microtask, so that awaited
//   goroutines get their turn.

import { type Continuation, type Decision, Waiter, WaitQueue } from "../internal/channel.ts";
import { noteFailure } from "../internal/failures.ts";
import { countRunnable, current, enterWait, type Goroutine, leaveWait, setCurrent } from "../internal/goroutine.ts";
import type { State } from "../internal/goroutine.ts";
import { elsewhere, observer } from "../internal/hooks.ts";
import { afterTurn, holding, isOverdue, type MakeError, proceed, resume } from "../internal/sched.ts";

/** The kind of a fiber while it joins a queue that is not a channel's: for /synctest. */
export const notInChannel = 1;

/** The most steps of fibers in one microtask. */
const hop = 64;

declare const waiting: unique symbol;
/** The value that a fiber yields while it waits. Only the operations of this entry yield it. */
export interface Waiting {
  readonly [waiting]: never;
}

/** The result with which an operation suspends its fiber. */
export const PARKED: IteratorYieldResult<Waiting> = { done: false, value: undefined as never };
/** The result of every operation that is over: `yield*` reads it at once. */
const DONE: { done: true; value: unknown } = { done: true, value: undefined };

/** The result of an operation that is over. */
export function done<R>(value: R): IteratorReturnResult<R> {
  DONE.value = value;
  return DONE as IteratorReturnResult<R>;
}

/**
 * The place in which a fiber waits, if it can leave it before its wait is over. Most fibers wait in
 * a queue. (An object for each wait would cost a hot loop a tenth of its time.)
 */
export type Place = WaitQueue | { readonly withdraw: (fiber: Fiber) => void };

type Steps = Generator<unknown, unknown, unknown>;

let first: Fiber | undefined;
let last: Fiber | undefined;
let isLooping = false;
/** True if a microtask will run the loop. */
let isComing = false;
/** The fiber whose code runs. */
let self: Fiber | undefined;
const resolved: Promise<void> = Promise.resolve();

/**
 * The fiber that begins an operation; `undefined` if it has been told to end. Throws if no fiber
 * runs, or if it waits in another operation.
 */
export function begin(): Fiber | undefined {
  if (self === undefined || self.isWaiting) throw misused(self);
  return self.isEnding ? undefined : self;
}

function misused(fiber: Fiber | undefined): TypeError {
  fiber?.leave();
  return new TypeError(
    fiber === undefined
      ? "fiber: an operation ran outside of a fiber: start one with go(function* () { … })"
      : "fiber: the goroutine waits in another operation: write yield* before each of them",
  );
}

export class Fiber extends Waiter implements Decision {
  /** Whether the value was sent: false after a close. */
  ok = false;
  isWaiting = false;
  /** True if it is to end at its next operation. */
  isEnding = false;
  /** True if its wait was cut short: it ends at the `yield` where it stands. */
  #isCut = false;
  /** The wait that it has booked. */
  #state: State | undefined;
  #place: Place | undefined;
  #isOver = false;
  /** Gives the error with which its operation ends. */
  #make: MakeError | undefined;
  readonly #steps: Steps;
  #finished: (() => void) | undefined;
  #failed: ((error: unknown) => void) | undefined;
  /** The number of the promise that it waits for or waited for last. */
  turn = 0;
  /** Called when its function has ended. */
  onEnd: (() => void) | undefined;

  constructor(g: Goroutine, steps: Steps) {
    super(0, undefined, g, nobody, undefined);
    const self = this as { select: Decision; resolve: Continuation };
    self.select = self.resolve = this;
    this.#steps = steps;
  }

  /** For the code that started it: what to call at its end. */
  // oxlint-disable-next-line unicorn/no-thenable -- no await ever meets a fiber
  then(finished: () => void, failed: (error: unknown) => void): void {
    this.#finished = finished;
    this.#failed = failed;
  }

  /** Books a wait in what the caller has put the fiber into. */
  park(state: State, place?: Place): IteratorYieldResult<Waiting> {
    this.isWaiting = true;
    this.#state = state;
    this.#place = place;
    enterWait(this.g, state);
    isOverdue();
    return PARKED;
  }

  /** Waits in a queue that is not a channel's. `wakeFirst` wakes it with the value. */
  waitIn(queue: WaitQueue, state: State, value?: unknown): IteratorYieldResult<Waiting> {
    this.value = value;
    this.kind = notInChannel;
    queue.push(this);
    this.kind = 0;
    return this.park(state, queue);
  }

  /** Stays in its wait until that is over, whatever happens. */
  stay(): IteratorYieldResult<Waiting> {
    this.#place = undefined;
    return PARKED;
  }

  /** Waits in something foreign, or in the wait that other code has booked for it. */
  suspend(state?: State, place?: Place): IteratorYieldResult<Waiting> {
    this.isWaiting = true;
    this.#state = state;
    this.#place = place;
    return PARKED;
  }

  /** The end of an operation that did not wait. It waits all the same if a turn is due. */
  complete<R>(value: R): IteratorResult<Waiting, R> {
    return isOverdue() ? this.pause(value) : done(value);
  }

  /** True if it has that value now, for `take`. False if a turn is due first. */
  keep(value: unknown, ok: boolean): boolean {
    this.ok = ok;
    if (!isOverdue()) {
      this.value = value;
      return true;
    }
    this.pause(value);
    return false;
  }

  /** Continues with the value after a turn of the event loop. */
  pause(value: unknown): IteratorYieldResult<Waiting> {
    afterTurn(this.g, (v) => this.enter(v), value);
    return this.suspend();
  }

  /** The result of the operation in which it waited. Throws the error that ended it. */
  take(): unknown {
    const { value } = this;
    const make = this.#make;
    this.value = undefined;
    if (make === undefined) return value;
    this.#make = undefined;
    throw this.failing(make(this.take as () => never));
  }

  /** Records that an operation fails. */
  failing(error: unknown, state: State | undefined = this.#state): unknown {
    observer?.failed(this.g);
    noteFailure(this.g, error, state);
    return error;
  }

  decide(_kind: number, value: unknown, ok: boolean): void {
    this.ok = ok;
    this.continue(value);
  }

  fail(_kind: number, make: MakeError): void {
    this.#make = make;
    this.continue(undefined);
  }

  /** Ends its wait with a value. */
  continue(value: unknown): void {
    const state = this.#state;
    this.#place = undefined;
    if (state !== undefined && (holding || !isLooping)) resume(this.g, state, (v) => this.enter(v), value);
    else if (holding) this.pause(value);
    else {
      if (state !== undefined) leaveWait(this.g, state);
      this.enter(value);
    }
  }

  /** Leaves its wait, if it can, because it runs all the same. */
  leave(): void {
    if (this.#place === undefined) return;
    this.#withdraw(this.#place);
    if (this.#state !== undefined) leaveWait(this.g, this.#state);
    this.#place = undefined;
    this.isWaiting = false;
  }

  enter(value: unknown): void {
    if (this.#isOver) return;
    this.value = value;
    this.isWaiting = false;
    enqueue(this);
  }

  #withdraw(place: Place): void {
    if (place instanceof WaitQueue) place.remove(this);
    else place.withdraw(this);
  }

  /** Ends it at the `yield` where it waits, else at its next one. */
  end(): void {
    this.isEnding = true;
    if (this.#place === undefined) return;
    this.#withdraw(this.#place);
    this.#isCut = true;
    this.continue(undefined);
  }

  /** Runs its code, up to its next wait. Stacks end at this name, as at `Launch.run`. */
  run(): void {
    let result: IteratorResult<unknown, unknown>;
    try {
      result = this.#isCut ? this.#stop() : this.#steps.next(this);
      while (result !== PARKED || !this.isWaiting) {
        if (result.done === true) break;
        result = result === PARKED ? this.#stop() : this.#steps.throw(noOperation());
      }
    } catch (error) {
      this.#end();
      this.#failed?.(error);
      return;
    }
    if (result.done !== true) return;
    this.#end();
    this.#finished?.();
  }

  #end(): void {
    this.#isOver = true;
    this.onEnd?.();
  }

  /** Ends the function as a `return` at its `yield` would. Its `finally` blocks may wait. */
  #stop(): IteratorResult<unknown, unknown> {
    this.isEnding = this.#isCut = false;
    this.#make = undefined;
    return this.#steps.return(undefined);
  }
}

function noOperation(): TypeError {
  return new TypeError("fiber: a goroutine yielded something that is not an operation: write yield* recv(ch)");
}

function nobody(): void {
  // a fiber is its own decision
}

/** Puts a fiber into the loop's queue. */
function enqueue(fiber: Fiber): void {
  if (last === undefined) first = fiber;
  else last.next = fiber;
  last = fiber;
  if (!isLooping && !isComing) loopSoon();
}

/** Makes the fiber's goroutine the current one, and runs it. */
function proceedWith(fiber: Fiber): void {
  const { g } = fiber;
  self = fiber;
  setCurrent(g);
  if (observer === undefined) fiber.run();
  else {
    observer.stepped(g);
    observer.run(g, () => fiber.run());
  }
}

/** Wakes fibers and runs them at once. For a caller that is a microtask of its own. */
export function runWith(wake: () => void): void {
  if (isLooping) wake();
  else loop(wake);
}

function loopSoon(): void {
  isComing = true;
  void resolved.then(loopAlone);
}

function loopAlone(): void {
  isComing = false;
  loop();
}

function loop(wake?: () => void): void {
  const before = current();
  isLooping = true;
  countRunnable(1);
  try {
    wake?.();
    for (let n = 0; n < hop && first !== undefined; n++) {
      const fiber: Fiber = first;
      first = fiber.next as Fiber | undefined;
      if (first === undefined) last = undefined;
      fiber.next = undefined;
      proceedWith(fiber);
      DONE.value = undefined;
    }
  } finally {
    self = undefined;
    isLooping = false;
    countRunnable(-1);
    setCurrent(before);
    if (first === undefined) proceed();
    else if (!isComing) loopSoon();
  }
}

elsewhere.drive = (g, result) => {
  if ((result as { [Symbol.toStringTag]?: unknown } | undefined)?.[Symbol.toStringTag] !== "Generator")
    return undefined;
  const fiber = new Fiber(g, result as Steps);
  fiber.enter(undefined);
  return fiber;
};
