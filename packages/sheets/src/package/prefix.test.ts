import fc from "fast-check";
import { expect, test } from "vitest";
import { Unprefixed } from "./prefix.ts";

/** Each piece lies in memory that is overwritten when the next one is asked for. */
async function* pieces(text: string, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const piece = Uint8Array.from(bytes.subarray(at, at + sizes[i % sizes.length]!));
    at += piece.length;
    yield piece;
    piece.fill(0xff);
  }
}

async function taken(text: string, sizes: readonly number[] = [1e6]): Promise<string> {
  const out: Buffer[] = [];
  for await (const piece of new Unprefixed(pieces(text, sizes))) out.push(Buffer.from(piece));
  return Buffer.concat(out).toString();
}

test("the root's prefix is taken off all tags, and no other", async () => {
  const xml = '<?xml version="1.0"?>\n<!-- <x:a> --><x:a xmlns:x="u" x:b="x:c"><x:b/><y:b x:c=">"/>x:d &lt;x:e </x:a >';
  expect(await taken(xml)).toBe(
    '<?xml version="1.0"?>\n<!-- <x:a> --><a xmlns:x="u" x:b="x:c"><b/><y:b x:c=">"/>x:d &lt;x:e </a >',
  );
});

test("comments, CDATA and processing instructions stay as they are", async () => {
  const xml = "<x:a><!--<x:b>--><![CDATA[</x:c>]]><?p <x:d>?><x:e/><!--<x:f>-- > --></x:a>";
  expect(await taken(xml)).toBe("<a><!--<x:b>--><![CDATA[</x:c>]]><?p <x:d>?><e/><!--<x:f>-- > --></a>");
});

test("the start of a comment is not its end as well", async () => {
  const xml = "<x:a><!--><x:b>--><x:c/><!---><x:d>--></x:a>";
  for (const size of [1, 3, 100]) expect(await taken(xml, [size])).toBe("<a><!--><x:b>--><c/><!---><x:d>--></a>");
});

test("a root's name of almost 300 characters is waited for, wherever pieces end", async () => {
  const prefix = "p".repeat(200);
  const xml = `<${prefix}:${"r".repeat(90)} a="1"><${prefix}:b/></${prefix}:${"r".repeat(90)}>`;
  for (const size of [1, 50, 1000]) expect(await taken(xml, [size])).toBe(xml.replaceAll(`${prefix}:`, ""));
});

test.each([
  "<a><x:b/></a>",
  "",
  " ",
  "no tag",
  "<",
  "<x",
  "<!DOCTYPE x><x:a/>",
  "<?xml?>",
  "<x:",
  "<x:a:b/>",
  "<!-- -->",
])("a part without a prefix at its root, or without a root, passes as it is: %j", async (xml) => {
  for (const size of [1, 2, 100]) expect(await taken(xml, [size])).toBe(xml);
});

test("it makes no difference where pieces end", async () => {
  const part = fc.constantFrom(
    "<pre:a>",
    "</pre:a>",
    "<pre:b c='>'/>",
    "<q:b/>",
    "text",
    " ",
    "<!-- <pre:x> -->",
    "<!---->",
    "<![CDATA[<pre:y>]]>",
    "]]",
    "<?pre <pre:z>?>",
    "é中",
    "<",
    "</",
    "<pr",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      async (parts, sizes) => {
        const xml = `<pre:root>${parts.join("")}</pre:root>`;
        expect(await taken(xml, sizes)).toBe(await taken(xml));
      },
    ),
    { numRuns: 500 },
  );
});
