// Every snippet of the README and of docs/from-go.md and every @example runs, and `expression; // => value` holds.
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

const readme = snippets("README.md", readFileSync(`${src}/../README.md`, "utf8"));
const page = snippets("docs/fake-timers.md", readFileSync(`${src}/../../../docs/fake-timers.md`, "utf8"));
const fromGo = snippets("docs/from-go.md", readFileSync(`${src}/../../../docs/from-go.md`, "utf8"));
const examples = globSync("**/*.ts", { cwd: src })
  .filter((file) => !file.endsWith(".test.ts"))
  .flatMap((file) => {
    const comments = readFileSync(`${src}/${file}`, "utf8").match(/@example[^]*?\*\//g) ?? [];
    return comments.flatMap((comment) => snippets(file, comment.replaceAll(/^ *\* ?/gm, "")));
  })
  .map((snippet) => ({
    ...snippet,
    code: `import { chan, go, otherwise, recv, select, send, timeout } from "@sluice/go";\n${snippet.code}`,
  }));

/** `expression; // => value` as an assertion. */
function asserted(code: string): string {
  const body = code.replaceAll(/^(.*); \/\/ => (.*)$/gm, "deepStrictEqual(($1), ($2));");
  return `import { deepStrictEqual } from "node:assert";\n${body.replaceAll('"@sluice/go', '"go')}\nprocess.exit(0);\n`;
}

describe("documentation", () => {
  it("has snippets", () => {
    expect([readme.length > 6, fromGo.length > 6, examples.length > 1]).toEqual([true, true, true]);
  });

  for (const { where, kind, code } of [...readme, ...fromGo, ...page, ...examples]) {
    it(`${where} runs as it stands`, async () => {
      const { status, stderr } = await runProgram(asserted(code));
      if (kind === "deadlock") {
        const promised = /^```text\n([^]*?)^```/m.exec(readFileSync(`${src}/../README.md`, "utf8"))?.[1];
        expect({ status, stderr }).toEqual({ status: 2, stderr: promised });
      } else expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    });
  }
});
