// Reads a profile of google/pprof's profile.proto, with a decoder of its own.
import { gunzipSync } from "node:zlib";

export interface Decoded {
  readonly types: readonly string[];
  readonly samples: readonly {
    readonly stack: readonly { readonly name: string; readonly file: string; readonly line: number }[];
    readonly values: readonly number[];
    readonly labels: Readonly<Record<string, string>>;
  }[];
  readonly durationNanos: number;
  readonly timeNanos: number;
  readonly period: number;
}

type Fields = Map<number, (number | Uint8Array)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("the message ends within a number");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, wire] = [Math.floor(tag / 8), tag % 8];
    const value = varint();
    if (wire !== 0 && wire !== 2) throw new Error(`wire type ${wire}`);
    const all = fields.get(field) ?? [];
    fields.set(field, all);
    if (wire === 0) all.push(value);
    else {
      if (at + value > bytes.length) throw new Error("the message ends within a field");
      all.push(bytes.subarray(at, (at += value)));
    }
  }
  return fields;
}

const numbers = (fields: Fields, field: number): number[] =>
  (fields.get(field) ?? []).flatMap((value) => {
    if (typeof value === "number") return [value];
    const unpacked: number[] = [];
    for (let at = 0; at < value.length;) {
      let number = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = value[at++] as number;
        number += (byte & 127) * scale;
        if (byte < 128) break;
      }
      unpacked.push(number);
    }
    return unpacked;
  });
const number = (fields: Fields, field: number): number => numbers(fields, field)[0] ?? 0;
const messages = (fields: Fields, field: number): Fields[] =>
  (fields.get(field) ?? []).map((value) => fieldsOf(value as Uint8Array));

export function decodeProfile(gzipped: Uint8Array): Decoded {
  const profile = fieldsOf(gunzipSync(gzipped));
  const strings = (profile.get(6) ?? []).map((text) => new TextDecoder().decode(text as Uint8Array));
  if (strings[0] !== "") throw new Error("the first string is not empty");
  const text = (fields: Fields, field: number): string => {
    const found = strings[number(fields, field)];
    if (found === undefined) throw new Error(`no string ${number(fields, field)}`);
    return found;
  };
  const functions = new Map(messages(profile, 5).map((one) => [number(one, 1), one]));
  const locations = new Map(messages(profile, 4).map((one) => [number(one, 1), one]));
  const frame = (id: number): Decoded["samples"][0]["stack"][0] => {
    const [line] = messages(locations.get(id) as Fields, 4);
    const fn = functions.get(number(line as Fields, 1)) as Fields;
    return { name: text(fn, 2), file: text(fn, 4), line: number(line as Fields, 2) };
  };
  return {
    types: messages(profile, 1).map((type) => `${text(type, 1)}/${text(type, 2)}`),
    samples: messages(profile, 2).map((sample) => ({
      stack: numbers(sample, 1).map(frame),
      values: numbers(sample, 2),
      labels: Object.fromEntries(messages(sample, 3).map((label) => [text(label, 1), text(label, 2)])),
    })),
    timeNanos: number(profile, 9),
    durationNanos: number(profile, 10),
    period: number(profile, 12),
  };
}
