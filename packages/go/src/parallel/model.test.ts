// The deque (deque.ts) and the parking of workers (bell.ts, machine.ts) as models, explored
// exhaustively for small bounds: every order in which the atomic steps of the threads can follow
// each other. A step of the model is one atomic operation of the code.
import { describe, expect, it } from "vitest";
import { check, type Model, type Step } from "../../../sluice/src/ledger/test/checker.ts";

/** A thread of a model: where it is, and what it knows. */
interface Thread {
  pc: string;
  readonly known: Record<string, number>;
}

/** All that may happen next: one step of any thread. `step` changes the copy that it is given. */
function interleaved<State extends { threads: Thread[] }>(
  state: State,
  step: (state: State, index: number) => string | undefined,
): Step<State>[] {
  const steps: Step<State>[] = [];
  for (const index of state.threads.keys()) {
    const to = JSON.parse(JSON.stringify(state)) as State;
    const what = step(to, index);
    if (what !== undefined) steps.push({ what: `thread ${index}: ${what}`, to, reliable: true });
  }
  return steps;
}

interface Deque {
  threads: Thread[];
  top: number;
  bottom: number;
  slots: number[];
  /** How often each task was taken. */
  taken: number[];
}

/** `script` is what the owner does: a number is pushed, 0 pops. Its ring has so many slots. */
function dequeModel(
  script: readonly number[],
  thieves: number,
  each: number,
  size: number,
  mutant?: string,
): Model<Deque> {
  const pushed = script.filter((n) => n > 0);
  const owner = (s: Deque, { known }: Thread, self: Thread): string | undefined => {
    const task = script[known["at"]!];
    switch (self.pc) {
      case "next":
        if (task === undefined) return undefined;
        self.pc = task > 0 ? "push" : "pop";
        known["at"]!++;
        known["task"] = task;
        return "begins";
      case "push":
        if (s.bottom - s.top >= size) {
          self.pc = "next";
          s.taken[known["task"]! - 1]!++; // refused: its caller keeps it
          return "finds it full";
        }
        s.slots[s.bottom % size] = known["task"]!;
        self.pc = "publish";
        return "writes the slot";
      case "publish":
        s.bottom++;
        self.pc = "next";
        return "publishes";
      case "pop":
        known["b"] = --s.bottom;
        self.pc = "look";
        return "lowers the bottom";
      case "look":
        known["t"] = s.top;
        known["task"] = s.slots[((known["b"]! % size) + size) % size]!;
        if (known["b"]! > known["t"]) {
          s.taken[known["task"] - 1]!++;
          self.pc = "next";
          return "takes";
        }
        self.pc = known["b"]! < known["t"] || mutant === "no cas" ? "restore" : "cas";
        if (mutant === "no cas" && known["b"] === known["t"]) s.taken[known["task"] - 1]!++;
        return "sees the top";
      case "cas":
        if (s.top === known["t"]) {
          s.top++;
          s.taken[known["task"]! - 1]!++;
        }
        known["t"]!++;
        self.pc = "restore";
        return "competes for the last";
      default:
        s.bottom = known["t"]!;
        self.pc = "next";
        return "restores the bottom";
    }
  };
  const thief = (s: Deque, self: Thread): string | undefined => {
    const { known } = self;
    switch (self.pc) {
      case "next":
        if (known["left"] === 0) return undefined;
        known["left"]!--;
        known["t"] = s.top;
        self.pc = "bottom";
        return "reads the top";
      case "bottom":
        self.pc = s.bottom - known["t"]! > 0 ? "slot" : "next";
        return "reads the bottom";
      case "slot":
        known["task"] = s.slots[known["t"]! % size]!;
        self.pc = "cas";
        return "reads the slot";
      default:
        if (s.top === known["t"]) {
          s.top++;
          s.taken[known["task"]! - 1]!++;
        }
        self.pc = "next";
        return "competes";
    }
  };
  return {
    first: {
      threads: [
        { pc: "next", known: { at: 0 } },
        ...Array.from({ length: thieves }, () => ({ pc: "next", known: { left: each } })),
      ],
      top: 0,
      bottom: 0,
      slots: Array.from({ length: size }, () => 0),
      taken: pushed.map(() => 0),
    },
    key: (s) => JSON.stringify(s),
    steps: (s) =>
      interleaved(s, (to, i) => (i === 0 ? owner(to, to.threads[0]!, to.threads[0]!) : thief(to, to.threads[i]!))),
    wrong: (_, { to }) => {
      if (to.taken.some((n) => n > 1)) return "a task was taken twice";
      const isOver = to.threads.every(
        (t, i) => t.pc === "next" && (i === 0 ? t.known["at"] === script.length : t.known["left"] === 0),
      );
      const left = Math.max(0, to.bottom - to.top);
      return isOver && to.taken.filter((n) => n === 0).length !== left ? "a task was lost" : undefined;
    },
    isDone: (s) => s.threads[0]!.pc === "next" && s.threads[0]!.known["at"] === script.length,
  };
}

describe("the deque, in every order of its steps", () => {
  for (const script of [
    [1, 2, 0, 0, 0],
    [1, 0, 2, 0, 3, 0],
    [1, 2, 3, 0, 0, 0],
  ]) {
    it(`loses no task and gives none twice: ${script.join(" ")} against two thieves`, () => {
      const { states, counterexample } = check(dequeModel(script, 2, 1, 3));
      expect(counterexample).toBeUndefined();
      expect(states).toBeGreaterThan(1000);
    });
  }

  it("would give a task twice if the owner did not compete for the last one", () => {
    expect(check(dequeModel([1, 0], 1, 1, 2, "no cas")).counterexample?.wrong).toBe("a task was taken twice");
  });
});

const RUNNING = 0;
const PARKED = 1;
const LOOKING = 2;

interface Pool {
  threads: Thread[];
  queued: number;
  idle: number;
  spinning: number;
  bells: number[];
}

/** Workers first, then threads that push `tasks` each and end. */
function poolModel(workers: number, pushers: number, tasks: number, mutant?: string): Model<Pool> {
  /** wakeIdle, step by step; then goes on at `then`. */
  const wakeIdle = (s: Pool, self: Thread, then: string): string => {
    const { known } = self;
    switch (self.pc) {
      case "wake: idle":
        self.pc = s.idle > 0 ? "wake: spinning" : then;
        return "looks whether anybody is idle";
      case "wake: spinning":
        self.pc = s.spinning > 0 ? then : "wake: claim";
        return "looks whether anybody looks for work";
      case "wake: again":
        self.pc = s.queued > 0 ? "wake: idle" : then;
        return "looks whether somebody has relied on it";
      case "wake: claim":
        if (s.spinning === 0) {
          s.spinning = 1;
          known["slot"] = 0;
          self.pc = "wake: ring";
        } else self.pc = then;
        return "becomes the one that wakes";
      default: {
        const slot = known["slot"]!;
        if (slot === workers) {
          s.spinning--;
          self.pc = mutant === "no second look" ? then : "wake: again";
          return "finds nobody parked";
        }
        if (s.bells[slot] === PARKED) {
          s.bells[slot] = LOOKING;
          s.idle--;
          self.pc = then;
          return `wakes worker ${slot}`;
        }
        known["slot"]!++;
        return `passes worker ${slot}`;
      }
    }
  };
  const pusher = (s: Pool, self: Thread): string | undefined => {
    if (self.pc.startsWith("wake")) return wakeIdle(s, self, "push");
    if (self.known["left"] === 0) return undefined;
    self.known["left"]!--;
    s.queued++;
    self.pc = "wake: idle";
    return "pushes";
  };
  const worker = (s: Pool, self: Thread, me: number): string | undefined => {
    const { known } = self;
    if (self.pc.startsWith("wake")) return wakeIdle(s, self, "look");
    switch (self.pc) {
      case "look":
        if (known["looking"] === 0) s.spinning++;
        known["looking"] = 1;
        self.pc = "take";
        return "looks for work";
      case "take":
        self.pc = s.queued > 0 ? "found" : "stop";
        if (s.queued > 0) s.queued--;
        return "tries to take";
      case "found":
        known["others"] = --s.spinning;
        known["looking"] = 0;
        self.pc = known["others"] === 0 ? "more" : "look";
        return "has found work";
      case "more":
        self.pc = s.queued > 0 && mutant !== "no chain" ? "wake: idle" : "look";
        return "looks whether there is more";
      case "stop":
        s.spinning--;
        known["looking"] = 0;
        self.pc = "park";
        return "stops looking";
      case "park":
        s.bells[me] = PARKED;
        self.pc = "idle";
        return "parks";
      case "idle":
        s.idle++;
        self.pc = mutant === "no last look" ? "wait" : "last look";
        return "counts as idle";
      case "last look":
        self.pc = s.queued > 0 ? "unpark" : "wait";
        return "looks once more";
      case "wait":
        if (s.bells[me] === PARKED) return undefined;
        self.pc = "unpark";
        return "is woken";
      default:
        if (s.bells[me] === PARKED) s.idle--;
        known["looking"] = s.bells[me] === LOOKING ? 1 : 0;
        s.bells[me] = RUNNING;
        self.pc = "look";
        return "goes on";
    }
  };
  return {
    first: {
      threads: [
        ...Array.from({ length: workers }, () => ({ pc: "look", known: { looking: 0 } })),
        ...Array.from({ length: pushers }, () => ({ pc: "push", known: { left: tasks } })),
      ],
      queued: 0,
      idle: 0,
      spinning: 0,
      bells: Array.from({ length: workers }, () => RUNNING),
    },
    key: (s) => JSON.stringify(s),
    steps: (s) => interleaved(s, (to, i) => (i < workers ? worker(to, to.threads[i]!, i) : pusher(to, to.threads[i]!))),
    wrong: (_, { to }) => {
      if (to.spinning < 0) return "a count is below zero";
      const allWait = to.threads.every((t, i) =>
        i < workers ? t.pc === "wait" && to.bells[i] === PARKED : t.pc === "push" && t.known["left"] === 0,
      );
      if (allWait && to.queued > 0) return "everybody sleeps while there is a task";
      return allWait && (to.spinning !== 0 || to.idle !== workers) ? "the counts are wrong" : undefined;
    },
    isDone: (s) => s.queued === 0 && s.threads.every((t, i) => (i < workers ? t.pc === "wait" : t.known["left"] === 0)),
  };
}

describe("the parking of workers, in every order of its steps", () => {
  for (const [workers, pushers, tasks] of [
    [1, 2, 1],
    [2, 1, 2],
    ...(process.env["STRESS"] === undefined ? [] : [[2, 2, 1] as const]),
  ] as const) {
    it(`never sleeps while there is a task: ${workers} workers, ${pushers} threads that push ${tasks}`, () => {
      const { states, counterexample } = check(poolModel(workers, pushers, tasks), 1_000_000);
      expect(counterexample).toBeUndefined();
      expect(states).toBeGreaterThan(100);
    });
  }

  it("would lose a wake-up without the last look of a worker, or the second of a thread that found nobody parked", () => {
    const lost = "everybody sleeps while there is a task";
    expect(check(poolModel(1, 1, 1, "no last look")).counterexample?.wrong).toBe(lost);
    expect(check(poolModel(1, 2, 1, "no second look")).counterexample?.wrong).toBe(lost);
  });
});

interface Sleepers {
  threads: Thread[];
  bells: number[];
  rings: number;
  /** The first thread has found that nobody can go on. */
  isJudged: boolean;
}

/**
 * What workers do, one after the other: sleep until somebody rings, or ring the next worker. The
 * first thread comes last.
 */
function sleepModel(scripts: readonly (readonly ("sleep" | "ring")[])[], mutant?: string): Model<Sleepers> {
  const first = scripts.length;
  /** Looks at the next bell; then goes on at one of the two. */
  const scan = (s: Sleepers, self: Thread, asleep: string, awake: string): string => {
    const seen = self.known["seen"]!++;
    if (s.bells[seen] !== PARKED) self.pc = awake;
    else if (seen === first - 1) self.pc = asleep;
    return `looks at worker ${seen}`;
  };
  const worker = (s: Sleepers, self: Thread, me: number): string | undefined => {
    const { known } = self;
    const next = (me + 1) % scripts.length;
    switch (self.pc) {
      case "next":
        self.pc = scripts[me]![known["at"]!++] ?? "sleep";
        return `is to ${self.pc}`;
      case "ring":
        self.pc = s.bells[next] === PARKED && mutant !== "rings are not counted" ? "count" : "next";
        s.bells[next] = RUNNING;
        return `rings worker ${next}`;
      case "count":
        s.rings++;
        self.pc = "next";
        return "counts that";
      case "sleep":
        s.bells[me] = PARKED;
        known["seen"] = 0;
        self.pc = "scan";
        return "goes to sleep";
      case "scan":
        return scan(s, self, "tell", "wait");
      case "tell":
        s.bells[first] = RUNNING;
        self.pc = "wait";
        return "tells the first thread";
      default:
        if (s.bells[me] === PARKED) return undefined;
        self.pc = "next";
        return "is woken";
    }
  };
  const firstThread = (s: Sleepers, self: Thread): string | undefined => {
    const { known } = self;
    const parksLate = mutant === "no look after parking";
    switch (self.pc) {
      case "park":
        s.bells[first] = PARKED;
        self.pc = parksLate ? "wait" : "look";
        return "parks";
      case "look":
        known["rings"] = s.rings;
        known["seen"] = 0;
        self.pc = "scan";
        return "begins to look";
      case "scan":
        return scan(s, self, "judge", parksLate ? "park" : "wait");
      case "judge":
        s.isJudged = s.rings === known["rings"];
        self.pc = parksLate ? "park" : "wait";
        return "looks whether anybody was woken";
      default:
        if (s.isJudged || s.bells[first] === PARKED) return undefined;
        self.pc = parksLate ? "look" : "park";
        return "is told";
    }
  };
  return {
    first: {
      threads: [
        ...scripts.map(() => ({ pc: "next", known: { at: 0, seen: 0 } })),
        { pc: mutant === "no look after parking" ? "look" : "park", known: { rings: 0, seen: 0 } },
      ],
      bells: Array.from({ length: first + 1 }, () => RUNNING),
      rings: 0,
      isJudged: false,
    },
    key: (s) => JSON.stringify(s),
    steps: (s) =>
      s.isJudged
        ? []
        : interleaved(s, (to, i) => (i < first ? worker(to, to.threads[i]!, i) : firstThread(to, to.threads[i]!))),
    wrong: (_, { to }) => {
      const canGoOn = to.bells.some((bell, i) => i < first && bell !== PARKED);
      return to.isJudged && canGoOn ? "a deadlock is reported though a worker can go on" : undefined;
    },
    isDone: (s) => s.isJudged,
  };
}

describe("how the first thread finds out that all workers sleep, in every order of its steps", () => {
  for (const scripts of [
    [["ring", "ring"], ["ring"]],
    [
      ["sleep", "ring", "ring"],
      ["ring", "sleep", "ring"],
    ],
    [["ring"], ["sleep", "ring"], ["sleep"]],
  ] as const) {
    it(`never does while one can go on, and does in the end: ${scripts.map((each) => each.join(" ")).join("; ")}`, () => {
      const { states, counterexample } = check(sleepModel(scripts));
      expect(counterexample).toBeUndefined();
      expect(states).toBeGreaterThan(100);
    });
  }

  it("would do so too early if rings were not counted, and never if it did not look after it has parked", () => {
    const early = check(
      sleepModel(
        [
          ["sleep", "ring"],
          ["ring", "ring"],
        ],
        "rings are not counted",
      ),
    );
    expect(early.counterexample?.wrong).toBe("a deadlock is reported though a worker can go on");
    const unseen = check(sleepModel([["ring", "ring"], ["ring"]], "no look after parking"));
    expect(unseen.counterexample?.wrong).toBe("from here it cannot come to an end");
  });
});
