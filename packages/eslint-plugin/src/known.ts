// The meaning of a name in a file: an import from @sluice/go, or an object that such an import has
// made.
//
// The rules use only names and scopes, without types. So they run in ESLint and in oxlint, and on a
// single file. They ignore everything that they cannot trace to an import of the library.
import type { Rule, Scope } from "eslint";
import type { Expression, Node, Pattern, PrivateIdentifier, SpreadElement, Super } from "estree";

/** The kind of an object of the library, by the function or class that made it. */
export type Kind = "channel" | Class;

const NAMES = [
  "WaitGroup",
  "Mutex",
  "RWMutex",
  "Group",
  "Weighted",
  "Cond",
  "Once",
  "Breaker",
  "KeyedLimiter",
  "Limiter",
  "Pool",
  "Topic",
] as const;
type Class = (typeof NAMES)[number];
const CLASSES: ReadonlySet<string> = new Set(NAMES);

/** Functions of /patterns and of other packages that return channels. */
const CHANNELS: ReadonlySet<string> = new Set(
  (
    "chan generate map filter flatMap take batch unbatch buffer merge bridge or orDone workerPool heartbeat rateLimit " +
    "fromEvent conflate throttle debounce sample partition groupBy workList stage after tick lines connections requests"
  ).split(" "),
);

/**
 * The name of a function or class that the library exports, such as `withCancel`; undefined if the
 * identifier is not such an import.
 */
export function importedName(context: Rule.RuleContext, node: Node): string | undefined {
  if (node.type !== "Identifier") return undefined;
  const definition = variableOf(context, node)?.defs[0];
  if (definition?.type !== "ImportBinding" || definition.node.type !== "ImportSpecifier") return undefined;
  const { parent, node: specifier } = definition;
  if (!/^@sluice\/go(\/|$)/.test(String(parent.source.value))) return undefined;
  const { imported } = specifier;
  return imported.type === "Identifier" ? imported.name : String(imported.value);
}

/** The kind of the object that an expression names. */
export function kindOf(context: Rule.RuleContext, node: Expression | Super): Kind | undefined {
  if (node.type !== "Identifier") return undefined;
  const definition = variableOf(context, node)?.defs[0];
  if (definition?.type !== "Variable" || definition.node.id.type !== "Identifier") return undefined;
  return madeBy(context, definition.node.init);
}

/** The kind of object that an expression makes. */
export function madeBy(context: Rule.RuleContext, init: Expression | null | undefined): Kind | undefined {
  if (init?.type === "CallExpression") {
    const name = importedName(context, init.callee);
    return name !== undefined && CHANNELS.has(name) ? "channel" : undefined;
  }
  if (init?.type !== "NewExpression") return undefined;
  const name = importedName(context, init.callee);
  return name !== undefined && CLASSES.has(name) ? (name as Kind) : undefined;
}

/** The call `object.method(…)`, if the expression is such a call on an object of the library. */
export function callOf(
  context: Rule.RuleContext,
  node: Node,
): { readonly kind: Kind; readonly object: string; readonly method: string } | undefined {
  if (node.type !== "CallExpression" || node.callee.type !== "MemberExpression") return undefined;
  return memberOf(context, node.callee);
}

/** The member `object.method`, if the object belongs to the library. */
export function memberOf(
  context: Rule.RuleContext,
  node: Node,
): { readonly kind: Kind; readonly object: string; readonly method: string } | undefined {
  if (node.type !== "MemberExpression" || node.computed) return undefined;
  const { object, property } = node;
  const method = nameOf(property);
  const kind = kindOf(context, object);
  if (kind === undefined || method === undefined || object.type !== "Identifier") return undefined;
  return { kind, object: object.name, method };
}

function nameOf(property: Expression | PrivateIdentifier): string | undefined {
  return property.type === "Identifier" ? property.name : undefined;
}

/** The variable that an identifier refers to. */
export function variableOf(
  context: Rule.RuleContext,
  node: Node & { readonly name: string },
): Scope.Variable | undefined {
  let scope: Scope.Scope | null = context.sourceCode.getScope(node);
  for (; scope !== null; scope = scope.upper) {
    const variable = scope.set.get(node.name);
    if (variable !== undefined) return variable;
  }
  return undefined;
}

/** True if a node is a function. */
export function isFunction(node: Node | SpreadElement | Pattern): boolean {
  return (
    node.type === "ArrowFunctionExpression" || node.type === "FunctionExpression" || node.type === "FunctionDeclaration"
  );
}

/** The functions around a node, the innermost first. */
export function* functionsAround(node: Rule.Node): Generator<Rule.Node> {
  for (let at: Rule.Node | null = node.parent; at !== null; at = at.parent) if (isFunction(at)) yield at;
}
