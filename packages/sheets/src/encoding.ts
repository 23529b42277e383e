// Which encoding a text is in, and its bytes as UTF-8.
//
// A byte-order mark decides, then zero bytes in every second place (UTF-16). All else is ASCII until the first byte that is not:
// what stands there is UTF-8 where it can be, and otherwise of the Windows code page whose languages explain it best. So a file
// whose first umlaut stands on line 100,000 is read as rightly as any other. Text that is UTF-8 and then is not is an error: it is
// for whoever reads the rows to name the line. What no code page explains, and reads as the signs of East Asia, is of the one encoding
// that it is valid in; where it is valid in several it has to be named.
import { isAscii, isUtf8 } from "node:buffer";
import { SheetError, type Place } from "./errors.ts";

/** So much text from the first byte on that is not ASCII is looked at, where there is so much. */
const SAMPLE_BYTES = 64 * 1024;

export interface Text {
  /** UTF-8, without a byte-order mark. A piece lasts until the next one is asked for. */
  readonly pieces: AsyncIterable<Uint8Array>;
  /** How the file is written as far as it has been read: a label of the Encoding Standard. */
  encoding(): string;
  /** Whether the encoding is a guess: neither said, nor marked, nor UTF-8. */
  guessed(): boolean;
}

/**
 * @param pieces the file's bytes; a piece lasts until the next one is asked for
 * @param label the encoding where it is known
 * @throws SheetError (`bad_option`) where there is no such encoding; (`bad_encoding`), while reading, where bytes are not of it
 */
export function decodeText(pieces: AsyncIterable<Uint8Array>, label: string | undefined, place: Place): Text {
  const decoder = label === undefined ? undefined : namedDecoder(label);
  let encoding = decoder?.encoding ?? "utf-8";
  let guessed = false;
  const pass = async function* (input: Peekable): AsyncGenerator<Uint8Array, void, undefined> {
    const head = await input.atLeast(SAMPLE_BYTES);
    const mark = byteOrder(head);
    if (label === undefined && mark !== undefined) encoding = mark;
    if (mark === encoding) input.skip(markLength(head));
    let known = label !== undefined || mark !== undefined;
    while (!known) {
      const piece = await input.atLeast(1);
      if (piece.length === 0) return;
      const at = isAscii(piece) ? piece.length : piece.findIndex((byte) => byte >= 0x80);
      if (at > 0) {
        yield piece.subarray(0, at);
        input.skip(at);
        continue;
      }
      const sample = await input.atLeast(SAMPLE_BYTES);
      guessed = !isMostlyUtf8(sample);
      if (guessed) encoding = guess(sample, place);
      known = true;
    }
    yield* encoding === "utf-8" ? input : converted(input, encoding, place);
  };
  return { pieces: closing(new Peekable(pieces), pass), encoding: () => encoding, guessed: () => guessed };
}

/** What `read` makes of the input, which is closed at the end however that comes. */
async function* closing(
  input: Peekable,
  read: (input: Peekable) => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* read(input);
  } finally {
    await input.close();
  }
}

/** The begin of a text with one character a byte where it is ASCII, for those who look for ASCII only. */
export function asciiView(head: Uint8Array, label: string | undefined): string {
  const encoding = label === undefined ? byteOrder(head) : namedDecoder(label).encoding;
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.length);
  const text = encoding?.startsWith("utf-16") ? new TextDecoder(encoding).decode(bytes) : bytes.toString("latin1");
  return text.replace(/^(?:\ufeff|\xef\xbb\xbf)/, "");
}

/** The encoding that a byte-order mark names, or UTF-16 where every second byte of the begin is zero. */
function byteOrder(head: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" | undefined {
  const [a, b, c] = head;
  if (a === 0xff && b === 0xfe) return "utf-16le";
  if (a === 0xfe && b === 0xff) return "utf-16be";
  if (a === 0xef && b === 0xbb && c === 0xbf) return "utf-8";
  const units = Math.min(head.length, 2048) >> 1;
  const zeros = [0, 0];
  for (let i = 0; i < units * 2; i++) if (head[i] === 0) zeros[i & 1]!++;
  const [even = 0, odd = 0] = zeros;
  // The sides of ASCII letters, digits, delimiters and line ends: in a text of any language some of it is.
  if (odd > units / 4 && even < units / 64) return "utf-16le";
  if (even > units / 4 && odd < units / 64) return "utf-16be";
  return undefined;
}

function markLength(head: Uint8Array): number {
  if (head[0] === 0xef && head[1] === 0xbb) return 3;
  return (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff) ? 2 : 0;
}

function namedDecoder(label: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(label, { fatal: true });
  } catch {
    throw new SheetError(
      "bad_option",
      `There is no encoding called ${JSON.stringify(label)}; use a label such as utf-8, utf-16le, windows-1252 or shift_jis.`,
    );
  }
}

async function* converted(
  pieces: AsyncIterable<Uint8Array>,
  encoding: string,
  place: Place,
): AsyncGenerator<Uint8Array, void, undefined> {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  let read = 0;
  const decode = (piece?: Uint8Array): Buffer => {
    try {
      return Buffer.from(piece ? decoder.decode(piece, { stream: true }) : decoder.decode());
    } catch (error) {
      throw new SheetError(
        "bad_encoding",
        `${place.file ?? "The text"} is read as ${encoding}, and between byte ${read} and ${read + (piece?.length ?? 0)} there are bytes that are not ${encoding}. Set the option encoding to what it is, or save it as UTF-8.`,
        { ...place, offset: read },
        { cause: error },
      );
    }
  };
  for await (const piece of pieces) {
    const text = decode(piece);
    read += piece.length;
    if (text.length > 0) yield text;
  }
  const rest = decode();
  if (rest.length > 0) yield rest;
}

/** Pieces that can be looked at before they are taken. */
class Peekable implements AsyncIterable<Uint8Array> {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #head: Uint8Array = new Uint8Array();

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** What comes next: at least so many bytes, fewer only where there are no more. */
  async atLeast(length: number): Promise<Uint8Array> {
    while (this.#head.length < length) {
      // What is here does not last when more is asked for.
      this.#head = Uint8Array.from(this.#head);
      const next = await this.#pieces.next();
      if (next.done) break;
      this.#head = this.#head.length > 0 ? Buffer.concat([this.#head, next.value]) : next.value;
    }
    return this.#head;
  }

  skip(length: number): void {
    this.#head = this.#head.subarray(length);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#head.length > 0) yield this.#head;
    this.#head = new Uint8Array();
    for (let next = await this.#pieces.next(); !next.done; next = await this.#pieces.next()) yield next.value;
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }
}

/** Whether a sample is UTF-8, or would be but for few bytes; then those are a mistake, and it is said where they stand. */
function isMostlyUtf8(sample: Uint8Array): boolean {
  // The last character may be cut.
  for (let cut = 0; cut < 4 && cut < sample.length; cut++)
    if (isUtf8(sample.subarray(0, sample.length - cut))) return true;
  let good = 0;
  let bad = 0;
  for (let i = 0; i < sample.length; i++) {
    const byte = sample[i]!;
    if (byte < 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    if (byte >= 0xc2 && byte < 0xf5 && isUtf8(sample.subarray(i, i + length)) && i + length <= sample.length) {
      good++;
      i += length - 1;
    } else bad++;
  }
  return good > 4 * bad;
}

/**
 * The letters of a language that are not ASCII, the most frequent first, and the code page they are written with. Lower case
 * only: a capital counts as its small letter.
 */
const languages: readonly (readonly [encoding: string, letters: string])[] = [
  ["windows-1252", "éèàêçùôîâûëïœ"], // French
  ["windows-1252", "äüöß"], // German
  ["windows-1252", "áóíéñúü¿¡"], // Spanish
  ["windows-1252", "ãçáéíóêõúâàô"], // Portuguese
  ["windows-1252", "àèìòùé"], // Italian
  ["windows-1252", "äåöé"], // Swedish, Finnish
  ["windows-1252", "øåæéöä"], // Danish, Norwegian
  ["windows-1252", "áíðéóþöæúý"], // Icelandic
  ["windows-1252", "éëïèöü"], // Dutch
  ["windows-1250", "łąężśóćńź"], // Polish
  ["windows-1250", "íáéěřčžýšůúťďňó"], // Czech
  ["windows-1250", "áíéčžýľšúťôóňďäŕĺ"], // Slovak
  ["windows-1250", "áéöóőíüúű"], // Hungarian
  ["windows-1250", "ăîşţâ"], // Romanian
  ["windows-1250", "čšžćđ"], // Croatian, Slovene
  ["windows-1251", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"], // Russian
  ["windows-1251", "оанивтерсклудмпзяьбгйчхцїюжшщфєіґ"], // Ukrainian
  ["windows-1251", "аиоетнрвслкдпмзгъубчщяжцюхйшфь"], // Bulgarian
  ["windows-1251", "аоиенртсвјукдмлпзгбчњшцжљхћђџф"], // Serbian
  ["windows-1253", "αοιετσνηυρπκμςλάίγόδέθωήχύφβώξζψ"], // Greek
  ["windows-1254", "ıişğüçöâ"], // Turkish
  ["windows-1255", "יוהלארתבמשנעדחקפצכטגזסםןךףץ"], // Hebrew
  ["windows-1256", "المينرتبوعدسفحقكجشطصخضذثزغةءأىإئؤآظ"], // Arabic
  ["windows-1256", "اینردتمهسوبشکزگلخفقآچپژ"], // Persian
  ["windows-1257", "ėšžųįčūąę"], // Lithuanian
  ["windows-1257", "āīšēūžņļģķč"], // Latvian
  ["windows-1257", "äõüöšž"], // Estonian
  ["windows-1258", "đôươăâêàáíìòóúùé\u0301\u0300\u0309\u0303\u0323"], // Vietnamese
];

/** How likely are: a sign of typography, another character than such a letter, one that the code page does not have. */
const SIGN = Math.log(0.02);
const OTHER = Math.log(1e-3);
const NONE = Math.log(1e-6);
const signs = /[€‘’“”„–—…•·«»°§©®№\xa0]/;
/** How much likelier a code page is before a byte has been seen, as a logarithm: where there are few bytes it decides. */
const PRIOR: Readonly<Record<string, number>> = { "windows-1252": 2, "windows-1250": 1, "windows-1251": 1 };

/** Below this a character the letters of no language explain a sample: windows-125x texts are above −4, those of East Asia below. */
const HOPELESS = -4;
const eastAsian = ["shift_jis", "euc-jp", "euc-kr", "big5", "gb18030"];

/** @throws SheetError (`bad_encoding`) where it has to be named */
function guess(sample: Uint8Array, { file }: Place): string {
  const { encoding, score } = bestCodePage(sample);
  const others = score < HOPELESS ? eastAsian.filter((label) => isEastAsian(sample, label)) : [];
  if (others.length <= 1) return others[0] ?? encoding;
  throw new SheetError(
    "bad_encoding",
    `${file ?? "The text"} is not UTF-8, and may be ${others.slice(0, -1).join(", ")} or ${others.at(-1)!}: that cannot be told from its bytes. Set the option encoding to what it is, or save it as UTF-8.`,
    { file },
  );
}

/** Whether a sample is valid in an encoding, and what is not ASCII then is nearly all kana, hangul, Chinese characters or their punctuation. */
function isEastAsian(sample: Uint8Array, label: string): boolean {
  let text;
  try {
    text = new TextDecoder(label, { fatal: true }).decode(sample, { stream: true });
  } catch {
    return false;
  }
  const signs = text.match(/[^\0-\x7f]/gu)?.length ?? 0;
  const asian = text.match(/[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff00-\uff60]/g)?.length ?? 0;
  return signs > 1 && asian >= 0.9 * signs;
}

/**
 * The code page with the language whose letters make the sample likeliest, and how likely: a logarithm a character. Zipf's law stands
 * in for the real frequencies of letters.
 */
function bestCodePage(sample: Uint8Array): { encoding: string; score: number } {
  const counts = new Map<number, number>();
  let all = 0;
  for (const byte of sample) {
    if (byte < 0x80) continue;
    counts.set(byte, (counts.get(byte) ?? 0) + 1);
    all++;
  }
  let best = { encoding: "windows-1252", score: Number.NEGATIVE_INFINITY };
  for (const [encoding, letters] of languages) {
    const page = codePage(encoding);
    const sum = Array.from(letters).reduce((total, _, rank) => total + 1 / (rank + 2), 0);
    let score = PRIOR[encoding] ?? 0;
    for (const [byte, count] of counts) {
      const char = page[byte - 0x80]!.toLowerCase();
      const rank = letters.indexOf(char);
      if (rank >= 0) score += count * Math.log(1 / (rank + 2) / sum);
      else score += count * (signs.test(char) ? SIGN : /[\x80-\x9f\ufffd]/.test(char) ? NONE : OTHER);
    }
    if (score > best.score) best = { encoding, score };
  }
  return { encoding: best.encoding, score: best.score / all };
}

/** The characters of 0x80 to 0xFF. */
function codePage(encoding: string): readonly string[] {
  return Array.from(new TextDecoder(encoding).decode(Uint8Array.from({ length: 128 }, (_, i) => i + 0x80)));
}
