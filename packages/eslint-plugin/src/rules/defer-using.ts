// `defer` makes an object for `using`. Without `using` the function is never called.
import type { Rule } from "eslint";
import { importedName } from "../known.ts";

export const deferUsing: Rule.RuleModule = {
  meta: {
    type: "problem",
    docs: { description: "Require `using` for what defer gives" },
    messages: {
      unused: "defer needs `using`, or its function is never called. Write: using _ = defer(…);",
      plain: "defer needs `using`, or its function is never called. Write `using` for `{{kind}}`",
    },
    schema: [],
  },
  create: (context) => ({
    CallExpression(node) {
      if (importedName(context, node.callee) !== "defer") return;
      const { parent } = node;
      if (parent.type === "ExpressionStatement") context.report({ node, messageId: "unused" });
      if (parent.type !== "VariableDeclarator" || parent.id.type !== "Identifier") return;
      const declaration = (parent as Rule.Node).parent as Rule.Node;
      if (declaration.type !== "VariableDeclaration" || /using/.test(declaration.kind)) return;
      const used = context.sourceCode
        .getDeclaredVariables(parent)
        .some((variable) => variable.references.some((reference) => reference.isRead()));
      if (!used) context.report({ node, messageId: "plain", data: { kind: declaration.kind } });
    },
  }),
};
