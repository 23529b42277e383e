// Labels: what a goroutine works on, in the program's words (after Go's runtime/pprof). A goroutine
// has the labels of who started it.
//
// From the first label on the current goroutine is exact. That makes every await somewhat slower.

import { type Context, type TypedKey, key, withValue } from "../context.ts";
import { current, type Goroutine } from "../internal/goroutine.ts";
import { addPart, type Part, runAs } from "../internal/observers.ts";
import type { Labels } from "./profile.ts";

/** Labels, as `labels` makes them. */
export type LabelSet = Labels;

const labelsKey: TypedKey<Labels> = key<Labels>("pprof labels");
const none: Labels = new Map();
const byGoroutine = new WeakMap<Goroutine, Labels>();
let following = false;
/** Called when the labels of a goroutine have changed. */
let listener: ((g: Goroutine) => void) | undefined;

const part: Part = {
  created: (g) => {
    const own = byGoroutine.get(current());
    if (own !== undefined) byGoroutine.set(g, own);
  },
};

/** Labels from pairs of a key and a value. Throws if one of them has no value. */
export function labels(...pairs: readonly string[]): LabelSet {
  if (pairs.length % 2 !== 0) throw new TypeError("uneven number of arguments to pprof.labels");
  const set = new Map<string, string>();
  for (let i = 0; i < pairs.length; i += 2) set.set(pairs[i] as string, pairs[i + 1] as string);
  return set;
}

/** A context with these labels in addition to those that it has. */
export function withLabels(ctx: Context, added: LabelSet): Context {
  return withValue(ctx, labelsKey, new Map([...labelsOf(ctx), ...added]));
}

/** Gives the current goroutine, and those that it starts, the labels of the context from now on. */
export function setGoroutineLabels(ctx: Context): void {
  // This comes before the goroutine is followed: the host's async context does not know it yet.
  const g = current();
  if (!following) addPart(part);
  following = true;
  setLabels(g, ctx);
}

function setLabels(g: Goroutine, ctx: Context): void {
  byGoroutine.set(g, labelsOf(ctx));
  listener?.(g);
}

/**
 * Runs fn with a context that has these labels too, which the goroutine has until fn has returned
 * or its promise has settled.
 */
export function run<T>(ctx: Context, added: LabelSet, fn: (ctx: Context) => T): T {
  const g = current();
  const labelled = withLabels(ctx, added);
  setGoroutineLabels(labelled);
  const restore = (): void => setLabels(g, ctx);
  let result: T | undefined;
  try {
    result = runAs(g, () => fn(labelled));
    return result;
  } finally {
    const then = (result as PromiseLike<unknown> | undefined)?.then;
    if (typeof then === "function") then.call(result, restore, restore);
    else restore();
  }
}

/** The value of a label of the context. */
export function label(ctx: Context, name: string): string | undefined {
  return labelsOf(ctx).get(name);
}

/** Calls back for each label of the context, until one call returns false. */
export function forLabels(ctx: Context, fn: (key: string, value: string) => boolean): void {
  for (const [key, value] of labelsOf(ctx)) if (!fn(key, value)) return;
}

/** The labels of a goroutine; undefined if it has no labels. */
export function goroutineLabels(g: Goroutine): Labels | undefined {
  const own = byGoroutine.get(g);
  return own === undefined || own.size === 0 ? undefined : own;
}

/** True if any goroutine was ever given labels. */
export function areLabelsUsed(): boolean {
  return following;
}

/** Sets the function that is called at each change. Only one function can listen. */
export function onLabels(next: ((g: Goroutine) => void) | undefined): void {
  listener = next;
}

function labelsOf(ctx: Context): Labels {
  return ctx.value(labelsKey) ?? none;
}
