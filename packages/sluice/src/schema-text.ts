// A schema file, written from what a preview found: to be edited, and then given to `--schema`.
import type { SheetPreview } from "./preview.ts";

/**
 * The text of a TypeScript file that exports the table which an import of this sheet would make or
 * fill.
 */
export function schemaText(file: string, preview: SheetPreview): string {
  const columns = preview.columns.map(({ letter, header, column, type, dateFormat, unit }) => {
    const said = unit === null ? "" : ` // ${oneLine(unit)}`;
    if (column === null) return `    // column ${letter}, ${literal(header)}, is left out`;
    const settings = [
      `type: ${literal(type ?? "text")}`,
      ...(header === column ? [] : [`header: ${literal(header)}`]),
      ...(dateFormat === null ? [] : [`dateFormat: ${literal(dateFormat)}`]),
    ];
    return `    ${key(column)}: { ${settings.join(", ")} },${said}`;
  });
  return [
    `// The table that ${oneLine(file)}, sheet ${literal(preview.sheet)}, gives. Edit it, and import with --schema and this file.`,
    `import { table } from "sluice";`,
    "",
    `export const schema = table({`,
    `  name: ${literal(preview.table)},`,
    "  columns: {",
    ...columns,
    "  },",
    "});",
    "",
  ].join("\n");
}

/** A text as a literal that is also safe in a comment. */
function literal(text: string): string {
  return JSON.stringify(text).replaceAll(/[\u007F-\u009F\u2028\u2029]/g, (character) => {
    return `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`;
  });
}

function key(name: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(name) && name !== "__proto__" ? name : `[${literal(name)}]`;
}

/** A text for a comment: no line end of any kind. */
function oneLine(text: string): string {
  return literal(text).slice(1, -1);
}
