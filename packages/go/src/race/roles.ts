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

/**
 * Finds the roles of the identifiers and member expressions of a program.
 *
 * @param source the text of the program, by which members are told apart
 */
export function rolesOf(program: Node, source: string): Roles {
  return new RoleFinder(program, source);
}

class RoleFinder implements Roles {
  readonly scopes: Map<Node, Scope>;
  readonly bindings = new Map<Node, Binding>();
  readonly roles = new Map<Node, Role>();
  readonly names = new Set<Node>();
  readonly atomic = new Set<Node>();
  readonly awaiting = new Set<Node>();
  readonly #source: string;
  readonly #courses: Course[] = [];

  constructor(program: Node, source: string) {
    this.scopes = scopesOf(program);
    this.#source = source;
    const top: Course = { reads: [], writes: [], awaits: [] };
    this.#courses.push(top);
    this.#visit(program, this.scopes.get(program) as Scope, top, []);
    for (const course of this.#courses) this.#findAtomic(course);
  }

  /**
   * Visits a node. `above` are the nodes around it within its function. It has more than 15
   * branches because each kind of node that matters has one.
   */
  #visit(node: Node, outer: Scope, course: Course, above: readonly Node[]): void {
    this.#note(node);
    const scope = this.scopes.get(node) ?? outer;
    const inner: Course = scope.home === scope && scope !== outer ? { reads: [], writes: [], awaits: [] } : course;
    if (inner !== course) this.#courses.push(inner);
    const around = inner === course ? [...above, node] : [node];
    if (node.type === "Identifier" && !this.names.has(node)) this.#identify(node, scope, inner, above);
    else if (node.type === "MemberExpression") this.#enter(node, this.#text(node), inner, above);
    else if (node.type === "CallExpression") this.#call(node, inner);
    const loops = node.type === "ForOfStatement" && node["await"] === true;
    if (node.type === "AwaitExpression" || node.type === "YieldExpression" || loops) {
      for (const one of around) this.awaiting.add(one);
      inner.awaits.push(loops ? (node["right"] as Node).end : node.end);
    }
    if (node.type === "VariableDeclaration" && node["kind"] === "await using") inner.awaits.push(node.end);
    for (const child of children(node)) this.#visit(child, scope, inner, around);
  }

  /**
   * Notes what a node says about its children: which are written, and which are only names. It has
   * more than 15 branches because it is a list of the kinds of nodes.
   */
  #note(node: Node): void {
    switch (node.type) {
      case "AssignmentExpression": {
        const left = node["left"] as Node;
        if (left.type.endsWith("Pattern")) for (const target of targets(left)) this.#assign(target, "pattern");
        else this.#assign(left, node["operator"] === "=" ? "write" : "update");
        break;
      }
      case "UpdateExpression":
        this.#assign(node["argument"] as Node, "update");
        break;
      case "ForInStatement":
      case "ForOfStatement":
        if ((node["left"] as Node).type !== "VariableDeclaration") {
          for (const target of targets(node["left"] as Node)) this.#assign(target, "pattern");
        }
        break;
      case "VariableDeclarator":
        for (const target of targets(node["id"] as Node)) this.names.add(target);
        break;
      case "CatchClause":
        if (node["param"] !== null) for (const target of targets(node["param"] as Node)) this.names.add(target);
        break;
      case "MemberExpression":
      case "Property":
      case "MethodDefinition":
      case "PropertyDefinition":
      case "AccessorProperty":
        if (node["computed"] !== true) this.names.add((node["property"] ?? node["key"]) as Node);
        break;
      case "LabeledStatement":
      case "BreakStatement":
      case "ContinueStatement":
        if (node["label"] !== null) this.names.add(node["label"] as Node);
        break;
      case "MetaProperty":
        for (const child of children(node)) this.names.add(child);
        break;
      case "ExportSpecifier":
        for (const child of children(node)) this.names.add(child);
        break;
      default:
        if (isFunction(node))
          for (const param of node["params"] as Node[]) for (const name of targets(param)) this.names.add(name);
        if ((isFunction(node) || node.type.startsWith("Class")) && node["id"]) this.names.add(node["id"] as Node);
    }
  }

  #assign(target: Node, role: Role): void {
    const inner = unwrapped(target);
    if (inner.type === "Identifier" || inner.type === "MemberExpression") this.roles.set(inner, role);
  }

  #identify(node: Node, scope: Scope, course: Course, above: readonly Node[]): void {
    const binding = scope.find(node["name"] as string);
    if (binding === undefined) return;
    this.bindings.set(node, binding);
    if (binding.scope.home !== scope.home) binding.isCaptured = true;
    if (this.roles.has(node)) binding.isWritten = true;
    this.#enter(node, binding, course, above);
  }

  #enter(node: Node, key: unknown, course: Course, above: readonly Node[]): void {
    const role = this.roles.get(node) ?? "read";
    if (role === "read" || role === "update") course.reads.push({ key, at: node.start, node });
    if (role !== "read") course.writes.push({ key, at: endOf(node, above), node });
  }

  /** Handles a call of a collection's method, which reads the collection, and may write it. */
  #call(node: Node, course: Course): void {
    const callee = unwrapped(node["callee"] as Node);
    if (callee.type !== "MemberExpression" || callee["computed"] === true) return;
    const key = `${this.#text(callee["object"] as Node)}[]`;
    course.reads.push({ key, at: callee.start, node: callee });
    const name = (callee["property"] as Node)["name"] as string;
    if (writing.has(name)) course.writes.push({ key, at: node.end, node: callee });
  }

  /** Finds the reads that lead to a write of the same location before the next await. */
  #findAtomic({ reads, writes, awaits }: Course): void {
    for (const read of reads) {
      const leads = writes.some(
        ({ key, at }) => key === read.key && at > read.at && !awaits.some((wait) => wait > read.at && wait < at),
      );
      if (leads) this.atomic.add(read.node);
    }
  }

  #text({ start, end }: Node): string {
    return this.#source.slice(start, end);
  }
}

/** The position at which a target is written: the end of the assignment around it. */
function endOf(node: Node, above: readonly Node[]): number {
  for (let i = above.length - 1; i >= 0; i--) {
    const around = above[i] as Node;
    if (/^(?:Assignment|Update)Expression$/.test(around.type)) return around.end;
  }
  return node.end;
}
