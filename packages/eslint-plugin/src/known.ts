// The meaning of a name in a file: an import from @sluice/go, or an object that such an import has
// made.
//
// The rules use only names and scopes, without types. So they run in ESLint and in oxlint, and on a
// single file. They ignore everything that they cannot trace to an import of the library.
import type { Rule, Scope } from "eslint";
import type {
  Expression,
  Identifier,
  MemberExpression,
  Node,
  Pattern,
  PrivateIdentifier,
  PropertyDefinition,
  SpreadElement,
  Super,
} from "estree";

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

/** The types of channels. */
const CHANNEL_TYPES: ReadonlySet<string> = new Set(["Chan", "RecvChan", "SendChan", "SharedChan"]);

/** An import from the library: the exported name, and the entry, such as `@sluice/go/sync`. */
export interface Imported {
  readonly name: string;
  readonly entry: string;
}

/**
 * The import that an identifier names, or a member of a namespace, as `context.withCancel`;
 * undefined if it is not one of the library.
 */
export function imported(context: Rule.RuleContext, node: Node): Imported | undefined {
  if (node.type === "MemberExpression") {
    const name = node.computed ? undefined : nameOf(node.property);
    const found = node.object.type === "Identifier" ? importOf(context, node.object) : undefined;
    if (name === undefined || found?.specifier.type !== "ImportNamespaceSpecifier") return undefined;
    return { name, entry: found.entry };
  }
  const found = node.type === "Identifier" ? importOf(context, node) : undefined;
  if (found?.specifier.type !== "ImportSpecifier") return undefined;
  const { imported: exported } = found.specifier;
  return { name: exported.type === "Identifier" ? exported.name : String(exported.value), entry: found.entry };
}

function importOf(
  context: Rule.RuleContext,
  node: Identifier,
): { readonly specifier: Node; readonly entry: string } | undefined {
  const definition = variableOf(context, node)?.defs[0];
  if (definition?.type !== "ImportBinding") return undefined;
  const entry = String(definition.parent.source.value);
  return /^@sluice\/go(\/|$)/.test(entry) ? { specifier: definition.node, entry } : undefined;
}

/** The name of an `imported` function or class, such as `withCancel`. */
export function importedName(context: Rule.RuleContext, node: Node): string | undefined {
  return imported(context, node)?.name;
}

/** The kind of the object that an expression names: a variable, a parameter, a field of `this`. */
export function kindOf(context: Rule.RuleContext, node: Expression | Super): Kind | undefined {
  if (node.type === "MemberExpression") {
    const field = fieldOf(node);
    return field === undefined ? undefined : (madeBy(context, field.value) ?? typeOf(context, field));
  }
  if (node.type !== "Identifier") return undefined;
  const definition = variableOf(context, node)?.defs[0];
  if (definition?.type === "Parameter") return typeOf(context, definition.name);
  if (definition?.type !== "Variable" || definition.node.id.type !== "Identifier") return undefined;
  return madeBy(context, definition.node.init) ?? typeOf(context, definition.node.id);
}

/** The field of the class around it that `this.name` or `this.#name` names. */
function fieldOf(node: MemberExpression): PropertyDefinition | undefined {
  const { object, property, computed } = node;
  if (object.type !== "ThisExpression" || computed) return undefined;
  let at: Rule.Node | null = (node as Rule.Node).parent;
  for (; at !== null && at.type !== "ClassBody"; at = at.parent) {
    // A function that is not a method has another `this`.
    if (at.type === "FunctionDeclaration") return undefined;
    if (at.type === "FunctionExpression" && at.parent.type !== "MethodDefinition") return undefined;
  }
  const isIt = (member: Node): member is PropertyDefinition =>
    member.type === "PropertyDefinition" &&
    !member.computed &&
    member.key.type === property.type &&
    (member.key as Identifier).name === (property as Identifier).name;
  return at?.body.find(isIt);
}

/** The kind that a type annotation of TypeScript names. */
function typeOf(context: Rule.RuleContext, node: Node): Kind | undefined {
  const annotation = (node as { typeAnnotation?: { typeAnnotation?: { typeName?: Node } } }).typeAnnotation;
  const type = annotation?.typeAnnotation?.typeName;
  const name = type === undefined ? undefined : importedName(context, type);
  if (name === undefined) return undefined;
  return CHANNEL_TYPES.has(name) ? "channel" : CLASSES.has(name) ? (name as Kind) : undefined;
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
  if (kind === undefined || method === undefined) return undefined;
  return { kind, object: context.sourceCode.getText(object), method };
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
