// Which tests of a file can keep a promise that a page of docs makes: those that run. A test that
// is skipped, marked as to be done or expected to fail is none, and neither is an empty one,
// however its name reads.
import { parseSync, Visitor, type Node } from "oxc-parser";

const NEVER: ReadonlySet<string> = new Set(["skip", "todo", "fails"]);

/**
 * The names of a test file's tests that run, each with what its table holds: the strings of
 * `test.each(table)`, also where the table is a constant of the file. The name of a group counts if
 * one of its tests does.
 *
 * @throws Error if the source cannot be parsed
 */
export function keptTests(file: string, source: string): string[] {
  const { program, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]!.message}`);
  const tables = new Map<string, Node>();
  const tests: Named[] = [];
  const groups: Named[] = [];
  const left: Omit<Named, "names">[] = [];
  new Visitor({
    VariableDeclarator: ({ id, init }) => void (id.type === "Identifier" && init && tables.set(id.name, init)),
    CallExpression: ({ callee, arguments: [title, ...rest], start, end }) => {
      const words = wordsOf(callee);
      if (words.some((word) => NEVER.has(word))) left.push({ begin: start, end });
      const body = rest.findLast(
        (node) => node.type === "ArrowFunctionExpression" || node.type === "FunctionExpression",
      ) as Body | undefined;
      if (title === undefined || body === undefined) return;
      const own = stringsIn(title);
      if (own.length === 0 || isEmpty(body)) return;
      if (words.includes("describe")) {
        groups.push({ begin: start, end, names: own });
        return;
      }
      const table =
        callee.type === "CallExpression" && wordsOf(callee.callee).includes("each") ? callee.arguments[0] : undefined;
      const rows = table?.type === "Identifier" ? tables.get(table.name) : table;
      tests.push({ begin: start, end, names: [...own, ...(rows ? stringsIn(rows) : [])] });
    },
  }).visit(program);
  const kept = tests.filter((test) => !left.some((one) => isWithin(test, one)));
  return [...kept, ...groups.filter((group) => kept.some((test) => isWithin(test, group)))].flatMap(
    ({ names }) => names,
  );
}

/** A call with its names, and where it stands in the source. */
interface Named {
  readonly begin: number;
  readonly end: number;
  readonly names: readonly string[];
}

function isWithin(inner: Omit<Named, "names">, outer: Omit<Named, "names">): boolean {
  return outer.begin <= inner.begin && inner.end <= outer.end;
}

/** The names that a call goes by: `test`, `skipIf` and `each` of `test.skipIf(…).each(…)`. */
function wordsOf(callee: Node): string[] {
  if (callee.type === "Identifier") return [callee.name];
  if (callee.type === "CallExpression") return wordsOf(callee.callee);
  if (callee.type === "TaggedTemplateExpression") return wordsOf(callee.tag);
  if (callee.type !== "MemberExpression") return [];
  return [...wordsOf(callee.object), ...(callee.property.type === "Identifier" ? [callee.property.name] : [])];
}

/** All texts below a node, those of templates with `…` for what is put into them. */
function stringsIn(node: Node): string[] {
  const found: string[] = [];
  const look = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(look);
    if (typeof value !== "object" || value === null) return;
    const node = value as Node;
    if (node.type === "Literal" && typeof node.value === "string") found.push(node.value);
    else if (node.type === "TemplateLiteral") found.push(node.quasis.map(({ value }) => value.cooked ?? "").join("…"));
    Object.values(value).forEach(look);
  };
  look(node);
  return found;
}

type Body = Extract<Node, { type: "ArrowFunctionExpression" | "FunctionExpression" }>;

function isEmpty({ body }: Body): boolean {
  return body?.type === "BlockStatement" && body.body.length === 0;
}
