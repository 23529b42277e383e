import { once } from "node:events";
import { Agent, createServer, get, type IncomingMessage } from "node:http";
import { connect, createServer as createTcp, type AddressInfo, type Server, type Socket } from "node:net";
import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { background, Canceled, DeadlineExceeded, withCancel } from "./context.ts";
import { go, gosched } from "./index.ts";
import { connections, lines, LineTooLongError, requests, serve, StreamClosedError, write } from "./net.ts";
import { generate } from "./patterns/index.ts";
import { expectNoLeaks } from "./test/quiet.ts";

expectNoLeaks();

const ctx = background();

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await gosched();
}

async function bodyOf(port: number): Promise<[status: number | undefined, body: string]> {
  const request = get({ port, host: "127.0.0.1", agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let body = "";
  for await (const part of response.setEncoding("utf8")) body += part as string;
  return [response.statusCode, body];
}

describe("serve", () => {
  it("blocks until its context is done, then waits for the requests under way and refuses new ones", async () => {
    const [c, cancel] = withCancel(ctx);
    const held = Promise.withResolvers<() => void>();
    const server = createServer((_, response) => held.resolve(() => response.end("late")));
    let over = false;
    const listening = Promise.withResolvers<void>();
    const served = serve(c, server, { host: "127.0.0.1", onListening: listening.resolve }).then(() => (over = true));
    await listening.promise;
    const { port } = server.address() as AddressInfo;
    const answer = bodyOf(port);
    const respond = await held.promise;
    cancel();
    await settle();
    expect(over).toBe(false);
    await expect(bodyOf(port)).rejects.toThrow("ECONNREFUSED");
    respond();
    expect(await answer).toEqual([200, "late"]);
    await served;
    expect(server.listening).toBe(false);
    expect(server.listenerCount("connection")).toBeLessThanOrEqual(1);
  });

  it("does not wait for a connection that its client keeps alive after the last response", async () => {
    const [c, cancel] = withCancel(ctx);
    const held = Promise.withResolvers<() => void>();
    const server = createServer((_, response) => held.resolve(() => response.end("late")));
    const port = await listen(server);
    const served = serve(c, server, { grace: 60_000 });
    const agent = new Agent({ keepAlive: true });
    const request = get({ port, host: "127.0.0.1", agent });
    const respond = await held.promise;
    cancel();
    await settle();
    respond();
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.resume();
    await served; // long before the grace is over
    agent.destroy();
  });

  it("ends although a connection from before it was called stays open", async () => {
    const [c, cancel] = withCancel(ctx);
    const accepted: Socket[] = [];
    const server = createTcp((socket) => void accepted.push(socket));
    const client = connect(await listen(server), "127.0.0.1");
    await once(server, "connection");
    const served = serve(c, server, { grace: 1 }).catch((error: unknown) => error);
    cancel();
    expect(await served).toBe(DeadlineExceeded);
    client.destroy();
    for (const socket of accepted) socket.destroy();
  });

  it("cuts what is left when the grace is over, and says so", async () => {
    const [c, cancel] = withCancel(ctx);
    const server = createTcp(() => undefined);
    const port = await listen(server);
    const served = serve(c, server, { grace: 20 }).catch((error: unknown) => error);
    const client = connect(port, "127.0.0.1");
    client.on("error", () => undefined);
    await once(server, "connection");
    cancel();
    expect(await served).toBe(DeadlineExceeded);
    if (!client.closed) await once(client, "close");
  });

  it("rejects with the server's error, and resolves if somebody else closes the server", async () => {
    const first = createTcp();
    const port = await listen(first);
    await expect(serve(ctx, createTcp(), { port, host: "127.0.0.1" })).rejects.toThrow("EADDRINUSE");
    const served = serve(ctx, first);
    await settle();
    first.close();
    await served;
    const [c, cancel] = withCancel(ctx);
    cancel();
    await expect(serve(c, first)).rejects.toBe(Canceled);
    expect(() => serve(ctx, first, { grace: -1 })).toThrow("serve: grace must be at least 0, got -1");
  });
});

describe("connections", () => {
  it("gives each connection; lines and write talk to it until it ends", async () => {
    const server = createTcp({ allowHalfOpen: true });
    const port = await listen(server);
    const accepted = connections(ctx, server);
    go(async () => {
      for await (const socket of accepted) {
        go(async () => {
          for await (const line of lines(ctx, socket)) await write(ctx, socket, `${line.toUpperCase()}\n`);
          socket.end();
        });
      }
    });
    const client = connect(port, "127.0.0.1");
    client.end("one\r\ntwo\nlast without an end");
    let got = "";
    for await (const part of client.setEncoding("utf8")) got += part as string;
    expect(got).toBe("ONE\nTWO\nLAST WITHOUT AN END\n");
    server.close();
    await once(server, "close");
    await settle();
  });

  it("destroys those that nobody takes", async () => {
    const server = createTcp();
    const port = await listen(server);
    const [c, cancel] = withCancel(ctx);
    const accepted = connections(c, server, { backlog: 1 });
    const clients: Socket[] = [];
    for (let i = 0; i < 2; i++) {
      const client = connect(port, "127.0.0.1");
      client.on("error", () => undefined);
      clients.push(client);
      await once(server, "connection");
    }
    if (!clients[1]!.closed) await once(clients[1]!, "close");
    expect(clients[0]!.closed).toBe(false);
    cancel();
    if (!clients[0]!.closed) await once(clients[0]!, "close");
    expect(await accepted.recvOk()).toEqual([undefined, false]);
    expect(server.listenerCount("connection")).toBe(0);
    server.close();
  });
});

describe("requests", () => {
  it("gives each request with its response, and answers 503 where nobody takes it", async () => {
    const server = createServer();
    const port = await listen(server);
    const [c, cancel] = withCancel(ctx);
    const taken = requests(c, server, { backlog: 1 });
    const first = bodyOf(port);
    const exchange = await taken.recv();
    exchange?.response.end(`hello ${exchange.request.method}`);
    expect(await first).toEqual([200, "hello GET"]);
    const waiting = bodyOf(port);
    await once(server, "request");
    expect(await bodyOf(port)).toEqual([503, ""]);
    cancel();
    expect(await waiting).toEqual([503, ""]);
    server.close();
    await once(server, "close");
  });

  it("ends with the server, and fails with it", async () => {
    const server = createServer();
    await listen(server);
    const taken = requests(ctx, server);
    server.emit("error", new Error("no more files"));
    await expect(taken.recv()).rejects.toThrow("no more files");
    const again = requests(ctx, server);
    server.close();
    expect(await again.recvOk()).toEqual([undefined, false]);
  });
});

describe("lines", () => {
  it("are the same however the bytes are cut", async () => {
    const text = "first\r\nзвезда\n\n日本語 🎈\nlast";
    const bytes = new TextEncoder().encode(text);
    for (let size = 1; size <= bytes.length; size++) {
      const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      const got: string[] = [];
      for await (const line of lines(ctx, Readable.from(parts))) got.push(line);
      expect(got).toEqual(["first", "звезда", "", "日本語 🎈", "last"]);
    }
  });

  it("refuse a line without an end before it fills the memory", async () => {
    const endless = generate(
      ctx,
      (function* () {
        for (;;) yield "x".repeat(100);
      })(),
    );
    const error = await lines(ctx, endless, { longest: 1000 })
      .recv()
      .catch((error: unknown) => error);
    expect(error).toBeInstanceOf(LineTooLongError);
    expect(error).toMatchObject({ code: "line_too_long", message: "lines: a line is longer than 1000 characters" });
  });

  it.each(["\n", "\r\n", ""])("count the characters of a line without its end %j", async (end) => {
    const read = (length: number): Promise<string | undefined> =>
      lines(ctx, generate(ctx, ["x".repeat(length), end]), { longest: 10 }).recv();
    expect(await read(10)).toBe("x".repeat(10));
    await expect(read(11)).rejects.toThrow("lines: a line is longer than 10 characters");
  });

  it("destroy a stream that is silent when their context ends", async () => {
    const stream = new PassThrough();
    const [c, cancel] = withCancel(ctx);
    const out = lines(c, stream);
    stream.write("one\ntw");
    expect(await out.recv()).toBe("one");
    cancel();
    expect(await out.recvOk()).toEqual([undefined, false]);
    expect(stream.destroyed).toBe(true);
  });
});

describe("write", () => {
  it("waits while the reader is slow, however many write at once", async () => {
    const stream = new PassThrough({ highWaterMark: 4 });
    let written = 0;
    for (let i = 0; i < 20; i++) go(() => write(ctx, stream, "12345678").then(() => written++));
    await settle();
    expect(written).toBe(0);
    expect(stream.listenerCount("drain")).toBe(1);
    stream.resume();
    await expect.poll(() => written).toBe(20);
    expect(stream.listenerCount("drain")).toBe(0);
    stream.destroy();
  });

  it("waits again when the stream is full again", async () => {
    const stream = new PassThrough({ highWaterMark: 4 });
    for (const text of ["12345678", "abcdefgh"]) {
      let isWritten = false;
      const writing = write(ctx, stream, text).then(() => (isWritten = true));
      await settle();
      expect(isWritten).toBe(false);
      expect(String(stream.read())).toBe(text);
      await writing;
    }
    stream.destroy();
  });

  it("ends with the stream, with its error, and with its context", async () => {
    const full = (): PassThrough => {
      const stream = new PassThrough({ highWaterMark: 1 });
      stream.on("error", () => undefined);
      return stream;
    };
    const closing = full();
    const first = write(ctx, closing, "12345678").catch((error: unknown) => error);
    closing.destroy();
    expect(await first).toBeInstanceOf(StreamClosedError);
    await expect(write(ctx, closing, "x")).rejects.toMatchObject({ code: "stream_closed" });

    const failing = full();
    const second = write(ctx, failing, "12345678").catch((error: unknown) => error);
    failing.destroy(new Error("ECONNRESET"));
    expect(await second).toMatchObject({ message: "ECONNRESET" });

    const [c, cancel] = withCancel(ctx);
    const stuck = full();
    const third = write(c, stuck, "12345678").catch((error: unknown) => error);
    await settle();
    cancel();
    expect(await third).toBe(Canceled);
    await expect(write(c, stuck, "x")).rejects.toBe(Canceled);
    stuck.destroy();
  });
});
