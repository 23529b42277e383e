// Writes docs/conformance.md: Go's behaviours, the tests that check each of them, and what cannot
// hold here and why. The behaviours stand in packages/go/src/test/catalogue.ts; a test checks those
// whose ids its name begins with. What is only an accident of Go's implementation is tested in
// golike.test.ts, everything else anywhere else. A test (conformance.test.ts) keeps the page true.
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { absent, catalogue, type Line } from "../packages/go/src/test/catalogue.ts";

const root = join(import.meta.dirname, "..");
export const page: string = join(root, "docs/conformance.md");

const sections: Readonly<Record<string, string>> = {
  A: "Channels",
  B: "Select",
  C: "sync and sync/atomic",
  D: "context",
  E: "time",
  F: "Goroutines and the program",
  G: "errgroup, semaphore, singleflight, leaks, synctest",
  H: "The race detector and the memory model",
  J: "Patterns",
};

/** The test files that check each id. */
function tests(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const file of globSync("packages/go/src/**/*.test.ts", { cwd: root }).sort()) {
    const text = readFileSync(join(root, file), "utf8");
    for (const [, ids = ""] of text.matchAll(/^\s*it\(\s*["'`]((?:[A-Z]\d+ )+)/gm)) {
      for (const id of ids.trim().split(" ")) found.set(id, (found.get(id) ?? new Set()).add(file));
    }
  }
  return found;
}

/** What is wrong between the catalogue and the tests. */
export function problems(): string[] {
  const found = tests();
  const wrong: string[] = [];
  for (const [id, files] of found) {
    const line = catalogue.get(id);
    if (line === undefined)
      wrong.push(`${id} is in no catalogue, but a test of ${[...files].join(", ")} is named for it`);
    else if (line.kind === "out")
      wrong.push(`${id} cannot hold, says the catalogue, but ${[...files].join(", ")} tests it`);
    else {
      for (const file of files) {
        if (file.endsWith("golike.test.ts") !== (line.kind === "like"))
          wrong.push(`${id} is a ${line.kind}, but tested in ${file}`);
      }
    }
  }
  for (const [id, { kind }] of catalogue) if (kind !== "out" && !found.has(id)) wrong.push(`${id} has no test`);
  return wrong;
}

/** The page. */
export function render(): string {
  const found = tests();
  const kinds = [...catalogue.values()].map(({ kind }) => kind);
  const count = (kind: Line["kind"]): number => kinds.filter((k) => k === kind).length;
  let text = `# Conformance of @sluice/go

Made by \`node scripts/conformance.ts\` from the catalogue (packages/go/src/test/catalogue.ts) and the names of the tests; a
test keeps it true. Run a line's tests with \`npx vitest run packages/go -t 'A17 '\`.

Of ${catalogue.size} behaviours ${count("guarantee")} hold and are tested; ${count("like")} that Go's implementation has but does not promise are
imitated and tested apart; ${count("out")} have no counterpart, for the reason given.

Beside this catalogue, random programs of goroutines are run by Go and by this library, and must come to the same:
\`node packages/go/src/test/beside-go/compare.ts --from 1 --count 500 --lane mixed\` (it needs Go). A test compares some of them with outcomes of Go
that were recorded.

Not here:

${absent.map((line) => `- ${line}`).join("\n")}
`;
  for (const [letter, title] of Object.entries(sections)) {
    text += `\n## ${letter}. ${title}\n\n| id | behaviour | tests | status |\n| --- | --- | --- | --- |\n`;
    for (const [id, line] of catalogue) {
      if (!id.startsWith(letter)) continue;
      const files = [...(found.get(id) ?? [])].map((file) => `[${basename(file, ".test.ts")}](../${file})`);
      const status = line.kind === "out" ? `no: ${line.why}` : line.kind === "like" ? "as Go happens to" : "holds";
      text += `| ${id} | ${cell(line.text)} | ${files.join(", ") || "–"} | ${cell(status)} |\n`;
    }
  }
  return text;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (import.meta.main) {
  const wrong = problems();
  if (wrong.length > 0) {
    console.error(wrong.join("\n"));
    process.exit(1);
  }
  mkdirSync(join(root, "docs"), { recursive: true });
  writeFileSync(page, render());
}
