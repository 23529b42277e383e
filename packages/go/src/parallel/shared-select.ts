// A select over channels of which at least one is shared (after Go's runtime/select.go).
//
// The select locks the guards of all shared channels, in the order of their ids, so that the
// decision is taken at one instant. If no case is ready, a waiter joins each queue. All these
// waiters have one token. Cases of channels of this thread join their queues too, as waiters that
// can be claimed. Code that finds one of them must first claim the token.

import { type Alarm, alarmIn } from "../internal/clock.ts";
import { type Channel, closedError, type Decision, Waiter } from "../internal/channel.ts";
import { main, type State } from "../internal/goroutine.ts";
import { completedWith, failed, resumeWithError } from "../internal/sched.ts";
import type { Case } from "../select.ts";
import { C_CASE, cellAt, giveCell, whenCellIsFree, words } from "./arena.ts";
import { enter, leave } from "./guard.ts";
import {
  discard,
  DONE,
  IS_CLOSED,
  NOT_READY,
  type Packed,
  putIntoCell,
  RECVQ,
  selectBy,
  SENDQ,
  SharedChannel,
  takeFromCell,
} from "./shared-chan.ts";
import { GUARD, ID } from "./shared-object.ts";
import {
  append,
  claimOwn,
  endToken,
  holdOwn,
  makeToken,
  makeWaiter,
  parkHere,
  resumeWaiting,
  takeOut,
  type Waiting,
} from "./waits.ts";

type Shared = SharedChannel<unknown>;

selectBy(selectAcross);

function selectAcross(cases: readonly Case[], names: readonly string[] | undefined, state: State): Promise<unknown> {
  let select: Select;
  try {
    select = new Select(cases, names, state);
  } catch (error) {
    return failed(error);
  }
  return select.run();
}

class Select {
  readonly #cases: readonly Case[];
  readonly #names: readonly string[] | undefined;
  readonly #state: State;
  /** For each case, the value that it sends to a shared channel. */
  readonly #packed: (Packed | undefined)[];
  /** The shared channels without duplicates, in the order in which they are locked. */
  readonly #channels: readonly Shared[];
  #fallback = -1;
  #soonest = -1;
  #waiting: Waiting<unknown> | undefined;
  #token = 0;
  readonly #waiters: number[] = [];
  readonly #local: (Waiter | undefined)[] = [];
  #alarm: Alarm | undefined;

  constructor(cases: readonly Case[], names: readonly string[] | undefined, state: State) {
    this.#cases = [...cases];
    this.#names = names;
    this.#state = state;
    const channels = new Set<Shared>();
    this.#packed = this.#cases.map((c, i) => {
      if (c.kind === "otherwise") {
        if (this.#fallback >= 0) throw new Error("reflect.Select: multiple default cases");
        this.#fallback = i;
      } else if (c.kind === "timeout") {
        const best = this.#cases[this.#soonest];
        if (best === undefined || (best.kind === "timeout" && c.ms < best.ms)) this.#soonest = i;
      } else if (c.kind !== "recv" && c.kind !== "send") {
        throw new TypeError(`select: ${this.#nameOf(i)} is no case`);
      } else if (c.channel instanceof SharedChannel) {
        channels.add(c.channel as Shared);
        if (c.kind === "send") return copyOf((c.channel as Shared).pack(c.value));
      }
      return undefined;
    });
    this.#channels = [...channels].sort((a, b) => (a.memory[ID] as number) - (b.memory[ID] as number));
  }

  run(): Promise<unknown> {
    const now = this.#tryOrQueue();
    if (now !== undefined) return now;
    this.#waiting ??= parkHere<unknown>(this.#state);
    return this.#waiting.promise;
  }

  /** Returns the result, if no wait was necessary. */
  #tryOrQueue(): Promise<unknown> | undefined {
    // Several channels may share one memory.
    const memories = new Set(this.#channels.map(({ memory }) => memory.buffer));
    const locked = this.#channels.filter(({ memory }) => memories.delete(memory.buffer));
    for (const { memory } of locked) enter(memory, GUARD);
    let chosen: { readonly index: number; readonly outcome: number; readonly value?: unknown } | undefined;
    let hasRoom = true;
    try {
      chosen = this.#choose();
      if (chosen === undefined && this.#fallback < 0) hasRoom = this.#queue();
    } finally {
      for (const { memory } of locked.toReversed()) leave(memory, GUARD);
    }
    if (chosen !== undefined) return this.#finishNow(chosen);
    if (this.#fallback >= 0) {
      this.#discardBut(-1);
      return completedWith({ case: this.#nameOf(this.#fallback) });
    }
    if (!hasRoom) {
      whenCellIsFree(() => {
        const now = this.#tryOrQueue();
        if (now !== undefined) this.#resume(() => now);
      });
    }
    return undefined;
  }

  /** Carries out one of the ready cases, each with the same chance. All guards are held. */
  #choose(): { readonly index: number; readonly outcome: number; readonly value?: unknown } | undefined {
    const order = [...this.#cases.keys()];
    for (let n = order.length; n > 0; n--) {
      const at = Math.floor(Math.random() * n);
      const index = order[at] as number;
      order[at] = order[n - 1] as number;
      const c = this.#cases[index] as Case;
      if ((c.kind !== "recv" && c.kind !== "send") || c.channel === undefined) continue;
      if (c.channel instanceof SharedChannel) {
        const channel = c.channel as Shared;
        const outcome = c.kind === "recv" ? channel.attemptRecv() : channel.attemptSend(this.#packed[index] as Packed);
        if (outcome !== NOT_READY) return { index, outcome };
      } else {
        const channel = c.channel as unknown as Channel<unknown>;
        if (c.kind === "recv" ? channel.canRecv() : channel.canSend()) return { index, outcome: DONE };
      }
    }
    return undefined;
  }

  #finishNow({ index, outcome }: { readonly index: number; readonly outcome: number }): Promise<unknown> {
    const c = this.#cases[index] as Case & { readonly kind: "recv" | "send" };
    const name = this.#nameOf(index);
    this.#discardBut(outcome === IS_CLOSED ? -1 : index);
    if (c.channel instanceof SharedChannel) {
      if (outcome === IS_CLOSED) {
        if (c.kind === "send") return failed(closedError(selectAcross));
        return completedWith({ case: name, ok: false, value: undefined });
      }
      if (c.kind === "send") return completedWith({ case: name });
      const got = (c.channel as Shared).received((value) => this.#resume(() => ({ case: name, ok: true, value })));
      if (got !== undefined) return completedWith({ case: name, ok: true, value: got.value });
      this.#waiting ??= parkHere<unknown>(this.#state);
      return this.#waiting.promise;
    }
    const channel = c.channel as unknown as Channel<unknown>;
    if (c.kind === "send") {
      if (channel.closed) return failed(closedError(selectAcross));
      channel.trySend((c as { readonly value: unknown }).value);
      return completedWith({ case: name });
    }
    const ok = channel.hasValue;
    if (!ok && channel.failure !== undefined) return failed(channel.failure.error);
    return completedWith({ case: name, ok, value: channel.recvNow() });
  }

  /** Joins every queue, and returns true if there were enough cells. All guards are held. */
  #queue(): boolean {
    const token = makeToken((token) => this.#woken(token));
    if (token === 0) return false;
    this.#token = token;
    for (const [i, c] of this.#cases.entries()) {
      if ((c.kind !== "recv" && c.kind !== "send") || !(c.channel instanceof SharedChannel)) continue;
      const waiter = makeWaiter(token, i);
      if (waiter === 0) {
        this.#takeAllOut();
        claimOwn(token);
        endToken(token);
        giveCell(token);
        return false;
      }
      this.#waiters[i] = waiter;
      const { memory } = c.channel as Shared;
      if (c.kind === "send") putIntoCell(waiter, this.#packed[i] as Packed);
      append(memory, c.kind === "recv" ? RECVQ : SENDQ, waiter);
    }
    this.#queueHere();
    return true;
  }

  /** Joins the queues of this thread's channels, and sets the timer. */
  #queueHere(): void {
    const decision: Decision = {
      hold: () => holdOwn(this.#token),
      claim: () => claimOwn(this.#token),
      decide: (index, value, ok) => {
        const isRecv = (this.#cases[index] as Case).kind === "recv";
        this.#decided(index, isRecv ? { case: this.#nameOf(index), ok, value } : { case: this.#nameOf(index) });
      },
      fail: (index, make) => {
        this.#leave(index);
        const { g, resolve } = this.#waiting as Waiting<unknown>;
        resumeWithError(g, this.#state, resolve, make);
      },
    };
    for (const [i, c] of this.#cases.entries()) {
      if ((c.kind !== "recv" && c.kind !== "send") || c.channel === undefined) continue;
      if (c.channel instanceof SharedChannel) continue;
      const channel = c.channel as unknown as Channel<unknown>;
      const w = new Waiter(i, c.kind === "send" ? c.value : undefined, main, () => undefined, decision);
      this.#local[i] = w;
      if (c.kind === "recv") channel.enqueue(w);
      else channel.sendq.push(w);
    }
    const timer = this.#cases[this.#soonest];
    if (timer?.kind !== "timeout") return;
    this.#alarm = alarmIn(timer.ms, () => {
      if (claimOwn(this.#token)) this.#decided(this.#soonest, { case: this.#nameOf(this.#soonest) });
    });
  }

  /** Called when this thread has ended the wait. */
  #decided(index: number, result: unknown): void {
    this.#leave(index);
    this.#resume(() => result);
  }

  /** Leaves every queue, after this thread has claimed the token. */
  #leave(index: number): void {
    const token = this.#token;
    this.#takeAllOutGuarded();
    this.#takeLocalOut(index);
    this.#discardBut(-1);
    endToken(token);
    giveCell(token);
  }

  /** Called when another thread has ended the wait. */
  #woken(token: number): void {
    const index = words[cellAt(token) + C_CASE] as number;
    const c = this.#cases[index] as Case & { readonly kind: "recv" | "send" };
    const name = this.#nameOf(index);
    this.#takeAllOutGuarded();
    this.#takeLocalOut(-1);
    const outcome = takeFromCell(token);
    this.#discardBut(outcome === IS_CLOSED ? -1 : index);
    if (c.kind === "send") {
      const { g, resolve } = this.#waiting as Waiting<unknown>;
      if (outcome === IS_CLOSED) resumeWithError(g, this.#state, resolve, closedError);
      else this.#resume(() => ({ case: name }));
    } else if (outcome === IS_CLOSED) this.#resume(() => ({ case: name, ok: false, value: undefined }));
    else {
      const got = (c.channel as Shared).received((value) => this.#resume(() => ({ case: name, ok: true, value })));
      if (got !== undefined) this.#resume(() => ({ case: name, ok: true, value: got.value }));
    }
  }

  #resume(result: () => unknown): void {
    resumeWaiting(this.#waiting as Waiting<unknown>, this.#state, result());
  }

  #takeAllOutGuarded(): void {
    for (const [i, waiter] of this.#waiters.entries()) {
      if (waiter === undefined) continue;
      const c = this.#cases[i] as Case & { readonly kind: "recv" | "send" };
      const { memory } = c.channel as unknown as Shared;
      enter(memory, GUARD);
      takeOut(memory, c.kind === "recv" ? RECVQ : SENDQ, waiter);
      leave(memory, GUARD);
      giveCell(waiter);
    }
    this.#waiters.length = 0;
  }

  #takeAllOut(): void {
    for (const [i, waiter] of this.#waiters.entries()) {
      if (waiter === undefined) continue;
      const c = this.#cases[i] as Case & { readonly kind: "recv" | "send" };
      takeOut((c.channel as unknown as Shared).memory, c.kind === "recv" ? RECVQ : SENDQ, waiter);
      giveCell(waiter);
    }
    this.#waiters.length = 0;
  }

  /** Removes the local waiters. The code that woke case `winner` has removed that one. */
  #takeLocalOut(winner: number): void {
    this.#alarm?.cancel();
    for (const [i, w] of this.#local.entries()) {
      if (w === undefined || i === winner) continue;
      const c = this.#cases[i] as Case & { readonly kind: "recv" | "send" };
      const channel = c.channel as unknown as Channel<unknown>;
      const queue = c.kind === "recv" ? channel.recvq : channel.sendq;
      // Code that found it after the token was claimed has removed it.
      if (w.prev === undefined && queue.first !== w) continue;
      if (c.kind === "recv") channel.dequeue(w);
      else queue.remove(w);
    }
    this.#local.length = 0;
  }

  /** Discards the values that were not sent. */
  #discardBut(index: number): void {
    for (const [i, packed] of this.#packed.entries()) if (packed !== undefined && i !== index) discard(packed);
  }

  #nameOf(index: number): string | number {
    return this.#names === undefined ? index : (this.#names[index] as string);
  }
}

function copyOf({ form, length, bytes }: Packed): Packed {
  return { form, length, bytes: bytes.slice(0, length) };
}
