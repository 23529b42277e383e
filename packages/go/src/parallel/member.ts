// A worker's side of the pool.

import type * as Fs from "node:fs";
import { numberFrom } from "../internal/goroutine.ts";
import { elsewhere } from "../internal/hooks.ts";
import { host } from "../internal/host.ts";
import { watchProgram } from "../internal/sched.ts";
import { ALIVE, FATAL, home, IDLE, LIFE, LIVE, makeArena, openArena, PROCS, STARTING, words } from "./arena.ts";
import { callBy, failTasksOf } from "./calls.ts";
import { cancelCopy, type Cancel } from "./contexts.ts";
import { beginWith, mainCalled } from "./functions.ts";
import { listenToParent, type Start, threads } from "./host.ts";
import { nudge, runMachine } from "./machine.ts";
import { heard, type Mail, sendBy } from "./post.ts";
import { onWait } from "./waits.ts";

type Message = Mail | Cancel | { readonly kind: "died"; readonly slot: number; readonly said: string };

let tell: (message: unknown, moved: readonly unknown[]) => void = () => undefined;

/** Tells the first thread something. */
export function tellParent(message: unknown): void {
  tell(message, []);
}

/**
 * Makes this thread one that will be a worker. Shared objects that its first module makes meanwhile
 * are its own.
 */
export function awaitStart(): void {
  onWait(() => makeArena(1), nothing, nothing);
  elsewhere.main = mainCalled;
}

function nothing(): void {}

/** Makes this thread a worker of the pool. */
export function joinPool({ arena, slot, proc, entry }: Start): void {
  beginWith(entry);
  openArena(arena, slot);
  // No two threads give a goroutine the same number.
  numberFrom(slot * 1_000_000);
  Atomics.compareExchange(words, home + LIFE, STARTING, ALIVE);
  tell = listenToParent((message) => {
    hear(message as Message);
    nudge();
  });
  sendBy((to, message, moved) => {
    if (to === 1) tell(message, moved);
    else tell({ kind: "relay", slot: to, message }, []);
  });
  callBy({ ready: nothing, began: nothing, ended: nothing, pushed });
  // After each wait that begins, it is seen anew whether the thread may sleep.
  onWait(nothing, nudge, nothing);
  elsewhere.end = endProgram;
  watchProgram();
  // After the modules that are being evaluated.
  setTimeout(() => runMachine(proc, () => threads?.parentPort?.close()));
}

function pushed(): void {
  nudge();
  if (Atomics.load(words, IDLE) > 0) return;
  const live = Atomics.load(words, LIVE);
  if (live < Atomics.load(words, PROCS)) tell({ kind: "grow" }, []);
}

function hear(message: Message): void {
  if (message.kind === "died") failTasksOf(message.slot, new Error(message.said));
  else if (message.kind === "cancel") cancelCopy(message);
  else heard(message);
}

/**
 * A panic in a worker ends the program: the report is written here, and the first thread exits when
 * this one has ended.
 */
function endProgram(report: string): void {
  // The worker's own stderr goes by way of the first thread, which may end before it is written.
  const fs = host.process?.getBuiltinModule?.("node:fs") as typeof Fs | undefined;
  if (fs === undefined) host.console.error(report);
  else fs.writeSync(2, report);
  Atomics.store(words, FATAL, 1);
}
