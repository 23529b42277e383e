// select: wait for the first of several channel operations (after Go's runtime/select.go).
//
// Invariants
// - The decision is taken at one instant over all cases; among several that are ready each is equally likely.
// - Exactly one case takes effect. When one wins, the select leaves all other queues and its timer is cleared at once:
//   losing costs nothing and retains nothing, however often one channel loses.
// - A case object holds no state of a wait, so it may be used again.

import { capture, captured, Channel, closedError, isThenable, thenableError, Waiter } from "./internal/channel.ts";
import type { Decision } from "./internal/channel.ts";
import type { RecvChan, SendChan } from "./chan.ts";
import { type Alarm, alarmIn } from "./internal/clock.ts";
import { current, type Goroutine, main, type State } from "./internal/goroutine.ts";
import { completedWith, failed, type MakeError, park, resume, resumeWithError } from "./internal/sched.ts";

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
/** Ready when the select has waited so many milliseconds. */
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

/** What a select over named cases gives: which case won, and for a receive what came. */
export type Selected<C extends Record<string, Case>> = { [K in keyof C & string]: Outcome<K, C[K]> }[keyof C & string];
/** The same for a list of cases, where the index names the case. */
export type SelectedAt<C extends readonly Case[]> = number extends C["length"]
  ? Outcome<number, C[number]>
  : { [K in keyof C & `${number}`]: Outcome<NumberOf<K>, C[K]> }[keyof C & `${number}`];

const most = 65_536;

export function recv<T>(channel: RecvChan<T> | undefined): RecvCase<T> {
  if (channel !== undefined) own(channel, "recv");
  return { kind: "recv", channel };
}

/** The value is taken when the case is made. Throws for a thenable, as `Chan.send` does. */
export function send<T>(channel: SendChan<T> | undefined, value: NoInfer<T>): SendCase {
  if (channel !== undefined) own(channel, "send");
  if (isThenable(value)) throw thenableError();
  return { kind: "send", channel, value };
}

/** A timer of its own for each select that uses the case; released as soon as another case wins. */
export function timeout(ms: number): TimeoutCase {
  return { kind: "timeout", ms };
}

export const otherwise: OtherwiseCase = { kind: "otherwise" };

/**
 * Waits until one of the cases can proceed, carries that one out and tells which. With `otherwise` it never waits. If a
 * send case wins on a closed channel it rejects with `send on closed channel`. `select({})` waits for ever.
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
  let ready = 0;
  let chosen = -1;
  let fallback = -1;
  let soonest = -1;
  if (cases.length > most) return failed(new Error(`reflect.Select: too many cases (max ${most})`));
  for (let i = 0; i < cases.length; i++) {
    const c = (cases[i] ?? {}) as Case;
    switch (c.kind) {
      case "recv":
        if (c.channel === undefined || !(c.channel as Channel<unknown>).canRecv()) continue;
        break;
      case "send":
        if (c.channel === undefined || !(c.channel as Channel<unknown>).canSend()) continue;
        break;
      case "timeout": {
        const best = cases[soonest];
        if (best === undefined || (best.kind === "timeout" && c.ms < best.ms)) soonest = i;
        continue;
      }
      case "otherwise":
        if (fallback >= 0) return failed(new Error("reflect.Select: multiple default cases"));
        fallback = i;
        continue;
      default:
        return failed(new TypeError(`select: ${nameOf(i, names)} is no case`));
    }
    // Each of the ready ones so far stays chosen with equal chance.
    if (++ready === 1 || Math.random() * ready < 1) chosen = i;
  }
  if (chosen < 0 && fallback >= 0) return completedWith({ case: nameOf(fallback, names) });
  if (chosen < 0) {
    const waiting = spare ?? new Selecting();
    spare = undefined;
    return waiting.wait(cases, names, soonest, state ?? stateOf(cases));
  }
  const c = cases[chosen] as RecvCase<unknown> | SendCase;
  const name = nameOf(chosen, names);
  const channel = c.channel as Channel<unknown>;
  if (c.kind === "recv") {
    const ok = channel.hasValue;
    if (!ok && channel.failure !== undefined) return failed(channel.failure.error);
    return completedWith({ case: name, ok, value: channel.recvNow() });
  }
  if (channel.closed) return failed(closedError(select));
  channel.trySend(c.value);
  return completedWith({ case: name });
}

/** A select that waits. A waiter's kind is the index of its case, that of a send with `most` added. */
class Selecting implements Decision {
  #g: Goroutine = main;
  #state: State = "select";
  #resolve: ((value: never) => void) | undefined;
  #names: readonly string[] | undefined;
  #alarm: Alarm | undefined;
  readonly #waiters: Waiter[] = [];
  /** Where the waiters are; the list of cases is its caller's to change meanwhile. */
  readonly #channels: (Channel<unknown> | undefined)[] = [];

  /** Joins every queue; the decision is made by whoever wakes one of the waiters. */
  wait(cases: readonly Case[], names: readonly string[] | undefined, soonest: number, state: State): Promise<unknown> {
    const promise = new Promise<unknown>(capture);
    this.#resolve = captured;
    this.#g = current();
    this.#state = state;
    this.#names = names;
    for (let i = 0; i < cases.length; i++) {
      const c = cases[i] as Case;
      const w = (this.#waiters[i] ??= new Waiter(i, undefined, main, nobody, this));
      const channel = c.kind === "recv" || c.kind === "send" ? (c.channel as Channel<unknown> | undefined) : undefined;
      this.#channels[i] = channel;
      if (channel === undefined) continue;
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
    const timer = cases[soonest];
    if (timer?.kind === "timeout") {
      this.#alarm = alarmIn(timer.ms, () => this.decide(soonest + most, undefined, true));
    }
    park(this.#g, this.#state);
    return promise;
  }

  decide(kind: number, value: unknown, ok: boolean): void {
    const name = nameOf(kind % most, this.#names);
    this.#end(kind, resume, kind < most ? { case: name, ok, value } : { case: name });
  }

  fail(kind: number, make: MakeError): void {
    this.#end(kind, resumeWithError as typeof resume, make);
  }

  /** Out of every queue but that of the winner, who was taken out by the one who woke it. */
  #end(winner: number, end: typeof resume, result: unknown): void {
    this.#alarm?.cancel();
    const channels = this.#channels;
    for (let i = 0; i < channels.length; i++) {
      const channel = channels[i];
      if (channel === undefined) continue;
      channels[i] = undefined;
      const w = this.#waiters[i] as Waiter;
      if (w.kind === winner) continue;
      if (w.kind < most) channel.dequeue(w);
      else {
        w.value = undefined;
        channel.sendq.remove(w);
      }
    }
    end(this.#g, this.#state, this.#resolve as (value: unknown) => void, result);
    // Holds on to nothing while it waits for the next one.
    this.#g = main;
    this.#resolve = this.#alarm = this.#names = undefined;
    // oxlint-disable-next-line typescript/no-this-alias -- kept for the next select, no alias
    if (channels.length <= 64) spare = this;
  }
}

/** A Selecting that nobody uses, with waiters for its cases: making those takes longer than the wait. */
let spare: Selecting | undefined;

/**
 * Gives the waiter, the last of its queue, an equal chance to be the first of its select's in there: several cases of one
 * channel are adjacent, and whoever comes takes the first.
 */
function mix(w: Waiter): void {
  let first = w;
  let n = 1;
  for (let before = w.prev; before !== undefined && before.select === w.select; before = before.prev) {
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
function stateOf(cases: readonly Case[]): State {
  if (cases.length === 0) return "select (no cases)";
  const only = cases[0] as Case;
  if (cases.length > 1 || (only.kind !== "recv" && only.kind !== "send")) return "select";
  const state = only.kind === "recv" ? "chan receive" : "chan send";
  return only.channel === undefined ? `${state} (nil chan)` : state;
}

function own(channel: unknown, what: string): void {
  if (!(channel instanceof Channel)) {
    throw new TypeError(`${what}: expected a channel of this copy of the library, got ${typeof channel}`);
  }
}
