// @sluice/go/net: servers, connections and lines for use in goroutines (Node, Deno, Bun).
//
// This file does not open sockets: the servers and streams are Node's own, or look like them. It
// adds three things. A wait ends with its context. A slow peer holds back the writer. And at the
// end every accepted connection or request is dealt with.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { RecvChan } from "./chan.ts";
import { type Context, DeadlineExceeded } from "./context.ts";
import { Channel } from "./internal/channel.ts";
import { restoreAfter } from "./internal/sched.ts";
import { generate } from "./patterns/generate.ts";
import { Stage, stage } from "./patterns/stage.ts";
import { recv, select, timeout } from "./select.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- as Node's own types have it, which these must fit
type Listener = (...args: any[]) => void;

/**
 * The parts of a server that these functions need: those of `node:net`, `node:http`, `node:https`,
 * `node:http2`.
 */
export interface Server {
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
  listen(port: number, host?: string): unknown;
  close(done?: (error?: Error) => void): unknown;
  readonly listening: boolean;
  readonly closeIdleConnections?: () => void;
  readonly closeAllConnections?: () => void;
}

/** The parts of a writable stream that these functions need. */
export interface Writable {
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
  write(data: string | Uint8Array): boolean;
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
}

/** The address of {@link serve} and its wait at the end. Every option may be omitted. */
export interface ServeOptions {
  /** The port to listen on if the server does not listen yet; a free port by default. */
  readonly port?: number | undefined;
  /** The address; by default the server's default. */
  readonly host?: string | undefined;
  /** Milliseconds for the connections to end by themselves after ctx is done; 10,000 by default. */
  readonly grace?: number | undefined;
  /** Called when the server listens. */
  readonly onListening?: (() => void) | undefined;
}

/**
 * Runs a server until ctx is done, and then until its connections have ended: Go's `ListenAndServe`
 * and `Shutdown` in one.
 *
 * Blocks. When ctx is done it accepts nothing more, closes idle connections, and waits for the
 * others. Connections that are still open after the grace are cut, and it rejects with
 * `DeadlineExceeded`. Connections that a server of `node:net` accepted before this call are not
 * known here: it waits for them, but does not cut them. Rejects with the server's error, such as
 * EADDRINUSE, and with `ctx.err()` if ctx is done before it begins. Resolves if other code closes
 * the server.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { background, withTimeout } from "@sluice/go/context";
 * import { serve } from "@sluice/go/net";
 *
 * const server = createServer((_, response) => response.end("hello"));
 * const [ctx, cancel] = withTimeout(background(), 50); // or notify("SIGINT", "SIGTERM")
 * using _ = cancel;
 * await serve(ctx, server);
 * server.listening; // => false
 * ```
 */
export function serve(ctx: Context, server: Server, options: ServeOptions = {}): Promise<void> {
  const { grace = 10_000 } = options;
  if (!(grace >= 0)) throw new RangeError(`serve: grace must be at least 0, got ${grace}`);
  return restoreAfter(run(ctx, server, grace, options));
}

async function run(ctx: Context, server: Server, grace: number, options: ServeOptions): Promise<void> {
  const err = ctx.err();
  if (err !== undefined) throw err;
  const open = new Set<Socket>();
  const closed = new Channel<never>(0);
  const listeners: [string, Listener][] = [
    ["connection", (socket: Socket) => track(open, socket)],
    ["secureConnection", (socket: Socket) => track(open, socket)],
    ["error", (error: Error) => void (closed.closed || closed.fail(error))],
    ["close", () => void (closed.closed || closed.close())],
    ["listening", () => options.onListening?.()],
  ];
  for (const [event, listener] of listeners) server.on(event, listener);
  try {
    if (server.listening) options.onListening?.();
    else server.listen(options.port ?? 0, options.host);
    await select([recv(closed), recv(ctx.done())]);
    if (closed.closed) return;
    server.close();
    if (await endsWithin(grace, server, closed)) return;
    for (const socket of open) socket.destroy();
    server.closeAllConnections?.();
    await select([recv(closed), timeout(UNKNOWN_MS)]);
    throw DeadlineExceeded;
  } finally {
    for (const [event, listener] of listeners) server.off(event, listener);
  }
}

/**
 * The time that a server may wait for connections that it accepted before `serve` was called: they
 * are not known here.
 */
const UNKNOWN_MS = 1000;

/**
 * True if the server closes within this number of milliseconds. A connection that is kept alive
 * becomes idle after its response, and no event tells that. So, as in Go's Shutdown, this function
 * looks for idle connections again and again.
 */
async function endsWithin(grace: number, server: Server, closed: RecvChan<never>): Promise<boolean> {
  let pause = 1;
  for (let left = grace; ; left -= pause, pause = Math.min(500, 2 * pause)) {
    server.closeIdleConnections?.();
    const c = await select([recv(closed), timeout(Math.min(left, pause))]);
    if (c.case === 0) return true;
    if (left <= pause) return false;
  }
}

function track(open: Set<Socket>, socket: Socket): void {
  open.add(socket);
  socket.on("close", () => open.delete(socket));
}

/** The number of items that may wait to be received; 1,024 by default. */
export interface Backlog {
  readonly backlog?: number | undefined;
}

/** A request that a server has received, and the response to it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * The connections that a server accepts, from now on. (Make the server with `allowHalfOpen: true`
 * to answer data that a client sent before it ended its side, as a connection in Go allows.) A
 * connection that comes while the backlog is full is destroyed. Connections that wait are destroyed
 * when ctx is done or the reader leaves. An error of the server ends the channel.
 */
export function connections(ctx: Context, server: Server, { backlog = 1024 }: Backlog = {}): RecvChan<Socket> {
  return accepted<Socket>(ctx, server, "connections", "connection", backlog, (socket) => socket, destroy);
}

/**
 * The requests that a server receives, from now on. A request that comes while the backlog is full
 * gets status 503. Requests that wait get it when ctx is done or the reader leaves. An error of the
 * server ends the channel.
 */
export function requests(ctx: Context, server: Server, { backlog = 1024 }: Backlog = {}): RecvChan<Exchange> {
  const pair = (request: IncomingMessage, response: ServerResponse): Exchange => ({ request, response });
  return accepted<Exchange>(ctx, server, "requests", "request", backlog, pair, refuse);
}

function accepted<T>(
  ctx: Context,
  server: Server,
  name: string,
  event: string,
  capacity: number,
  // oxlint-disable-next-line typescript/no-explicit-any -- the arguments of that event
  made: (...args: any[]) => T,
  unwanted: (item: T) => void,
): RecvChan<T> {
  const ended = new Channel<never>(0);
  const { output, ctx: listening } = new Stage<T>(ctx, [], { name, capacity }, async (s) => {
    try {
      await s.next(ended);
    } finally {
      if (s.ctx.err() !== undefined) while (output.count > 0) unwanted(output.recvNow() as T);
    }
  });
  const accept = (...args: unknown[]): void => {
    const item = made(...args);
    if (!output.trySend(item)) unwanted(item);
  };
  const failed = (error: Error): void => void (ended.closed || ended.fail(error));
  const over = (): void => void (ended.closed || ended.close());
  const { signal } = listening;
  if (signal.aborted) return output;
  const listeners: [string, Listener][] = [
    [event, accept],
    ["error", failed],
    ["close", over],
  ];
  for (const [type, listener] of listeners) server.on(type, listener);
  signal.addEventListener(
    "abort",
    () => {
      for (const [type, listener] of listeners) server.off(type, listener);
    },
    { once: true },
  );
  return output;
}

function destroy(socket: Socket): void {
  socket.destroy();
}

function refuse({ response }: Exchange): void {
  response.statusCode = 503;
  response.setHeader("connection", "close");
  response.end();
}

/** The options of {@link lines}. Every option may be omitted. */
export interface LineOptions {
  /** A label of the Encoding Standard; `utf-8` by default. */
  readonly encoding?: string | undefined;
  /**
   * The most characters of a line without its end, 1,048,576 by default. If a peer sends more, that
   * is an error.
   */
  readonly longest?: number | undefined;
}

/** The error with which {@link lines} rejects at a line that is longer than allowed. */
export class LineTooLongError extends Error {
  override readonly name = "LineTooLongError";
  readonly code = "line_too_long";
}

/**
 * The lines of a stream of bytes or texts, without their ends (LF or CR LF). A last line without an
 * end counts as a line. The stream is read as its lines are received. It is destroyed when ctx is
 * done or the reader leaves.
 */
export function lines(
  ctx: Context,
  stream: AsyncIterable<Uint8Array | string> | ReadableStream<Uint8Array | string>,
  { encoding = "utf-8", longest = 1_048_576 }: LineOptions = {},
): RecvChan<string> {
  const decoder = new TextDecoder(encoding);
  const parts = generate<Uint8Array | string>(ctx, stream);
  return stage<string>(ctx, [parts], { name: "lines" }, async (s) => {
    let rest = "";
    const emit = async (raw: string): Promise<void> => {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line.length > longest) throw tooLong(longest);
      await s.emit(line);
    };
    for (;;) {
      const [part, ok] = await s.next(parts);
      const text = ok ? (typeof part === "string" ? part : decoder.decode(part, { stream: true })) : decoder.decode();
      let from = 0;
      for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
        await emit(rest + text.slice(from, at));
        rest = "";
        from = at + 1;
      }
      rest += text.slice(from);
      // The last character may be the CR of the line's end.
      if (rest.length > longest + 1) throw tooLong(longest);
      if (!ok) break;
    }
    if (rest !== "") await emit(rest);
  });
}

function tooLong(longest: number): LineTooLongError {
  return new LineTooLongError(`lines: a line is longer than ${longest} characters`);
}

/** The error with which {@link write} rejects if the stream is closed, or closes while it waits. */
export class StreamClosedError extends Error {
  override readonly name = "StreamClosedError";
  readonly code = "stream_closed";

  constructor() {
    super("write: the stream is closed");
  }
}

/**
 * Writes to a stream; waits while its buffer is full, as Go's `Write` does. Rejects with the
 * stream's error, with a {@link StreamClosedError}, or with `ctx.err()` if ctx is done first: the
 * data may have been written then.
 */
export function write(ctx: Context, stream: Writable, data: string | Uint8Array): Promise<void> {
  return restoreAfter(send(ctx, stream, data));
}

async function send(ctx: Context, stream: Writable, data: string | Uint8Array): Promise<void> {
  const err = ctx.err();
  if (err !== undefined) throw err;
  if (stream.destroyed || stream.writableEnded) throw new StreamClosedError();
  if (stream.write(data)) return;
  const c = await select([recv(roomIn(stream)), recv(ctx.done())]);
  if (c.case === 1) throw ctx.err() as Error;
}

/**
 * For each stream whose buffer is full: a channel that closes when the buffer has space again. All
 * waiting writers share one listener.
 */
const full = new WeakMap<Writable, Channel<never>>();

function roomIn(stream: Writable): RecvChan<never> {
  let room = full.get(stream);
  if (room !== undefined) return room;
  room = new Channel<never>(0);
  full.set(stream, room);
  const end = (error?: Error): void => {
    for (const [event, listener] of listeners) stream.off(event, listener);
    full.delete(stream);
    if (error === undefined) room.close();
    else room.fail(error);
  };
  const listeners: [string, Listener][] = [
    ["drain", () => end()],
    ["error", (error: Error) => end(error)],
    ["close", () => end(new StreamClosedError())],
  ];
  for (const [event, listener] of listeners) stream.on(event, listener);
  return room;
}
