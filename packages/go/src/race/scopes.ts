// Finds the variable of each name, the variables that functions share, and those of them that are
// ever written after their declaration. Only the last can race.

import { visitorKeys } from "oxc-parser";

/**
 * A node of the syntax tree (ESTree, with TypeScript's nodes), with the parts that are needed here.
 */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export class Binding {
  readonly name: string;
  readonly kind: string;
  /** The node that declares it: a declarator, a function, a pattern. */
  readonly node: Node;
  readonly scope: Scope;
  isCaptured = false;
  isWritten = false;

  constructor(name: string, kind: string, node: Node, scope: Scope) {
    this.name = name;
    this.kind = kind;
    this.node = node;
    this.scope = scope;
  }

  /** True if several goroutines may read and write it. */
  get isShared(): boolean {
    return this.isCaptured && this.isWritten && ["var", "let", "param", "function"].includes(this.kind);
  }
}

export class Scope {
  readonly parent: Scope | undefined;
  readonly node: Node;
  /** The function that contains it, or the module. */
  readonly home: Scope;
  readonly bindings: Map<string, Binding> = new Map();

  constructor(node: Node, parent: Scope | undefined, isHome: boolean) {
    this.node = node;
    this.parent = parent;
    this.home = isHome || parent === undefined ? this : parent.home;
  }

  find(name: string): Binding | undefined {
    return this.bindings.get(name) ?? this.parent?.find(name);
  }

  declare(name: string, kind: string, node: Node): void {
    if (!this.bindings.has(name)) this.bindings.set(name, new Binding(name, kind, node, this));
  }
}

const typeKeys = new Set([
  "typeAnnotation",
  "typeParameters",
  "typeArguments",
  "returnType",
  "superTypeArguments",
  "implements",
  "decorators",
]);
/** Nodes that do not run, or that contain nothing that could race. */
const passive =
  /^(?:TS(?!AsExpression|SatisfiesExpression|NonNullExpression|TypeAssertion|InstantiationExpression|ParameterProperty)|Import(?!Expression)|ExportAll|JSX)/;

export function isFunction({ type }: Node): boolean {
  return type === "FunctionDeclaration" || type === "FunctionExpression" || type === "ArrowFunctionExpression";
}

/** The children of a node that run, in the order of the source. */
export function children(node: Node): Node[] {
  const all: Node[] = [];
  for (const key of visitorKeys[node.type] ?? []) {
    if (typeKeys.has(key)) continue;
    const value = node[key];
    for (const child of Array.isArray(value) ? (value as (Node | null)[]) : [value as Node | null]) {
      if (child !== null && child !== undefined && !passive.test(child.type)) all.push(child);
    }
  }
  return all.sort((a, b) => a.start - b.start);
}

/** The identifiers that a pattern binds or writes, and the member expressions that it writes. */
export function targets(pattern: Node): Node[] {
  switch (pattern.type) {
    case "ArrayPattern":
      return (pattern["elements"] as (Node | null)[]).flatMap((element) => (element === null ? [] : targets(element)));
    case "ObjectPattern":
      return (pattern["properties"] as Node[]).flatMap((property) =>
        targets((property.type === "RestElement" ? property["argument"] : property["value"]) as Node),
      );
    case "RestElement":
      return targets(pattern["argument"] as Node);
    case "AssignmentPattern":
      return targets(pattern["left"] as Node);
    case "TSParameterProperty":
      return targets(pattern["parameter"] as Node);
    default:
      return [pattern];
  }
}

/** The scopes of a program, by the nodes that make them. */
export function scopesOf(program: Node): Map<Node, Scope> {
  const scopes = new Map<Node, Scope>();
  const declare = (pattern: Node, kind: string, node: Node, scope: Scope): void => {
    for (const target of targets(pattern)) {
      if (target.type === "Identifier") scope.declare(target["name"] as string, kind, node);
    }
  };
  const declareAll = (node: Node, scope: Scope): void => {
    const kind = node["kind"] as string;
    // The head of a loop declares a new variable in each round.
    const isHead = scope.node.type.startsWith("For") && scope.node["body"] !== node && isIn(scope.node, node);
    for (const declarator of node["declarations"] as Node[]) {
      const at = kind === "var" ? scope.home : scope;
      declare(declarator["id"] as Node, isHead && kind !== "var" ? "head" : kind, declarator, at);
    }
  };
  /**
   * Visits a node, and declares what it declares. It has more than 15 branches because each kind of
   * node with variables of its own has one.
   */
  const visit = (node: Node, scope: Scope, isBody: boolean): void => {
    let inner = scope;
    const open = (isHome: boolean): void => {
      inner = new Scope(node, scope, isHome);
      scopes.set(node, inner);
    };
    if (isFunction(node)) {
      const id = node["id"] as Node | null;
      if (id !== null && node.type === "FunctionDeclaration") scope.declare(id["name"] as string, "function", node);
      open(true);
      if (id !== null && node.type === "FunctionExpression") inner.declare(id["name"] as string, "name", node);
      for (const param of node["params"] as Node[]) declare(param, "param", node, inner);
    } else if (node.type === "ClassDeclaration" || node.type === "ClassExpression") {
      const id = node["id"] as Node | null;
      if (id !== null) (node.type === "ClassDeclaration" ? scope : inner).declare(id["name"] as string, "class", node);
    } else if (node.type === "StaticBlock" || node.type === "PropertyDefinition") open(true);
    else if (/^(?:For(?:In|Of)?Statement|SwitchStatement|CatchClause)$/.test(node.type)) open(false);
    else if (node.type === "BlockStatement" && !isBody) open(false);
    if (node.type === "CatchClause" && node["param"] !== null) declare(node["param"] as Node, "catch", node, inner);
    if (node.type === "VariableDeclaration" && node["declare"] !== true) declareAll(node, scope);
    for (const child of children(node)) visit(child, inner, isFunction(node) && child === node["body"]);
  };
  const top = new Scope(program, undefined, true);
  scopes.set(program, top);
  for (const statement of program["body"] as Node[]) {
    if (statement.type === "ImportDeclaration") {
      for (const specifier of statement["specifiers"] as Node[]) {
        const local = specifier["local"] as Node;
        top.declare(
          local["name"] as string,
          specifier.type === "ImportNamespaceSpecifier" ? "namespace" : "import",
          specifier,
        );
      }
    }
  }
  for (const child of children(program)) visit(child, top, false);
  return scopes;
}

function isIn(loop: Node, declaration: Node): boolean {
  return loop["init"] === declaration || loop["left"] === declaration;
}
