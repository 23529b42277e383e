// The activity of goroutines and channels as it happens, with the values that travel: for the
// playground of the documentation, which draws it.
//
// It works in browsers too, since it needs nothing of the host. The other files of /trace record
// times with little cost; this one takes a stack for each wait, and wraps the methods of channels.
// So it is not an entry of the package: programs have `start` and `FlightRecorder`.
//
// Invariant: what an operation of a channel causes comes directly after the operation. So a `sends`
// is followed by the `wakes` of the receiver that gets the value.

import { Channel, type Waiter, WaitQueue } from "../internal/channel.ts";
import { wall } from "../internal/clock.ts";
import { current, type Goroutine, main, nameOf, type State } from "../internal/goroutine.ts";
import { addPart, type Part, removePart } from "../internal/observers.ts";
import { around } from "../internal/patch.ts";

/** A channel that a goroutine waits on, to send that value or to receive one. */
export type WaitsOn =
  | { readonly way: "send"; readonly channel: number; readonly value: unknown }
  | { readonly way: "receive"; readonly channel: number };

/**
 * An event of a program. Goroutines and channels are numbers; `g` is the goroutine that acts. A
 * stack is the engine's text.
 */
export type Happening =
  | {
      readonly kind: "starts";
      readonly g: number;
      readonly name: string;
      readonly by: number;
      readonly stack: string;
    }
  | { readonly kind: "runs"; readonly g: number }
  | {
      readonly kind: "waits";
      readonly g: number;
      readonly state: State;
      /** Empty if it waits for something other than channels. */
      readonly on: readonly WaitsOn[];
      readonly stack: string;
    }
  /** Goroutine g can continue. `by` let it; 0 is a timer or the host. */
  | { readonly kind: "wakes"; readonly g: number; readonly by: number }
  | { readonly kind: "ends"; readonly g: number; readonly name: string }
  | {
      readonly kind: "makes";
      readonly g: number;
      readonly channel: number;
      readonly capacity: number;
      readonly stack: string;
    }
  /** The value is in the buffer, or goroutine `to`, which waited, has it. */
  | {
      readonly kind: "sends";
      readonly g: number;
      readonly channel: number;
      readonly value: unknown;
      readonly to: number | undefined;
      readonly stack: string;
    }
  /**
   * The value comes from the buffer if that holds one, else from goroutine `from`, which waited. If
   * both are given, the value that `from` keeps moves into the buffer.
   */
  | {
      readonly kind: "receives";
      readonly g: number;
      readonly channel: number;
      readonly value: unknown;
      readonly from: number | undefined;
      readonly stack: string;
    }
  | { readonly kind: "closes"; readonly g: number; readonly channel: number; readonly stack: string };

/** A happening with the time of the goroutine's clock, in milliseconds since 1970. */
export type LiveEvent = Happening & { readonly at: number };

/** The most frames of a stack. */
const depth = 30;

let listener: ((event: LiveEvent) => void) | undefined;
/** The goroutine that acted last, as long as it has not begun to wait. */
let runner: Goroutine | undefined;
/** The channels on which the acting goroutine is about to wait. */
let on: WaitsOn[] = [];
/** The events of an operation that has not been told itself. */
let held: LiveEvent[] | undefined;
let woken = new WeakSet<Goroutine>();
let isWrapped = false;
let channels = 0;
const numbers = new WeakMap<object, number>();
/** The channel of each queue, and the goroutine of each waiter in one. */
const queues = new WeakMap<WaitQueue, { readonly channel: Channel<unknown>; readonly way: "send" | "receive" }>();
const waiters = new WeakMap<Waiter, Goroutine>();

/**
 * Tells about everything from now on. Only one listener can do so at a time. The returned function
 * ends it.
 */
export function watch(listen: (event: LiveEvent) => void): () => void {
  if (listener !== undefined) throw new Error("trace: somebody watches already: end that first");
  listener = listen;
  woken = new WeakSet();
  runner = main;
  if (!isWrapped) wrapChannels();
  isWrapped = true;
  addPart(part);
  return () => {
    removePart(part);
    listener = undefined;
  };
}

/** The number of the goroutine that runs, after the listener knows that it does. */
export function acting(): number {
  return act().id;
}

function tell(happening: Happening): void {
  const event = { ...happening, at: wall() };
  if (held === undefined) listener?.(event);
  else held.push(event);
}

function act(g: Goroutine = current()): Goroutine {
  if (runner !== g) {
    runner = g;
    tell({ kind: "runs", g: g.id });
  }
  return g;
}

const part: Part = {
  created: (g) => {
    const by = act();
    tell({ kind: "starts", g: g.id, name: nameOf(g), by: by.id, stack: stack() });
  },
  parked: (g, state) => {
    act(g);
    tell({ kind: "waits", g: g.id, state, on, stack: stack() });
    on = [];
    runner = undefined;
  },
  woken: (g) => {
    if (g.waits === 0) return;
    woken.add(g);
    wake(g);
  },
  resumed: (g) => {
    if (!woken.delete(g)) wake(g);
  },
  ended: (g) => {
    act(g);
    tell({ kind: "ends", g: g.id, name: nameOf(g) });
    runner = undefined;
  },
  made: (channel) => {
    const made = channel as Channel<unknown>;
    numbers.set(made, ++channels);
    queues.set(made.sendq, { channel: made, way: "send" });
    queues.set(made.recvq, { channel: made, way: "receive" });
    tell({ kind: "makes", g: act().id, channel: channels, capacity: made.cap, stack: stack() });
  },
};

function wake(g: Goroutine): void {
  const by = runner === undefined || runner === g ? 0 : current().id;
  tell({ kind: "wakes", g: g.id, by });
}

function stack(): string {
  const limited = Error as { stackTraceLimit?: number };
  const limit = limited.stackTraceLimit;
  limited.stackTraceLimit = depth;
  const { stack } = new Error();
  if (limit !== undefined) limited.stackTraceLimit = limit;
  return stack ?? "";
}

/** Carries out an operation, and tells about it before what it causes. */
function telling<R>(operation: () => R, happening: (result: R) => Happening | undefined): R {
  const outer = held;
  const caused: LiveEvent[] = [];
  held = caused;
  let result: R;
  try {
    result = operation();
  } finally {
    held = outer;
  }
  const first = happening(result);
  if (first !== undefined) tell(first);
  for (const event of caused) {
    if (held === undefined) listener?.(event);
    else held.push(event);
  }
  return result;
}

/** The first waiter's goroutine. */
function firstIn(queue: WaitQueue): number | undefined {
  return queue.first === undefined ? undefined : (waiters.get(queue.first) ?? queue.first.g).id;
}

function wrapChannels(): void {
  type Any = Channel<unknown>;
  const { prototype } = Channel as { prototype: Any };
  const numberOf = (channel: Any): number | undefined => (listener === undefined ? undefined : numbers.get(channel));
  around(prototype, "offer", (offer) => {
    return function (this: Any, value: unknown) {
      const channel = numberOf(this);
      if (channel === undefined) return offer.call(this, value);
      const g = act().id;
      const at = stack();
      const to = this.recvq.any ? firstIn(this.recvq) : undefined;
      return telling(
        () => offer.call(this, value),
        (sent) => (sent ? { kind: "sends", g, channel, value, to, stack: at } : undefined),
      );
    };
  });
  around(prototype, "recvNow", (recvNow) => {
    return function (this: Any) {
      const channel = numberOf(this);
      if (channel === undefined || !this.hasValue) return recvNow.call(this);
      const g = act().id;
      const at = stack();
      const from = this.sendq.any ? firstIn(this.sendq) : undefined;
      return telling(
        () => recvNow.call(this),
        (value) => ({ kind: "receives", g, channel, value, from, stack: at }),
      );
    };
  });
  around(prototype, "close", (close) => {
    return function (this: Any) {
      const channel = numberOf(this);
      if (channel === undefined || this.closed) return close.call(this);
      const g = act().id;
      const at = stack();
      telling(
        () => close.call(this),
        () => ({ kind: "closes", g, channel, stack: at }),
      );
    };
  });
  around(WaitQueue.prototype, "push", (push) => {
    return function (this: WaitQueue, w: Waiter) {
      const queue = queues.get(this);
      const channel = queue === undefined ? undefined : numberOf(queue.channel);
      if (queue !== undefined && channel !== undefined) {
        waiters.set(w, current());
        on.push(queue.way === "send" ? { way: "send", channel, value: w.value } : { way: "receive", channel });
      }
      push.call(this, w);
    };
  });
}
