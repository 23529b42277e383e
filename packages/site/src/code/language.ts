// The parser of TypeScript that highlights code when the site is built, in the editor, and that
// finds the types to strip. So a block looks the same before and after it becomes an editor.

import { parser as lezer } from "@lezer/javascript";
import type { LRParser } from "@lezer/lr";

export const parser: LRParser = lezer.configure({ dialect: "ts" });
