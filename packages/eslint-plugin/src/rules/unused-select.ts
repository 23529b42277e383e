// If the result of a select is not used, the code does not know which case won, and the received
// value is lost.
import type { Rule } from "eslint";
import type { CallExpression } from "estree";
import { importedName } from "../known.ts";

export const unusedSelect: Rule.RuleModule = {
  meta: {
    type: "problem",
    docs: { description: "Require that the result of a select with several cases is used" },
    messages: {
      unused:
        "the result of select is not used: which case won, and what came, is lost. Write: const c = await select(…); switch (c.case) { … }",
    },
    schema: [],
  },
  create: (context) => ({
    ExpressionStatement({ expression }) {
      const call = expression.type === "AwaitExpression" ? expression.argument : expression;
      if (call.type !== "CallExpression" || importedName(context, call.callee) !== "select") return;
      if (receives(context, call) && countOf(call) > 1) context.report({ node: expression, messageId: "unused" });
    },
  }),
};

function casesOf({ arguments: [cases] }: CallExpression): readonly unknown[] {
  if (cases?.type === "ObjectExpression") {
    return cases.properties.map((property) => (property.type === "Property" ? property.value : property));
  }
  return cases?.type === "ArrayExpression" ? cases.elements : [];
}

function countOf(call: CallExpression): number {
  return casesOf(call).length;
}

/**
 * True if the select can receive a value. A select of only sends and waits is used for its wait.
 */
function receives(context: Rule.RuleContext, call: CallExpression): boolean {
  return casesOf(call).some((one) => {
    const made = one as Rule.Node | null;
    if (made?.type !== "CallExpression" || importedName(context, made.callee) !== "recv") return false;
    const [channel] = made.arguments;
    // `ctx.done()` gives no values, only its end.
    return !(
      channel?.type === "CallExpression" &&
      channel.callee.type === "MemberExpression" &&
      channel.callee.property.type === "Identifier" &&
      channel.callee.property.name === "done"
    );
  });
}
