// Runs a program of programs.ts with this library, and prints what its main saw. Its goroutines are
// awaited functions, generators, or some of each:
//
//   node play.ts PROGRAM.json awaited|fibers|mixed
import { readFileSync } from "node:fs";
import { chan, go, gosched, main, otherwise, recv, select, send, type Case, type Chan } from "../../index.ts";
import { background, withCancel } from "../../context.ts";
import * as fiber from "../../fiber/index.ts";
import { Cond, Mutex, Once, RWMutex, WaitGroup } from "../../sync/index.ts";
import type { Arm, Op, Program } from "./programs.ts";

const [, , file, lane] = process.argv;
const program = JSON.parse(readFileSync(file!, "utf8")) as Program;
const channels = program.channels.map((capacity) => chan<number>(capacity));
const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
const mutexes = many(program.mutexes, () => new Mutex());
const rw = new RWMutex();
const groups = many(program.groups, () => new WaitGroup());
const onces = many(program.onces, () => new Once());
const locker = new Mutex();
const cond = new Cond(locker);
const contexts: ReturnType<typeof withCancel>[] = [];
for (let n = 0; n < program.contexts; n++) contexts.push(withCancel(contexts[(n - 1) >> 1]?.[0] ?? background()));

type Log = string[];
type Seen = string | number | boolean;

/** A line as Go's `fmt.Sprint` makes it: a space between two values of which neither is a text. */
function say(log: Log, ...seen: readonly Seen[]): void {
  const spaced = (n: number): string =>
    n > 0 && typeof seen[n] !== "string" && typeof seen[n - 1] !== "string" ? " " : "";
  log.push(seen.map((each, n) => spaced(n) + String(each)).join(""));
}

const at = (n: number): Chan<number> | undefined => channels[n];

function caseOf(arm: Arm): Case {
  if (arm[0] === "send") return send(at(arm[1]), arm[2]);
  return arm[0] === "recv" ? recv(at(arm[1])) : recv(contexts[arm[1]]![0].done());
}

function casesOf(arms: readonly Arm[], hasDefault: boolean): Case[] {
  return [...arms.map(caseOf), ...(hasDefault ? [otherwise] : [])];
}

function saySelected(log: Log, arms: readonly Arm[], won: { readonly case: number; readonly value?: unknown; readonly ok?: boolean }): void {
  if (arms[won.case]?.[0] === "recv") say(log, "select", won.case, ":", (won.value as number | undefined) ?? 0, won.ok === true);
  else say(log, "select", won.case);
} // prettier-ignore

/** Carries out a step that never waits. */
function act(op: Op, log: Log): void {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the others wait
  switch (op[0]) {
    case "close":
      if (op[1] < 0) throw new Error("close of nil channel");
      return channels[op[1]]!.close();
    case "len":
      return say(log, "len", at(op[1])?.len ?? 0, at(op[1])?.cap ?? 0);
    case "unlock":
      return mutexes[op[1]]!.unlock();
    case "tryLock":
      return say(log, "tryLock", mutexes[op[1]]!.tryLock() !== undefined);
    case "wUnlock":
      return rw.unlock();
    case "rUnlock":
      return rw.rUnlock();
    case "add":
      return groups[op[1]]!.add(op[2]);
    case "done":
      return groups[op[1]]!.done();
    case "signal":
      return cond.signal();
    case "broadcast":
      return cond.broadcast();
    case "cancel":
      return contexts[op[1]]![1]();
    case "err":
      return say(log, "err", contexts[op[1]]![0].err()?.message ?? "<nil>");
    case "go":
      return startGoroutine(op[1], []);
    default:
      throw new Error(`a step that waits: ${op[0]}`);
  }
}

function startGoroutine(n: number, log: Log, ended?: () => void): void {
  const ops = program.goroutines[n]!;
  const isFiber = lane === "fibers" || (lane === "mixed" && n % 2 === 1);
  if (isFiber)
    go(function* () {
      yield* steps(ops, log);
      ended?.();
    });
  else
    go(async () => {
      await awaited(ops, log);
      ended?.();
    });
}

async function startAll(goroutines: readonly number[], log: Log): Promise<void> {
  const all = new WaitGroup();
  const logs = goroutines.map((n) => {
    const own: Log = [];
    all.add(1);
    startGoroutine(n, own, () => all.done());
    return own;
  });
  await all.wait();
  for (const own of logs) say(log, "goroutine", `[${own.join(" ")}]`);
}

async function awaited(ops: readonly Op[], log: Log): Promise<void> {
  for (const op of ops) {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- `act` has the others
    switch (op[0]) {
      case "send":
        await (at(op[1])?.send(op[2]) ?? select([send<number>(undefined, op[2])]));
        break;
      case "recv":
        say(log, "recv", (await (at(op[1]) ?? (await never())).recv()) ?? 0);
        break;
      case "recvOk": {
        const [value, ok] = await (at(op[1]) ?? (await never())).recvOk();
        say(log, "recv", value ?? 0, ok);
        break;
      }
      case "range":
        for await (const value of at(op[1]) ?? (await never())) say(log, "range", value);
        break;
      case "select":
        saySelected(log, op[1], await select(casesOf(op[1], op[2])));
        break;
      case "lock":
        await mutexes[op[1]]!.lock();
        break;
      case "wLock":
        await rw.lock();
        break;
      case "rLock":
        await rw.rLock();
        break;
      case "wait":
        await groups[op[1]]!.wait();
        break;
      case "once":
        await onces[op[1]]!.do(async () => {
          say(log, "once");
          await awaited([op[2]], log);
        });
        break;
      case "condWait":
        await locker.lock();
        await cond.wait();
        locker.unlock();
        break;
      case "yield":
        await gosched();
        break;
      case "goAll":
        await startAll(op[1], log);
        break;
      default:
        act(op, log);
    }
  }
}

/** What an operation on a nil channel does. */
async function never(): Promise<never> {
  await select({});
  throw new Error("unreachable");
}

function* steps(ops: readonly Op[], log: Log): fiber.Steps {
  for (const op of ops) {
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- `act` has the others
    switch (op[0]) {
      case "send":
        yield* fiber.send<number>(at(op[1]), op[2]);
        break;
      case "recv":
        say(log, "recv", (yield* fiber.recv(at(op[1]))) ?? 0);
        break;
      case "recvOk": {
        const [value, ok] = yield* fiber.recvOk(at(op[1]));
        say(log, "recv", value ?? 0, ok);
        break;
      }
      case "range":
        for (const values = fiber.range(at(op[1])); yield* values;) say(log, "range", values.value);
        break;
      case "select":
        saySelected(log, op[1], yield* fiber.select(casesOf(op[1], op[2])));
        break;
      case "lock":
        yield* fiber.lock(mutexes[op[1]]!);
        break;
      case "wLock":
        yield* fiber.lock(rw);
        break;
      case "rLock":
        yield* fiber.rLock(rw);
        break;
      case "wait":
        yield* fiber.wait(groups[op[1]]!);
        break;
      case "yield":
        yield* fiber.gosched();
        break;
      case "once":
      case "condWait":
      case "goAll":
        yield* fiber.until(awaited([op], log));
        break;
      default:
        act(op, log);
    }
  }
}

await main(async () => {
  const log: Log = [];
  await awaited(program.goroutines[0]!, log);
  for (const line of log) console.log(line);
});
