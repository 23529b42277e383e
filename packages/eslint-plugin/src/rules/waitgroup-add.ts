// Go's vet check waitgroup: `wait` may be over before a goroutine that adds itself has begun.
import type { Rule } from "eslint";
import type { CallExpression, MemberExpression } from "estree";
import { callOf, functionsAround, importedName, variableOf } from "../known.ts";

export const waitgroupAdd: Rule.RuleModule = {
  meta: {
    type: "problem",
    docs: { description: "Forbid WaitGroup.add inside the goroutine that it counts" },
    messages: {
      inside:
        "WaitGroup.Add called from inside new goroutine. Call {{object}}.add(1) before go(…), or write {{object}}.go(…), which counts by itself",
    },
    schema: [],
  },
  create: (context) => ({
    CallExpression(node) {
      const call = callOf(context, node);
      if (call?.kind !== "WaitGroup" || call.method !== "add") return;
      const [around] = functionsAround(node);
      const { parent } = around ?? {};
      if (parent?.type !== "CallExpression" || parent.arguments[0] !== around) return;
      if (importedName(context, parent.callee) !== "go") return;
      if (isMadeIn(around as Rule.Node, context, node)) return;
      context.report({ node, messageId: "inside", data: { object: call.object } });
    },
  }),
};

/** True if the WaitGroup on which it calls a method is a variable of the function. */
function isMadeIn(fn: Rule.Node, context: Rule.RuleContext, { callee }: CallExpression): boolean {
  const { object } = callee as MemberExpression;
  let scope = object.type === "Identifier" ? (variableOf(context, object)?.scope ?? null) : null;
  while (scope !== null && scope.block !== fn) scope = scope.upper;
  return scope !== null;
}
