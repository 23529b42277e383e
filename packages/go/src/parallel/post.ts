// The post office: a value that does not fit into a cell goes over ports, as a *parcel*, through
// the first thread.
//
// A parcel is posted when its value is encoded. So later changes by its sender do not affect it,
// and it arrives even if the sender computes or dies. The receiver asks for it by its number, once.

import { self } from "./arena.ts";
import type { Encoded } from "./codec.ts";

export interface Payload {
  readonly bytes: Uint8Array;
  readonly extras: readonly unknown[];
  readonly moved: readonly unknown[];
}
export type Mail =
  | { readonly kind: "put"; readonly key: number; readonly payload: Payload }
  | { readonly kind: "drop"; readonly key: number }
  | { readonly kind: "want"; readonly key: number; readonly slot: number }
  | { readonly kind: "ahead"; readonly key: number; readonly slot: number }
  | { readonly kind: "copy"; readonly key: number; readonly payload: Payload }
  | { readonly kind: "parcel"; readonly key: number; readonly payload: Payload };

type Send = (slot: number, message: unknown, moved: readonly unknown[]) => void;
let send: Send = () => undefined;
let counter = 0;
/**
 * In the first thread: parcels that have not been requested yet, and requests for parcels that have
 * not arrived yet.
 */
const held = new Map<number, Payload>();
const asked = new Map<number, number>();
/** In the first thread: the slots that need a copy of a parcel that has not arrived, by parcel. */
const askedAhead = new Map<number, number>();
/**
 * In a worker: the parcel that it asked for before its receive, with a copy as soon as one is here.
 */
let ahead: { readonly key: number; copy: Payload | undefined } | undefined;
/** The waits of this thread. */
const waiting = new Map<number, (payload: Payload) => void>();

/** Sets the function that sends a message from here to a thread. */
export function sendBy(how: Send): void {
  send = how;
}

/** Posts a message to a thread. */
export function sendTo(slot: number, message: unknown): void {
  send(slot, message, []);
}

/** The number of parcels for which this thread waits. */
export function expected(): number {
  return waiting.size;
}

/** Posts an encoded value; returns the parcel's number. */
export function post(encoded: Encoded): number {
  const key = self * 2 ** 24 + (counter = (counter + 1) & 0xffffff);
  const { extras = [], moved = [] } = encoded;
  const payload = { bytes: encoded.bytes.slice(0, encoded.length), extras, moved };
  if (self === 1) put(key, payload);
  else send(1, { kind: "put", key, payload } satisfies Mail, moved);
  return key;
}

/** Gets a parcel, now or when it has arrived. */
export function collect(key: number, got: (payload: Payload) => void): void {
  const here = held.get(key) ?? takeCopy(key);
  held.delete(key);
  if (here !== undefined) {
    got(here);
    return;
  }
  waiting.set(key, got);
  if (self !== 1) send(1, { kind: "want", key, slot: self } satisfies Mail, []);
}

/** Discards a parcel that will not be requested. */
export function drop(key: number): void {
  if (self === 1) held.delete(key);
  else send(1, { kind: "drop", key } satisfies Mail, []);
}

/** True if `collect` gives a parcel at once. */
export function isHere(key: number): boolean {
  return held.has(key) || (ahead?.key === key && ahead.copy !== undefined);
}

/**
 * Asks for a copy of a parcel that nobody has taken yet, so that `collect` soon gives it at once.
 * Another thread may still take the parcel. A parcel with something that moves, and cannot be
 * copied, is not sent.
 */
export function askAhead(key: number): void {
  if (self === 1 || ahead?.key === key) return;
  ahead = { key, copy: undefined };
  send(1, { kind: "ahead", key, slot: self } satisfies Mail, []);
}

/** The copy that was asked for ahead; the parcel itself is dropped. */
function takeCopy(key: number): Payload | undefined {
  const copy = ahead?.key === key ? ahead.copy : undefined;
  if (copy === undefined) return undefined;
  ahead = undefined;
  drop(key);
  return copy;
}

/** Handles a message of this file. */
export function heard(mail: Mail): void {
  switch (mail.kind) {
    case "put":
      put(mail.key, mail.payload);
      return;
    case "want": {
      const payload = held.get(mail.key);
      if (payload === undefined) asked.set(mail.key, mail.slot);
      else forward(mail.slot, mail.key, payload);
      return;
    }
    case "drop":
      held.delete(mail.key);
      askedAhead.delete(mail.key);
      return;
    case "ahead": {
      const payload = held.get(mail.key);
      if (payload === undefined) askedAhead.set(mail.key, mail.slot);
      else sendCopy(mail.slot, mail.key, payload);
      return;
    }
    case "copy":
      if (ahead?.key === mail.key) ahead.copy = mail.payload;
      return;
    case "parcel": {
      const got = waiting.get(mail.key);
      waiting.delete(mail.key);
      got?.(mail.payload);
    }
  }
}

function put(key: number, payload: Payload): void {
  const here = waiting.get(key);
  const slot = asked.get(key);
  waiting.delete(key);
  asked.delete(key);
  if (here !== undefined) here(payload);
  else if (slot !== undefined) forward(slot, key, payload);
  else {
    held.set(key, payload);
    const reader = askedAhead.get(key);
    if (reader !== undefined) sendCopy(reader, key, payload);
  }
  askedAhead.delete(key);
}

function sendCopy(slot: number, key: number, payload: Payload): void {
  if (payload.moved.length === 0) send(slot, { kind: "copy", key, payload } satisfies Mail, []);
}

function forward(slot: number, key: number, payload: Payload): void {
  held.delete(key);
  send(slot, { kind: "parcel", key, payload } satisfies Mail, payload.moved);
}
