// Small random programs of goroutines, as data: an interpreter here and one in Go run the same.

/** A case of a select: a send, a receive, or a receive from a context's `done`. */
export type Arm =
  | readonly ["send", channel: number, value: number]
  | readonly ["recv", channel: number]
  | readonly ["done", context: number];

/** One step of a goroutine. Channel -1 is nil. */
export type Op =
  | readonly ["send", channel: number, value: number]
  | readonly ["recv" | "recvOk" | "range" | "close" | "len", channel: number]
  | readonly ["select", arms: readonly Arm[], otherwise: boolean]
  | readonly ["lock" | "unlock" | "tryLock", mutex: number]
  | readonly ["wLock" | "wUnlock" | "rLock" | "rUnlock"]
  | readonly ["add", group: number, count: number]
  | readonly ["done" | "wait", group: number]
  | readonly ["once", once: number, inside: Op]
  | readonly ["condWait" | "signal" | "broadcast" | "yield"]
  | readonly ["cancel" | "err", context: number]
  | readonly ["go", goroutine: number]
  | readonly ["goAll", goroutines: readonly number[]];

export interface Program {
  /** Capacities. */
  readonly channels: readonly number[];
  readonly mutexes: number;
  readonly groups: number;
  readonly onces: number;
  /** Context n is a child of context (n − 1) / 2, rounded down. */
  readonly contexts: number;
  /** The steps of each goroutine; main is the first. */
  readonly goroutines: readonly (readonly Op[])[];
}

/** What a program came to. */
export interface Outcome {
  readonly status: number | null;
  /** The first line of a panic or a fatal error. */
  readonly fault: string;
  readonly output: string;
}

/** The program of a seed. */
export function programOf(seed: number): Program {
  const below = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const channels = Array.from({ length: 1 + below(3) }, () => pick([0, 0, 1, 2, 3]));
  const [mutexes, groups, onces, contexts] = [1 + below(2), 1 + below(2), 1 + below(2), 1 + below(3)];
  let value = 1;
  const channel = (): number => (below(25) === 0 ? -1 : below(channels.length));
  const arm = (): Arm =>
    pick([
      () => ["recv", channel()] as const,
      () => ["send", channel(), value++] as const,
      () => ["done", below(contexts)] as const,
    ])();

  const send = (): Op => ["send", channel(), value++];
  const receive = (): Op => [pick(["recv", "recvOk"] as const), channel()];
  const choose = (): Op => ["select", Array.from({ length: 1 + below(3) }, arm), below(3) === 0];
  const pause = (): Op => ["yield"];
  const themes: readonly (readonly (() => Op)[])[] = [
    [send, send, receive, receive, choose, choose, () => ["close", channel()], () => ["range", channel()], () => ["len", channel()]],
    [send, receive, pause, choose, () => [pick(["lock", "unlock", "tryLock"] as const), below(mutexes)]],
    [send, receive, pause, () => [pick(["wLock", "wUnlock", "rLock", "rUnlock"] as const)]],
    [send, receive, pause, () => ["add", below(groups), pick([1, 1, 2, -1])], () => [pick(["done", "wait"] as const), below(groups)]],
    [send, receive, choose, () => [pick(["condWait", "signal", "broadcast"] as const)], () => [pick(["cancel", "err"] as const), below(contexts)]],
  ]; // prettier-ignore
  const theme = pick(themes);
  const any = (): Op => pick(theme)();
  const some = (most: number): Op[] => Array.from({ length: 1 + below(most) }, any);

  const others: Op[][] = Array.from({ length: 2 + below(3) }, () => []);
  const mains: Op[] = [];
  const put = (...ops: readonly Op[]): void => void pick(others).push(...ops);
  /** What one goroutine waits for, another does. */
  const meetings: readonly (() => void)[] = [
    () => {
      const x = below(channels.length);
      put(["send", x, value++]);
      put([pick(["recv", "recvOk"] as const), x]);
    },
    () => {
      const x = below(channels.length);
      put(["select", [["send", x, value++], ["recv", below(channels.length)]], false]); // prettier-ignore
      put(["recvOk", x]);
    },
    () => {
      const [x, k] = [below(channels.length), below(contexts)];
      put(["select", [["recv", x], ["done", k]], false]); // prettier-ignore
      put(below(2) === 0 ? ["cancel", k] : ["send", x, value++]);
    },
    () => {
      const [m, inside] = [below(mutexes), pick<Op>([["yield"], ["once", below(onces), ["yield"]], ["err", 0]])];
      put(["lock", m], inside, ["unlock", m]);
      put(["lock", m], ["unlock", m]);
    },
    () => {
      put(["wLock"], ["yield"], ["wUnlock"]);
      put(["rLock"], ["yield"], ["rUnlock"]);
    },
    () => {
      const w = below(groups);
      mains.push(["add", w, 1]);
      put(["done", w]);
      put(["wait", w]);
    },
    () => {
      const k = below(contexts);
      put(["cancel", k], ["err", k]);
      put(["select", [["done", k]], false], ["err", k]);
    },
    () => {
      const x = below(channels.length);
      put(["send", x, value++], ["send", x, value++]);
      put(["recv", x]);
      put(["recv", x]);
    },
    () => {
      const x = below(channels.length);
      put(["select", [["recv", x], ["send", x, value++]], below(2) === 0], ["len", x]); // prettier-ignore
    },
    () => {
      const x = below(channels.length);
      put(["close", x]);
      put(["range", x]);
    },
  ];
  if (below(2) === 0) for (const ops of others) ops.push(...some(4));
  else for (let n = 2 + below(5); n > 0; n--) pick(meetings)();
  const all = others.map((_, n) => n + 1);
  // Where main does not wait for the others, it ends them.
  if (below(3) === 0) mains.push(...all.map((n): Op => ["go", n]), ...some(4));
  else mains.push(...(below(2) === 0 ? some(1) : []), ["goAll", all]);
  return { channels, mutexes, groups, onces, contexts, goroutines: [mains, ...others] };
}

/** Numbers from 0 to below n. */
function randomOf(seed: number): (n: number) => number {
  let state = Math.imul(seed, 7919);
  return (n) => {
    // Mulberry32.
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}
