// The answers to requests that fail: the guide's shape on the guide's routes, problems on those of
// the API. Never a stack.
import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { PROBLEM_TYPE, toProblem } from "./api/problem.ts";
import { describeReason, HttpFailure, toFailure } from "./failure.ts";
import { drain } from "./upload.ts";

/** Functions that log a failure, and hide from callers what is not for them. */
export interface Telling {
  readonly log: (line: string) => void;
  /** Takes addresses of databases out of a text. */
  readonly hide: (text: string) => string;
  /** Takes out the parts of addresses too. */
  readonly hidePlaces: (text: string) => string;
}

/**
 * The paths of the API: their failures are problems, and what they tell is for those who have
 * signed in.
 */
export function isApiPath(url: string): boolean {
  return /^\/(?:about|dead-letters|imports|preview|metrics|debug|openapi\.json)(?:[/?]|$)/.test(url);
}

/**
 * The path of the route that answers a request. The address itself may write it in another way,
 * such as `/%69mports`. The address counts only if no route answers it.
 */
export function pathOf({ routeOptions, url }: FastifyRequest): string {
  return routeOptions?.url ?? url;
}

/**
 * @returns a function that answers with a failure at once, and ends the answer when the client has
 *   stopped sending
 */
export function createFail({
  log,
  hide,
  hidePlaces,
}: Telling): (request: FastifyRequest, reply: FastifyReply, error: unknown) => FastifyReply {
  return (request, reply, error) => {
    const failure = toFailure(error);
    if (failure.status >= 500 && !(error instanceof HttpFailure))
      log(`${request.method} ${request.routeOptions.url ?? ""}: ${hidePlaces(describeReason(error))}`);
    const shown = failure.status >= 500 ? hidePlaces(failure.message) : hide(failure.message);
    const isProblem = isApiPath(pathOf(request));
    const body = JSON.stringify(isProblem ? toProblem(failure, shown) : { error: shown, code: failure.code });
    void reply
      .code(failure.status)
      .headers(failure.headers)
      .header("content-type", isProblem ? PROBLEM_TYPE : "application/json; charset=utf-8")
      .header("cache-control", "no-store");
    if (request.raw.readableEnded || request.method === "HEAD") return reply.send(body);
    void reply.header("content-length", Buffer.byteLength(body));
    return reply.send(Readable.from(bodyThenRest(body, request), { objectMode: false }));
  };
}

async function* bodyThenRest(body: string, request: FastifyRequest): AsyncGenerator<Buffer> {
  yield Buffer.from(body);
  await drain(request.raw);
}

/** Answers requests that no route is for: 405 with the methods of the path, or 404. */
export function answerElsewhere(app: FastifyInstance, fail: ReturnType<typeof createFail>): void {
  const routes: { readonly path: RegExp; readonly url: string; readonly methods: Set<string> }[] = [];
  app.addHook("onRoute", ({ url, method }) => {
    const methods = [method].flat();
    const known = routes.find((route) => route.url === url);
    if (known) for (const one of methods) known.methods.add(one);
    else routes.push({ url, path: patternOf(url), methods: new Set(methods) });
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/\?.*$/s, "");
    const found = routes.find((route) => route.path.test(path));
    const allow = found && [...found.methods].join(", ");
    const failure =
      allow === undefined
        ? new HttpFailure(404, "Not found")
        : new HttpFailure(405, `Method not allowed. Use: ${allow}`, { allow });
    return fail(request, reply, failure);
  });
}

function patternOf(url: string): RegExp {
  const parts = url.split(/:\w+/).map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join("[^/]+")}$`);
}
