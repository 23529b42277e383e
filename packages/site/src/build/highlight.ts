// Code as HTML with a class for each kind of word, by the same grammars as the editor's. The site's
// style sheet gives the classes their colours, so a strict policy can forbid styles inside pages.

import { highlightText, languages } from "prism-code-editor/prism";
import "prism-code-editor/prism/languages/bash";
import "prism-code-editor/prism/languages/json";
import "prism-code-editor/prism/languages/jsx";
import "prism-code-editor/prism/languages/markup";
import "prism-code-editor/prism/languages/sql";
import "prism-code-editor/prism/languages/tsx";
import "prism-code-editor/prism/languages/typescript";

export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** The HTML of code; only escaped if no grammar has the name of its language. */
export function highlighted(code: string, language: string): string {
  return Object.hasOwn(languages, language) ? highlightText(code, language) : escaped(code);
}
