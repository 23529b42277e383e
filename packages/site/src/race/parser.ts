// The parser of the race detector's rewriter in the page. The build puts it in the place of
// oxc-parser, which is a module of Node. Its programs have no types any more.

import { parse } from "acorn";
import { KEYS } from "eslint-visitor-keys";

export const visitorKeys: Readonly<Record<string, readonly string[]>> = {
  ...KEYS,
  ParenthesizedExpression: ["expression"],
};

/** A program's syntax tree, or the error because of which it has none. */
export function parseSync(
  _: string,
  source: string,
  { sourceType }: { sourceType: "module" | "script" },
): { program: unknown; errors: readonly unknown[] } {
  try {
    const program = parse(source, { ecmaVersion: "latest", sourceType, preserveParens: true });
    return { program, errors: [] };
  } catch (error) {
    return { program: undefined, errors: [error] };
  }
}
