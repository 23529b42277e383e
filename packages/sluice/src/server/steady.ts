// The database for answers: a statement whose connection was ended is sent once more.
//
// An import that goes on ends the connections of its earlier process, so that what they hold blocks
// nobody. They come from the same pool as those of answers, and an answer must not fail for that.
// Reading twice does no harm; whatever writes goes to the target itself.
import { describeError } from "../errors.ts";
import type { Target } from "../target.ts";

export function steady(target: Target): Target {
  const again = async <Value>(read: () => Promise<Value>): Promise<Value> => {
    try {
      return await read();
    } catch (error) {
      if (describeError(error).code !== "connection_lost") throw error;
      return await read();
    }
  };
  return {
    name: target.name,
    connections: target.connections,
    exclusive: target.exclusive,
    start: () => target.start(),
    ping: () => target.ping(),
    describe: (table) => again(() => target.describe(table)),
    storageOf: (type) => again(() => target.storageOf(type)),
    query: (sql, parameters, claim) =>
      /^\s*select\b/i.test(sql)
        ? again(() => target.query(sql, parameters, claim))
        : target.query(sql, parameters, claim),
    patiently: (run) => target.patiently(run),
    commitChunk: (chunk, rejects, claim, state) => target.commitChunk(chunk, rejects, claim, state),
    follow: (claim, chunks) => target.follow(claim, chunks),
    atomically: (claim, run) => target.atomically(claim, run),
    amend: (claim, run, ending) => target.amend(claim, run, ending),
    [Symbol.asyncDispose]: () => target[Symbol.asyncDispose](),
  };
}
