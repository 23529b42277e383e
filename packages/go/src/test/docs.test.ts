// Every snippet of the README, of docs/from-go.md and of other pages, and every @example runs, and
// `expression; // => value` holds.
import { globSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runProgram } from "./program.ts";

const src = dirname(dirname(fileURLToPath(import.meta.url)));

interface Snippet {
  readonly where: string;
  readonly kind: string;
  readonly code: string;
}

function snippets(where: string, text: string): Snippet[] {
  return [...text.matchAll(/^```ts ?(\w*)\n([^]*?)^```/gm)].map(([, kind = "", code = ""], i) => ({
    where: `${where} #${i + 1}`,
    kind,
    code,
  }));
}

/** The imports of an @example. */
const ofAll = 'import { chan, go, otherwise, recv, select, send, timeout } from "@sluice/go";';
const ofFibers = 'import { chan } from "@sluice/go"; import { go, range, recv, select, send } from "@sluice/go/fiber";';

const readme = snippets("README.md", readFileSync(`${src}/../README.md`, "utf8"));
const page = snippets("docs/fake-timers.md", readFileSync(`${src}/../../../docs/fake-timers.md`, "utf8"));
const bubbles = snippets("docs/synctest.md", readFileSync(`${src}/../../../docs/synctest.md`, "utf8"));
const tools = snippets("docs/tools.md", readFileSync(`${src}/../../../docs/tools.md`, "utf8"));
const fibers = snippets("docs/fibers.md", readFileSync(`${src}/../../../docs/fibers.md`, "utf8"));
const fromGo = snippets("docs/from-go.md", readFileSync(`${src}/../../../docs/from-go.md`, "utf8"));
const examples = globSync("**/*.ts", { cwd: src })
  .filter((file) => !file.endsWith(".test.ts"))
  .flatMap((file) => {
    const comments = readFileSync(`${src}/${file}`, "utf8").match(/@example[^]*?\*\//g) ?? [];
    return comments.flatMap((comment) => snippets(file, comment.replaceAll(/^ *\* ?/gm, "")));
  })
  .map((snippet) => ({
    ...snippet,
    code: `${snippet.where.startsWith("fiber/") ? ofFibers : ofAll}\n${snippet.code}`,
  }));

/** `expression; // => value` as an assertion. */
function asserted(code: string): string {
  const body = code.replaceAll(/^(.*); \/\/ => (.*)$/gm, "deepStrictEqual(($1), ($2));");
  return `import { deepStrictEqual } from "node:assert";\n${body.replaceAll('"@sluice/go', '"go')}\nprocess.exit(0);\n`;
}

describe("documentation", () => {
  it("has snippets", () => {
    expect([readme.length > 6, fromGo.length > 6, examples.length > 1]).toEqual([true, true, true]);
    expect([bubbles.length, tools.length, fibers.length]).toEqual([2, 2, 2]);
  });

  for (const { where, kind, code } of [...readme, ...fromGo, ...page, ...bubbles, ...tools, ...fibers, ...examples]) {
    it(`${where} runs as it stands`, async () => {
      const { status, stderr } = await runProgram(asserted(code));
      if (kind === "deadlock") {
        const promised = /^```text\n([^]*?)^```/m.exec(readFileSync(`${src}/../README.md`, "utf8"))?.[1];
        expect({ status, stderr }).toEqual({ status: 2, stderr: promised });
      } else if (code.includes("explore(")) {
        expect({ status, stderr }).toEqual({
          status: 0,
          stderr: expect.stringMatching(/^synctest: seed \d+ fails: n is 1\n/),
        });
      } else expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    });
  }
});
