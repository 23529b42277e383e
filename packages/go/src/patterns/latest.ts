// Operators for readers that are slower than their source and do not need every value: conflate,
// throttle, debounce, sample.
//
// Invariant: the last value of the input is never lost. When the input ends, or fails, a value that
// is held back is sent before the end or the error.

import type { RecvChan } from "../chan.ts";
import type { Context } from "../context.ts";
import { after, Ticker } from "../time.ts";
import { exchange, untilEnd } from "./exchange.ts";
import { stage, type Stage } from "./stage.ts";

/**
 * The latest value; the source never waits. If values come before the reader has taken the last
 * one, they replace it, or `join` combines them with it.
 */
export function conflate<T>(
  ctx: Context,
  input: RecvChan<T>,
  join: (waiting: T, value: T) => T = (_, value) => value,
): RecvChan<T> {
  return stage<T>(ctx, [input], { name: "conflate" }, async (s) => {
    let offer: { readonly value: T } | undefined;
    const take = async (): Promise<void> => {
      for (;;) {
        const got = await exchange<T, T>(s, { input, offer });
        if (got.what === "end") return;
        if (got.what === "value") offer = { value: offer === undefined ? got.value : join(offer.value, got.value) };
        else offer = undefined;
      }
    };
    await untilEnd(s, take, () => emitIf(s, offer));
  });
}

/**
 * At most one value in `ms` milliseconds: the first one at once, then the latest of those that came
 * meanwhile. When the input ends, a value that is held back is sent at once. A slow reader holds
 * back the source; to avoid that, put `conflate` after it.
 */
export function throttle<T>(ctx: Context, input: RecvChan<T>, ms: number): RecvChan<T> {
  expectAbove0("throttle", ms);
  return stage<T>(ctx, [input], { name: "throttle" }, async (s) => {
    let held: { readonly value: T } | undefined;
    let pause: RecvChan<Date> | undefined;
    const take = async (): Promise<void> => {
      for (;;) {
        const got = await exchange<T, T>(s, { input, due: pause });
        if (got.what === "end") return;
        if (got.what === "value") held = { value: got.value };
        else pause = undefined;
        if (held === undefined || pause !== undefined) continue;
        const { value } = held;
        held = undefined;
        await s.emit(value);
        pause = after(ms);
      }
    };
    await untilEnd(s, take, () => emitIf(s, held));
  });
}

/** A value after `ms` milliseconds without another one: the last of each burst. */
export function debounce<T>(ctx: Context, input: RecvChan<T>, ms: number): RecvChan<T> {
  expectAbove0("debounce", ms);
  return stage<T>(ctx, [input], { name: "debounce" }, async (s) => {
    let held: { readonly value: T } | undefined;
    let quiet: RecvChan<Date> | undefined;
    const take = async (): Promise<void> => {
      for (;;) {
        const got = await exchange<T, T>(s, { input, due: quiet });
        if (got.what === "end") return;
        if (got.what === "value") {
          held = { value: got.value };
          quiet = after(ms);
          continue;
        }
        const last = held;
        held = quiet = undefined;
        await emitIf(s, last);
      }
    };
    await untilEnd(s, take, () => emitIf(s, held));
  });
}

/** The latest value every `ms` milliseconds, if one has come since the last time. */
export function sample<T>(ctx: Context, input: RecvChan<T>, ms: number): RecvChan<T> {
  expectAbove0("sample", ms);
  return stage<T>(ctx, [input], { name: "sample" }, async (s) => {
    const ticker = new Ticker(ms);
    let held: { readonly value: T } | undefined;
    const take = async (): Promise<void> => {
      for (;;) {
        const got = await exchange<T, T>(s, { input, due: ticker.c });
        if (got.what === "end") return;
        if (got.what === "value") {
          held = { value: got.value };
          continue;
        }
        const last = held;
        held = undefined;
        await emitIf(s, last);
      }
    };
    await untilEnd(s, take, () => emitIf(s, held));
  });
}

async function emitIf<T>(s: Stage<T>, held: { readonly value: T } | undefined): Promise<void> {
  if (held !== undefined) await s.emit(held.value);
}

export function expectAbove0(name: string, ms: number): void {
  if (!(ms > 0)) throw new RangeError(`${name}: ms must be above 0, got ${ms}`);
}
