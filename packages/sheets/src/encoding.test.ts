// Which encoding a text is in, by its bytes alone. The texts are sentences of the kind that stand
// in tables.
import { expect, test } from "vitest";
import { decodeText } from "./encoding.ts";

interface Decoded {
  readonly text: string;
  readonly encoding: string;
  readonly guessed: boolean;
}

async function decode(bytes: Uint8Array, label?: string, size = 7): Promise<Decoded> {
  const { pieces, encoding, guessed } = decodeText(cut(bytes, size), label, { file: "a.csv" });
  const found: Buffer[] = [];
  for await (const piece of pieces) found.push(Buffer.from(piece));
  return { text: Buffer.concat(found).toString(), encoding: encoding(), guessed: guessed() };
}

/** Each piece lies in memory that is overwritten when the next one is asked for. */
async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) {
    const piece = Uint8Array.from(bytes.subarray(at, at + size));
    yield piece;
    piece.fill(0x3f);
  }
}

/** In a code page of one byte a character. */
function encode(text: string, encoding: string): Uint8Array {
  const page = new TextDecoder(encoding).decode(Uint8Array.from({ length: 256 }, (_, i) => i));
  return Uint8Array.from(text, (char) => {
    const byte = page.indexOf(char);
    if (byte < 0) throw new Error(`${encoding} has no ${char}`);
    return byte;
  });
}

const utf16be = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();

test.each([
  ["UTF-8", Buffer.from("näme,中文\n"), "näme,中文\n", "utf-8"],
  ["UTF-8 with a mark", Buffer.from("\ufeffnäme\n"), "näme\n", "utf-8"],
  ["ASCII", Buffer.from("a,b\n"), "a,b\n", "utf-8"],
  ["nothing", Buffer.from(""), "", "utf-8"],
  ["a mark and nothing else", Buffer.from("\ufeff"), "", "utf-8"],
  ["UTF-16LE with a mark", Buffer.from("\ufeffa,中\n", "utf16le"), "a,中\n", "utf-16le"],
  ["UTF-16BE with a mark", utf16be("\ufeffa,中\n"), "a,中\n", "utf-16be"],
  ["UTF-16LE without", Buffer.from("Name;Straße\nÄnne;Köln\n", "utf16le"), "Name;Straße\nÄnne;Köln\n", "utf-16le"],
  ["UTF-16BE without", utf16be("Name;Straße\nÄnne;Köln\n"), "Name;Straße\nÄnne;Köln\n", "utf-16be"],
])("%s is known and nothing of it is a guess", async (_, bytes, text, encoding) => {
  for (const size of [1, 2, 3, 7, 1000])
    expect(await decode(bytes, undefined, size)).toEqual({ text, encoding, guessed: false });
});

test.each([
  ["windows-1252", "Käufer;Straße;Größe;Müller"],
  ["windows-1252", "Société Générale;numéro;déjà réglé;façade;Noël"],
  ["windows-1252", "año;dirección;niño;teléfono;¿qué?"],
  ["windows-1252", "endereço;não;informação;São Paulo;código"],
  ["windows-1252", "città;perché;più;università"],
  ["windows-1252", "Västra Götaland;Malmö;Ångström"],
  ["windows-1252", "København;Ærø;Århus;Tromsø"],
  ["windows-1252", "price € 5;“quoted”;it’s – fine"],
  ["windows-1250", "Łódź;Gdańsk;ulica Świętokrzyska;Kraków;główny"],
  ["windows-1250", "Příliš žluťoučký kůň;Plzeň;České Budějovice;měsíc"],
  ["windows-1250", "Győr;Székesfehérvár;árvíztűrő tükörfúrógép"],
  ["windows-1250", "Čakovec;Šibenik;Požega;đak;ćuk"],
  ["windows-1251", "Москва;улица Ленина;наименование;количество"],
  ["windows-1251", "Київ;вулиця Хрещатик;кількість;їжа"],
  ["windows-1253", "Αθήνα;οδός Ερμού;όνομα;διεύθυνση"],
  ["windows-1254", "İstanbul;Kadıköy;Beşiktaş;ağaç;müşteri"],
  ["windows-1255", "ירושלים;רחוב הרצל;שם;כתובת"],
  ["windows-1256", "القاهرة;شارع التحرير;الاسم;العنوان"],
  ["windows-1257", "Vilnius;Šiauliai;Panevėžys;gatvė;įmonė;mėnuo"],
  ["windows-1257", "Rīga;Jūrmala;Liepāja;uzņēmums;mēnesis"],
  ["windows-1258", "Hà Nôi;đương;Viêt Nam;ngươi;nươc;đia chi"],
])("%s is guessed of %s", async (encoding, text) => {
  const table = `id;text\n${`1;${text}\n`.repeat(3)}`;
  for (const size of [3, 1000])
    expect(await decode(encode(table, encoding), undefined, size)).toEqual({ text: table, encoding, guessed: true });
});

test("a first umlaut far behind the begin is read as well as any other", async () => {
  const before = "id,name\n".repeat(20_000);
  for (const [bytes, encoding] of [
    [Buffer.from("Zoë\n"), "utf-8"],
    [encode("Zoë\n", "windows-1252"), "windows-1252"],
  ] as const) {
    const found = await decode(Buffer.concat([Buffer.from(before), bytes]), undefined, 65_536);
    expect([found.encoding, found.text === `${before}Zoë\n`]).toEqual([encoding, true]);
  }
});

const JAPANESE = "名前,住所,備考\n田中太郎,東京都千代田区,よろしくお願いします\n鈴木花子,大阪府大阪市北区,データなし\n";

test("text of East Asia is guessed where one encoding alone fits, and else an error names those that do", async () => {
  // Letters of one byte are an odd number of bytes, which the others do not have.
  const japanese = `${JAPANESE.repeat(9)}ｱｲｳ\n`;
  expect(await decode(encodePairs(japanese, "shift_jis"), undefined, 100)).toEqual({
    text: japanese,
    encoding: "shift_jis",
    guessed: true,
  });
  const chinese = encodePairs("姓名,地址\n王小明,北京市朝阳区建国路\n李雷,上海市浦东新区\n", "gb18030");
  await expect(decode(chinese, undefined)).rejects.toMatchObject({
    code: "bad_encoding",
    message: expect.stringMatching(/a\.csv is not UTF-8, and may be .*gb18030.*Set the option encoding/) as string,
  });
  expect((await decode(chinese, "gbk")).text).toContain("北京市");
});

test("what is UTF-8 but for a few bytes stays UTF-8, so that they can be found", async () => {
  const bytes = Buffer.concat([Buffer.from("é,ü,中\n".repeat(20)), Buffer.from([0xe9, 0x2c, 0x0a])]);
  expect(await decode(bytes, undefined, 50)).toMatchObject({ encoding: "utf-8", guessed: false });
});

test("an encoding that is named counts", async () => {
  const shiftJis = Buffer.from("8343834e8358", "hex"); // イクス
  expect(await decode(shiftJis, "shift_jis", 1)).toEqual({ text: "イクス", encoding: "shift_jis", guessed: false });
  expect(await decode(Buffer.from("\ufeffé"), "utf-8")).toEqual({ text: "é", encoding: "utf-8", guessed: false });
  const latin = encode("Ã©", "windows-1252");
  expect((await decode(latin, "latin1")).text).toBe("Ã©");
  const marked = Buffer.from("\ufeffa", "utf16le");
  expect((await decode(marked, "utf-16le")).text).toBe("a");
});

test("bytes that are not of the encoding that is named, and one that does not exist", async () => {
  await expect(decode(Buffer.from([0x82, 0x0a, 0x80]), "shift_jis")).rejects.toMatchObject({
    code: "bad_encoding",
    message: expect.stringContaining("read as shift_jis") as string,
  });
  await expect(decode(Buffer.from("a"), "klingon")).rejects.toMatchObject({ code: "bad_option" });
});

test("the bytes that do not fit are found in a long text", async () => {
  const bytes = Buffer.concat([Buffer.from("a,b\n".repeat(50_000)), Buffer.from([0x82, 0x0a]), Buffer.from("a,b\n")]);
  const error = await decode(bytes, "shift_jis", 10_000).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "bad_encoding", offset: 200_000 });
  expect((error as Error).message).toContain("between byte 200000 and 200006 there are bytes");
});

/** Text in an encoding whose characters have one byte or two. */
function encodePairs(text: string, encoding: string): Buffer {
  const decoder = new TextDecoder(encoding);
  const pairs = new Map<string, Buffer>();
  for (let lead = 0x81; lead <= 0xfe; lead++) {
    pairs.set(decoder.decode(Buffer.from([lead])), Buffer.from([lead]));
    for (let trail = 0x40; trail <= 0xfe; trail++) {
      const pair = Buffer.from([lead, trail]);
      pairs.set(decoder.decode(pair), pair);
    }
  }
  return Buffer.concat(Array.from(text, (char) => pairs.get(char) ?? Buffer.from(char)));
}
