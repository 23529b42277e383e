// The role of each identifier and member expression of a program: read, write or update. Also the
// reads that lead to a write of the same location before the next await, which makes the two one
// update.

import { type Binding, children, isFunction, type Node, type Scope, scopesOf, targets } from "./scopes.ts";

export type Role = "read" | "write" | "update" | "pattern";

export interface Roles {
  readonly scopes: Map<Node, Scope>;
  /** The variable to which an identifier refers, if it belongs to the program. */
  readonly bindings: Map<Node, Binding>;
  /** The roles of identifiers and member expressions that do not only read. */
  readonly roles: Map<Node, Role>;
  /** Identifiers that are not expressions: names of properties, labels, declared names. */
  readonly names: Set<Node>;
  /** Reads that are part of an update. */
  readonly atomic: Set<Node>;
  /** Functions, loops and calls with an await inside. */
  readonly awaiting: Set<Node>;
}

interface Event {
  readonly key: unknown;
  readonly at: number;
  readonly node: Node;
}

/** The events in a function, in the order of the source. */
interface Course {
  readonly reads: Event[];
  readonly writes: Event[];
  readonly awaits: number[];
}

const writing = new Set([
  "set",
  "add",
  "delete",
  "clear",
  "push",
  "pop",
  "shift",
  "unshift",
  "splice",
  "sort",
  "reverse",
  "fill",
]);

export function unwrapped(node: Node): Node {
  let inner = node;
  while (
    /^(?:ParenthesizedExpression|TSAsExpression|TSNonNullExpression|TSSatisfiesExpression|TSTypeAssertion)$/.test(
      inner.type,
    )
  ) {
    inner = inner["expression"] as Node;
  }
  return inner;
}

export function rolesOf(program: Node, source: string): Roles {
  const scopes = scopesOf(program);
  const bindings = new Map<Node, Binding>();
  const roles = new Map<Node, Role>();
  const names = new Set<Node>();
  const atomic = new Set<Node>();
  const awaiting = new Set<Node>();
  const courses: Course[] = [];

  const assign = (target: Node, role: Role): void => {
    const inner = unwrapped(target);
    if (inner.type === "Identifier" || inner.type === "MemberExpression") roles.set(inner, role);
  };
  const note = (node: Node): void => {
    switch (node.type) {
      case "AssignmentExpression": {
        const left = node["left"] as Node;
        if (left.type.endsWith("Pattern")) for (const target of targets(left)) assign(target, "pattern");
        else assign(left, node["operator"] === "=" ? "write" : "update");
        break;
      }
      case "UpdateExpression":
        assign(node["argument"] as Node, "update");
        break;
      case "ForInStatement":
      case "ForOfStatement":
        if ((node["left"] as Node).type !== "VariableDeclaration") {
          for (const target of targets(node["left"] as Node)) assign(target, "pattern");
        }
        break;
      case "VariableDeclarator":
        for (const target of targets(node["id"] as Node)) names.add(target);
        break;
      case "CatchClause":
        if (node["param"] !== null) for (const target of targets(node["param"] as Node)) names.add(target);
        break;
      case "MemberExpression":
      case "Property":
      case "MethodDefinition":
      case "PropertyDefinition":
      case "AccessorProperty":
        if (node["computed"] !== true) names.add((node["property"] ?? node["key"]) as Node);
        break;
      case "LabeledStatement":
      case "BreakStatement":
      case "ContinueStatement":
        if (node["label"] !== null) names.add(node["label"] as Node);
        break;
      case "MetaProperty":
        for (const child of children(node)) names.add(child);
        break;
      case "ExportSpecifier":
        for (const child of children(node)) names.add(child);
        break;
      default:
        if (isFunction(node))
          for (const param of node["params"] as Node[]) for (const name of targets(param)) names.add(name);
        if ((isFunction(node) || node.type.startsWith("Class")) && node["id"]) names.add(node["id"] as Node);
    }
  };

  /** Visits a node. `above` are the nodes around it within its function. */
  const visit = (node: Node, outer: Scope, course: Course, above: readonly Node[]): void => {
    note(node);
    const scope = scopes.get(node) ?? outer;
    const inner: Course = scope.home === scope && scope !== outer ? { reads: [], writes: [], awaits: [] } : course;
    if (inner !== course) courses.push(inner);
    const around = inner === course ? [...above, node] : [node];
    if (node.type === "Identifier" && !names.has(node)) identify(node, scope, inner, above);
    else if (node.type === "MemberExpression") locate(node, inner, above);
    else if (node.type === "CallExpression") callOf(node, inner);
    const loops = node.type === "ForOfStatement" && node["await"] === true;
    if (node.type === "AwaitExpression" || node.type === "YieldExpression" || loops) {
      for (const one of around) awaiting.add(one);
      inner.awaits.push(loops ? (node["right"] as Node).end : node.end);
    }
    if (node.type === "VariableDeclaration" && node["kind"] === "await using") inner.awaits.push(node.end);
    for (const child of children(node)) visit(child, scope, inner, around);
  };

  /** The position at which a target is written: the end of the assignment around it. */
  const endOf = (node: Node, above: readonly Node[]): number => {
    for (let i = above.length - 1; i >= 0; i--) {
      const around = above[i] as Node;
      if (/^(?:Assignment|Update)Expression$/.test(around.type)) return around.end;
    }
    return node.end;
  };

  const enter = (node: Node, key: unknown, course: Course, above: readonly Node[]): void => {
    const role = roles.get(node) ?? "read";
    if (role === "read" || role === "update") course.reads.push({ key, at: node.start, node });
    if (role !== "read") course.writes.push({ key, at: endOf(node, above), node });
  };

  const identify = (node: Node, scope: Scope, course: Course, above: readonly Node[]): void => {
    const binding = scope.find(node["name"] as string);
    if (binding === undefined) return;
    bindings.set(node, binding);
    if (binding.scope.home !== scope.home) binding.isCaptured = true;
    if (roles.has(node)) binding.isWritten = true;
    enter(node, binding, course, above);
  };

  const locate = (node: Node, course: Course, above: readonly Node[]): void =>
    enter(node, source.slice(node.start, node.end), course, above);

  /** Handles a call of a collection's method, which reads the collection, and may write it. */
  const callOf = (node: Node, course: Course): void => {
    const callee = unwrapped(node["callee"] as Node);
    if (callee.type !== "MemberExpression" || callee["computed"] === true) return;
    const object = callee["object"] as Node;
    const key = `${source.slice(object.start, object.end)}[]`;
    course.reads.push({ key, at: callee.start, node: callee });
    const name = (callee["property"] as Node)["name"] as string;
    if (writing.has(name)) course.writes.push({ key, at: node.end, node: callee });
  };

  const top: Course = { reads: [], writes: [], awaits: [] };
  courses.push(top);
  visit(program, scopes.get(program) as Scope, top, []);
  for (const { reads, writes, awaits } of courses) {
    for (const read of reads) {
      const leads = writes.some(
        ({ key, at }) => key === read.key && at > read.at && !awaits.some((wait) => wait > read.at && wait < at),
      );
      if (leads) atomic.add(read.node);
    }
  }
  return { scopes, bindings, roles, names, atomic, awaiting };
}
