// Counts turns of phrase that readers stumble over, in comments and pages, and fails if there are
// too many of them. It also fails if a comment goes past column 100.
//
//   node scripts/prose.ts            the counts
//   node scripts/prose.ts --list     each place as well
//   node scripts/prose.ts --list packages/sheets/src
//
// Not every one is wrong: "where" may mean a place. So what counts is how often they come in 1,000
// words.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

/** What to look for, and what to write instead. */
const HABITS: readonly (readonly [habit: RegExp, instead: string])[] = [
  [/(?<!\bthere )\b(?:is|are|was|were|be) no (?!longer|more|less|matter)\w+/gi, "is not a"],
  [/(?<!\b(?:if|or|has|there (?:is|are)|and) )\bnone\b(?! of\b)/gi, "not one, no rows, …"],
  [/\bwhoever\b/gi, "anyone who, the user who"],
  [/\bso many\b/gi, "that many, n"],
  [/\bwhat becomes of\b/gi, "what happens to"],
  [/\bbears?\b/gi, "has"],
  [/\bstands?(?! ?(?:for|still|alone|ard|by))\b/gi, "is"],
  [/\blies\b/gi, "is"],
  [/\b(?:goes|go|went|gone) on\b(?! by itself)/gi, "continues"],
  [/\bunless told\b/gi, "by default"],
  [/\banew\b/gi, "again, from the start"],
  [/\b(?:of|on) (?:its|their|one's|his) own\b/gi, "its own"],
  [
    /(?<!\b(?:from|say|says|said|know|knows|tell|tells|find|finds|place|see|sees|and|place,|shows?) )(?<!(?:\||#) )\bwhere\b(?! to\b)/gi,
    "if",
  ],
  [/\bthe begin\b/gi, "the start"],
  [/\bbehind\b/gi, "after"],
  [/, (?:which )?(?:is|are) said\b/gi, "Sluice reports"],
];
/** Of 1,000 words. */
const MOST = 2;
/** The column at which the lines of comments end. Commands, tables and directives may be longer. */
const WIDTH = 100;
const COMMENT = /^\s*(?:\/\/|\/\*\*?|\*) (?! |oxlint-)/;
/** What is checked, apart from each other. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  "comments of go": ["packages/go/src/**/*.ts", "packages/eslint-plugin/src/**/*.ts"],
  "comments of sheets": ["packages/sheets/src/**/*.ts"],
  "comments of sluice": ["packages/sluice/src/**/*.ts"],
  "comments of the page": ["packages/web/src/**/*.ts", "packages/web/src/**/*.tsx"],
  "comments of the site": ["packages/site/src/**/*.ts", "packages/site/src/**/*.tsx"],
  pages: ["*.md", "docs/**/*.md", "packages/*/*.md", "bench/*.md", "examples/**/*.md"],
};

const root = join(import.meta.dirname, "..");
const { values: flags, positionals } = parseArgs({ options: { list: { type: "boolean" } }, allowPositionals: true });
let failed = false;
for (const [part, patterns] of Object.entries(PARTS)) {
  let [words, found] = [0, 0];
  for (const file of globSync([...patterns], { cwd: root }).sort()) {
    if (file.includes("node_modules") || /\.test\.ts$|\/test\/|(?:conformance|hazards)\.md/.test(file)) continue;
    if (positionals.length > 0 && !positionals.some((start) => file.startsWith(start))) continue;
    for (const [n, line] of proseOf(file, readFileSync(join(root, file), "utf8")).entries()) {
      words += line.split(/\s+/).filter((word) => /[a-z]/i.test(word)).length;
      for (const [habit, instead] of HABITS) {
        for (const [text] of line.matchAll(habit)) {
          found++;
          if (flags.list) console.log(`${file}:${n + 1}: ${text} (${instead}): ${line.trim()}`);
        }
      }
    }
  }
  if (words === 0) continue;
  const rate = (found / words) * 1000;
  failed ||= rate > MOST;
  console.log(
    `${part}: ${words} words, ${found} habits, ${rate.toFixed(1)} in 1,000${rate > MOST ? `: more than ${MOST}` : ""}`,
  );
}
for (const file of globSync(["{packages,scripts,bench,examples}/**/*.{ts,tsx}", "*.ts"], { cwd: root }).sort()) {
  if (/node_modules|\/dist\//.test(file)) continue;
  for (const [n, line] of readFileSync(join(root, file), "utf8").split("\n").entries()) {
    if (line.length <= WIDTH || !COMMENT.test(line)) continue;
    console.error(`${file}:${n + 1}: the comment goes past column ${WIDTH}`);
    failed = true;
  }
}
if (failed) {
  console.error("node scripts/prose.ts --list shows each place, and what to write instead.");
  process.exitCode = 1;
}

/**
 * The text of each line that people read: of a source file its comments, of a page all but code and
 * what it quotes.
 */
function proseOf(file: string, text: string): string[] {
  const lines = text.split("\n");
  let inside = false;
  if (file.endsWith(".md"))
    return lines.map((line) => {
      if (/^\s*```/.test(line)) inside = !inside;
      return inside ? "" : line.replace(/`[^`]*`|"[^"]*"/g, "");
    });
  return lines.map((line) => {
    const comment = inside || /^\s*\/\*/.test(line) ? line : (/(?:^|\s)\/\/ (.*)$/.exec(line)?.[1] ?? "");
    if (/^\s*\/\*/.test(line)) inside = true;
    if (line.includes("*/")) inside = false;
    return comment.replace(/`[^`]*`/g, "").replace(/^[\s/*]+|\*\/$/g, "");
  });
}
