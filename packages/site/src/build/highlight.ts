// Code as HTML with a class for each kind of word. The site's style sheet gives the classes their
// colours, so a strict policy can forbid styles inside pages.

import { classHighlighter, highlightCode } from "@lezer/highlight";
import { parser } from "../code/language.ts";

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

const KNOWN = /^(?:ts|tsx|js|jsx|mjs|json)$/;

export function highlighted(code: string, language: string): string {
  if (!KNOWN.test(language)) return escaped(code);
  let html = "";
  highlightCode(
    code,
    (language.endsWith("x") ? parser.configure({ dialect: "ts jsx" }) : parser).parse(code),
    classHighlighter,
    (text, classes) => {
      html += classes === "" ? escaped(text) : `<span class="${classes}">${escaped(text)}</span>`;
    },
    () => {
      html += "\n";
    },
  );
  return html;
}
