// What the race detector needs of a program in the page: a probe at each access and each await. It
// is loaded when a program first runs under the detector, since its parser is large.

import { rewrite } from "@sluice/go/src/race/rewrite.ts";
import { type Columns, WITHOUT_TYPES } from "../code/columns.ts";
import { parseSync } from "./parser.ts";

/** A module with probes. */
export interface Probed {
  readonly code: string;
  readonly columns: Columns;
}

/**
 * A module with probes at awaits and, if `isRace`, at all accesses; their functions are in the file
 * `probe`. A module that is not JavaScript stays as it is, and the browser does not load it.
 */
export function probed(module: string, probe: string, isRace: boolean): Probed {
  const awaits = isRace ? "also" : "only";
  const rewritten = rewrite(module, { file: WITHOUT_TYPES, lang: "js", format: "module", probe, awaits });
  if (rewritten === undefined) return { code: module, columns: [] };
  // Of characters that follow each other in both the first one is enough.
  const columns = rewritten
    .columns()
    .map((line) => line.filter(([to, from], i) => i === 0 || to - from !== line[i - 1]![0] - line[i - 1]![1]));
  return { code: rewritten.code, columns };
}

/** The first mistake in the text of a module that a browser cannot load, if the text has one. */
export function mistakeIn(module: string): { line: number; column: number; what: string } | undefined {
  const [error] = parseSync("", module, { sourceType: "module" }).errors as readonly Mistake[];
  if (error === undefined) return undefined;
  const { line, column } = error.loc;
  return { line, column: column + 1, what: error.message.replace(/ \(\d+:\d+\)$/, "") };
}

/** A name that a module imports, and its place. */
export interface Import {
  readonly name: string;
  readonly from: string;
  readonly line: number;
  readonly column: number;
}

/** The names that a module imports. A name must be there when the module begins. */
export function importsOf(module: string): Import[] {
  const { program } = parseSync("", module, { sourceType: "module" });
  const { body } = program as { body: readonly ImportDeclaration[] };
  return body
    .filter(({ type }) => type === "ImportDeclaration")
    .flatMap(({ specifiers, source }) =>
      specifiers.map(({ type, imported, start }) => {
        const lines = module.slice(0, start).split("\n");
        const name = type === "ImportDefaultSpecifier" ? "default" : (imported?.name ?? "");
        return { name, from: source.value, line: lines.length, column: (lines.at(-1) as string).length + 1 };
      }),
    )
    .filter(({ name }) => name !== "");
}

interface ImportDeclaration {
  readonly type: string;
  readonly source: { readonly value: string };
  readonly specifiers: readonly {
    readonly type: string;
    readonly imported?: { readonly name: string };
    readonly start: number;
  }[];
}

interface Mistake extends SyntaxError {
  readonly loc: { readonly line: number; readonly column: number };
}
