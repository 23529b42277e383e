// An operation that is passed on without its object has lost the object when it is called.
import type { Rule } from "eslint";
import { type Kind, kindOf, memberOf } from "../known.ts";

const METHODS: Readonly<Record<Kind, ReadonlySet<string>>> = {
  channel: new Set(["send", "trySend", "recv", "recvOk", "tryRecv", "close"]),
  WaitGroup: new Set(["add", "done", "wait", "go"]),
  Mutex: new Set(["lock", "tryLock", "unlock"]),
  RWMutex: new Set(["lock", "tryLock", "unlock", "rLock", "tryRLock", "rUnlock"]),
  Group: new Set(["go", "tryGo", "wait", "do", "doChan", "forget"]),
  Weighted: new Set(["acquire", "tryAcquire", "release"]),
  Cond: new Set(["wait", "signal", "broadcast"]),
  Once: new Set(["do"]),
  Breaker: new Set(["run"]),
  KeyedLimiter: new Set(["allow", "reserve", "wait"]),
  Limiter: new Set(["allow", "reserve", "wait"]),
  Pool: new Set(["get", "put", "go", "wait", "settled"]),
  Topic: new Set(["publish", "subscribe", "close"]),
};
/** The operations that take a value. */
const TAKES_VALUE = new Set(["send", "trySend", "add", "go", "tryGo", "do", "run", "publish", "put"]);

export const detachedOperation: Rule.RuleModule = {
  meta: {
    type: "problem",
    docs: { description: "Forbid operations without their object" },
    messages: {
      detached: "{{object}}.{{method}} loses its object here. Pass ({{value}}) => {{object}}.{{method}}({{value}})",
    },
    schema: [],
  },
  create: (context) => ({
    VariableDeclarator({ id, init }) {
      if (id.type !== "ObjectPattern" || init === null || init === undefined) return;
      const kind = kindOf(context, init);
      if (kind === undefined) return;
      for (const property of id.properties) {
        const method = property.type === "Property" && property.key.type === "Identifier" ? property.key.name : "";
        if (!METHODS[kind].has(method)) continue;
        const value = TAKES_VALUE.has(method) ? "v" : "";
        const object = context.sourceCode.getText(init);
        context.report({ node: property, messageId: "detached", data: { object, method, value } });
      }
    },
    MemberExpression(node) {
      const { parent } = node;
      const passedOn =
        (parent.type === "CallExpression" && parent.callee !== node) ||
        (parent.type === "NewExpression" && parent.callee !== node) ||
        (parent.type === "VariableDeclarator" && parent.init === node) ||
        (parent.type === "Property" && parent.value === node) ||
        parent.type === "ArrayExpression" ||
        parent.type === "ReturnStatement";
      if (!passedOn) return;
      const member = memberOf(context, node);
      if (member === undefined || !METHODS[member.kind].has(member.method)) return;
      const value = TAKES_VALUE.has(member.method) ? "v" : "";
      context.report({ node, messageId: "detached", data: { ...member, value } });
    },
  }),
};
