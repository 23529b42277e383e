// Changes that damage a workbook, or may: of its bytes, of the archive's structure, of a part's
// XML. Nothing is promised of what comes out but that the reader must either read it or refuse it.
import type { Random } from "../random.ts";
import { zip, type ZipEntry } from "../zip-writer.ts";

const numbers = ["0", "-1", "1", "255", "65536", "1048577", "2147483648", "4294967296", "1e308", "NaN", "", "x", "1.5"];
const references = ["A0", "XFE1", "XFD1048577", "ZZZZ1", "1A", "A", "a1", "$A$1", "A1:B2", "B2", "A99999999999"];
const pieces = [
  "<",
  ">",
  "/>",
  "&",
  "&amp;",
  "&#0;",
  "&#xD800;",
  "&x;",
  "<!--",
  "-->",
  "<![CDATA[",
  "]]>",
  "<?",
  "<!DOCTYPE x>",
  '"',
  "\0",
  "\u00ff",
  "<row>",
  "</row>",
  "<c>",
  "</c>",
  "<v>",
  "<is><t>",
  "</si>",
  '<c r="A1" t="s"><v>1</v></c>',
];

/** Some of the file's bytes changed, moved, left out or doubled. */
export function damageBytes(bytes: Uint8Array, random: Random): Buffer {
  const out = Buffer.from(bytes);
  const at = random.below(out.length);
  const length = Math.min(out.length - at, 1 + random.below(random.once(4) ? 1000 : 8));
  switch (random.below(6)) {
    case 0:
      out[at]! ^= 1 << random.below(8);
      return out;
    case 1:
      for (let i = 0; i < length; i++) out[at + i] = random.below(256);
      return out;
    case 2:
      return Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
    case 3:
      return Buffer.concat([out.subarray(0, at + length), out.subarray(at)]);
    case 4:
      return out.subarray(0, at);
    default: {
      const to = random.below(out.length - length + 1);
      out.copyWithin(to, at, at + length);
      return out;
    }
  }
}

/** A field of one of the archive's records set to a value that readers stumble over. */
export function damageRecords(bytes: Uint8Array, random: Random): Buffer {
  const out = Buffer.from(bytes);
  const signature = random.pick([
    "PK\u0001\u0002",
    "PK\u0003\u0004",
    "PK\u0005\u0006",
    "PK\u0006\u0006",
    "PK\u0006\u0007",
  ]);
  const places: number[] = [];
  for (let at = out.indexOf(signature, 0, "latin1"); at >= 0; at = out.indexOf(signature, at + 4, "latin1"))
    places.push(at);
  if (places.length === 0) return damageBytes(bytes, random);
  const at = random.pick(places) + 4 + random.below(44);
  if (at + 8 > out.length) return damageBytes(bytes, random);
  const value = random.pick([0, 1, 8, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff, out.length, out.length - at]);
  if (random.once(3)) out.writeUInt32LE(value, at);
  else if (random.once(2)) out.writeUInt16LE(value & 0xffff, at);
  else out.writeBigUInt64LE(random.pick([2n ** 63n, 2n ** 64n - 1n, 2n ** 32n, BigInt(value)]), at);
  return out;
}

/** The XML of one part changed, or parts exchanged, in an archive that is right. */
export function damageParts(entries: readonly ZipEntry[], random: Random): Buffer {
  const changed = [...entries];
  for (let i = random.below(3); i >= 0; i--) {
    const n = random.below(changed.length);
    const entry = changed[n]!;
    const way = random.below(12);
    if (way === 0) changed[n] = { ...entry, data: random.pick(entries).data };
    else if (way === 1) changed.splice(n, changed.length > 1 ? 1 : 0);
    else changed[n] = { ...entry, data: damageXml(Buffer.from(entry.data as Uint8Array).toString("latin1"), random) };
  }
  return zip(changed);
}

/** Some of a text in XML or HTML changed. */
export function damageXml(xml: string, random: Random): Buffer {
  const tags = [...xml.matchAll(/<[^<>]*>/g)];
  const tag = tags.length > 0 ? random.pick(tags) : undefined;
  const at = tag?.index ?? 0;
  const text = tag?.[0] ?? "";
  const end = at + text.length;
  const other = tags.length > 0 ? random.pick(tags)[0] : "";
  const replaced = (by: string, from = at, to = end): Buffer =>
    Buffer.from(xml.slice(0, from) + by + xml.slice(to), "latin1");
  switch (random.below(10)) {
    case 0:
      return replaced("");
    case 1:
      return replaced(text + text);
    case 2:
      return replaced(other);
    case 3:
      return replaced(text.replace(/"[^"]*"/, `"${random.pick([...numbers, ...references])}"`));
    case 4:
      return replaced(text.replace(/(?<=[\s\w])\w+=/, "x="));
    case 5:
      return replaced(random.pick(pieces), end, end);
    case 6:
      return Buffer.from(xml.slice(0, random.below(xml.length + 1)), "latin1");
    case 7: {
      const close = xml.indexOf("<", end);
      return replaced(random.pick(numbers), end, close < 0 ? xml.length : close);
    }
    case 8:
      return replaced(text.repeat(2 + random.below(400)));
    default: {
      const from = random.below(xml.length + 1);
      return replaced(random.pick(pieces), from, Math.min(xml.length, from + random.below(3)));
    }
  }
}
