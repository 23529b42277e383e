// Changes that leave the meaning of a workbook as it is: the archive written in another way, and
// the XML of its parts in other words. What is read of it must be the same.
import { isUtf8 } from "node:buffer";
import { deflateRawSync } from "node:zlib";
import type { Random } from "../random.ts";
import { zip, type ZipEntry } from "../zip-writer.ts";

export function rewrite(entries: readonly ZipEntry[], random: Random): Buffer {
  const parts = entries.map((entry) => {
    const data = random.once(4) ? entry.data : rewritten(entry, random);
    const level = random.below(10);
    const raw = level > 0 ? { raw: deflateRawSync(data, { level }) } : {};
    const way = random.below(4);
    if (way === 0) return { name: entry.name, data, stored: true, descriptor: random.once(2) };
    return { name: entry.name, data, ...raw, descriptor: way === 1, zip64: way === 2 };
  });
  // Office finds its parts in another case and by backslashes too; OpenDocument says nothing of
  // that.
  const office = !entries.some(({ name }) => name === "content.xml");
  const upper = random.once(6) && office;
  const back = random.once(6) && office;
  const named = parts.map((part) => {
    const name = back ? part.name.replaceAll("/", "\\") : part.name;
    return { ...part, name: upper ? name.toUpperCase() : name };
  });
  for (let i = named.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [named[i], named[j]] = [named[j]!, named[i]!];
  }
  const bytes = zip(named, { zip64: random.once(4), comment: random.once(4) ? "PK\u0005\u0006 comment" : "" });
  const junk = Buffer.alloc(random.once(4) ? random.below(3000) : 0, "junk");
  return random.once(2) ? Buffer.concat([junk, bytes]) : bytes;
}

/** The XML in other words; what is no XML in UTF-8 stays as it is. */
function rewritten(entry: ZipEntry, random: Random): Uint8Array {
  const bytes = Buffer.from(entry.data as Uint8Array);
  const head = bytes.toString("latin1", 0, 200);
  if (!/^(\xef\xbb\xbf)?\s*</.test(head) || !isUtf8(bytes)) return bytes;
  if (/encoding\s*=\s*["'](?!utf-?8|us-ascii|ascii)/i.test(head)) return bytes;
  const way: Way = {
    random,
    spaces: random.once(2),
    comments: random.once(2),
    entities: random.once(2),
    cdata: random.once(3),
    attributes: random.once(2),
    empty: random.once(3),
    strangers: random.once(3),
    prefix: random.once(3) ? random.pick(["x", "s", "main", "a-b_1"]) : "",
  };
  const text = bytes.toString().replace(/^\ufeff/, "");
  const out = inOtherWords(text, way);
  if (random.once(6)) {
    const utf16 = Buffer.from(`\ufeff${out.replace(/^<\?xml.*?\?>/s, "")}`, "utf16le");
    return random.once(2) ? utf16.swap16() : utf16;
  }
  return Buffer.from((random.once(6) ? "\ufeff" : "") + out);
}

interface Way {
  readonly random: Random;
  readonly spaces: boolean;
  readonly comments: boolean;
  readonly entities: boolean;
  readonly cdata: boolean;
  readonly attributes: boolean;
  readonly empty: boolean;
  readonly strangers: boolean;
  /** In front of every element that has none; "" leaves them as they are. */
  readonly prefix: string;
}

const token = /<!--.*?-->|<\?.*?\?>|<!\[CDATA\[.*?\]\]>|<(?:[^<>"']|"[^"]*"|'[^']*')*>|[^<]+/gs;
/** Elements in front of which a stranger may stand, in the main parts of a workbook. */
const besideStrangers = /^<\/?(row|c|sheetData|si|sheets|sheet|xf|cellXfs|numFmts)[\s/>]/;
/** What may not be split or padded: text counts in these. */
const texts = new Set(["t", "v"]);

function inOtherWords(xml: string, way: Way): string {
  const { random } = way;
  // Two elements of one name are told apart by their prefixes, where there are any: nothing is
  // prefixed then.
  const prefix = /<\/?[\w.-]+:/.test(xml) ? "" : way.prefix;
  const open: string[] = [];
  let out = "";
  for (const [piece] of xml.matchAll(token)) {
    if (piece.startsWith("<!") || piece.startsWith("<?")) {
      out += piece;
      continue;
    }
    const inText = texts.has(open.at(-1) ?? "");
    if (!piece.startsWith("<")) {
      out += inText ? textInOtherWords(piece, way) : piece;
      continue;
    }
    const name = /^<\/?([^\s/>]+)/.exec(piece)![1]!;
    const local = name.slice(name.indexOf(":") + 1);
    const closing = piece.startsWith("</");
    if (!inText && besideStrangers.test(piece) && open.length > 0) {
      if (way.spaces && random.once(3)) out += random.pick(["\n", "  ", "\r\n\t"]);
      if (way.comments && random.once(3)) out += random.pick(["<!-- a > b -->", "<!--<row r='9'>-->", "<?pi <c?>"]);
      if (way.strangers && random.once(6))
        out += random
          .pick(['<zz a="1"/>', "<zz><zzz>1</zzz></zz>"])
          .replaceAll(/<(\/?)z/g, `<$1${prefix && `${prefix}:`}z`);
    }
    const empty = piece.endsWith("/>");
    out += tagInOtherWords(piece, name, closing, empty, prefix, way);
    if (closing) open.pop();
    else if (!empty) open.push(local);
  }
  // The namespace of the new prefix is declared where the default one was.
  return prefix ? out.replace(/\sxmlns=/, ` xmlns:${prefix}=`) : out;
}

function tagInOtherWords(
  piece: string,
  name: string,
  closing: boolean,
  empty: boolean,
  prefix: string,
  way: Way,
): string {
  const { random } = way;
  const full = prefix ? `${prefix}:${name}` : name;
  const space = (): string => (way.spaces && random.once(3) ? random.pick(["\n", "  ", "\t"]) : "");
  if (closing) return `</${full}${space()}>`;
  let attributes = [...piece.matchAll(/([^\s=<>/"']+)\s*=\s*("[^"]*"|'[^']*')/g)].map(([, key, value]) => {
    const quoted = value!;
    const bare = quoted.slice(1, -1);
    if (way.attributes && random.once(3) && quoted.startsWith('"') && !bare.includes("'"))
      return `${key}${space()}=${space()}'${bare}'`;
    return `${key}=${quoted}`;
  });
  if (way.attributes) {
    for (let i = attributes.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [attributes[i], attributes[j]] = [attributes[j]!, attributes[i]!];
    }
    if (random.once(5)) attributes = [...attributes, 'zz:strange="a > b"'];
  }
  const inside = attributes.map((attribute) => ` ${space()}${attribute}`).join("");
  if (!empty) return `<${full}${inside}${space()}>`;
  return way.empty && random.once(2) ? `<${full}${inside}></${full}>` : `<${full}${inside}${space()}/>`;
}

/** The same characters, otherwise written: as entities, as CDATA, with comments between them. */
function textInOtherWords(text: string, way: Way): string {
  const { random } = way;
  let out = "";
  for (const [unit] of text.matchAll(/&[^;]*;|\r\n|./gsu)) {
    if (way.comments && random.once(12)) out += "<!-- x -->";
    // A carriage return is a line feed where it stands as it is.
    const char = unit.startsWith("\r") ? "\n" : unit;
    if (char.length > 2 || char.startsWith("&")) out += char;
    else if (way.entities && random.once(4))
      out += random.once(2) ? `&#${char.codePointAt(0)};` : `&#x${char.codePointAt(0)!.toString(16).toUpperCase()};`;
    else if (way.cdata && random.once(8)) out += `<![CDATA[${char}]]>`;
    else out += char;
  }
  return out;
}
