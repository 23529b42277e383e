// Loads a schema file from any folder: one without package.json, or one of CommonJS. In it,
// `import { table } from "sluice"` means the running program, so that what it exports is known by
// identity.
import { existsSync, statSync } from "node:fs";
import { registerHooks } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { SluiceError, usageError } from "../errors.ts";
import { isTable, type TableSchema } from "./schema.ts";

const OWN_ENTRY = new URL(import.meta.url.endsWith(".ts") ? "../index.ts" : "../index.js", import.meta.url).href;
/**
 * Asked for as `FILE?sluice-schema`, so that the hook knows a schema file from the modules that it
 * imports.
 */
const MARK = "?sluice-schema";
let hooked = false;

/**
 * The table that a schema file exports, under any name.
 *
 * @throws SluiceError if the file is missing, does not run, or does not export exactly one table
 */
export async function loadSchema(file: string): Promise<TableSchema> {
  const path = resolve(file);
  if (!existsSync(path)) throw usageError("no_schema_file", `there is no schema file ${file}. Check --schema.`);
  // A pipe would be waited for, for ever.
  if (!statSync(path).isFile())
    throw usageError("bad_schema", `${file} is not an ordinary file, and so not a schema file. Check --schema.`);
  hook();
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(path).href + MARK)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND";
    const hint = missing ? ". Install what it imports beside it (npm install)" : "";
    throw new SluiceError("bad_schema", `the schema file ${file} cannot be run: ${(error as Error).message}${hint}`, {
      exitCode: 2,
      cause: error,
    });
  }
  const [found, ...others] = new Set(Object.values(exported).filter(isTable));
  if (!found) {
    throw usageError(
      "bad_schema",
      `the schema file ${file} exports no table. Expected: export const people = table({ name, columns: { … } }) with table from "sluice".`,
    );
  }
  if (others.length > 0) {
    const names = [found, ...others].map((one) => one.name).join(", ");
    throw usageError(
      "bad_schema",
      `the schema file ${file} exports several tables: ${names}. Expected: one; put the others into files of their own.`,
    );
  }
  return found;
}

function hook(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "sluice" ? { url: OWN_ENTRY, shortCircuit: true } : next(specifier, context),
    load: (url, context, next) => {
      if (!url.endsWith(MARK)) return next(url, context);
      return next(url, { ...context, format: /\.m?ts\?/.test(url) ? "module-typescript" : "module" });
    },
  });
}
