// If an operation is not awaited, it has not happened yet when the next line runs, and its failure
// is a panic.
import type { Rule } from "eslint";
import { callOf, importedName, type Kind } from "../known.ts";

const WAITS: Readonly<Record<Kind, ReadonlySet<string>>> = {
  channel: new Set(["send", "recv", "recvOk"]),
  WaitGroup: new Set(["wait"]),
  Mutex: new Set(["lock"]),
  RWMutex: new Set(["lock", "rLock"]),
  Group: new Set(["go", "wait", "do"]),
  Weighted: new Set(["acquire"]),
  Cond: new Set(["wait"]),
  Once: new Set(["do"]),
  Breaker: new Set(["run"]),
  KeyedLimiter: new Set(["wait"]),
  Limiter: new Set(["wait"]),
  Pool: new Set(["go", "wait", "settled"]),
  Topic: new Set(["publish"]),
};
const FUNCTIONS = new Set([
  "select",
  "gosched",
  "sleep",
  "main",
  "forEach",
  "reduce",
  "serve",
  "write",
  "retry",
  "hedge",
  "heal",
]);

export const awaitedOperation: Rule.RuleModule = {
  meta: {
    type: "problem",
    docs: { description: "Require an await for operations that wait" },
    messages: {
      floating: "{{call}} is not awaited: the next line runs before it is done. Write `await {{call}}(…)`",
      lockOfPromise: "`using` needs the lock, not the promise of it. Write: using {{name}} = await {{call}}()",
    },
    schema: [],
  },
  create: (context) => {
    const nameOf = (node: Rule.Node): string | undefined => {
      if (node.type !== "CallExpression") return undefined;
      const call = callOf(context, node);
      if (call !== undefined) return WAITS[call.kind].has(call.method) ? `${call.object}.${call.method}` : undefined;
      const name = importedName(context, node.callee);
      return name !== undefined && FUNCTIONS.has(name) ? name : undefined;
    };
    return {
      ExpressionStatement(node) {
        const call = nameOf(node.expression as Rule.Node);
        if (call !== undefined) context.report({ node, messageId: "floating", data: { call } });
      },
      VariableDeclarator(node) {
        const { parent, init, id } = node;
        if (parent.type !== "VariableDeclaration" || !/using/.test(parent.kind)) return;
        if (init?.type !== "CallExpression" || id.type !== "Identifier") return;
        const call = nameOf(init as Rule.Node);
        if (call !== undefined) context.report({ node, messageId: "lockOfPromise", data: { call, name: id.name } });
      },
    };
  },
};
