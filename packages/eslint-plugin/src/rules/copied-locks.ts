// Go's vet check copylocks: a spread copies the object around a lock, and both copies share the
// lock.
import type { Rule, Scope } from "eslint";
import type { Expression, ObjectExpression } from "estree";
import { importedName, type Kind, madeBy, variableOf } from "../known.ts";

const LOCKS: ReadonlySet<Kind> = new Set<Kind>(["Mutex", "RWMutex", "WaitGroup", "Cond", "Weighted"]);

export const copiedLocks: Rule.RuleModule = {
  meta: {
    type: "problem",
    docs: { description: "Forbid copies of objects that hold a lock" },
    messages: {
      copied:
        "literal copies lock value from {{name}}: {{name}} contains sync.{{kind}}. The copies share one lock; make a new object instead",
    },
    schema: [],
  },
  create: (context) => {
    const check = (node: Rule.Node, source: Expression): void => {
      if (source.type !== "Identifier") return;
      const kind = lockIn(context, variableOf(context, source)?.defs[0]);
      if (kind !== undefined) context.report({ node, messageId: "copied", data: { name: source.name, kind } });
    };
    return {
      SpreadElement(node) {
        if (node.parent.type === "ObjectExpression") check(node, node.argument);
      },
      CallExpression(node) {
        const { callee } = node;
        const isAssign =
          callee.type === "MemberExpression" &&
          callee.object.type === "Identifier" &&
          callee.object.name === "Object" &&
          callee.property.type === "Identifier" &&
          callee.property.name === "assign";
        const isClone = callee.type === "Identifier" && callee.name === "structuredClone";
        if (!isAssign && !isClone) return;
        for (const argument of isAssign ? node.arguments.slice(1) : node.arguments) {
          if (argument.type !== "SpreadElement") check(node, argument);
        }
      },
    };
  },
};

/**
 * The lock in an object with which a variable was initialised: by a literal, or by a class of the
 * same file.
 */
function lockIn(context: Rule.RuleContext, definition: Scope.Definition | undefined): Kind | undefined {
  if (definition?.type !== "Variable") return undefined;
  const { init } = definition.node;
  if (init?.type === "ObjectExpression") return lockInLiteral(context, init);
  if (init?.type !== "NewExpression" || init.callee.type !== "Identifier") return undefined;
  if (importedName(context, init.callee) !== undefined) return undefined;
  const made = variableOf(context, init.callee)?.defs[0];
  if (made?.type !== "ClassName") return undefined;
  for (const member of made.node.body.body) {
    if (member.type !== "PropertyDefinition") continue;
    const kind = madeBy(context, member.value);
    if (kind !== undefined && LOCKS.has(kind)) return kind;
  }
  return undefined;
}

function lockInLiteral(context: Rule.RuleContext, literal: ObjectExpression): Kind | undefined {
  for (const property of literal.properties) {
    if (property.type !== "Property") continue;
    const kind = madeBy(context, property.value as Expression);
    if (kind !== undefined && LOCKS.has(kind)) return kind;
  }
  return undefined;
}
