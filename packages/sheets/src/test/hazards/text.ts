// Hazards of text, each as a shared string and as an inline one.
import { mainNamespace } from "../workbook-writer.ts";
import { inline, inSheet, row, type Hazard, type HazardGroup } from "./hazard.ts";

/** The item's XML, in A1 as a shared string and in B1 inline. */
function both(name: string, item: string, text: string, more: Pick<Hazard, "seen" | "choice"> = {}): Hazard {
  const parts = { rows: row(' t="s"><v>0</v></c>', inline(item)), strings: `<si>${item}</si>` };
  return inSheet(name, parts, { A1: text, B1: text }, more);
}

export const text: HazardGroup = {
  title: "Text",
  hazards: [
    both(
      "runs of rich text are joined",
      '<r><rPr><b/><sz val="11"/></rPr><t xml:space="preserve">bold </t></r><r><t>plain</t></r>',
      "bold plain",
      { seen: "SheetJS #815" },
    ),
    both("text in front of the runs counts", "<t>be</t><r><t>fore</t></r>", "before", { seen: "calamine #636" }),
    both(
      "phonetic runs are left out",
      '<t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh><phoneticPr fontId="1"/>',
      "東京",
      { seen: "calamine #469" },
    ),
    both('spaces at the ends stay (xml:space="preserve")', '<t xml:space="preserve">  a\t</t>', "  a\t", {
      seen: "readxl #51",
    }),
    both("spaces at the ends stay without xml:space too", "<t> a </t>", " a ", { choice: true }),
    both("a text of spaces alone is a text", '<t xml:space="preserve">  </t>', "  "),
    both("_xHHHH_ stands for a character", "<t>a_x000D__x000A_b_x0009_</t>", "a\r\nb\t", { seen: "SheetJS #815" }),
    both("_x005F_ keeps an escape from being one", "<t>_x005F_x000D_</t>", "_x000D_", { seen: "readxl #51" }),
    both(
      "what only resembles an escape stays as it is",
      "<t>_x00_ _x000G_ snake_case_name</t>",
      "_x00_ _x000G_ snake_case_name",
    ),
    both("the five named entities are resolved, once", "<t>&lt;&gt;&amp;&quot;&apos;&amp;lt;</t>", `<>&"'&lt;`, {
      seen: "calamine #648",
    }),
    both("numeric entities are resolved, decimal and hexadecimal", "<t>&#65;&#x4E2D;&#128512;&#10;</t>", "A中😀\n"),
    both("CDATA is text as it stands", "<t>a<![CDATA[<b> & &amp;]]>c</t>", "a<b> & &amp;c"),
    both("comments and processing instructions in a text are left out", "<t>a<!-- x -->b<?pi?>c</t>", "abc"),
    both("line ends become line feeds, as XML says", "<t>a\r\nb\rc</t>", "a\nb\nc"),
    both("all of Unicode is read", "<t>é ß 中文 日本語 한국어 عربى 😀 👩‍👩‍👧 𝒳</t>", "é ß 中文 日本語 한국어 عربى 😀 👩‍👩‍👧 𝒳"),
    both(
      "script and formulas in a cell are text like any other",
      "<t>=1+1&lt;script&gt;alert(1)&lt;/script&gt;</t>",
      "=1+1<script>alert(1)</script>",
    ),
    both("a cell may have 32,767 characters", `<t>${"长".repeat(32_767)}</t>`, "长".repeat(32_767), {
      seen: "exceljs #355",
    }),
    inSheet(
      "wrong counts of shared strings are of no account",
      {
        rows: row(' t="s"><v>1</v></c>'),
        strings: `<sst xmlns="${mainNamespace}" count="1" uniqueCount="1"><si><t>a</t></si><si><t>b</t></si></sst>`,
      },
      { A1: "b" },
    ),
    inSheet(
      "extensions between shared strings are passed over, and count as none",
      {
        rows: row(' t="s"><v>0</v></c>', ' t="s"><v>1</v></c>'),
        strings:
          '<si><t>a</t></si><z:ext xmlns:z="urn:z"><si><t>x</t></si></z:ext><si><t>b</t></si><extLst><ext/></extLst>',
      },
      { A1: "a", B1: "b" },
    ),
    inSheet(
      "an item without text still counts as a shared string",
      {
        rows: row(' t="s"><v>0</v></c>', ' t="s"><v>1</v></c>', ' t="s"><v>2</v></c>'),
        strings: "<si/><si><t/></si><si><t>c</t></si>",
      },
      { C1: "c" },
    ),
  ],
};
