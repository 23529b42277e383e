// A program of TypeScript as a module that a browser runs: without its types, and with the
// addresses of the library's modules.
//
// Invariant: each line stays the line that it was, so that stacks show the lines of the editor.

import { decode } from "@jridgewell/sourcemap-codec";
import { transform } from "sucrase";
import type { Columns } from "./columns.ts";
import { MODULES } from "./runnable.ts";

export interface Module {
  readonly code: string;
  readonly columns: Columns;
}

/**
 * The module, with the imports of `@sluice/go` changed to the addresses of their files. Throws a
 * SyntaxError if the program is not TypeScript, and an Error if it imports something else.
 */
export function moduleOf(program: string, addressOf: (file: string) => string): Module {
  const { code, columns } = stripped(program);
  const text = code.replaceAll(IMPORT, (_, before: string, __, name: string) => {
    const file = Object.hasOwn(MODULES, name) ? MODULES[name] : undefined;
    if (file === undefined) {
      throw new Error(`cannot import "${name}" in a page: expected one of ${Object.keys(MODULES).join(", ")}`);
    }
    return before + JSON.stringify(addressOf(file));
  });
  return { code: text, columns };
}

function stripped(program: string): Module {
  try {
    // The first line of a file that a shell can start is not a part of the program.
    const { code, sourceMap } = transform(program.replace(/^#!/, "//"), {
      transforms: ["typescript"],
      disableESTransforms: true,
      preserveDynamicImport: true,
      keepUnusedImports: true,
      filePath: "main.ts",
      sourceMapOptions: { compiledFilename: "main.js" },
    });
    const place = lostNamespace(program, code);
    if (place !== undefined) throw new Error(`TypeScript namespaces do not run here ${place}`);
    const lines = decode(sourceMap?.mappings ?? "");
    return { code, columns: lines.map((line) => line.map(([to, , , from]) => [to, from ?? 0] as const)) };
  } catch (error) {
    const [, what, line, column] =
      /^(?:Error transforming [^:]*: )?([^]*?) \((\d+):(\d+)\)$/.exec((error as Error).message) ?? [];
    if (what === undefined) throw error;
    throw new SyntaxError(`main.ts(${line},${column}): ${what}`, { cause: error });
  }
}

/**
 * The place of a namespace, which would go without a word with the types. Text that only looks like
 * one stays.
 */
function lostNamespace(program: string, code: string): string | undefined {
  const left = code.split("\n");
  for (const [i, line] of program.split("\n").entries()) {
    const found = /^([ \t]*)(?:export[ \t]+)?(?:namespace|module)[ \t]+[\w$.]+[ \t]*\{/.exec(line);
    if (found !== null && !left[i]?.startsWith(found[0])) return `(${i + 1}:${(found[1] as string).length + 1})`;
  }
  return undefined;
}

/** The name of a module, in a statement that begins a line or in a call of `import`. */
const IMPORT = /(^[ \t]*(?:import|export)\b[^"';=(]*?|\bimport\(\s*)(["'])([^"'\n]+)\2/gm;
