// The codec: it turns a value into bytes, and back. It accepts every value that structured clone
// accepts, with the same meaning: a copy. If two references in the original mean one object, they
// do so in the copy too, including cycles.
//
// This file encodes numbers, strings, plain objects, arrays and bytes, and also dates, maps, sets,
// regular expressions and errors. A value without bytes (shared memory, ports, blobs) becomes an
// *extra*: the bytes contain its index, and the value itself goes over a port. Classes of this
// library that use shared memory register an `Ambassador`.
//
// The bytes are private to one thread while they are written and read, since text decoders do not
// accept shared memory. A copy of 200 bytes takes 20 ns.
//
// It is longer than 500 lines, because the writer and the reader of one format belong together.

import type { Context } from "../context.ts";
import { isPort, isTransferred } from "./transfer.ts";

/** The transport of one class of this library: by plain values and by extras. */
export interface Ambassador {
  /** The same in every thread. */
  readonly name: string;
  readonly matches: (value: object) => boolean;
  /**
   * Returns a replacement that is encoded. If the value cannot be sent, throws a description of it.
   */
  readonly send: (value: never, parcel: Encoded) => unknown;
  /** Makes the value in this thread from the replacement. */
  readonly receive: (sent: never, task: number) => unknown;
}

/** A value's bytes, and the objects that go with them over a port. */
export interface Encoded {
  /** Valid until the next value is encoded. */
  bytes: Uint8Array;
  length: number;
  extras: unknown[] | undefined;
  /** The extras' buffers and ports that are moved instead of copied. */
  moved: unknown[] | undefined;
  /** The contexts among the values; `undefined` if contexts are not allowed. */
  readonly contexts: Context[] | undefined;
}

const UNDEFINED = 0;
const NULL = 1;
const TRUE = 2;
const FALSE = 3;
const INT = 4;
const DOUBLE = 5;
const LATIN1 = 6;
const UTF16 = 7;
const ARRAY = 8;
const OBJECT = 9;
const BIGINT = 10;
const DATE = 11;
const REGEXP = 12;
const MAP = 13;
const SET = 14;
const ERROR = 15;
const BUFFER = 16;
const VIEW = 17;
const SAME = 18;
const EXTRA = 19;
const HOLE = 20;
const AMBASSADOR = 21;
const BOXED = 22;
const UTF8 = 23;

const views: readonly (new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView)[] = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
];
const errors: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};
const ambassadors: Ambassador[] = [];
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** The depth at which a value is refused, before the engine's stack is full. */
const deepest = 2_000;

/** Makes the objects of a class transportable. */
export function registerAmbassador(ambassador: Ambassador): void {
  ambassadors.push(ambassador);
}

/** Replaces the transport of one class, for a diagnostic. */
export function wrapAmbassador(
  name: string,
  wrap: (ambassador: Ambassador) => Pick<Ambassador, "send" | "receive">,
): void {
  const at = ambassadors.findIndex((each) => each.name === name);
  const ambassador = ambassadors[at] as Ambassador;
  ambassadors[at] = { ...ambassador, ...wrap(ambassador) };
}

const floats = new Float64Array(1);
const floatBytes = new Uint8Array(floats.buffer);

class Writer {
  bytes: Uint8Array = new Uint8Array(4096);
  at = 0;
  depth = 0;
  busy = false;
  seen: object[] = [];
  index: Map<object, number> | undefined;
  into: Encoded = none();

  reserve(size: number): void {
    if (this.at + size <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.at + size));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
  }

  tag(tag: number): void {
    this.reserve(16);
    this.bytes[this.at++] = tag;
  }

  /** A whole number from 0 to 2^32-1, in one to five bytes. */
  size(n: number): void {
    this.reserve(8);
    let rest = n;
    while (rest > 127) {
      this.bytes[this.at++] = (rest & 127) | 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.at++] = rest;
  }

  double(n: number): void {
    this.reserve(8);
    floats[0] = n;
    this.bytes.set(floatBytes, this.at);
    this.at += 8;
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  text(text: string): void {
    const { length } = text;
    if (length > 256) {
      this.longText(text);
      return;
    }
    this.reserve(length * 2 + 16);
    const start = this.at;
    this.bytes[this.at++] = LATIN1;
    this.size(length);
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 255) {
        this.at = start;
        this.wideText(text);
        return;
      }
      this.bytes[this.at++] = code;
    }
  }

  /** Writes a long text as UTF-8. A text with a lone surrogate cannot be UTF-8. */
  longText(text: string): void {
    if (!isWellFormed(text)) {
      this.wideText(text);
      return;
    }
    const encoded = encoder.encode(text);
    this.tag(UTF8);
    this.size(encoded.length);
    this.raw(encoded);
  }

  wideText(text: string): void {
    this.reserve(text.length * 2 + 16);
    this.bytes[this.at++] = UTF16;
    this.size(text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      this.bytes[this.at++] = code & 255;
      this.bytes[this.at++] = code >> 8;
    }
  }

  /** Writes a value. `path` is its place, for messages. */
  value(value: unknown, path: Path | undefined): void {
    switch (typeof value) {
      case "number":
        this.number(value);
        return;
      case "string":
        this.text(value);
        return;
      case "boolean":
        this.tag(value ? TRUE : FALSE);
        return;
      case "undefined":
        this.tag(UNDEFINED);
        return;
      case "bigint":
        this.tag(BIGINT);
        this.text(value.toString());
        return;
      case "object":
        if (value === null) this.tag(NULL);
        else this.object(value, path);
        return;
      case "function":
      case "symbol":
        throw refusal(`a ${typeof value}`, path);
    }
  }

  number(value: number): void {
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      this.tag(INT);
      this.bytes[this.at++] = value & 255;
      this.bytes[this.at++] = (value >> 8) & 255;
      this.bytes[this.at++] = (value >> 16) & 255;
      this.bytes[this.at++] = value >>> 24;
      return;
    }
    this.tag(DOUBLE);
    this.double(value);
  }

  /** The number of an object that was written before. Otherwise it gives the object a number. */
  known(value: object): number | undefined {
    if (this.index === undefined) {
      const at = this.seen.indexOf(value);
      if (at >= 0) return at;
      this.seen.push(value);
      if (this.seen.length > 8) this.index = new Map(this.seen.map((object, i) => [object, i]));
      return undefined;
    }
    const at = this.index.get(value);
    if (at === undefined) this.index.set(value, this.index.size);
    return at;
  }

  object(value: object, path: Path | undefined): void {
    const same = this.known(value);
    if (same !== undefined) {
      this.tag(SAME);
      this.size(same);
      return;
    }
    if (++this.depth > deepest) throw refusal(`nested more than ${deepest} levels deep`, undefined);
    if (Array.isArray(value)) this.array(value, path);
    else {
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype === Object.prototype || prototype === null) this.plain(value, path);
      else this.special(value, path);
    }
    this.depth--;
  }

  array(value: readonly unknown[], path: Path | undefined): void {
    this.tag(ARRAY);
    this.size(value.length);
    for (let i = 0; i < value.length; i++) {
      if (value[i] === undefined && !(i in value)) this.tag(HOLE);
      else this.value(value[i], { above: path, key: i });
    }
  }

  plain(value: object, path: Path | undefined): void {
    const keys = Object.keys(value);
    this.tag(OBJECT);
    this.size(keys.length);
    for (const key of keys) {
      this.text(key);
      this.value((value as Record<string, unknown>)[key], { above: path, key, of: value });
    }
  }

  /**
   * Anything but a plain object or an array. A list of kinds: the first that fits is sent. It has
   * more than 15 branches because each kind has one.
   */
  special(value: object, path: Path | undefined): void {
    const ambassador = ambassadors.find((each) => each.matches(value));
    if (ambassador !== undefined) {
      const sent = this.standIn(ambassador, value, path);
      this.tag(AMBASSADOR);
      this.text(ambassador.name);
      this.value(sent, path);
    } else if (value instanceof Date) {
      this.tag(DATE);
      this.double(value.getTime());
    } else if (value instanceof RegExp) {
      this.tag(REGEXP);
      this.text(value.source);
      this.text(value.flags);
    } else if (value instanceof Map) {
      const entries = [...(value as Map<unknown, unknown>)];
      this.tag(MAP);
      this.size(entries.length);
      for (const [key, item] of entries) {
        this.value(key, { above: path, key: "(a key)" });
        // An object as a key may have no way to become a text.
        const name = typeof key === "string" || typeof key === "number" ? String(key) : "(a value)";
        this.value(item, { above: path, key: name });
      }
    } else if (value instanceof Set) {
      const items = [...(value as Set<unknown>)];
      this.tag(SET);
      this.size(items.length);
      for (const item of items) this.value(item, { above: path, key: "(a member)" });
    } else if (value instanceof Error) this.error(value, path);
    else if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) this.binary(value);
    else if (value instanceof Promise) throw refusal("a promise", path);
    else if (value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) {
      throw refusal(`a ${value.constructor.name}`, path);
    } else if (isBoxed(value)) {
      this.tag(BOXED);
      this.value(value.valueOf(), path);
    } else if (tagOf(value) === "[object Object]" && !isHostObject(value)) this.plain(value, path);
    else this.extra(value, path);
  }

  standIn(ambassador: Ambassador, value: object, path: Path | undefined): unknown {
    try {
      return ambassador.send(value as never, this.into);
    } catch (error) {
      throw refusal((error as Error).message, path, "");
    }
  }

  /**
   * Writes an error with parts that structured clone drops: the name of its class if that is a
   * built-in one, and its own properties.
   */
  error(value: Error, path: Path | undefined): void {
    const { name, message, stack } = value;
    this.tag(ERROR);
    this.text(typeof name === "string" ? name : "Error");
    this.text(message);
    this.text(typeof stack === "string" ? stack : "");
    const own = Object.keys(value).filter((key) => isOrdinary((value as unknown as Record<string, unknown>)[key]));
    const hasCause = Object.hasOwn(value, "cause") && isOrdinary(value.cause);
    const members = value instanceof AggregateError ? (value.errors as unknown[]).filter(isOrdinary) : undefined;
    this.value(hasCause ? [value.cause] : undefined, { above: path, key: "cause" });
    this.value(members, { above: path, key: "errors" });
    this.size(own.length);
    for (const key of own) {
      this.text(key);
      this.value((value as unknown as Record<string, unknown>)[key], { above: path, key });
    }
  }

  binary(value: ArrayBuffer | ArrayBufferView): void {
    const buffer = value instanceof ArrayBuffer ? value : value.buffer;
    if (!(buffer instanceof ArrayBuffer) || isTransferred(buffer)) {
      this.extra(value, undefined);
      return;
    }
    if (value instanceof ArrayBuffer) {
      this.tag(BUFFER);
      this.size(value.byteLength);
      this.raw(new Uint8Array(value));
      return;
    }
    const kind = views.findIndex((view) => value instanceof view);
    this.tag(VIEW);
    this.size(kind);
    this.size(value.byteLength);
    this.raw(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }

  extra(value: object, path: Path | undefined): void {
    const extras = (this.into.extras ??= []);
    const moved = movable(value);
    try {
      extras.push(structuredClone(value, moved.length > 0 ? { transfer: moved as never } : undefined));
    } catch (error) {
      throw refusal(`a ${value.constructor?.name ?? "value"} (${(error as Error).message})`, path);
    }
    if (moved.length > 0) (this.into.moved ??= []).push(...movable(extras.at(-1) as object, true));
    this.tag(EXTRA);
    this.size(extras.length - 1);
  }
}

/** The place of a value in the sent data. */
interface Path {
  readonly above: Path | undefined;
  readonly key: string | number;
  /** The object that holds it, if that is an instance of a class. */
  readonly of?: object;
}

function none(): Encoded {
  return { bytes: new Uint8Array(0), length: 0, extras: undefined, moved: undefined, contexts: undefined };
}

let writer = new Writer();

/**
 * Encodes values, as an array of them. `what(i)` names value i in messages. The encoder owns the
 * bytes: copy them before anything else is encoded. Throws a TypeError for a value that cannot be
 * copied. The message names the value and its place.
 */
export function encode(values: readonly unknown[], what: (index: number) => string, contexts?: Context[]): Encoded {
  // A getter among the values may encode something itself.
  if (writer.busy) writer = new Writer();
  const w = writer;
  w.busy = true;
  w.at = 0;
  w.into = { bytes: w.bytes, length: 0, extras: undefined, moved: undefined, contexts };
  let i = 0;
  try {
    w.size(values.length);
    for (; i < values.length; i++) w.value(values[i], undefined);
    w.into.bytes = w.bytes;
    w.into.length = w.at;
    return w.into;
  } catch (error) {
    throw error instanceof Refusal ? error.about(what(i)) : error;
  } finally {
    w.busy = false;
    w.depth = 0;
    if (w.seen.length > 0) w.seen = [];
    w.index = undefined;
    // After a large value the buffer becomes small again.
    if (w.bytes.length > 1 << 20) w.bytes = new Uint8Array(4096);
  }
}

class Refusal extends Error {
  about(what: string): TypeError {
    return new TypeError(`${what} ${this.message}`);
  }
}

const usual = "; send what it is made from, such as a path, a name or an option, and make it there";

function refusal(what: string, path: Path | undefined, advice: string = usual): Refusal {
  let at = "";
  let owner: object | undefined;
  for (let step = path; step !== undefined; step = step.above) {
    at = typeof step.key === "number" ? `[${step.key}]${at}` : `.${step.key}${at}`;
    if (step.of !== undefined && Object.getPrototypeOf(step.of) !== Object.prototype) owner = step.of;
  }
  const whose = owner?.constructor === undefined ? "" : ` of a ${owner.constructor.name}`;
  const where = at === "" ? "is" : `holds, at ${at.replace(/^\./, "")}${whose},`;
  return new Refusal(`cannot be copied to another thread: it ${where} ${what}${advice}`);
}

/** True if an error's property can be sent. Other properties are omitted. */
function isOrdinary(value: unknown): boolean {
  if (value instanceof Error) return true;
  return ["string", "number", "boolean", "bigint", "undefined"].includes(typeof value) || value === null;
}

function isBoxed(value: object): boolean {
  return /^\[object (Number|String|Boolean)\]$/.test(tagOf(value));
}

/**
 * True for an object of the host. Blobs and the like have a tag. Keys of Node's crypto have no tag,
 * but can be cloned.
 */
function isHostObject(value: object): boolean {
  return Object.getOwnPropertySymbols(Object.getPrototypeOf(value) as object).some((symbol) =>
    (symbol.description ?? "").startsWith("messaging_"),
  );
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value);
}

/**
 * The parts of an extra that are moved instead of copied: ports and streams always, and buffers
 * that were given to `transfer`.
 */
function movable(value: object, all = false): object[] {
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
  if (buffer instanceof ArrayBuffer) return all || isTransferred(buffer) ? [buffer] : [];
  return isPort(value) ? [value] : [];
}

function isWellFormed(text: string): boolean {
  const own = (text as { isWellFormed?: () => boolean }).isWellFormed;
  if (own !== undefined) return own.call(text);
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}

interface NodeBuffer {
  readonly prototype: { latin1Slice?: (this: Uint8Array, start: number, end: number) => string };
}
const latin1Slice = (globalThis as { Buffer?: NodeBuffer }).Buffer?.prototype.latin1Slice;

class Reader {
  readonly bytes: Uint8Array;
  readonly extras: readonly unknown[];
  readonly task: number;
  at = 0;
  readonly seen: unknown[] = [];

  constructor(bytes: Uint8Array, extras: readonly unknown[], task: number) {
    this.bytes = bytes;
    this.extras = extras;
    this.task = task;
  }

  byte(): number {
    return this.bytes[this.at++] as number;
  }

  size(): number {
    let n = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      n += (byte & 127) * factor;
      if (byte < 128) return n;
    }
  }

  double(): number {
    floatBytes.set(this.bytes.subarray(this.at, this.at + 8));
    this.at += 8;
    return floats[0] as number;
  }

  latin1(): string {
    const length = this.size();
    const start = this.at;
    this.at += length;
    if (length > 12 && latin1Slice !== undefined) return latin1Slice.call(this.bytes, start, this.at);
    let text = "";
    for (let i = start; i < this.at; i++) text += String.fromCharCode(this.bytes[i] as number);
    return text;
  }

  text(): string {
    return this.value() as string;
  }

  utf16(): string {
    const length = this.size();
    const parts: string[] = [];
    for (let from = 0; from < length; from += 4096) {
      const codes: number[] = [];
      for (let i = from; i < Math.min(length, from + 4096); i++) codes.push(this.byte() | (this.byte() << 8));
      parts.push(String.fromCharCode(...codes));
    }
    return parts.join("");
  }

  value(): unknown {
    const tag = this.byte();
    switch (tag) {
      case UNDEFINED:
        return undefined;
      case NULL:
        return null;
      case TRUE:
        return true;
      case FALSE:
        return false;
      case INT:
        return this.byte() | (this.byte() << 8) | (this.byte() << 16) | (this.byte() << 24);
      case DOUBLE:
        return this.double();
      case LATIN1:
        return this.latin1();
      case UTF8: {
        const length = this.size();
        this.at += length;
        return decoder.decode(this.bytes.subarray(this.at - length, this.at));
      }
      case UTF16:
        return this.utf16();
      case BIGINT:
        return BigInt(this.text());
      case SAME:
        return this.seen[this.size()];
      default:
        return this.object(tag);
    }
  }

  /** Reads an object. Objects get their numbers in the order of their beginnings. */
  object(tag: number): unknown {
    const slot = this.seen.push(undefined) - 1;
    const made = <T>(value: T): T => {
      this.seen[slot] = value;
      return value;
    };
    switch (tag) {
      case ARRAY: {
        const length = this.size();
        const array = made<unknown[]>([]);
        array.length = length;
        for (let i = 0; i < length; i++) {
          if (this.bytes[this.at] === HOLE) this.at++;
          else array[i] = this.value();
        }
        return array;
      }
      case OBJECT: {
        const object = made<Record<string, unknown>>({});
        this.properties(object);
        return object;
      }
      case MAP: {
        const map = made(new Map<unknown, unknown>());
        for (let n = this.size(); n > 0; n--) map.set(this.value(), this.value());
        return map;
      }
      case SET: {
        const set = made(new Set<unknown>());
        for (let n = this.size(); n > 0; n--) set.add(this.value());
        return set;
      }
      case ERROR:
        return this.error(made);
      default:
        return made(this.leaf(tag));
    }
  }

  properties(object: object): void {
    for (let n = this.size(); n > 0; n--) {
      const key = this.text();
      const value = this.value();
      if (key === "__proto__") Object.defineProperty(object, key, { value, ...ordinary });
      else (object as Record<string, unknown>)[key] = value;
    }
  }

  error(made: <T>(value: T) => T): unknown {
    const name = this.text();
    const message = this.text();
    const stack = this.text();
    const limited = Error as { stackTraceLimit?: number };
    const limit = limited.stackTraceLimit;
    limited.stackTraceLimit = 0;
    const known = Object.hasOwn(errors, name) ? (errors[name] as ErrorConstructor) : Error;
    const error = made(name === "AggregateError" ? new AggregateError([], message) : new known(message));
    if (limit !== undefined) limited.stackTraceLimit = limit;
    if (error.name !== name) Object.defineProperty(error, "name", { value: name, ...hidden });
    Object.defineProperty(error, "stack", { value: stack, ...hidden });
    const cause = this.value() as [unknown] | undefined;
    if (cause !== undefined) Object.defineProperty(error, "cause", { value: cause[0], ...hidden });
    const members = this.value() as unknown[] | undefined;
    if (members !== undefined) Object.defineProperty(error, "errors", { value: members, ...hidden });
    this.properties(error);
    return error;
  }

  leaf(tag: number): unknown {
    switch (tag) {
      case DATE:
        return new Date(this.double());
      case REGEXP:
        return new RegExp(this.text(), this.text());
      case BUFFER:
        return this.binary(this.size());
      case VIEW: {
        const kind = views[this.size()] as (typeof views)[number];
        const length = this.size();
        const buffer = this.binary(length);
        const unit = (kind as unknown as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
        return new kind(buffer, 0, length / unit);
      }
      case BOXED:
        return Object(this.value());
      case EXTRA:
        return this.extras[this.size()];
      case AMBASSADOR: {
        const name = this.text();
        const sent = this.value();
        const ambassador = ambassadors.find((each) => each.name === name);
        if (ambassador === undefined) throw new Error(`parallel: nothing here receives a ${name}`);
        return ambassador.receive(sent as never, this.task);
      }
      default:
        throw new Error(`parallel: damaged message (tag ${tag})`);
    }
  }

  binary(length: number): ArrayBuffer {
    const buffer = new ArrayBuffer(length);
    new Uint8Array(buffer).set(this.bytes.subarray(this.at, this.at + length));
    this.at += length;
    return buffer;
  }
}

const ordinary = { writable: true, enumerable: true, configurable: true };
const hidden = { writable: true, enumerable: false, configurable: true };

/** The values that `encode` was given. `bytes` is private memory that begins with them. */
export function decode(bytes: Uint8Array, extras: readonly unknown[] = [], task = 0): unknown[] {
  const reader = new Reader(bytes, extras, task);
  const values: unknown[] = [];
  for (let n = reader.size(); n > 0; n--) values.push(reader.value());
  return values;
}
