// A loop of operations that never wait never lets other code run: not the timers, and not the
// goroutine it waits for.
import type { Rule } from "eslint";
import { callOf, isFunction } from "../known.ts";

const NEVER_WAIT = new Set(["trySend", "tryRecv", "tryLock", "tryRLock", "tryAcquire"]);
type Loop = "WhileStatement" | "DoWhileStatement" | "ForStatement";

export const busyLoop: Rule.RuleModule = {
  meta: {
    type: "problem",
    docs: { description: "Require an await in loops of operations that never wait" },
    messages: {
      busy: "a loop of {{method}} without an await lets nobody else run. Write `await gosched()` in it, or wait with select",
    },
    schema: [],
  },
  create: (context) => {
    /** The loops around a node, the innermost last. A function hides the loops outside of it. */
    const loops: { readonly node: Rule.Node; method: string | undefined; awaits: boolean }[] = [];
    const enter = (node: Rule.Node): void => void loops.push({ node, method: undefined, awaits: false });
    const leave = (node: Rule.Node): void => {
      const loop = loops.pop();
      if (loop === undefined || isFunction(node)) return;
      const outer = loops.at(-1);
      if (outer !== undefined) {
        outer.awaits ||= loop.awaits;
        outer.method ??= loop.method;
      }
      if (loop.method !== undefined && !loop.awaits && mayGoOnForEver(loop.node)) {
        context.report({ node, messageId: "busy", data: { method: loop.method } });
      }
    };
    const waits = (): void => {
      const loop = loops.at(-1);
      if (loop !== undefined) loop.awaits = true;
    };
    return {
      ":function": enter,
      ":function:exit": leave,
      WhileStatement: enter,
      "WhileStatement:exit": leave,
      DoWhileStatement: enter,
      "DoWhileStatement:exit": leave,
      ForStatement: enter,
      "ForStatement:exit": leave,
      AwaitExpression: waits,
      YieldExpression: waits,
      ForOfStatement(node) {
        if (node.await) waits();
      },
      CallExpression(node) {
        const call = callOf(context, node);
        const loop = loops.at(-1);
        if (loop === undefined || call === undefined || !NEVER_WAIT.has(call.method)) return;
        // `while (ch.trySend(v))` ends by itself, since nobody makes room meanwhile. But a receive
        // from a closed channel is ready for ever.
        if (call.method !== "tryRecv" && (loop.node as { test?: unknown }).test === node) return;
        loop.method ??= call.method;
      },
    };
  },
};

/**
 * True if a loop may never end. A loop that counts, as `for (let i = 0; …; i++)`, ends by itself.
 */
function mayGoOnForEver(node: Rule.Node): boolean {
  return (node.type as Loop) !== "ForStatement" || (node as { update?: unknown }).update === null;
}
