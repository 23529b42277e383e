// A profile, and its encoding for `go tool pprof`: google/pprof's profile.proto in gzip.

import type * as Zlib from "node:zlib";
import { host } from "../internal/host.ts";

/** A place in the program. */
export interface Frame {
  readonly name: string;
  readonly file: string;
  /** From 1; 0 if it is not known. */
  readonly line: number;
}

/**
 * The values that were measured at one stack, one for each of the profile's types. The innermost
 * frame comes first.
 */
export interface Sample {
  readonly stack: readonly Frame[];
  readonly values: readonly number[];
  readonly labels?: Labels | undefined;
}

export type Labels = ReadonlyMap<string, string>;
type ValueType = readonly [type: string, unit: string];

export interface Profile {
  readonly types: readonly ValueType[];
  readonly samples: readonly Sample[];
  readonly periodType?: ValueType;
  readonly period?: number;
  /** Milliseconds since 1970 at which it began. */
  readonly began?: number;
  readonly durationMs?: number;
}

/** The profile as `go tool pprof` reads it. Needs a host with zlib: Node.js, Deno or Bun. */
export function encodeProfile(profile: Profile): Uint8Array {
  const zlib = host.process?.getBuiltinModule?.("node:zlib") as typeof Zlib | undefined;
  if (zlib === undefined) throw new Error("pprof: expected a host with zlib, as Node.js is, for gzip");
  return zlib.gzipSync(messageOf(profile));
}

/** Adds up samples of equal stacks and labels. */
export function merged(samples: readonly Sample[]): Sample[] {
  const byKey = new Map<string, { sample: Sample; values: number[] }>();
  for (const sample of samples) {
    const key = JSON.stringify([sample.stack, [...(sample.labels ?? [])]]);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, { sample, values: [...sample.values] });
    else for (const [i, value] of sample.values.entries()) known.values[i] = (known.values[i] as number) + value;
  }
  return [...byKey.values()].map(({ sample, values }) => ({ ...sample, values }));
}

/** Frames of a stack in the format of dumps: `name(...)`, then an indented line with the place. */
export function framesOf(stack: string): Frame[] {
  return [...stack.matchAll(/^(\S.*)\(\.\.\.\)\n\t(.*?)(?::(\d+))?(?::\d+)?$/gm)].map(
    ([, name = "", file = "", line = "0"]) => ({ name, file: pathOf(file), line: Number(line) }),
  );
}

/** The path of a file's URL. */
export function pathOf(address: string): string {
  return address.startsWith("file://") ? decodeURIComponent(new URL(address).pathname) : address;
}

function messageOf({ types, samples, periodType, period = 0, began = 0, durationMs = 0 }: Profile): Uint8Array {
  const strings = new Table([""]);
  const functions = new Table<string>([]);
  const locations = new Table<string>([]);
  const functionMessages: Message[] = [];
  const locationMessages: Message[] = [];
  const typeMessage = ([type, unit]: ValueType): Message =>
    new Message().number(1, strings.index(type)).number(2, strings.index(unit));
  const locationId = ({ name, file, line }: Frame): number => {
    const functionId = functions.index(JSON.stringify([name, file])) + 1;
    if (functionId > functionMessages.length) {
      const text = strings.index(name);
      functionMessages.push(
        new Message().number(1, functionId).number(2, text).number(3, text).number(4, strings.index(file)),
      );
    }
    const id = locations.index(JSON.stringify([name, file, line])) + 1;
    if (id > locationMessages.length) {
      const at = new Message().number(1, functionId).number(2, line);
      locationMessages.push(new Message().number(1, id).number(2, 1).number(3, id).message(4, at));
    }
    return id;
  };
  const message = new Message();
  for (const type of types) message.message(1, typeMessage(type));
  for (const { stack, values, labels = new Map<string, string>() } of merged(samples)) {
    const sample = new Message().packed(1, stack.map(locationId)).packed(2, values);
    for (const [key, value] of labels) {
      sample.message(3, new Message().number(1, strings.index(key)).number(2, strings.index(value)));
    }
    message.message(2, sample);
  }
  // The mapping says that the profile has functions, files and lines, so that the tool does not
  // search the program for them.
  const program = strings.index((host.process as { argv?: string[] } | undefined)?.argv?.[1] ?? "program");
  message.message(3, new Message().number(1, 1).number(5, program).number(7, 1).number(8, 1).number(9, 1));
  for (const location of locationMessages) message.message(4, location);
  for (const one of functionMessages) message.message(5, one);
  const period_ = periodType === undefined ? undefined : typeMessage(periodType);
  for (const text of strings.all) message.text(6, text);
  message.number(9, Math.round(began * 1e6)).number(10, Math.round(durationMs * 1e6));
  if (period_ !== undefined) message.message(11, period_).number(12, period);
  return message.bytes();
}

/** Numbers values in the order of their arrival. */
class Table<T> {
  readonly all: T[];
  readonly #numbers: Map<T, number>;

  constructor(first: readonly T[]) {
    this.all = [...first];
    this.#numbers = new Map(first.map((value, i) => [value, i]));
  }

  index(value: T): number {
    let number = this.#numbers.get(value);
    if (number === undefined) {
      number = this.all.push(value) - 1;
      this.#numbers.set(value, number);
    }
    return number;
  }
}

const VARINT = 0;
const LENGTH = 2;

/** A message of Protocol Buffers. */
class Message {
  readonly #bytes: number[] = [];

  number(field: number, value: number): this {
    if (value === 0) return this;
    varint(this.#bytes, field * 8 + VARINT);
    varint(this.#bytes, value);
    return this;
  }

  packed(field: number, values: readonly number[]): this {
    const bytes: number[] = [];
    for (const value of values) varint(bytes, Math.round(value));
    return this.#block(field, bytes);
  }

  text(field: number, text: string): this {
    return this.#block(field, new TextEncoder().encode(text));
  }

  message(field: number, message: Message): this {
    return this.#block(field, message.#bytes);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #block(field: number, bytes: ArrayLike<number> & Iterable<number>): this {
    varint(this.#bytes, field * 8 + LENGTH);
    varint(this.#bytes, bytes.length);
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }
}

/** Seven bits a byte, the lowest first. A whole number up to 2^63 that is not below 0. */
function varint(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}
