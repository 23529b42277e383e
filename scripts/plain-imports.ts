// The imports of the packages whose module is known only at run time, as they are written in the
// source. TypeScript puts its helper for relative addresses around them, and Terser, which webpack
// minifies with, makes of that an `import` with two arguments.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const wrapped = /import\(__rewriteRelativeImportExtension\(([^()]+)\)\)/g;

/**
 * Takes the helper away, in the files that were built of packages/go. Throws if it is not where it
 * is expected.
 */
export function plainImports(dist: string): void {
  for (const name of ["parallel/functions.js", "parallel/worker.js"]) {
    const file = join(dist, name);
    const text = readFileSync(file, "utf8");
    const plain = text.replace(wrapped, "import($1)");
    if (plain === text) throw new Error(`${file}: no import whose module is known only at run time`);
    writeFileSync(file, plain);
  }
}
