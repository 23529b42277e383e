// The knowledge of a bubble about the primitives. It needs to know which of them belong to it, so
// that a wait on one is durable. It also checks that nobody uses one across the bubble's border.
//
// Invariant: a channel, and so a timer, belongs to the bubble in which it was made. A WaitGroup
// belongs to the bubble that counts in it, until it is back at zero. Locks do not belong to any
// bubble.

import { Channel, type Waiter, WaitQueue } from "../internal/channel.ts";
import { type Timers, setTimers } from "../internal/clock.ts";
import { fatal } from "../internal/fatal.ts";
import { current, type Goroutine, type State } from "../internal/goroutine.ts";
import { addPart } from "../internal/observers.ts";
import { around } from "../internal/patch.ts";
import { notInChannel } from "../fiber/fiber.ts";
import { Cond } from "../sync/cond.ts";
import { WaitGroup } from "../sync/waitgroup.ts";
import { afterFunc, type FuncTimer, Ticker, Timer } from "../time.ts";
import { type Bubble, bubbleOf, here, noteForeign } from "./bubble.ts";

/**
 * The bubble of each channel, by the channel and by its queues. Only channels made in a bubble are
 * listed.
 */
const owners = new WeakMap<object, Bubble>();
/** True if one of the channels of the wait that is about to be booked is outside of the bubble. */
let isForeign = false;
let installed = false;

/** The bubble in which the next goroutine begins, as its root. */
let next: Bubble | undefined;

/** Makes the goroutine that `start` starts the root of a bubble. */
export function startRoot(bubble: Bubble, start: () => void): void {
  install();
  next = bubble;
  try {
    start();
  } finally {
    next = undefined;
  }
}

/** True if the thing belongs to a bubble, but not to the one that runs now. */
function isAcross(thing: object): boolean {
  const owner = owners.get(thing);
  return owner !== undefined && owner !== here();
}

/** Watches bubbles from now on. */
export function install(): void {
  if (installed) return;
  installed = true;
  addPart({
    created: (g) => {
      (next ?? here())?.add(g);
      next = undefined;
    },
    made: (channel) => own(channel as Channel<unknown>),
    parked: (g, state) => {
      const bubble = bubbleOf(g);
      const outside = isForeign || (isLock(state) && bubble?.locksAreDurable === false);
      isForeign = false;
      if (bubble === undefined) return;
      if (outside) noteForeign(g, state, 1);
      bubble.poke();
    },
    resumed: (g, state) => noteForeign(g, state, -1),
    ended: (g) => bubbleOf(g)?.leave(g),
    takes: (g, error) => {
      const bubble = bubbleOf(g);
      if (bubble === undefined || bubble.isOver) return false;
      bubble.panicked(error);
      return true;
    },
  });
  const timers = new WeakMap<Bubble, Timers>();
  setTimers(() => {
    const bubble = here();
    if (bubble === undefined) return undefined;
    let own = timers.get(bubble);
    if (own === undefined) {
      own = {
        now: () => bubble.now,
        setTimeout: (ring, ms) => bubble.setTimeout(ring, ms),
        clearTimeout: (entry) => bubble.clearTimeout(entry),
      };
      timers.set(bubble, own);
    }
    return own;
  });
  guardChannels();
  guardTimers();
  guardWaitGroups();
  guardConds();
}

/**
 * True if the wait is for a mutex. Mutexes do not belong to a bubble: the holder of one may wait
 * for something real.
 */
function isLock(state: State): boolean {
  return state === "sync.Mutex.Lock" || state.startsWith("sync.RWMutex");
}

function own(channel: Channel<unknown>): void {
  const bubble = here();
  if (bubble === undefined) return;
  for (const thing of [channel, channel.recvq, channel.sendq]) owners.set(thing, bubble);
}

function guardChannels(): void {
  const guard = (name: keyof Channel<unknown>, what: string): void =>
    around(Channel.prototype as Record<keyof Channel<unknown>, unknown>, name, (method) => {
      return function (this: Channel<unknown>, ...args: unknown[]): unknown {
        if (this !== undefined && isAcross(this)) fatal(`${what} synctest channel from outside bubble`);
        return (method as (...args: unknown[]) => unknown).apply(this, args);
      };
    });
  for (const name of ["send", "trySend"] as const) guard(name, "send on");
  for (const name of ["recv", "recvOk", "tryRecv", "next"] as const) guard(name, "receive on");
  for (const name of ["canRecv", "canSend"] as const) guard(name, "select on");
  guard("close", "close of");
  around(WaitQueue.prototype, "push", (push) => {
    return function (this: WaitQueue, w: Waiter) {
      // A waiter of a queue that is not a channel's has kind 0, and no select; or it is a fiber.
      const isElsewhere = w.select === (w as unknown) ? w.kind === notInChannel : w.kind === 0 && !w.select;
      if (!isElsewhere && owners.get(this) !== here()) isForeign = true;
      push.call(this, w);
    };
  });
}

function guardTimers(): void {
  for (const { prototype } of [Timer, Ticker] as { prototype: Timer | Ticker }[]) {
    for (const name of ["stop", "reset"] as const) {
      around(prototype as Timer, name, (method) => {
        return function (this: Timer, ms: number) {
          if (isAcross(this.c)) fatal(`${name} of synctest timer from outside bubble`);
          return method.call(this, ms);
        };
      });
    }
  }
  // The class of such a timer is not exported. The timer belongs to the bubble that first used it,
  // because its constructor resets it.
  const some = afterFunc(0, () => undefined);
  some.stop();
  const prototype = Object.getPrototypeOf(some) as FuncTimer;
  around(prototype, "reset", (reset) => {
    return function (this: FuncTimer, ms: number) {
      const bubble = here();
      if (isAcross(this)) fatal("reset of synctest timer from outside bubble");
      if (bubble !== undefined && !owners.has(this)) owners.set(this, bubble);
      return reset.call(this, ms);
    };
  });
  around(prototype, "stop", (stop) => {
    return function (this: FuncTimer) {
      if (isAcross(this)) fatal("stop of synctest timer from outside bubble");
      return stop.call(this);
    };
  });
}

function guardWaitGroups(): void {
  /** The counters of the WaitGroups that are in use. */
  const counters = new WeakMap<WaitGroup, { bubble: Bubble | undefined; count: number }>();
  around(WaitGroup.prototype, "add", (add) => {
    return function (this: WaitGroup, delta: number) {
      const bubble = here();
      const counter = counters.get(this);
      if (counter !== undefined && counter.count > 0 && counter.bubble !== bubble) {
        const several = counter.bubble !== undefined && bubble !== undefined;
        fatal(
          several
            ? "sync: WaitGroup.Add called from multiple synctest bubbles"
            : "sync: WaitGroup.Add called from inside and outside synctest bubble",
        );
      }
      add.call(this, delta);
      const count = (counter?.count ?? 0) + delta;
      if (count > 0) counters.set(this, { bubble, count });
      else counters.delete(this);
    };
  });
  around(WaitGroup.prototype, "wait", (wait) => {
    return function (this: WaitGroup) {
      const counter = counters.get(this);
      if (counter !== undefined) isForeign = counter.bubble !== here();
      const waited = wait.call(this);
      isForeign = false;
      return waited;
    };
  });
}

function guardConds(): void {
  /** The goroutines that wait, in order. */
  const waiting = new WeakMap<Cond, Goroutine[]>();
  around(Cond.prototype, "wait", (wait) => {
    return function (this: Cond) {
      const waiters = waiting.get(this) ?? [];
      waiting.set(this, waiters);
      waiters.push(current());
      return wait.call(this);
    };
  });
  around(Cond.prototype, "signal", (signal) => {
    return function (this: Cond) {
      const g = waiting.get(this)?.shift();
      const bubble = g === undefined ? undefined : bubbleOf(g);
      if (bubble !== undefined && bubble !== here()) {
        fatal("semaphore wake of synctest goroutine from outside bubble");
      }
      signal.call(this);
    };
  });
}
