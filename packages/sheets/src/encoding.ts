// The encoding of a text, and the conversion of its bytes to UTF-8.
//
// A byte-order mark decides, then zero bytes in every second place (UTF-16). Any other text is
// ASCII up to its first byte that is not. If the bytes from there on can be UTF-8, they are. If
// they cannot, the reader takes the Windows code page whose languages explain them best. So a file
// whose first umlaut is on line 100,000 is read as correctly as any other.
//
// Text that begins as UTF-8 and then is not UTF-8 is an error. The caller who reads the rows can
// name the line. Text that no code page explains, and that reads as East Asian characters, has the
// one encoding in which it is valid. If it is valid in several of them, the user has to name the
// encoding.
import { isAscii, isUtf8 } from "node:buffer";
import { SheetError, type Place } from "./errors.ts";

/** The size of the sample: text from the first byte on that is not ASCII. */
const SAMPLE_BYTES = 64 * 1024;

export interface Text {
  /** UTF-8, without a byte-order mark. A piece lasts until the next one is asked for. */
  readonly pieces: AsyncIterable<Uint8Array>;
  /** The encoding of the file as far as it has been read: a label of the Encoding Standard. */
  encoding(): string;
  /** True if the encoding is a guess: neither given, nor marked, nor UTF-8. */
  guessed(): boolean;
}

/**
 * Converts a file's bytes to UTF-8.
 *
 * @param pieces the file's bytes; a piece lasts until the next one is asked for
 * @param label the encoding, if it is known
 * @throws SheetError (`bad_option`) if the encoding does not exist; (`bad_encoding`), while
 * reading, if bytes are not valid in it
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

/** The output of `read` over the input. The input is closed at the end, also after an error. */
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

/**
 * The start of a text as a string, for callers who look only for ASCII characters. Each byte
 * becomes one character, unless the text is UTF-16.
 */
export function asciiView(head: Uint8Array, label: string | undefined): string {
  const encoding = label === undefined ? byteOrder(head) : namedDecoder(label).encoding;
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.length);
  const text = encoding?.startsWith("utf-16") ? new TextDecoder(encoding).decode(bytes) : bytes.toString("latin1");
  return text.replace(/^(?:\ufeff|\xef\xbb\xbf)/, "");
}

/**
 * The encoding that a byte-order mark names, or UTF-16 if every second byte of the start is zero.
 */
function byteOrder(head: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" | undefined {
  const [a, b, c] = head;
  if (a === 0xff && b === 0xfe) return "utf-16le";
  if (a === 0xfe && b === 0xff) return "utf-16be";
  if (a === 0xef && b === 0xbb && c === 0xbf) return "utf-8";
  const units = Math.min(head.length, 2048) >> 1;
  const zeros = [0, 0];
  for (let i = 0; i < units * 2; i++) if (head[i] === 0) zeros[i & 1]!++;
  const [even = 0, odd = 0] = zeros;
  // A zero is one half of an ASCII letter, digit, delimiter or line end. A text in any language has
  // some of these.
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

/** Pieces that a reader can look at before it takes them. */
class Peekable implements AsyncIterable<Uint8Array> {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #head: Uint8Array = new Uint8Array();

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next bytes: at least `length`, fewer only if there are no more. */
  async atLeast(length: number): Promise<Uint8Array> {
    while (this.#head.length < length) {
      // The bytes at hand would not last after the next request, so they are copied.
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

/**
 * True if a sample is UTF-8, or would be without a few bytes. Those few are then a mistake in the
 * file, and the error says at which place they are.
 */
function isMostlyUtf8(sample: Uint8Array): boolean {
  // The sample may end inside a character.
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
 * The letters of a language that are not ASCII, the most frequent first, and the code page for
 * them. Lower case only: a capital counts as its small letter.
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

/**
 * The probabilities of three kinds of characters: a typographic sign, a character that is not a
 * letter of the language, and a byte that the code page does not define.
 */
const SIGN = Math.log(0.02);
const OTHER = Math.log(1e-3);
const NONE = Math.log(1e-6);
const signs = /[€‘’“”„–—…•·«»°§©®№\xa0]/;
/**
 * The advantage of a code page before any byte has been seen, as a logarithm. It decides if there
 * are few bytes.
 */
const PRIOR: Readonly<Record<string, number>> = { "windows-1252": 2, "windows-1250": 1, "windows-1251": 1 };

/**
 * The logarithm per character below which no language explains a sample. Texts in windows-125x are
 * above −4, East Asian texts below.
 */
const HOPELESS = -4;
const eastAsian = ["shift_jis", "euc-jp", "euc-kr", "big5", "gb18030"];

/**
 * Guesses the encoding of a sample. @throws SheetError (`bad_encoding`) if the user has to name it
 */
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

/**
 * True if a sample is valid in an encoding and reads as East Asian text: nearly everything in it
 * that is not ASCII is kana, hangul, Chinese characters or their punctuation.
 */
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
 * The code page with the language whose letters make the sample most likely, and that likelihood as
 * a logarithm per character. Zipf's law replaces the real frequencies of letters.
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
