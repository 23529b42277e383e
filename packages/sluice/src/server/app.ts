// The HTTP service: routes, who may call them, and what is true when it closes.
//
// A client that hangs up does not stop its import. `close()` does, after the chunks in flight: the client is told what is in, and
// the same file goes on from there. An upload is gone from the disk when its import has ended, however it ended.
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { Readable } from "node:stream";
import { afterFunc, background, withCancel, type Context } from "@sluice/go/context";
import multipart from "@fastify/multipart";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { usageError } from "../errors.ts";
import { inOneLine } from "../printable.ts";
import type { Formats } from "../reject-source.ts";
import type { Target } from "../targets/target.ts";
import {
  DEFAULT_MAX_FILE_BYTES,
  DEFAULT_MAX_IMPORTS,
  DEFAULT_MAX_UPLOADS,
  DEFAULT_SILENCE_SECONDS,
  DEFAULT_UPLOAD_SECONDS,
  defaultUploadBytes,
  type UploadLimits,
} from "../upload-limits.ts";
import { AllowedTables } from "./allowed.ts";
import { readAssets, type Asset } from "./assets.ts";
import { describeReason, HttpFailure, toFailure, withoutAddresses } from "./failure.ts";
import { trackConnections } from "./connections.ts";
import { createGuard, SECURITY_HEADERS } from "./guard.ts";
import { createProbe } from "./health.ts";
import { Imports, parseWish, type Wish } from "./importing.ts";
import { drain, receiveUpload } from "./upload.ts";
import { makeUploadFolder, removeLeftFolders } from "./upload-folder.ts";
import { UploadRoom } from "./upload-room.ts";

/** How a service is set up. */
export interface ServerOptions {
  /** Where rows go. The service uses it and leaves it open. */
  readonly target: Target;
  /** The address that {@link createServer}'s caller will listen on, which decides who may call; `127.0.0.1` unless told. */
  readonly host?: string;
  /** The largest file taken; 512 MiB unless told. */
  readonly maxFileBytes?: number;
  /** How many uploads may be on the disk: on their way, waiting, or being imported; 1,000 unless told. More get 503. */
  readonly maxUploads?: number;
  /** How many bytes all of them may have; 4 GiB unless told, or twice `maxFileBytes` if that is more. More get 503. */
  readonly maxUploadBytes?: number;
  /** How long one upload may take to arrive; 3,600 unless told. One that takes longer gets 408. */
  readonly uploadSeconds?: number;
  /** How long it may stand still on its way; 60 unless told. */
  readonly silenceSeconds?: number;
  /**
   * The folder in which a private one for uploads is made; the system's temporary folder unless told. What a server that was killed left
   * there is removed.
   */
  readonly uploadDir?: string;
  /** Asked of every upload as `Authorization: Bearer …`; nothing is asked unless told. */
  readonly token?: string;
  /** Other origins whose pages may upload, and by whose host names this server may be called. */
  readonly origins?: readonly string[];
  /** `"streaming"` takes no file that a library would have to read, such as `.xls`; all unless told. */
  readonly formats?: Formats;
  /** How many imports run at the same time; 4 unless told. The others wait. One more is of a file that a library reads. */
  readonly maxImports?: number;
  /** When it is done, those who wait for an import are answered at once, and the import is left to itself. */
  readonly halt?: Context;
  /**
   * Tables that callers may write to: `table` (of the search path) or `schema.table`, `*` for any characters. Without any: `businesses`,
   * and tables that imports through a server made.
   */
  readonly allow?: readonly string[];
  /** Called with one line for every import and every failure of ours. It never holds a token, a password or an address. */
  readonly log?: (line: string) => void;
}

export const DEFAULT_HOST = "127.0.0.1";
const HALTED =
  "The server was stopped at once. What was imported by then is in the table; send the same file again when the server is back: it goes on from there.";
/** A request that is not complete so long after its time for an upload is cut off by the HTTP server itself. */
const MARGIN_MS = 60_000;

/**
 * Makes the service; `listen()` starts it, `close()` stops imports after their chunks in flight, and resolves when they have ended.
 *
 * @throws SluiceError (`upload_folder`) where uploads cannot be kept, (`bad_pattern`, `bad_limit`) for options that make no sense
 */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const { target } = options;
  const limits = limitsOf(options);
  // Names and texts of others stand in these lines: none of them can begin a line of its own.
  const log = (line: string): void => options.log?.(inOneLine(line));
  const guard = createGuard({
    host: options.host ?? DEFAULT_HOST,
    token: options.token,
    origins: options.origins ?? [],
  });
  const probe = createProbe(target);
  const allowed = new AllowedTables(target, options.allow);
  const imports = new Imports(target, allowed, options.maxImports ?? DEFAULT_MAX_IMPORTS, options.formats);
  const hide = (text: string): string => withoutAddresses(text, target.name);
  const assets = await readAssets();
  const parent = options.uploadDir ?? tmpdir();
  for (const name of await removeLeftFolders(parent)) log(`removed the uploads of a server that was killed: ${name}`);
  const folder = await makeUploadFolder(parent);
  const place = { folder, room: new UploadRoom(limits), limits };
  const running = new Set<Promise<unknown>>();
  let closing = false;
  const [ctx, stop] = withCancel(background());
  const halted = Promise.withResolvers<never>();
  halted.promise.catch(() => undefined);
  const unhalt = options.halt && afterFunc(options.halt, () => halted.reject(new HttpFailure(503, HALTED)));

  const upload = async (request: FastifyRequest): Promise<unknown> => {
    let wish: Wish | undefined;
    await using received = await receiveUpload(request, place, async () => {
      wish = parseWish(request.query as Record<string, unknown>);
      await imports.admit(wish);
    });
    const name = JSON.stringify(received.fileName);
    try {
      const { answer, before } = await imports.run(ctx, received, wish!);
      const { stats } = answer;
      log(
        `${name} → ${answer.table}: ${stats.success_count} of ${stats.total_records} rows in ${stats.duration} (${answer.method})${before ? ", which was before: nothing was put in again" : ""}`,
      );
      return answer;
    } catch (error) {
      const failure = toFailure(error);
      if (failure.status < 500 || error instanceof HttpFailure) log(`${name}: ${hide(failure.message)}`);
      throw error;
    }
  };

  /** Answers with a failure at once, and ends the answer when the client has stopped sending. */
  const fail = (request: FastifyRequest, reply: FastifyReply, error: unknown): FastifyReply => {
    const failure = toFailure(error);
    if (failure.status >= 500 && !(error instanceof HttpFailure))
      log(`${request.method} ${request.routeOptions.url ?? ""}: ${hide(describeReason(error))}`);
    const body = JSON.stringify({ error: hide(failure.message), code: failure.code });
    void reply
      .code(failure.status)
      .headers(failure.headers)
      .header("content-type", "application/json; charset=utf-8")
      .header("cache-control", "no-store");
    if (request.raw.readableEnded || request.method === "HEAD") return reply.send(body);
    void reply.header("content-length", Buffer.byteLength(body));
    return reply.send(Readable.from(bodyThenRest(body, request), { objectMode: false }));
  };

  const app = fastify({
    logger: false,
    requestTimeout: Math.min(limits.uploadSeconds * 1000 + MARGIN_MS, 2 ** 31 - 1),
    // These requests come by no hook.
    frameworkErrors: (error, request, reply) => {
      void reply.headers(SECURITY_HEADERS);
      let refusal: unknown = error;
      try {
        guard(request.method, request.headers);
      } catch (unwanted) {
        refusal = unwanted;
      }
      fail(request, reply, refusal);
    },
  });
  const endConnections = trackConnections(app.server);
  // No body but a form is ever read.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  await app.register(multipart, { throwFileSizeLimit: false });

  app.addHook("onRequest", async (request, reply) => {
    void reply.headers(SECURITY_HEADERS);
    guard(request.method, request.headers);
  });
  app.addHook("onSend", async (_request, reply) => {
    if (closing) void reply.header("connection", "close");
  });
  app.setErrorHandler((error, request, reply) => fail(request, reply, error));

  const methods = new Map<string, string>([
    ["/upload", "POST"],
    ["/health", "GET, HEAD"],
    ...assets.map((asset): [string, string] => [asset.path, "GET, HEAD"]),
  ]);
  app.setNotFoundHandler((request, reply) => {
    const allow = methods.get(request.url.replace(/\?.*$/s, ""));
    const failure =
      allow === undefined
        ? new HttpFailure(404, "Not found")
        : new HttpFailure(405, `Method not allowed. Use: ${allow}`, { allow });
    return fail(request, reply, failure);
  });

  app.post("/upload", async (request, reply) => {
    void reply.header("cache-control", "no-store");
    const answer = upload(request);
    running.add(answer);
    try {
      return await Promise.race([answer, halted.promise]);
    } finally {
      void answer.catch(() => undefined).finally(() => running.delete(answer));
    }
  });

  app.get("/health", async (_request, reply) => {
    void reply.header("cache-control", "no-store");
    try {
      await probe();
      return { status: "healthy" };
    } catch (error) {
      return await reply.code(503).send({ status: "unhealthy", error: hide(describeReason(error)) });
    }
  });

  for (const asset of assets) app.get(asset.path, (request, reply) => sendAsset(request, reply, asset));

  app.addHook("preClose", async () => {
    closing = true;
    stop();
    endConnections();
  });
  app.addHook("onClose", async () => {
    await Promise.allSettled(running);
    unhalt?.();
    await rm(folder, { recursive: true, force: true });
  });
  return app;
}

/** @throws SluiceError (`bad_limit`) for one that no upload could keep to */
function limitsOf(options: ServerOptions): UploadLimits {
  const { maxFileBytes = DEFAULT_MAX_FILE_BYTES } = options;
  const limits = {
    maxFileBytes,
    maxUploads: options.maxUploads ?? DEFAULT_MAX_UPLOADS,
    maxUploadBytes: options.maxUploadBytes ?? defaultUploadBytes(maxFileBytes),
    uploadSeconds: options.uploadSeconds ?? DEFAULT_UPLOAD_SECONDS,
    silenceSeconds: options.silenceSeconds ?? DEFAULT_SILENCE_SECONDS,
  };
  for (const [name, limit] of Object.entries(limits))
    if (!(limit > 0)) throw usageError("bad_limit", `${name} must be more than 0, and is ${limit}.`);
  if (limits.maxUploadBytes < maxFileBytes)
    throw usageError(
      "bad_limit",
      `all uploads together may have ${limits.maxUploadBytes} bytes, and one of them ${maxFileBytes}: give --max-upload-bytes a larger number, or --max-file-bytes a smaller one.`,
    );
  return limits;
}

async function* bodyThenRest(body: string, request: FastifyRequest): AsyncGenerator<Buffer> {
  yield Buffer.from(body);
  await drain(request.raw);
}

function sendAsset(request: FastifyRequest, reply: FastifyReply, asset: Asset): FastifyReply {
  void reply.headers({ etag: asset.etag, "cache-control": "no-cache", "content-type": asset.type });
  if (request.headers["if-none-match"] === asset.etag) return reply.code(304).send();
  return reply.send(asset.body);
}
