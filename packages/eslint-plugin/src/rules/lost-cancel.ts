// Go's vet check lostcancel: if a context's cancel function is discarded, the context lives until
// its parent ends or its deadline passes. A deadline keeps the program alive.
import type { Rule } from "eslint";
import type { CallExpression } from "estree";
import { importedName } from "../known.ts";

const MAKERS = new Map([
  ["withCancel", "WithCancel"],
  ["withCancelCause", "WithCancelCause"],
  ["withTimeout", "WithTimeout"],
  ["withTimeoutCause", "WithTimeoutCause"],
  ["withDeadline", "WithDeadline"],
  ["withDeadlineCause", "WithDeadlineCause"],
]);

export const lostCancel: Rule.RuleModule = {
  meta: {
    type: "problem",
    docs: { description: "Require that the cancel function of a context is used" },
    messages: {
      discarded:
        "the cancel function returned by context.{{maker}} should be called, not discarded, to avoid a context leak. Write: const [ctx, cancel] = {{name}}(…); using _ = cancel;",
      unused:
        "the {{cancel}} function is not used on all paths (possible context leak). Write: using {{guard}} = {{cancel}};",
    },
    schema: [],
  },
  create: (context) => ({
    VariableDeclarator(node) {
      const { id, init } = node;
      if (init?.type !== "CallExpression") return;
      const name = importedName(context, init.callee);
      const maker = name === undefined ? undefined : MAKERS.get(name);
      if (name === undefined || maker === undefined || id.type !== "ArrayPattern") return;
      const cancel = id.elements[1];
      if (cancel === undefined || cancel === null) {
        context.report({ node, messageId: "discarded", data: { maker, name } });
        return;
      }
      if (cancel.type !== "Identifier") return;
      const variable = context.sourceCode.getDeclaredVariables(node).find((one) => one.name === cancel.name);
      if (variable?.references.some((reference) => reference.isRead()) === false) {
        const guard = cancel.name === "_" ? "_cancel" : "_";
        context.report({ node: cancel, messageId: "unused", data: { cancel: cancel.name, guard } });
      }
    },
    CallExpression(node) {
      const name = importedName(context, node.callee);
      const maker = name === undefined ? undefined : MAKERS.get(name);
      if (name !== undefined && maker !== undefined && isDropped(node)) {
        context.report({ node, messageId: "discarded", data: { maker, name } });
      }
    },
  }),
};

/** True if nobody keeps the result of a call, or only its first part: `withCancel(ctx)[0]`. */
function isDropped(node: CallExpression & Rule.NodeParentExtension): boolean {
  const { parent } = node;
  if (parent.type === "ExpressionStatement") return true;
  if (parent.type !== "MemberExpression" || parent.object !== node) return false;
  return parent.property.type === "Literal" && parent.property.value === 0;
}
