// If an operation is not awaited, it has not happened yet when the next line runs, and its failure
// is a panic. An operation of a fiber does nothing at all without `yield*`, and so does a case of a
// select outside of the select.
import type { Rule } from "eslint";
import type { Expression } from "estree";
import { callOf, imported, type Kind } from "../known.ts";

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

/** The functions of /fiber that need a `yield*`. */
const FIBER = new Set([
  "recv",
  "recvOk",
  "send",
  "select",
  "lock",
  "rLock",
  "wait",
  "acquire",
  "sleep",
  "gosched",
  "until",
  "fail",
  "endWith",
]);
const CASES = new Set(["recv", "send"]);

/** How an operation is carried out. */
type Manner = "await" | "yield*" | "case";

export const awaitedOperation: Rule.RuleModule = {
  meta: {
    type: "problem",
    docs: { description: "Require an await for operations that wait" },
    messages: {
      await: "{{call}} is not awaited: the next line runs before it is done. Write `await {{call}}(…)`",
      "yield*": "{{call}} does nothing without `yield*`. Write `yield* {{call}}(…)`",
      case: "{{call}} makes a case for select, and does nothing else. Write `await ch.{{call}}(…)`",
      lockOfPromise: "`using` needs the lock, not the promise of it. Write: using {{name}} = await {{call}}()",
      lockOfFiber: "`using` needs the lock. Write: using {{name}} = yield* {{call}}(…)",
    },
    schema: [],
  },
  create: (context) => {
    const operation = (node: Expression): { readonly call: string; readonly manner: Manner } | undefined => {
      if (node.type !== "CallExpression") return undefined;
      const member = callOf(context, node);
      if (member !== undefined) {
        const call = `${member.object}.${member.method}`;
        return WAITS[member.kind].has(member.method) ? { call, manner: "await" } : undefined;
      }
      const { name, entry } = imported(context, node.callee) ?? {};
      if (name === undefined) return undefined;
      const call = context.sourceCode.getText(node.callee);
      if (entry?.endsWith("/fiber")) return FIBER.has(name) ? { call, manner: "yield*" } : undefined;
      if (FUNCTIONS.has(name)) return { call, manner: "await" };
      return CASES.has(name) ? { call, manner: "case" } : undefined;
    };
    return {
      ExpressionStatement({ expression }) {
        for (const node of valuesOf(expression)) {
          const isAwaited = node.type === "AwaitExpression" || (node.type === "YieldExpression" && !node.delegate);
          const found = operation(isAwaited ? (node.argument as Expression) : node);
          if (found === undefined || (isAwaited && found.manner === "await")) continue;
          context.report({ node, messageId: found.manner, data: { call: found.call } });
        }
      },
      VariableDeclarator(node) {
        const { parent, init, id } = node;
        if (parent.type !== "VariableDeclaration" || !/using/.test(parent.kind)) return;
        if (init?.type !== "CallExpression" || id.type !== "Identifier") return;
        const found = operation(init);
        if (found === undefined) return;
        const messageId = found.manner === "yield*" ? "lockOfFiber" : "lockOfPromise";
        context.report({ node, messageId, data: { call: found.call, name: id.name } });
      },
    };
  },
};

/** The expressions whose value an expression may have: `a && b` may be b, `a ? b : c` b or c. */
function valuesOf(node: Expression): Expression[] {
  if (node.type === "ChainExpression") return valuesOf(node.expression);
  if (node.type === "LogicalExpression") return valuesOf(node.right);
  if (node.type === "ConditionalExpression") return [...valuesOf(node.consequent), ...valuesOf(node.alternate)];
  return node.type === "SequenceExpression" ? node.expressions.flatMap(valuesOf) : [node];
}
