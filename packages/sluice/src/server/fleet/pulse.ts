// What a worker tells those who look after it: GET /health, GET /ready and GET /metrics. It takes
// nothing, and says nothing of imports.
//
// `/health` is whether the process does anything at all: a database that is away is not healed by
// starting workers again. `/ready` is whether it takes work.
import type { Context } from "@sluice/go/context";
import fastify from "fastify";
import type { Registry } from "prom-client";
import type { Target } from "../../target.ts";
import { describeReason, withoutPlaces } from "../failure.ts";
import { createGuard, SECURITY_HEADERS } from "../guard.ts";
import { createProbe } from "../health.ts";
import { listenError } from "../listen-error.ts";
import type { FleetDatabase } from "./database.ts";

export interface Pulse extends AsyncDisposable {
  /** undefined without a port. */
  readonly url: string | undefined;
}

export interface PulseParts {
  readonly metrics: Registry;
  readonly target: Target;
  readonly database: Pick<FleetDatabase, "query">;
}

/**
 * Listens, if a port is given, until disposed.
 *
 * @param ctx when it ends, the worker is not ready any more
 * @throws SluiceError (`cannot_listen`)
 */
export async function servePulse(
  ctx: Context,
  { port, host }: { readonly port?: number | undefined; readonly host: string },
  { metrics, target, database }: PulseParts,
): Promise<Pulse> {
  if (port === undefined) return { url: undefined, [Symbol.asyncDispose]: async () => undefined };
  const app = fastify({ logger: false });
  const guard = createGuard({ host, token: undefined, origins: [] });
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers({ ...SECURITY_HEADERS, "cache-control": "no-store" });
    try {
      guard(request.method, request.headers);
    } catch (error) {
      return await reply.code(403).send({ error: describeReason(error) });
    }
    return undefined;
  });
  app.get("/health", async () => ({ status: "healthy" }));
  const probe = createProbe(target);
  app.get("/ready", async (_request, reply) => {
    try {
      if (ctx.err() !== undefined) throw new Error("it is stopping");
      await probe();
      await database.query("select 1");
      return { status: "ready" };
    } catch (error) {
      const reason = withoutPlaces(describeReason(error), target.name);
      return await reply.code(503).send({ status: "not ready", error: reason });
    }
  });
  app.get("/metrics", async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()));
  try {
    await app.listen({ host, port });
  } catch (error) {
    throw listenError(error, host, port);
  }
  const address = app.server.address();
  const actual = typeof address === "object" && address ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actual}`,
    [Symbol.asyncDispose]: () => app.close(),
  };
}
