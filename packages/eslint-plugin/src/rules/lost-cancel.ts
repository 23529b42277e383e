// Go's vet check lostcancel: if a context's cancel function is discarded, the context lives until
// its parent ends or its deadline passes. A deadline keeps the program alive.
import type { Rule } from "eslint";
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
      unused: "the {{cancel}} function is not used on all paths (possible context leak). Write: using _ = {{cancel}};",
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
        context.report({ node: cancel, messageId: "unused", data: { cancel: cancel.name } });
      }
    },
    ExpressionStatement({ expression }) {
      if (expression.type !== "CallExpression") return;
      const name = importedName(context, expression.callee);
      const maker = name === undefined ? undefined : MAKERS.get(name);
      if (name !== undefined && maker !== undefined) {
        context.report({ node: expression, messageId: "discarded", data: { maker, name } });
      }
    },
  }),
};
