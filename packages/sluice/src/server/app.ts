// The HTTP service: its routes, the callers that it takes, and the way in which it closes.
//
// A client that hangs up does not stop its import. `close()` stops it, after the chunks in flight.
// Then the client of an upload is told what is in, and the same file continues from there. An
// import of the API continues by itself when the next server starts.
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import multipart from "@fastify/multipart";
import { afterFunc } from "@sluice/go/context";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { apiRoutes } from "./api/api.ts";
import { describeRoutes } from "./api/openapi.ts";
import { readAssets, type Asset } from "./assets.ts";
import { trackConnections } from "./connections.ts";
import { answerElsewhere, createFail, isApiPath, pathOf, type Telling } from "./failing.ts";
import { describeReason, HttpFailure } from "./failure.ts";
import { expectUnambiguous, SECURITY_HEADERS, type Guard } from "./guard.ts";
import { createProbe } from "./health.ts";
import { Imports } from "./importing.ts";
import type { ServerOptions } from "./options.ts";
import { apiOf, makeService } from "./service.ts";
import { uploadRoutes } from "./upload-routes.ts";

export type { ServerOptions };

const HALTED =
  "The server was stopped at once. What was imported by then is in the table; send the same file again when the server is back: it goes on from there.";
/**
 * A request that is not complete so long after its time for an upload is cut off by the HTTP server
 * itself.
 */
const MARGIN_MS = 60_000;

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};

/**
 * Makes the service; `listen()` starts it, `close()` stops imports after their chunks in flight,
 * and resolves when they have ended.
 *
 * @throws SluiceError (`upload_folder`) if uploads cannot be kept, (`bad_pattern`, `bad_limit`,
 *   `bad_token`) for options that make
 * no sense
 */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const service = await makeService(options);
  const { target, limits, telling, clientOf, allowed, reading, rooms, room, scratch, ctx, jobs, kept } = service;
  const assets = await readAssets();
  const running = new Set<Promise<unknown>>();
  const halted = Promise.withResolvers<never>();
  halted.promise.catch(() => undefined);
  const unhalt = options.halt && afterFunc(options.halt, () => halted.reject(new HttpFailure(503, HALTED)));

  const fail = createFail(telling);
  const app = newApp(limits.uploadSeconds, checkOf(service.guard, options.userHeader), fail);
  const endConnections = trackConnections(app.server);
  await app.register(multipart, { throwFileSizeLimit: false });
  await describeRoutes(app, version);
  let closing = false;
  app.addHook("onSend", async (_request, reply) => {
    if (closing) void reply.header("connection", "close");
  });
  answerElsewhere(app, fail);
  await app.register(async (routes) => {
    const imports = new Imports(target, allowed, rooms, reading);
    const place = { folder: scratch, room, limits };
    uploadRoutes(routes, { imports, place, ctx, halted: halted.promise, running, clientOf, ...telling });
    healthRoute(routes, createProbe(target), telling);
    for (const asset of assets)
      routes.get(asset.path, { schema: { hide: true } }, (request, reply) => sendAsset(request, reply, asset));
  });
  await app.register(async (routes) =>
    apiRoutes(routes, apiOf(service, version), service.metrics, options.pprof === true),
  );

  const restored = await jobs.restore();
  if (restored > 0)
    telling.log(`goes on with ${restored} ${restored === 1 ? "import" : "imports"} of the server before`);
  app.addHook("preClose", async () => {
    closing = true;
    service.stop();
    endConnections();
  });
  app.addHook("onClose", async () => {
    await Promise.allSettled(running);
    unhalt?.();
    await jobs.close();
    await service.fleet?.[Symbol.asyncDispose]();
    await kept[Symbol.asyncDispose]();
    await rm(scratch, { recursive: true, force: true });
  });
  return app;
}

/** The framework, with what holds for all of its routes. */
function newApp(
  uploadSeconds: number,
  check: (request: FastifyRequest) => void,
  fail: ReturnType<typeof createFail>,
): FastifyInstance {
  const app = fastify({
    logger: false,
    // A parameter that a route does not know is refused, not dropped.
    ajv: { customOptions: { removeAdditional: false } },
    requestTimeout: Math.min(uploadSeconds * 1000 + MARGIN_MS, 2 ** 31 - 1),
    // These requests come by no hook.
    frameworkErrors: (error, request, reply) => {
      void reply.headers(SECURITY_HEADERS);
      let refusal: unknown = error;
      try {
        check(request);
      } catch (unwanted) {
        refusal = unwanted;
      }
      fail(request, reply, refusal);
    },
  });
  // The API reads forms and JSON, and all else reads forms.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers(SECURITY_HEADERS);
    check(request);
  });
  app.setErrorHandler((error, request, reply) => fail(request, reply, error));
  return app;
}

/** The check of a request before anything else is done for it. @throws HttpFailure */
function checkOf(guard: Guard, userHeader: string | undefined): (request: FastifyRequest) => void {
  return (request) => {
    expectUnambiguous(request.raw, userHeader);
    const path = pathOf(request);
    guard(request.method, request.headers, isApiPath(path) && path !== "/openapi.json");
  };
}

function healthRoute(app: FastifyInstance, probe: () => Promise<void>, { hidePlaces }: Telling): void {
  app.get("/health", async (_request, reply) => {
    void reply.header("cache-control", "no-store");
    try {
      await probe();
      return { status: "healthy" };
    } catch (error) {
      return await reply.code(503).send({ status: "unhealthy", error: hidePlaces(describeReason(error)) });
    }
  });
}

function sendAsset(request: FastifyRequest, reply: FastifyReply, asset: Asset): FastifyReply {
  void reply.headers({ etag: asset.etag, "cache-control": "no-cache", "content-type": asset.type });
  if (request.headers["if-none-match"] === asset.etag) return reply.code(304).send();
  return reply.send(asset.body);
}
