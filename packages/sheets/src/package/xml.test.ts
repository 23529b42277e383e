// The tokenizer and the decoding of text, by themselves: what each token is, that it makes no
// difference where a window ends, and what a part that is read whole calls.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readPart, utf8 } from "./part.ts";
import { classOf, decodeString, DEPTH_MAX, settleText, Token, Tokens, XmlFault, xmlName } from "./xml.ts";

const kinds = Object.fromEntries(Object.entries(Token).map(([name, kind]) => [kind, name]));

/** The tokens of a text, each as its kind and what its fields point to. */
function tokensOf(text: string, size = Number.POSITIVE_INFINITY, max?: number): string[] {
  const bytes = Buffer.from(text);
  const tokens = new Tokens(max);
  const found: string[] = [];
  let pos = 0;
  for (let end = Math.min(size, bytes.length); ; end = Math.min(end + size, bytes.length)) {
    const final = end === bytes.length;
    tokens.window(bytes, pos, end, final);
    for (;;) {
      const token = tokens.next();
      ({ pos } = tokens);
      if (token === Token.more || token === Token.end) break;
      const shown = bytes.toString("utf8", tokens.start, tokens.stop);
      const name = bytes.toString("utf8", tokens.nameStart, tokens.nameEnd);
      found.push(`${kinds[token]} ${token === Token.text || token === Token.cdata ? shown : `${name} ${shown}`}`);
    }
    if (final) return [...found, `at ${pos} of ${bytes.length}`];
  }
}

/** The fault of a text: its code, its place and its message. */
function faultOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof XmlFault) return `${error.code} at ${error.at}: ${error.message}`;
    throw error;
  }
  return "no fault";
}

test("each kind of token, with its local name", () => {
  expect(tokensOf(`<?xml version="1.0"?><a b="c">text<x:d y='>'/><![CDATA[<&]]><!-- > --> </a ></x:b>`)).toEqual([
    'open a <a b="c">',
    "text text",
    "empty d <x:d y='>'/>",
    "cdata <&",
    "text  ",
    "close a </a >",
    "close b </x:b>",
    "at 82 of 82",
  ]);
});

test("a window ends anywhere, and the tokens are the same", () => {
  const part = fc.constantFrom(
    "<a>", "<b/>", "</a>", "text", "é中", " ", "<!-- <a> -->", "<!---->", "<![CDATA[ ]] > ]]>", "<?pi <a>?>",
    `<x:c d=">" e='<'/>`, "<f\n g = '\"'>", "&amp;",
  ); // prettier-ignore
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), fc.integer({ min: 1, max: 9 }), (parts, size) => {
      const text = parts.join("");
      // A window may end in a text, which then comes in one piece all the same.
      expect(tokensOf(text, size)).toEqual(tokensOf(text));
    }),
  );
});

test("what is not complete at the end of a text is not a token", () => {
  for (const text of ["<", "<a", "<a b='", "<a b='>", "<!--", "<!-- -", "<![CDATA[x]]", "<?x", "</a"])
    expect(tokensOf(text)).toEqual([`at 0 of ${text.length}`]);
  expect(tokensOf("x<a")).toEqual(["text x", "at 1 of 3"]);
});

test.each([
  ["< a>", 'bad_xml at 0: "<" is not followed by a name: < a>'],
  ["x</>", 'bad_xml at 1: "<" is not followed by a name: </>'],
  ["<x:>", 'bad_xml at 0: "<" is not followed by a name: <x:>'],
  ["<a <b>", 'bad_xml at 3: "<" inside of a tag: <a <'],
  ["<!FOO>", 'bad_xml at 0: "<!FOO>" is nothing that XML has'],
  ["a<!DOCTYPE b>", "doctype at 1: it has a DOCTYPE, which no workbook needs and which can define entities"],
  ["<!-", 'bad_xml at 0: "<!-" is nothing that XML has'],
  ["<![CDAT", 'bad_xml at 0: "<![CDAT" is nothing that XML has'],
])("%j is a fault: %s", (text, fault) => {
  expect(faultOf(() => tokensOf(text))).toBe(fault);
});

test("a token that does not end is too long only past its limit", () => {
  const bytes = Buffer.from(`a<b ${"c".repeat(100)}`);
  const tokens = new Tokens(50);
  const next = (end: number): number => (tokens.window(bytes, 1, end, false), tokens.next());
  expect(next(51)).toBe(Token.more);
  expect(faultOf(() => next(52))).toBe("limit at 1: a single tag, text or comment has more than 50 bytes");
});

describe("attributes", () => {
  const tag = (text: string): Tokens => {
    const tokens = new Tokens();
    tokens.window(Buffer.from(text), 0, Buffer.byteLength(text), true);
    tokens.next();
    return tokens;
  };

  test.each<[text: string, name: string, local: boolean, want: string | undefined]>([
    ['<a b="1" c="2"/>', "b", false, "1"],
    ['<a b="1" c="2"/>', "c", false, "2"],
    ['<a b="1" c="2"/>', "d", false, undefined],
    ['<a bb="1" b="2"/>', "b", false, "2"],
    ["<a\n b\t=\r '1'>", "b", false, "1"],
    ["<a b='\"' >", "b", false, '"'],
    [`<a b="'">`, "b", false, "'"],
    ['<a b="">', "b", false, ""],
    ['<a b="&lt;&#x41;&#10;">', "b", false, "<A\n"],
    ['<a x:b="1">', "b", false, undefined],
    ['<a x:b="1">', "b", true, "1"],
    ['<a b="1">', "b", true, "1"],
    ['<a x:b="1">', "x:b", false, "1"],
    ['<a x:b="1" b="2">', "b", false, "2"],
    ["<a>", "b", false, undefined],
    ["<a >", "b", false, undefined],
    ["<a/>", "b", false, undefined],
    ['<a b="1"c="2">', "c", false, "2"],
    ['<b b="1">', "b", false, "1"],
  ])("%s: %s is %j", (text, name, local, want) => {
    expect(tag(text).value(xmlName(name), local)).toBe(want);
    expect(tag(text).attribute(xmlName(name), local)).toBe(want !== undefined);
  });

  test.each([
    ["<a b>", "bad_xml at 4: an attribute without a value in <a b>"],
    ["<a b c='1'>", "bad_xml at 5: an attribute without a value in <a b c='1'>"],
    ["<a b=1>", "bad_xml at 5: an attribute value without quotes in <a b=1>"],
    ["<a ='1'>", "no fault"],
  ])("%s ends in %s", (text, fault) => {
    expect(faultOf(() => tag(text).value(xmlName("zz")))).toBe(fault);
  });

  test("a message has the first 60 characters of a tag", () => {
    expect(tag(`<a ${"b".repeat(100)}="1">`).tagText()).toBe(`<a ${"b".repeat(57)}`);
  });

  test("names are compared as a whole", () => {
    for (const [name, same] of [["abc", true], ["ab", false], ["abcd", false], ["abd", false], ["x:abc", false]] as const)
      expect([name, tag("<x:abc/>").is(xmlName(name))]).toEqual([name, same]); // prettier-ignore
  });
});

describe("the text of an element", () => {
  const decoded = (text: string): string => decodeString(Buffer.from(`..${text}..`), 2, 2 + Buffer.byteLength(text));

  test.each([
    ["&amp;&lt;&gt;&quot;&apos;", "&<>\"'"],
    ["&#0;&#9;&#127;", "\0\t\x7f"],
    ["&#x7F;&#x80;&#x7FF;&#x800;&#xFFFF;&#x10000;&#x10FFFF;", "\x7f\x80\u07ff\u0800\uffff\u{10000}\u{10ffff}"],
    ["&#xd7ff;&#xE000;", "\ud7ff\ue000"],
    ["&#000065;&#x0041;", "AA"],
    ["a\r\nb\rc\n\rd\r", "a\nb\nc\n\nd\n"],
    ["", ""],
  ])("%j is %j", (text, want) => {
    expect(decoded(text)).toBe(want);
  });

  test.each([
    "&", "& ", "&;", "&#;", "&#x;", "&#xG;", "&#1a;", "&nope;", "&ampamp;", "&amp", "&#xD800;", "&#xDFFF;", "&#x110000;",
    "&#1114112;", "&#X41;", "&#-1;", "&#x4 1;", "&#/;", "&#:;", "&#x@;", "&#x`;", "&#000000000065;", "&AMP;",
  ])("%s is no entity", (text) => {
    expect(faultOf(() => decoded(`a${text}`))).toMatch(/^bad_xml at 3: ".*" is no entity; a plain "&" is written &amp;$/s);
  }); // prettier-ignore

  test("an entity that begins at the end of a text does not reach into what follows", () => {
    expect(faultOf(() => decodeString(Buffer.from("&amp;"), 0, 4))).toMatch(/^bad_xml at 0: "&amp" is no entity/);
    expect(decodeString(Buffer.from("a\r\n"), 0, 2)).toBe("a\n");
  });

  test("what somebody writes as XML is read as it was", () => {
    const written = (text: string): string =>
      [...text]
        .map((char, n) =>
          "<&>\"'\r".includes(char) || n % 3 === 2
            ? n % 2 === 0
              ? `&#${char.codePointAt(0)!};`
              : `&#x${char.codePointAt(0)!.toString(16)};`
            : char,
        )
        .join("");
    fc.assert(
      fc.property(fc.string({ unit: fc.oneof(fc.string({ unit: "binary", minLength: 1, maxLength: 1 }), fc.constantFrom("&", "<", "\r", "\n", "😀")) }), (text) => {
        const well = text.toWellFormed();
        expect(decoded(written(well))).toBe(well);
      }),
    );
  }); // prettier-ignore
});

describe("Excel's escapes", () => {
  const settled = (text: string): string => {
    const bytes = Buffer.from(`..${text}_x0041_`);
    const end = 2 + Buffer.byteLength(text);
    return bytes.toString("utf8", 2, settleText(bytes, 2, end));
  };

  test.each([
    ["_x0041_", "A"],
    ["a_x0041_b", "aAb"],
    ["__x0041_", "_A"],
    ["_x0041__x0042_", "AB"],
    ["_x0041_x0042_", "Ax0042_"],
    ["_xABCD__xabcd_", "\uabcd\uabcd"],
    ["_xD83D__xDE00_", "😀"],
    ["_xD83D_-_xDE00_", "\ufffd-\ufffd"],
    ["_xD83D__x0041_", "\ufffdA"],
    ["_xDBFF__xDFFF_", "\u{10ffff}"],
    ["_xD800__xDC00_", "\u{10000}"],
    ["_xDC00__xD800_", "\ufffd\ufffd"],
    ["_xE000_", "\ue000"],
    ["_x0041", "_x0041"],
    ["_x004_", "_x004_"],
    ["_x00041_", "_x00041_"],
    ["_y0041_", "_y0041_"],
    ["_x004 _", "_x004 _"],
    ["é_x00e9_", "éé"],
  ])("%s is %j", (text, want) => {
    expect(settled(text)).toBe(want);
  });

  test("a text that Excel would escape is read as it was", () => {
    const escaped = (text: string): string =>
      text.replaceAll(/_(?=x[0-9a-f]{4}_)/gi, "_x005F_").replaceAll(/[\0-\x08\r]/g, (char) => `_x${char.charCodeAt(0).toString(16).padStart(4, "0")}_`);
    const unit = fc.constantFrom("_", "x", "0", "A", "f", "é", "\r", "\0", "_x0041_", "😀");
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        const written = escaped(text);
        // A text may end inside what looks like an escape, and is not one.
        fc.pre(!/_x005F_x[0-9a-f]{0,3}$/i.test(written));
        expect(settled(written)).toBe(text);
      }),
    );
  }); // prettier-ignore
});

test("the classes of a text's bytes are those of each byte, combined", () => {
  expect(classOf(Buffer.from("abcé中😀 ~"), 0, 9)).toBe(0);
  for (const [text, plain] of [["\t", false], ["\x1f", false], ['"', false], ["\\", false], ["\x7f", false], ["\x80", true], [" ", true]] as const)
    expect([text, (classOf(Buffer.from(`a${text}b`), 0, 3) & 8) === 0]).toEqual([text, plain]); // prettier-ignore
});

describe("a part that is read whole", () => {
  async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < bytes.length; at += size) {
      const piece = Uint8Array.from(bytes.subarray(at, at + size));
      yield piece;
      piece.fill(0x3f);
    }
  }

  async function calls(text: string | Uint8Array, size: number): Promise<string[]> {
    const found: string[] = [];
    await readPart(
      pieces(Buffer.from(text), size),
      { part: "a.xml" },
      (tokens, depth) => {
        const name = tokens.bytes.toString("utf8", tokens.nameStart, tokens.nameEnd);
        found.push(`${depth} ${name} ${tokens.value(xmlName("b")) ?? ""}`.trimEnd());
      },
      (depth) => found.push(`${depth} /`),
    );
    return found;
  }

  test.each([1, 2, 7, 300])("calls for each element at its depth, in pieces of %i bytes", async (size) => {
    const xml = `<?xml version="1.0" encoding="UTF-8"?><x:a b="é"> <c/><d b='2'>text<e></e></d></x:a>`;
    const want = ["0 a é", "1 c", "1 /", "1 d 2", "2 e", "2 /", "1 /", "0 /"];
    expect(await calls(xml, size)).toEqual(want);
    expect(await calls(`\ufeff${xml}`, size)).toEqual(want);
    const long = xml.replace("text", "x".repeat(1000));
    expect(await calls(long, size)).toEqual(want);
  });

  const declared = (encoding: string): string =>
    `<?xml version='1.0' encoding = '${encoding}'?><a b="é€">${" ".repeat(300)}</a>`;

  test.each<[encoding: string, bytes: Uint8Array]>([
    ["utf-8", Buffer.from(declared("utf-8"))],
    ["UTF8", Buffer.from(declared("UTF8"))],
    ["UTF-16LE without a mark", Buffer.from(declared("UTF-16"), "utf16le")],
    ["UTF-16BE without a mark", Buffer.from(declared("UTF-16"), "utf16le").swap16()],
    ["UTF-16LE with a mark", Buffer.from(`\ufeff${declared("UTF-16")}`, "utf16le")],
    ["UTF-16BE with a mark", Buffer.from(`\ufeff${declared("UTF-16")}`, "utf16le").swap16()],
    ["windows-1252", Buffer.from(declared("windows-1252").replace("€", "\x80"), "latin1")],
    ["UTF-16 that is only said", Buffer.from(declared("UTF-16"))],
  ])("is converted from %s", async (_, bytes) => {
    for (const size of [1, 3, 1000]) expect((await calls(bytes, size))[0]).toBe("0 a é€");
  }); // prettier-ignore

  test("an encoding counts in a declaration only", async () => {
    expect(await calls(Buffer.from('<a b="é" encoding="windows-1251"/>'), 100)).toEqual(["0 a é", "0 /"]);
    await expect(calls('<?xml version="1.0" encoding="klingon"?><a/>', 9)).rejects.toMatchObject({
      code: "bad_encoding",
      message: 'a.xml says that it is written in "klingon", which is no known encoding; UTF-8 was expected.',
    });
  });

  test("a short part is given at its end, a long one from its first 200 bytes on", async () => {
    const given = async (length: number): Promise<number[]> => {
      const found: number[] = [];
      for await (const piece of utf8(pieces(Buffer.alloc(length, "x"), 50), {})) found.push(piece.length);
      return found;
    };
    expect([await given(0), await given(199), await given(200), await given(260)]).toEqual([[], [199], [200], [200, 50, 10]]);
  }); // prettier-ignore

  test("a mark of two bytes at the end of a part is not lost", async () => {
    expect(await calls(Buffer.from(`<a b="1">${" ".repeat(200)}</a>`, "utf16le"), 1)).toEqual(["0 a 1", "0 /"]);
    const cut = Buffer.from(`<a b="1"/>${" ".repeat(200)}`, "utf16le");
    // Half a character at the end is text, and no element.
    expect(await calls(cut.subarray(0, -1), 64)).toEqual(["0 a 1", "0 /"]);
  });

  test.each<[text: string, code: string, message: string, offset: number]>([
    ["", "bad_xml", "a.xml is not valid XML: there is no element in it. Open the workbook in Excel and save it again, or report it to the program that wrote it.", 0],
    ["<a><b>", "unterminated_xml", "a.xml ends too early: its last element is never closed (after 6 bytes). The file was cut off or written badly; get it again.", 6],
    ["<a/><b", "unterminated_xml", "a.xml ends too early: its last element is never closed (after 4 bytes). The file was cut off or written badly; get it again.", 4],
    ["<a/></b>", "bad_xml", "a.xml is not valid XML: </b> closes nothing. Open the workbook in Excel and save it again, or report it to the program that wrote it.", 4],
    ["<a/><!DOCTYPE b>", "doctype", "a.xml is not valid XML: it has a DOCTYPE, which no workbook needs and which can define entities. It is refused; save the workbook again in Excel.", 4],
  ])("%j is refused", async (text, code, message, offset) => {
    for (const size of [1, 100]) await expect(calls(text, size)).rejects.toMatchObject({ code, message, offset });
  }); // prettier-ignore

  test("elements may lie so deep in each other, and no deeper", async () => {
    const nested = (depth: number): string => "<a>".repeat(depth) + "</a>".repeat(depth);
    expect(await calls(nested(DEPTH_MAX), 1000)).toHaveLength(2 * DEPTH_MAX);
    await expect(calls(nested(DEPTH_MAX + 1), 1000)).rejects.toMatchObject({
      code: "bad_xml",
      message: expect.stringContaining("elements lie more than 256 deep in each other") as string,
    });
  });
});
