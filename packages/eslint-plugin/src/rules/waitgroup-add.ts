// Go's vet check waitgroup: `wait` may be over before a goroutine that adds itself has begun.
import type { Rule } from "eslint";
import { callOf, functionsAround, importedName } from "../known.ts";

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
      context.report({ node, messageId: "inside", data: { object: call.object } });
    },
  }),
};
