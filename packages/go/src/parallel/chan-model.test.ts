// sharedChan and select (shared-chan.ts, shared-select.ts, waits.ts) as a model, explored
// exhaustively for small bounds: every order in which the steps of the threads can follow each
// other. What happens under a guard and touches nothing else is one step; a claim of a token, which
// other threads compete for under other guards, is a step of its own.
import { describe, expect, it } from "vitest";
import { check, type Model, type Step } from "../../../sluice/src/ledger/test/checker.ts";

/**
 * A case of a select: a channel, and a value if it sends. A plain operation is a select of one
 * case.
 */
interface Case {
  readonly on: number;
  readonly value?: number;
}
type Operation = readonly Case[];

interface Waiting {
  readonly thread: number;
  readonly case: number;
}
interface Channel {
  isGuarded: boolean;
  readonly buffer: number[];
  readonly receivers: Waiting[];
  readonly senders: Waiting[];
}
interface Thread {
  pc: "begin" | "enter" | "attempt" | "claim" | "hand" | "refill" | "queue" | "leave" | "wait" | "take out";
  /** How many of its operations are over. */
  over: number;
  /** The guard that it enters or leaves, or the queue that it leaves. */
  at: number;
  /** The case that it looks at first, and how many it has looked at. */
  first: number;
  tried: number;
  /** The token: whether its wait is open, and what it was given when that was ended. */
  isOpen: boolean;
  given: { readonly case: number; readonly value?: number } | undefined;
  /** Whom it has claimed. */
  claimed: Waiting | undefined;
  waits: boolean;
}
interface State {
  readonly channels: Channel[];
  readonly threads: Thread[];
  readonly received: number[];
  /** Whether an operation got a value of another channel. */
  isAstray: boolean;
}
type Mutant = "no claim" | "guards in any order" | "queues without guards" | "stays in its queues";

function model(
  capacities: readonly number[],
  programs: readonly (readonly Operation[])[],
  mutant?: Mutant,
): Model<State> {
  const operation = (t: number, { over }: Thread): Operation => programs[t]![over]!;
  /** The channels of an operation, in the order in which it locks them. */
  const guards = (t: number, thread: Thread): number[] => {
    const all = [...new Set(operation(t, thread).map(({ on }) => on))].toSorted((a, b) => a - b);
    return mutant === "guards in any order" && t % 2 === 1 ? all.toReversed() : all;
  };
  const sentOn = new Map(programs.flat(2).map(({ on, value }) => [value, on]));
  const ends = (s: State, t: number, value?: number): void => {
    const thread = s.threads[t]!;
    if (value !== undefined) {
      s.received.push(value);
      const cases = operation(t, thread).filter((each) => each.value === undefined);
      if (!cases.some(({ on }) => on === sentOn.get(value))) s.isAstray = true;
    }
    thread.given = undefined;
    thread.waits = false;
    thread.over++;
    thread.pc = "begin";
  };
  /** One step of a thread; `choice` is the case at which a select begins to look. */
  const step = (s: State, t: number, choice: number): string | undefined => {
    const self = s.threads[t]!;
    const cases = operation(t, self);
    if (cases === undefined) return undefined;
    const current = cases[(self.first + self.tried) % cases.length]!;
    const channel = s.channels[current.on]!;
    const isSend = current.value !== undefined;
    const ready = (value?: number): void => {
      self.pc = "leave";
      if (!isSend) self.given = { case: -1, value: value! };
    };
    switch (self.pc) {
      case "begin":
        self.pc = "enter";
        self.at = 0;
        self.tried = 0;
        self.first = choice;
        return `begins operation ${self.over + 1}`;
      case "enter": {
        const order = guards(t, self);
        const next = s.channels[order[self.at]!]!;
        if (next.isGuarded) return undefined;
        next.isGuarded = true;
        if (++self.at === order.length) self.pc = "attempt";
        return "enters a guard";
      }
      case "attempt":
        if (self.tried === cases.length) {
          self.waits = true;
          self.pc = mutant === "queues without guards" ? "leave" : "queue";
          return "finds nothing ready";
        }
        if (!isSend && channel.buffer.length > 0) {
          self.given = { case: -1, value: channel.buffer.shift()! };
          self.pc = "refill";
          return "takes from the buffer";
        }
        self.pc = "claim";
        return "looks who waits";
      case "claim": {
        const found = (isSend ? channel.receivers : channel.senders).shift();
        if (found === undefined) {
          if (isSend && channel.buffer.length < capacities[current.on]!) {
            channel.buffer.push(current.value);
            ready();
            return "puts into the buffer";
          }
          self.tried++;
          self.pc = "attempt";
          return "finds nobody";
        }
        const other = s.threads[found.thread]!;
        if (!other.isOpen && mutant !== "no claim") return "passes one whose wait is over";
        other.isOpen = false;
        self.claimed = found;
        self.pc = "hand";
        return `claims the wait of thread ${found.thread}`;
      }
      case "hand": {
        const { thread, case: index } = self.claimed!;
        const other = s.threads[thread]!;
        const theirs = operation(thread, other)?.[index];
        self.claimed = undefined;
        other.given = isSend ? { case: index, value: current.value } : { case: index };
        ready(theirs?.value);
        return `ends the wait of thread ${thread}`;
      }
      case "refill": {
        const found = channel.senders.shift();
        if (found === undefined) {
          self.pc = "leave";
          return "finds no sender";
        }
        const other = s.threads[found.thread]!;
        if (!other.isOpen) return "passes one whose wait is over";
        other.isOpen = false;
        channel.buffer.push(operation(found.thread, other)[found.case]!.value!);
        other.given = { case: found.case };
        self.pc = "leave";
        return `puts the value of thread ${found.thread} into the buffer`;
      }
      case "queue":
        self.isOpen = true;
        for (const [index, { on, value }] of cases.entries()) {
          const { senders, receivers } = s.channels[on]!;
          (value === undefined ? receivers : senders).push({ thread: t, case: index });
        }
        self.pc = mutant === "queues without guards" ? "wait" : "leave";
        return "joins the queues";
      case "leave": {
        s.channels[guards(t, self)[--self.at]!]!.isGuarded = false;
        if (self.at > 0) return "leaves a guard";
        if (!self.waits) ends(s, t, self.given?.value);
        else self.pc = mutant === "queues without guards" ? "queue" : "wait";
        return "leaves the last guard";
      }
      case "wait":
        if (self.given === undefined) return undefined;
        self.at = 0;
        if (cases.length === 1 || mutant === "stays in its queues") ends(s, t, self.given.value);
        else self.pc = "take out";
        return "is woken";
      case "take out":
      default: {
        const order = guards(t, self);
        const { isGuarded, senders, receivers } = s.channels[order[self.at]!]!;
        if (isGuarded) return undefined;
        for (const queue of [senders, receivers]) {
          for (let i = queue.length - 1; i >= 0; i--) if (queue[i]!.thread === t) queue.splice(i, 1);
        }
        if (++self.at === order.length) ends(s, t, self.given?.value);
        return "leaves the queues of a channel";
      }
    }
  };
  const isOver = (s: State): boolean => s.threads.every(({ over }, t) => over === programs[t]!.length);
  const sent = programs.flat(2).filter(({ value }) => value !== undefined).length;
  return {
    first: {
      channels: capacities.map(() => ({ isGuarded: false, buffer: [], receivers: [], senders: [] })),
      threads: programs.map(() => ({
        pc: "begin",
        over: 0,
        at: 0,
        first: 0,
        tried: 0,
        isOpen: false,
        given: undefined,
        claimed: undefined,
        waits: false,
      })),
      received: [],
      isAstray: false,
    },
    key: (s) => JSON.stringify({ ...s, received: s.received.toSorted((a, b) => a - b) }),
    steps: (s) => {
      const steps: Step<State>[] = [];
      for (const [t, thread] of s.threads.entries()) {
        // A select begins to look at a case of chance.
        const choices = thread.pc === "begin" ? (programs[t]![thread.over]?.length ?? 1) : 1;
        for (let choice = 0; choice < choices; choice++) {
          const to = structuredClone(s);
          const what = step(to, t, choice);
          if (what !== undefined) steps.push({ what: `thread ${t} ${what}`, to, reliable: true });
        }
      }
      return steps;
    },
    wrong: (_, { to }) => {
      if (to.isAstray) return "a value came to one who did not receive from its channel";
      if (new Set(to.received).size < to.received.length) return "a value came twice";
      for (const { isGuarded, buffer, receivers } of to.channels) {
        if (isGuarded || buffer.length === 0) continue;
        if (receivers.some(({ thread }) => to.threads[thread]!.isOpen))
          return "a value and a receiver wait for each other";
      }
      const left = to.channels.reduce((n, { buffer }) => n + buffer.length, 0);
      return isOver(to) && to.received.length + left > sent ? "a value came from nowhere" : undefined;
    },
    isDone: isOver,
  };
}

const send = (on: number, value: number): Case => ({ on, value });
const recv = (on: number): Case => ({ on });

const programs: readonly (readonly [
  name: string,
  capacities: readonly number[],
  programs: readonly (readonly Operation[])[],
])[] = [
  ["two senders and two receivers, unbuffered", [0], [[[send(0, 1)]], [[send(0, 2)]], [[recv(0)]], [[recv(0)]]]],
  [
    "two senders of two values and a receiver, buffered",
    [1],
    [[[send(0, 1)], [send(0, 2)]], [[send(0, 3)]], [[recv(0)], [recv(0)]]],
  ],
  ["selects on both sides", [0, 0], [[[send(0, 1), send(1, 2)]], [[recv(1), recv(0)]]]],
  [
    "a select that offers a value to two receivers",
    [0, 0],
    [[[send(0, 1), send(1, 2)]], [[send(1, 3), send(0, 4)]], [[recv(0)]], [[recv(1)]]],
  ],
  ["selects that send and receive on one channel", [0], [[[send(0, 1), recv(0)]], [[recv(0), send(0, 2)]]]],
  [
    "a select, and plain operations after it",
    [0, 1],
    [
      [
        [recv(0), recv(1)],
        [recv(0), recv(1)],
      ],
      [[send(0, 1)]],
      [[send(1, 2)]],
    ],
  ],
  [
    "a select, and a receive from one of its channels",
    [1, 1],
    [[[recv(0), recv(1)], [recv(0)]], [[send(0, 1)], [send(0, 2)]], [[send(1, 3)]]],
  ],
];

describe("sharedChan and select, in every order of their steps", () => {
  for (const [name, capacities, threads] of programs) {
    it(`come to an end, and lose and repeat nothing: ${name}`, () => {
      const { states, counterexample } = check(model(capacities, threads));
      expect(counterexample).toBeUndefined();
      expect(states).toBeGreaterThan(20);
    });
  }

  for (const [mutant, which, wrong] of [
    ["no claim", 3, undefined],
    ["guards in any order", 2, "from here it cannot come to an end"],
    ["queues without guards", 0, "from here it cannot come to an end"],
    ["stays in its queues", 6, "a value came to one who did not receive from its channel"],
  ] as const) {
    it(`would go wrong with a mutant: ${mutant}`, () => {
      const [, capacities, threads] = programs[which]!;
      const { counterexample } = check(model(capacities, threads, mutant));
      expect(counterexample).toBeDefined();
      if (wrong !== undefined) expect(counterexample?.wrong).toBe(wrong);
    });
  }
});
