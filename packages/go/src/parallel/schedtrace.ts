// GODEBUG=schedtrace=X in the environment: every X milliseconds a line on stderr shows the state of
// the scheduler, as in Go (runtime/proc.go, schedtrace). scheddetail=1 adds each P, each M and each
// goroutine.

import { list } from "../internal/goroutine.ts";
import { variable } from "../internal/environment.ts";
import { host } from "../internal/host.ts";
import {
  LIFE,
  LIVE,
  P_RAN,
  P_SLOT,
  procAt,
  PROCS,
  slotAt,
  SLOTS_USED,
  SPINNING,
  UNUSED,
  DEAD,
  LOOKS,
  words,
} from "./arena.ts";
import { isParked } from "./bell.ts";
import { queuedAt } from "./deque.ts";

/** Begins the trace, if the environment asks for it. `open` makes the shared memory. */
export function traceScheduler(open: () => void, globalQueue: () => number): void {
  const options = variable("GODEBUG").split(",");
  const number = (name: string): number =>
    Number(options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1) ?? 0);
  const ms = number("schedtrace");
  if (!(ms > 0)) return;
  const timer = setInterval(() => {
    open();
    host.process?.stderr?.write(trace(globalQueue(), number("scheddetail") > 0));
  }, ms) as { unref?: () => void };
  timer.unref?.();
}

function trace(globalQueue: number, inDetail: boolean): string {
  const procs = Array.from({ length: Atomics.load(words, PROCS) }, (_, id) => {
    const slot = Atomics.load(words, procAt(id) + P_SLOT);
    return {
      id,
      slot,
      queued: slot === 0 ? 0 : queuedAt(slot),
      isIdle: slot === 0 || !isAlive(slot) || isParked(slot),
    };
  });
  const workers = Array.from({ length: Atomics.load(words, SLOTS_USED) - 1 }, (_, n) => n + 2).filter(isAlive);
  const counts = {
    gomaxprocs: procs.length,
    idleprocs: procs.filter(({ isIdle }) => isIdle).length,
    threads: 1 + Atomics.load(words, LIVE),
    spinningthreads: Atomics.load(words, SPINNING),
    needspinning: 0,
    idlethreads: workers.filter(isParked).length,
    runqueue: globalQueue,
  };
  const texts = Object.entries(counts).map(([name, count]) => `${name}=${count}`);
  const head = `SCHED ${Math.floor(performance.now())}ms: ${texts.join(" ")}`;
  if (!inDetail) return `${head} [${procs.map(({ queued }) => queued).join(" ")}]\n`;
  const lines = [head];
  for (const { id, slot, queued, isIdle } of procs) {
    const ran = Atomics.load(words, procAt(id) + P_RAN);
    lines.push(`  P${id}: status=${isIdle ? 0 : 1} schedtick=${ran} m=${isIdle ? "nil" : slot - 1} runqsize=${queued}`);
  }
  lines.push("  M0: p=nil spinning=false blocked=false");
  for (const slot of workers) {
    const proc = procs.find((each) => each.slot === slot)?.id ?? "nil";
    const spinning = Atomics.load(words, slotAt(slot) + LOOKS) === 1;
    lines.push(`  M${slot - 1}: p=${proc} spinning=${spinning} blocked=${isParked(slot)}`);
  }
  for (const { goroutine, state } of list()) {
    const status = state === "running" ? 2 : state === "runnable" ? 1 : 4;
    lines.push(
      `  G${goroutine.id}: status=${status}(${status === 4 ? state : ""}) m=${threadOf(goroutine.id)} lockedm=nil`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function isAlive(slot: number): boolean {
  return ![UNUSED, DEAD].includes(Atomics.load(words, slotAt(slot) + LIFE));
}

/**
 * The thread of a goroutine. Goroutines of worker threads are numbered by their slots (member.ts).
 */
function threadOf(id: number): number {
  return Math.max(0, Math.floor(id / 1_000_000) - 1);
}
