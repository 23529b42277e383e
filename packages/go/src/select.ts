// select: wait for the first of several channel operations (after Go's runtime/select.go).
//
// Invariants
// - The decision is taken at one instant over all cases. If several are ready, each of them is
//   equally likely.
// - Exactly one case takes effect. When one wins, the select leaves all other queues and clears its
//   timer at once. So a case that loses costs nothing and keeps nothing in memory, even if one
//   channel loses again and again.
// - A case object holds no state of a wait, so it may be used again.

import {
  capture,
  captured,
  Channel,
  closedError,
  continueWith,
  failWith,
  isThenable,
  thenableError,
  Waiter,
} from "./internal/channel.ts";
import type { Across, Continuation, Decision } from "./internal/channel.ts";
import type { RecvChan, SendChan } from "./chan.ts";
import { type Alarm, alarmIn } from "./internal/clock.ts";
import { current, type Goroutine, main, type State } from "./internal/goroutine.ts";
import { completedWith, failed, type MakeError, park } from "./internal/sched.ts";

/** A receive from a channel; `undefined` is the nil channel, whose case is never ready. */
export interface RecvCase<T> {
  readonly kind: "recv";
  readonly channel: RecvChan<T> | undefined;
}
/** A send of a value; `undefined` is the nil channel, whose case is never ready. */
export interface SendCase {
  readonly kind: "send";
  readonly channel: SendChan<never> | undefined;
  readonly value: unknown;
}
/** Ready when the select has waited this number of milliseconds. */
export interface TimeoutCase {
  readonly kind: "timeout";
  readonly ms: number;
}
/** Go's `default`: taken when no other case is ready at that moment. */
export interface OtherwiseCase {
  readonly kind: "otherwise";
}
export type Case = RecvCase<unknown> | SendCase | TimeoutCase | OtherwiseCase;

type Outcome<Name, C> = C extends { readonly kind: "recv"; readonly channel: RecvChan<infer T> | undefined }
  ?
      | { readonly case: Name; readonly ok: true; readonly value: T }
      | { readonly case: Name; readonly ok: false; readonly value: undefined }
  : { readonly case: Name };
type NumberOf<K> = K extends `${infer N extends number}` ? N : never;

/**
 * The result of a select over named cases: the case that won and, for a receive, the value that
 * came.
 */
export type Selected<C extends Record<string, Case>> = { [K in keyof C & string]: Outcome<K, C[K]> }[keyof C & string];
/** The result of a select over a list of cases, in which the index names the case. */
export type SelectedAt<C extends readonly Case[]> = number extends C["length"]
  ? Outcome<number, C[number]>
  : { [K in keyof C & `${number}`]: Outcome<NumberOf<K>, C[K]> }[keyof C & `${number}`];

const most = 65_536;

export function recv<T>(channel: RecvChan<T> | undefined): RecvCase<T> {
  if (channel) own(channel, "recv");
  return { kind: "recv", channel };
}

/**
 * A send case. It takes the value when the case is made. Throws for a thenable, as `Chan.send`
 * does.
 */
export function send<T>(channel: SendChan<T> | undefined, value: NoInfer<T>): SendCase {
  if (channel) own(channel, "send");
  if (isThenable(value)) throw thenableError();
  return { kind: "send", channel, value };
}

/**
 * A timeout case. Each select that uses it has a separate timer, which is released as soon as
 * another case wins.
 */
export function timeout(ms: number): TimeoutCase {
  return { kind: "timeout", ms };
}

export const otherwise: OtherwiseCase = { kind: "otherwise" };

/**
 * Waits until one of the cases can proceed, carries that one out and tells which. With `otherwise`
 * it never waits. If a send case wins on a closed channel it rejects with `send on closed channel`.
 * `select({})` waits for ever.
 *
 * @example
 * ```ts
 * const jobs = chan<string>(1);
 * await jobs.send("a");
 * const c = await select({ job: recv(jobs), idle: otherwise });
 * c; // => { case: "job", ok: true, value: "a" }
 * ```
 */
export function select<const C extends readonly Case[]>(cases: C): Promise<SelectedAt<C>>;
export function select<const C extends Record<string, Case>>(cases: C): Promise<Selected<C>>;
export function select(cases: Readonly<Record<string, Case>> | readonly Case[]): Promise<unknown> {
  return Array.isArray(cases)
    ? choose(cases as readonly Case[], undefined)
    : chooseNamed(cases as Readonly<Record<string, Case>>);
}

/** A select that dumps show as another wait. */
export function selectAs<const C extends Record<string, Case>>(state: State, cases: C): Promise<Selected<C>> {
  return chooseNamed(cases, state) as Promise<Selected<C>>;
}

function chooseNamed(cases: Readonly<Record<string, Case>>, state?: State): Promise<unknown> {
  const names: string[] = [];
  const list: Case[] = [];
  for (const name in cases) {
    names.push(name);
    list.push(cases[name] as Case);
  }
  return choose(list, names, state);
}

function choose(cases: readonly Case[], names: readonly string[] | undefined, state?: State): Promise<unknown> {
  try {
    const at = pick(cases, names);
    if (at >= 0) return completedWith(carryOut(cases, at, names));
  } catch (error) {
    return failed(error);
  }
  state ??= stateOf(cases);
  if (across) return across(cases as readonly never[], names, state);
  const promise = new Promise<unknown>(capture);
  selecting().wait(cases, names, state, captured);
  return promise;
}

/** After a `pick`: the index of the timeout case that is over first; -1 if there is none. */
let soonest = -1;
/** After a `pick`: what selects if other threads use one of the channels. */
export let across: Across | undefined;

/**
 * The index of the case that a select carries out now, or -1 if there is none. Then `across`
 * selects if it is set, else the select has to wait. Throws if a case is invalid. It has more than
 * 15 branches because each kind of case has its own check.
 */
export function pick(cases: readonly Case[], names: readonly string[] | undefined): number {
  let ready = 0;
  let chosen = -1;
  let fallback = -1;
  soonest = -1;
  across = undefined;
  if (cases.length > most) throw new Error(`reflect.Select: too many cases (max ${most})`);
  for (let i = 0; i < cases.length; i++) {
    const c = (cases[i] ?? {}) as Case;
    switch (c.kind) {
      case "recv":
      case "send": {
        const channel = c.channel as Channel<unknown> | undefined;
        if (!channel) continue;
        across = channel.across;
        if (across) return -1;
        if (c.kind === "recv" ? channel.canRecv() : channel.canSend()) break;
        continue;
      }
      case "timeout":
        if (soonest < 0 || c.ms < (cases[soonest] as TimeoutCase).ms) soonest = i;
        continue;
      case "otherwise":
        if (fallback >= 0) throw new Error("reflect.Select: multiple default cases");
        fallback = i;
        continue;
      default:
        throw new TypeError(`select: ${nameOf(i, names)} is no case`);
    }
    // Each of the ready cases found so far is chosen with equal chance.
    if (++ready === 1 || Math.random() * ready < 1) chosen = i;
  }
  return chosen < 0 ? fallback : chosen;
}

/** Carries out the case that was picked. Returns the result of the select, or throws its error. */
export function carryOut(cases: readonly Case[], at: number, names: readonly string[] | undefined): unknown {
  const c = cases[at] as RecvCase<unknown> | SendCase | OtherwiseCase;
  const name = nameOf(at, names);
  if (c.kind !== "otherwise") {
    const channel = c.channel as Channel<unknown>;
    if (c.kind === "recv") {
      const ok = channel.hasValue;
      if (!ok && channel.failure) throw channel.failure.error;
      return { case: name, ok, value: channel.recvNow() };
    }
    if (channel.closed) throw closedError(select);
    channel.trySend(c.value);
  }
  return { case: name };
}

/**
 * A select that waits. The kind of a waiter is the index of its case, with `most` added for a send.
 */
export class Selecting implements Decision {
  #g: Goroutine = main;
  #state: State = "select";
  #go: Continuation | undefined;
  #names: readonly string[] | undefined;
  #alarm: Alarm | undefined;
  readonly #waiters: Waiter[] = [];
  /** The channels of the waiters. The caller may change its list of cases during the wait. */
  readonly #channels: (Channel<unknown> | undefined)[] = [];

  /**
   * Makes the current goroutine wait for one of the cases, after a `pick`. It continues by `go`.
   * Joins every queue. The code that wakes one of the waiters makes the decision.
   */
  wait(cases: readonly Case[], names: readonly string[] | undefined, state: State, go: Continuation): this {
    spare = undefined;
    this.#go = go;
    this.#g = current();
    this.#state = state;
    this.#names = names;
    for (let i = 0; i < cases.length; i++) {
      const c = cases[i] as Case;
      const w = (this.#waiters[i] ??= new Waiter(i, undefined, main, nobody, this));
      const channel = c.kind === "recv" || c.kind === "send" ? (c.channel as Channel<unknown> | undefined) : undefined;
      this.#channels[i] = channel;
      if (!channel) continue;
      const queue = c.kind === "recv" ? channel.recvq : channel.sendq;
      const again = queue.last?.select === this;
      if (c.kind === "recv") {
        w.kind = i;
        channel.enqueue(w);
      } else {
        w.kind = i + most;
        w.value = (c as SendCase).value;
        queue.push(w);
      }
      if (again) mix(w);
    }
    if (soonest >= 0) {
      const kind = soonest + most;
      this.#alarm = alarmIn((cases[soonest] as TimeoutCase).ms, () => this.decide(kind, undefined, true));
    }
    park(this.#g, state);
    return this;
  }

  decide(kind: number, value: unknown, ok: boolean): void {
    const name = nameOf(kind % most, this.#names);
    this.end(kind, continueWith, kind < most ? { case: name, ok, value } : { case: name });
  }

  fail(kind: number, make: MakeError): void {
    this.end(kind, failWith as typeof continueWith, make);
  }

  /**
   * Removes the waiters from every queue, except the winner, which was removed by the code that
   * woke it.
   */
  end(winner: number, end: typeof continueWith, result: unknown): void {
    this.#alarm?.cancel();
    const channels = this.#channels;
    for (let i = 0; i < channels.length; i++) {
      const channel = channels[i];
      if (!channel) continue;
      channels[i] = undefined;
      const w = this.#waiters[i] as Waiter;
      if (w.kind === winner) continue;
      if (w.kind < most) channel.dequeue(w);
      else {
        w.value = undefined;
        channel.sendq.remove(w);
      }
    }
    end(this.#g, this.#state, this.#go as Continuation, result);
    // Holds no references while it waits for its next use.
    this.#g = main;
    this.#go = this.#alarm = this.#names = undefined;
    // oxlint-disable-next-line typescript/no-this-alias -- kept for the next select, no alias
    if (channels.length <= 64) spare = this;
  }
}

/** An unused Selecting. */
export function selecting(): Selecting {
  return spare ?? new Selecting();
}

/**
 * An unused Selecting, kept with the waiters for its cases. To make new ones would take longer than
 * the wait itself.
 */
let spare: Selecting | undefined;

/**
 * Gives a waiter, the last of its queue, an equal chance to be the first among the waiters of its
 * select in that queue. Several cases of one channel are adjacent, and the next operation on the
 * channel takes the first of them.
 */
function mix(w: Waiter): void {
  let first = w;
  let n = 1;
  for (let before = w.prev; before && before.select === w.select; before = before.prev) {
    first = before;
    n++;
  }
  if (Math.random() * n >= 1) return;
  [w.kind, first.kind] = [first.kind, w.kind];
  [w.value, first.value] = [first.value, w.value];
}

function nobody(): void {
  // a waiter of a select has its Decision
}

function nameOf(index: number, names: readonly string[] | undefined): string | number {
  return names === undefined ? index : (names[index] as string);
}

/** Go compiles a select of one case to the plain operation, and its dumps show that one. */
export function stateOf(cases: readonly Case[]): State {
  if (cases.length === 0) return "select (no cases)";
  const only = cases[0] as Case;
  if (cases.length > 1 || (only.kind !== "recv" && only.kind !== "send")) return "select";
  const state = only.kind === "recv" ? "chan receive" : "chan send";
  return only.channel === undefined ? `${state} (nil chan)` : state;
}

/** Throws unless it is a channel of this copy of the library. */
export function own(channel: unknown, what: string): void {
  if (!(channel instanceof Channel)) {
    throw new TypeError(`${what}: expected a channel of this copy of the library, got ${typeof channel}`);
  }
}
