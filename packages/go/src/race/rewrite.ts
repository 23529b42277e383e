// The rewriter: it puts a probe around each access that could race. Lines stay as they are. A
// source map has the columns.
//
// It does not change these:
//
// - variables that no other function shares, or that are never written after their declaration,
// - variables that the head of a loop declares (each round has new ones),
// - code of types, and lines with `race:ignore` in a comment.
//
// Invariants: each part of an expression is evaluated once, in the same order as before and with
// the same `this`. If an expression is needed twice, it is put into an additional variable of the
// function.

import { MagicString } from "magic-string";
import { parseSync } from "oxc-parser";
import { type Role, type Roles, rolesOf, unwrapped } from "./roles.ts";
import { type Binding, children, isFunction, type Node, targets } from "./scopes.ts";

export interface Rewritten {
  readonly code: string;
  /** The map includes the source's content. */
  readonly map: { toString(): string; toUrl(): string };
  /** The columns of each line, as pairs: one in the code, and the one in the source. */
  readonly columns: () => (readonly [number, number])[][];
}

export interface RewriteOptions {
  /** The file's name in reports. */
  readonly file: string;
  readonly lang: "js" | "ts";
  readonly format: "module" | "commonjs";
  /** The URL from which the module can import probe.ts. */
  readonly probe: string;
  /**
   * For a host that does not tell of promises: `also` puts probes at awaits too, `only` puts no
   * other ones. awaits.ts explains them.
   */
  readonly awaits?: "also" | "only";
}

/** The name of the global through which CommonJS modules find the probes. */
export const probesKey = "@sluice/go: race probes";

/** Names of the host. The host owns the properties of these objects. */
const hosts = new Set(
  "Array ArrayBuffer Atomics BigInt Boolean Buffer Bun Date Deno Error Function Intl JSON Map Math Number Object Promise Proxy Reflect RegExp Set String Symbol URL WeakMap WeakRef WeakSet console crypto document globalThis navigator performance process window".split(
    " ",
  ),
);

/** Rewrites a module; `undefined` if it has nothing to rewrite, or if it cannot be parsed. */
export function rewrite(source: string, options: RewriteOptions): Rewritten | undefined {
  const { program, errors } = parseSync(options.file, source, {
    lang: options.lang,
    sourceType: options.format === "module" ? "module" : "script",
  });
  // The host reports the syntax error.
  if (errors.length > 0) return undefined;
  return new Rewriter(source, program as unknown as Node, options).rewritten();
}

class Rewriter {
  readonly #source: string;
  readonly #program: Node;
  readonly #options: RewriteOptions;
  readonly #code: MagicString;
  readonly #roles: Roles;
  /** The line, column and function of each probe. */
  readonly #places: (string | number)[] = [];
  readonly #lineStarts: number[] = [0];
  readonly #ignored = new Set<number>();
  /** The number of additional variables in each function. */
  readonly #spares = new Map<Node, number>();
  /** The positions of statements that have got a semicolon before them. */
  readonly #separated = new Set<number>();
  readonly #cells = new Map<Binding, string>();
  /** The number of probes that have no place. */
  #followed = 0;

  constructor(source: string, program: Node, options: RewriteOptions) {
    this.#source = source;
    this.#program = program;
    this.#options = options;
    this.#code = new MagicString(source);
    this.#roles = rolesOf(program, source);
    for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) this.#lineStarts.push(at + 1);
    source.split("\n").forEach((line, i) => {
      if (/(?:\/\/|\/\*).*\brace:ignore\b/.test(line)) this.#ignored.add(i + 1);
    });
  }

  rewritten(): Rewritten | undefined {
    if (this.#options.awaits !== "only") this.#declareCells();
    for (const child of children(this.#program)) this.#visit(child, [this.#program]);
    if (this.#places.length === 0 && this.#followed === 0) return undefined;
    for (const [home, count] of this.#spares) {
      const names = Array.from({ length: count }, (_, i) => `$t${i}`).join(", ");
      this.#code.appendRight(startOf(home), `let ${names};`);
    }
    const { file, format, probe } = this.#options;
    const load =
      format === "module"
        ? `import * as $r from ${JSON.stringify(probe)};`
        : `var $r = globalThis[Symbol.for(${JSON.stringify(probesKey)})];`;
    const places =
      this.#places.length === 0 ? "" : `var $b = $r.module(${JSON.stringify(file)}, ${JSON.stringify(this.#places)});`;
    this.#code.prependLeft(startOf(this.#program), load + places);
    return {
      code: this.#code.toString(),
      map: this.#code.generateMap({ source: file, hires: true, includeContent: true }),
      columns: () =>
        this.#code
          .generateDecodedMap({ hires: true })
          .mappings.map((line) => line.map((segment) => [segment[0], segment[3] ?? 0] as const)),
    };
  }

  /** Declares a second variable next to each variable that can race, for its location. */
  #declareCells(): void {
    const bindings = new Set(this.#roles.bindings.values());
    for (const binding of bindings) {
      if (!binding.isShared) continue;
      const { kind, node, scope } = binding;
      const cell = `$c_${binding.name}`;
      if (kind === "let") {
        const exported = this.#exported(node);
        if (exported === undefined) this.#code.appendLeft(node.end, `, ${cell} = $r.v()`);
        else this.#code.appendLeft(exported.end, `;let ${cell} = $r.v();`);
      } else {
        const home = kind === "function" ? scope : scope.home;
        const at = this.#bodyOf(home.node);
        if (at === undefined) continue;
        this.#code.appendRight(startOf(at), `var ${cell} = $r.v();`);
      }
      this.#cells.set(binding, cell);
    }
  }

  /** The export that a declarator is part of. */
  #exported(declarator: Node): Node | undefined {
    return (this.#program["body"] as Node[]).find(
      (statement) =>
        statement.type === "ExportNamedDeclaration" &&
        ((statement["declaration"] as Node | null)?.["declarations"] as Node[] | undefined)?.includes(declarator),
    );
  }

  /** The node that contains a function's statements, if the function has any. */
  #bodyOf(node: Node): Node | undefined {
    if (node.type === "Program" || node.type === "BlockStatement") return node;
    if (!isFunction(node)) return undefined;
    const body = node["body"] as Node | null;
    return body !== null && /^(?:BlockStatement|FunctionBody)$/.test(body.type) ? body : undefined;
  }

  #visit(node: Node, above: readonly Node[]): void {
    const parent = above.at(-1) as Node;
    const inside = [...above, node];
    if (this.#options.awaits !== undefined) this.#follow(node, above);
    if (this.#options.awaits !== "only") this.#probe(node, parent, above);
    for (const child of children(node)) this.#visit(child, inside);
  }

  #probe(node: Node, parent: Node, above: readonly Node[]): void {
    if (node.type === "Identifier") this.#identifier(node, parent, above);
    else if (node.type === "MemberExpression") this.#member(node, parent, above);
    else if (node.type === "CallExpression") this.#call(node, above);
    else if (node.type === "AssignmentExpression") this.#assignment(node, above);
    else if (node.type === "UpdateExpression") this.#update(node, above);
    else if (node.type === "VariableDeclarator") this.#pattern(node["id"] as Node, node["init"] as Node | null, above);
    else if (node.type === "ForOfStatement") this.#loop(node, [...above, node]);
    else if (node.type === "SpreadElement") this.#spread(node, above);
  }

  /** Puts the probes of awaits.ts. */
  #follow(node: Node, above: readonly Node[]): void {
    const parent = above.at(-1) as Node;
    const around = (part: Node, probe: string, more = ""): void => {
      this.#followed++;
      this.#code.appendRight(part.start, `$r.${probe}(`);
      this.#code.prependLeft(part.end, `${more})`);
    };
    if (node.type === "AwaitExpression") {
      const argument = node["argument"] as Node;
      around(argument, "b", isCall(unwrapped(argument)) ? ", true" : "");
    } else if (node.type === "YieldExpression") {
      // That of an async generator awaits what it yields.
      const argument = node["argument"] as Node | null;
      const isAsync = above.findLast(isFunction)?.["async"] === true;
      if (isAsync && argument !== null && node["delegate"] !== true) around(argument, "b");
    } else if (node.type === "ForOfStatement" && node["await"] === true) around(node["right"] as Node, "n");
    else if (node.type === "VariableDeclaration" && node["kind"] === "await using") {
      if (!parent.type.startsWith("For")) this.#code.appendLeft(node.start, `using $o${this.#followed++} = $r.o();`);
    } else if (node.type === "CallExpression" && isKept(node, parent)) around(node, "k");
  }

  #identifier(node: Node, parent: Node, above: readonly Node[]): void {
    const cell = this.#cellOf(node);
    if (cell === undefined || this.#roles.roles.has(node)) return;
    const site = this.#site(node, above);
    if (site === undefined) return;
    const probe = this.#roles.atomic.has(node) ? "ra" : "r";
    this.#separate(node, above);
    const before = `($r.${probe}(${cell}, ${site}), `;
    if (parent.type === "Property" && parent["shorthand"] === true) {
      this.#code.appendRight(node.start, `${String(node["name"])}: ${before}`);
    } else this.#code.appendRight(node.start, before);
    this.#code.prependLeft(node.end, ")");
  }

  #assignment(node: Node, above: readonly Node[]): void {
    const left = unwrapped(node["left"] as Node);
    const right = node["right"] as Node;
    if (left.type.endsWith("Pattern")) {
      this.#writtenByPattern(node, left, above);
      this.#pattern(left, right, above);
      return;
    }
    const isPlain = node["operator"] === "=";
    if (left.type === "Identifier") {
      const cell = this.#cellOf(left);
      const site = cell === undefined ? undefined : this.#site(left, above);
      if (cell === undefined || site === undefined) return;
      // The operator of `??=`, `||=` and `&&=`, which also decides whether the variable is written.
      const decides = /^(\?\?|\|\||&&)=$/.exec(node["operator"] as string)?.[1];
      if ((isPlain || decides !== undefined) && isAnonymous(right)) {
        // A function gets its name from the variable only if it is right after the operator.
        const name = String(left["name"]);
        this.#separate(node, above);
        const before = isPlain ? "" : `$r.ra(${cell}, ${site}), ${name} ${decides} $r.u(${cell}, ${site}), `;
        this.#code.appendRight(node.start, `(${before}`);
        this.#code.prependLeft(node.end, isPlain ? `, $r.w(${cell}, ${site}), ${name})` : ")");
        return;
      }
      if (!isPlain) {
        const probe = this.#roles.atomic.has(left) ? "ra" : "r";
        this.#separate(node, above);
        this.#code.appendRight(node.start, `($r.${probe}(${cell}, ${site}), `);
        this.#code.prependLeft(node.end, ")");
      }
      this.#code.appendRight(right.start, `$r.${this.#clears(node) ? "wc" : "w"}(${cell}, ${site}, `);
      this.#code.prependLeft(right.end, ")");
      return;
    }
    if (left.type !== "MemberExpression") return;
    const used = this.#twice(left, above, !isPlain);
    if (used === undefined) return;
    const site = this.#site(left, above);
    if (site === undefined) return;
    used.emit(isPlain ? undefined : this.#roles.atomic.has(left) ? "ga" : "g", site);
    const probe = this.#clears(node) ? "sc" : "s";
    this.#code.appendRight(right.start, `$r.${probe}(${used.object}, ${used.key}, ${site}, `);
    this.#code.prependLeft(right.end, ")");
  }

  /** True for `x = undefined` and `x = null`. */
  #clears(assignment: Node): boolean {
    const right = unwrapped(assignment["right"] as Node);
    if (assignment["operator"] !== "=") return false;
    if (right.type === "Literal") return this.#source.slice(right.start, right.end) === "null";
    return right.type === "Identifier" && right["name"] === "undefined" && !this.#roles.bindings.has(right);
  }

  /**
   * Emits a member expression whose object and key are used twice. `emit` puts them into variables,
   * and a probe around the object. Returns `undefined` if there is no function for such variables.
   */
  #twice(
    node: Node,
    above: readonly Node[],
    isProbed: boolean,
  ): { object: string; key: string; emit: (probe: string | undefined, site: string) => void } | undefined {
    const object = node["object"] as Node;
    if (this.#isLeftAlone(object) || node["optional"] === true) return undefined;
    const property = node["property"] as Node;
    const text = (part: Node): string => this.#source.slice(part.start, part.end);
    const objectIsStable = this.#isStable(object);
    const isComputed = node["computed"] === true;
    const keyIsStable = !isComputed || this.#isStable(property);
    const home = objectIsStable && keyIsStable ? undefined : this.#spareHome(above);
    if (!(objectIsStable && keyIsStable) && home === undefined) return undefined;
    const spare = (): string => {
      const count = this.#spares.get(home as Node) ?? 0;
      this.#spares.set(home as Node, count + 1);
      return `$t${count}`;
    };
    const objectName = objectIsStable ? text(object) : spare();
    const keyName = !isComputed ? nameOf(property) : keyIsStable ? text(property) : spare();
    return {
      object: objectName,
      key: keyName,
      emit: (probe, site) => {
        const saved = objectIsStable ? "" : `${objectName} = `;
        if (probe === undefined || !isProbed) {
          if (!objectIsStable) {
            this.#separate(object, above);
            this.#code.appendRight(object.start, `(${saved}`);
            this.#code.prependLeft(object.end, ")");
          }
          if (!keyIsStable) this.#code.appendRight(property.start, `${keyName} = `);
          return;
        }
        this.#code.appendRight(object.start, `$r.${probe}(${saved}`);
        if (keyIsStable) {
          this.#code.prependLeft(object.end, `, ${keyName}, ${site})`);
          return;
        }
        // The key is evaluated for the probe, and the access uses the result.
        const bracket = this.#bracketOf(object, property);
        this.#code.update(bracket, bracket + 1, ",");
        this.#code.appendRight(property.start, `${keyName} = `);
        this.#code.prependLeft(property.end, `, ${site})[${keyName}`);
      },
    };
  }

  #update(node: Node, above: readonly Node[]): void {
    const argument = unwrapped(node["argument"] as Node);
    if (argument.type === "Identifier") {
      const cell = this.#cellOf(argument);
      const site = cell === undefined ? undefined : this.#site(argument, above);
      if (cell === undefined || site === undefined) return;
      this.#separate(node, above);
      this.#code.appendRight(node.start, `($r.u(${cell}, ${site}), `);
      this.#code.prependLeft(node.end, ")");
      return;
    }
    if (argument.type !== "MemberExpression" || this.#isLeftAlone(argument["object"] as Node)) return;
    const site = this.#site(argument, above);
    if (site === undefined) return;
    if (argument["computed"] === true) this.#twice(argument, above, true)?.emit("p", site);
    else this.#probeObject(argument, "p", nameOf(argument["property"] as Node), site);
  }

  #member(node: Node, parent: Node, above: readonly Node[]): void {
    const object = node["object"] as Node;
    const role: Role | undefined = this.#roles.roles.get(node);
    // An assignment handles its writes and updates, and a call handles its callee.
    if (role !== undefined || isCalleeOf(parent, node) || this.#isLeftAlone(object)) return;
    const site = this.#site(node, above);
    if (site === undefined) return;
    const property = node["property"] as Node;
    if (parent.type === "UnaryExpression" && parent["operator"] === "delete") {
      if (node["computed"] !== true) this.#probeObject(node, "d", nameOf(property), site);
      else if (this.#isStable(property)) {
        this.#probeObject(node, "d", this.#source.slice(property.start, property.end), site);
      }
      return;
    }
    const isAtomic = this.#roles.atomic.has(node);
    if (node["computed"] !== true) {
      this.#probeObject(node, isAtomic ? "ga" : "g", nameOf(property), site);
      return;
    }
    if (node["optional"] === true) return;
    const bracket = this.#bracketOf(object, property);
    this.#code.appendRight(object.start, isAtomic ? "$r.ea(" : "$r.e(");
    this.#code.update(bracket, bracket + 1, ",");
    this.#code.update(node.end - 1, node.end, `, ${site})`);
  }

  #call(node: Node, above: readonly Node[]): void {
    const callee = node["callee"] as Node;
    if (callee.type === "Identifier" && callee["name"] === "go") {
      const site = this.#site(callee, above);
      if (site === undefined) return;
      this.#code.appendRight(callee.start, "$r.gs(");
      this.#code.prependLeft(callee.end, `, ${site})`);
      return;
    }
    if (callee.type !== "MemberExpression" || callee["computed"] === true) return;
    const property = callee["property"] as Node;
    const object = callee["object"] as Node;
    if (object.type === "Identifier" && this.#isHostName(object)) {
      this.#callOfHost(node, callee, above);
      return;
    }
    if (this.#isLeftAlone(object) || property.type !== "Identifier") return;
    // A stack has the column of the method's name for such a call.
    const site = this.#site(property["name"] === "go" ? property : callee, above);
    if (site === undefined) return;
    const args = node["arguments"] as Node[];
    const last = args.at(-1);
    const awaits = args.some((arg) => this.#roles.awaiting.has(arg));
    const isStable = this.#isStable(object);
    // In `counts.set(k, counts.get(k) + 1)` the arguments read before the call writes.
    const readsFirst = isStable && /^(?:set|add)$/.test(property["name"] as string) && !args.every(isSimple);
    if (last !== undefined && last.type !== "SpreadElement" && (awaits || readsFirst)) {
      if (isStable) {
        const text = this.#source.slice(object.start, object.end);
        this.#code.appendRight(last.start, "$r.x(");
        this.#code.prependLeft(last.end, `, ${text}, ${nameOf(property)}, ${site})`);
      }
      return;
    }
    const index = property["name"] === "at" ? numberOf(args) : undefined;
    const more = index === undefined ? site : `${site}, ${index}`;
    this.#probeObject(callee, this.#roles.atomic.has(callee) ? "ca" : "c", nameOf(property), more);
  }

  /** Handles `Object.assign`, which writes properties, and `Atomics`, whose operations order. */
  #callOfHost(node: Node, callee: Node, above: readonly Node[]): void {
    const object = callee["object"] as Node;
    const name = `${String(object["name"])}.${String((callee["property"] as Node)["name"])}`;
    if (name === "Object.assign") {
      const site = this.#site(node, above);
      if (site !== undefined) this.#code.update(callee.start, callee.end, `$r.a(${site})`);
    } else if (name.startsWith("Atomics.")) {
      this.#code.update(object.start, object.end, "$r.atomics");
      this.#followed++;
    }
  }

  #probeObject(node: Node, probe: string, key: string, site: string): void {
    const object = node["object"] as Node;
    this.#code.appendRight(object.start, `$r.${probe}(`);
    this.#code.prependLeft(object.end, `, ${key}, ${site})`);
  }

  /** Handles `const { a, b } = value`, which reads properties. */
  #pattern(pattern: Node, value: Node | null, above: readonly Node[]): void {
    if (value === null) return;
    const inner = unwrapped(value);
    if (/^(?:ObjectExpression|ArrayExpression|AwaitExpression|Literal)$/.test(inner.type)) return;
    if (inner.type === "Identifier" && this.#isHostName(inner)) return;
    let probe: string;
    let what: string;
    if (pattern.type === "ObjectPattern") {
      const properties = (pattern["properties"] as Node[]).filter(
        (property) => property.type === "Property" && property["computed"] !== true,
      );
      probe = "ds";
      what = JSON.stringify(
        properties.map((property) => {
          const key = property["key"] as Node;
          return key["name"] ?? String(key["value"]);
        }),
      );
    } else if (pattern.type === "ArrayPattern") {
      probe = "da";
      what = String((pattern["elements"] as unknown[]).length);
    } else return;
    const site = this.#site(pattern, above);
    if (site === undefined) return;
    this.#code.appendRight(value.start, `$r.${probe}(`);
    this.#code.prependLeft(value.end, `, ${what}, ${site})`);
  }

  /** Handles `[a, b.c] = value`, which writes variables and properties. */
  #writtenByPattern(node: Node, pattern: Node, above: readonly Node[]): void {
    const written = targets(pattern).flatMap((target) => {
      const inner = unwrapped(target);
      return this.#cellOf(inner) ?? this.#writtenProperty(inner) ?? [];
    });
    const site = written.length === 0 ? undefined : this.#site(pattern, above);
    if (site === undefined) return;
    this.#code.appendRight(node.start, `$r.ws(${site}, `);
    this.#code.prependLeft(node.end, `, ${written.join(", ")})`);
  }

  /** The object and key of a property that a pattern writes, if both may be written twice. */
  #writtenProperty(node: Node): string | undefined {
    if (node.type !== "MemberExpression") return undefined;
    const [object, property] = [node["object"], node["property"]] as [Node, Node];
    const isComputed = node["computed"] === true;
    if (this.#isLeftAlone(object) || !this.#isStable(object) || (isComputed && !this.#isStable(property)))
      return undefined;
    const text = (part: Node): string => this.#source.slice(part.start, part.end);
    return `[${text(object)}, ${isComputed ? text(property) : nameOf(property)}]`;
  }

  #loop(node: Node, inside: readonly Node[]): void {
    const left = node["left"] as Node;
    const body = node["body"] as Node;
    if (left.type !== "VariableDeclaration" && body.type === "BlockStatement") {
      for (const target of targets(left)) {
        const cell = this.#cellOf(unwrapped(target));
        const site = cell === undefined ? undefined : this.#site(target, inside);
        if (site !== undefined) this.#code.appendRight(body.start + 1, `$r.w(${cell}, ${site});`);
      }
    }
    if (node["await"] === true) return;
    const right = node["right"] as Node;
    const values = unwrapped(right);
    const site = this.#site(right, inside);
    if (site === undefined) return;
    if (!this.#roles.awaiting.has(body)) {
      this.#code.appendRight(right.start, "$r.i(");
      this.#code.prependLeft(right.end, `, ${site})`);
      return;
    }
    const isCall = values.type === "CallExpression" && (values["arguments"] as Node[]).length === 0;
    const callee = isCall ? (values["callee"] as Node) : undefined;
    const object = callee?.["object"] as Node | undefined;
    const name = (callee?.["property"] as Node | undefined)?.["name"];
    if (object !== undefined && this.#isStable(object) && ["keys", "values", "entries"].includes(name as string)) {
      this.#code.update(
        callee?.end as number,
        values.end,
        ` , $r.iv(${this.#source.slice(object.start, object.end)}, "${name as string}", ${site}))`,
      );
      this.#code.appendRight(right.start, "(");
      return;
    }
    this.#code.appendRight(right.start, "$r.it(");
    this.#code.prependLeft(right.end, `, ${site})`);
  }

  #spread(node: Node, above: readonly Node[]): void {
    const argument = node["argument"] as Node;
    if (above.at(-1)?.type === "ObjectExpression" || this.#isLeftAlone(argument)) return;
    const site = this.#site(argument, above);
    if (site === undefined) return;
    this.#code.appendRight(argument.start, "$r.i(");
    this.#code.prependLeft(argument.end, `, ${site})`);
  }

  #cellOf(identifier: Node): string | undefined {
    const binding = this.#roles.bindings.get(identifier);
    if (binding === undefined) return undefined;
    // The defaults of parameters do not see what the function's body declares.
    const body = binding.kind === "param" ? this.#bodyOf(binding.scope.node) : undefined;
    return body !== undefined && identifier.start < body.start ? undefined : this.#cells.get(binding);
  }

  /** True if the properties of a value are ignored. */
  #isLeftAlone(object: Node): boolean {
    const inner = unwrapped(object);
    if (inner.type === "Identifier") {
      const kind = this.#roles.bindings.get(inner)?.kind;
      return kind === "namespace" || this.#isHostName(inner);
    }
    // Of `a?.b.c` only the first part counts: the rest may not be evaluated at all.
    if (hasOptionalLink(object)) return true;
    return /^(?:Super|MetaProperty|Literal|TemplateLiteral|ObjectExpression|ArrayExpression|FunctionExpression|ArrowFunctionExpression|ClassExpression|NewExpression|ImportExpression)$/.test(
      inner.type,
    );
  }

  #isHostName(identifier: Node): boolean {
    return !this.#roles.bindings.has(identifier) && hosts.has(identifier["name"] as string);
  }

  /**
   * True if an expression may be written twice: it has no effects, and nothing changes its value
   * meanwhile.
   */
  #isStable(node: Node): boolean {
    if (node.type === "ThisExpression") return true;
    if (node.type === "Literal") return node["regex"] === undefined;
    if (node.type !== "Identifier") return false;
    const binding = this.#roles.bindings.get(node);
    return (
      binding === undefined ||
      (!binding.isWritten && binding.kind !== "head") ||
      (binding.kind === "head" && !binding.isWritten)
    );
  }

  /** The function whose body can hold additional variables. */
  #spareHome(above: readonly Node[]): Node | undefined {
    for (let i = above.length - 1; i >= 0; i--) {
      const node = above[i] as Node;
      if (/^(?:StaticBlock|PropertyDefinition|AccessorProperty)$/.test(node.type)) return undefined;
      if (node.type === "Program") return node;
      if (!isFunction(node)) continue;
      const body = this.#bodyOf(node);
      // The body cannot hold variables for the defaults of the function's parameters.
      return body !== undefined && above.includes(body) ? body : undefined;
    }
    return undefined;
  }

  #bracketOf(object: Node, property: Node): number {
    return this.#source.lastIndexOf("[", property.start - 1) >= object.end
      ? this.#source.indexOf("[", object.end)
      : property.start - 1;
  }

  /**
   * Separates a statement that begins with this node from the line before it, since it now begins
   * with a parenthesis.
   */
  #separate(node: Node, above: readonly Node[]): void {
    let statement: number | undefined;
    for (let i = above.length - 1; i >= 0; i--) {
      if ((above[i] as Node).start !== node.start) break;
      if ((above[i] as Node).type === "ExpressionStatement") statement = i;
    }
    if (statement === undefined || this.#separated.has(node.start)) return;
    const list = above[statement - 1]?.type ?? "";
    if (!/^(?:Program|BlockStatement|FunctionBody|SwitchCase|StaticBlock)$/.test(list)) return;
    this.#separated.add(node.start);
    this.#code.appendLeft(node.start, ";");
  }

  /** The number of a new probe, as an expression; `undefined` on a line that is ignored. */
  #site(node: Node, above: readonly Node[]): string | undefined {
    let low = 0;
    for (let high = this.#lineStarts.length; high - low > 1;) {
      const middle = (low + high) >> 1;
      if ((this.#lineStarts[middle] as number) <= node.start) low = middle;
      else high = middle;
    }
    if (this.#ignored.has(low + 1)) return undefined;
    this.#places.push(low + 1, node.start - (this.#lineStarts[low] as number) + 1, functionName(above));
    return `$b + ${this.#places.length / 3 - 1}`;
  }
}

/** The position at which the statements of a body begin, after its directives. */
function startOf(body: Node): number {
  const statements = body["body"] as Node[];
  let at = body.type === "Program" ? 0 : body.start + 1;
  const hashbang = body["hashbang"] as Node | null | undefined;
  if (hashbang !== null && hashbang !== undefined) at = hashbang.end;
  for (const statement of statements) {
    if (typeof statement["directive"] !== "string") break;
    at = statement.end;
  }
  // A hashbang ends with its line.
  return hashbang !== null && hashbang !== undefined && at === hashbang.end ? at + 1 : at;
}

/** True if a value was made directly before. */
function isCall({ type }: Node): boolean {
  return /^(?:CallExpression|ChainExpression|ImportExpression|NewExpression|TaggedTemplateExpression)$/.test(type);
}

/** True if the result of a call may be a promise that somebody awaits later. */
function isKept(call: Node, parent: Node): boolean {
  if (/^(?:ExpressionStatement|AwaitExpression|ChainExpression|ForOfStatement)$/.test(parent.type)) return false;
  return (call["callee"] as Node).type !== "Super" && !hasOptionalLink(call);
}

function isAnonymous(node: Node): boolean {
  const inner = unwrapped(node);
  return (
    inner.type === "ArrowFunctionExpression" ||
    (/^(?:Function|Class)Expression$/.test(inner.type) && (inner["id"] === null || inner["id"] === undefined))
  );
}

function isCalleeOf(parent: Node, node: Node): boolean {
  return (
    (/^(?:Call|New)Expression$/.test(parent.type) && parent["callee"] === node) ||
    (parent.type === "TaggedTemplateExpression" && parent["tag"] === node)
  );
}

/** True if a chain has a `?.` before its end. */
function hasOptionalLink(node: Node): boolean {
  if (node.type === "MemberExpression") return node["optional"] === true || hasOptionalLink(node["object"] as Node);
  if (node.type === "CallExpression") return node["optional"] === true || hasOptionalLink(node["callee"] as Node);
  return node.type === "TSNonNullExpression" && hasOptionalLink(node["expression"] as Node);
}

/** The number that is the only argument of a call, as `-1` in `list.at(-1)`. */
function numberOf(args: readonly Node[]): number | undefined {
  const [arg] = args;
  if (args.length !== 1 || arg === undefined) return undefined;
  const isNegative = arg.type === "UnaryExpression" && arg["operator"] === "-";
  const value = (isNegative ? (arg["argument"] as Node) : arg)["value"];
  return typeof value === "number" ? (isNegative ? -value : value) : undefined;
}

/** True if an argument reads no collection. */
function isSimple({ type }: Node): boolean {
  return /^(?:Identifier|Literal|FunctionExpression|ArrowFunctionExpression)$/.test(type);
}

function nameOf(property: Node): string {
  const name = property["name"] as string;
  return JSON.stringify(property.type === "PrivateIdentifier" ? `#${name}` : name);
}

/** The name of the surrounding function, in the form of stacks. */
function functionName(above: readonly Node[]): string {
  for (let i = above.length - 1; i >= 0; i--) {
    const node = above[i] as Node;
    if (node.type === "Program") return "main.main";
    if (!isFunction(node)) continue;
    const id = node["id"] as Node | null;
    if (id !== null && id !== undefined) return id["name"] as string;
    const parent = above[i - 1] as Node;
    if (parent.type === "VariableDeclarator")
      return ((parent["id"] as Node)["name"] as string | undefined) ?? "main.func1";
    if (/^(?:MethodDefinition|PropertyDefinition|Property)$/.test(parent.type)) {
      return ((parent["key"] as Node)["name"] as string | undefined) ?? "main.func1";
    }
    return "main.func1";
  }
  return "main.main";
}
