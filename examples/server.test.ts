import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chan, go, recv, select } from "@sluice/go";
import { background, type Context, DeadlineExceeded, withCancel } from "@sluice/go/context";
import { lines } from "@sluice/go/net";
import { describe, expect, it } from "vitest";
import { type Handler, run } from "./server.ts";

const ctx = background();

/** A server whose answers wait until they are told to come, or until their context is done. */
async function started(
  ctx: Context,
  grace: number,
): Promise<{
  readonly url: string;
  readonly begun: ReturnType<typeof chan<string>>;
  readonly answer: ReturnType<typeof chan<string>>;
  readonly ended: Promise<void>;
}> {
  const server = createServer();
  const [begun, answer, up] = [chan<string>(10), chan<string>(), chan<void>(1)];
  const handle: Handler = async (ctx, url) => {
    await begun.send(url);
    const c = await select({ told: recv(answer), done: recv(ctx.done()) });
    if (c.case === "done") throw ctx.err()!;
    return c.value ?? "";
  };
  const ended = run(ctx, server, handle, { grace, onListening: () => up.trySend() });
  ended.catch(() => undefined);
  await up.recv();
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, begun, answer, ended };
}

describe("the server", () => {
  it("finishes what has begun when it is stopped, and accepts nothing new", async () => {
    const [child, stop] = withCancel(ctx);
    const { url, begun, answer, ended } = await started(child, 60_000);
    const responses = ["/a", "/b"].map((path) => fetch(url + path).then((response) => response.text()));
    expect(new Set([await begun.recv(), await begun.recv()])).toEqual(new Set(["/a", "/b"]));
    stop();
    await expect.poll(() => fetch(url).catch(({ cause }) => cause.code)).toBe("ECONNREFUSED");
    await answer.send("first");
    await answer.send("second");
    expect((await Promise.all(responses)).sort()).toEqual(["first", "second"]);
    await ended;
  });

  it("cuts what has not ended after the grace period, and cancels its work", async () => {
    const [child, stop] = withCancel(ctx);
    const { url, begun, ended } = await started(child, 20);
    const response = fetch(url).catch((error: Error) => error);
    await begun.recv();
    stop();
    await expect(ended).rejects.toBe(DeadlineExceeded);
    expect(await response).toBeInstanceOf(Error);
  });

  it("answers 500 if its handler fails, and goes on", async () => {
    const [child, stop] = withCancel(ctx);
    const server = createServer();
    const up = chan<void>(1);
    const fails: Handler = async (_, url) => {
      if (url === "/bad") throw new Error("no such page");
      return "fine";
    };
    const ended = run(child, server, fails, { grace: 60_000, onListening: () => up.trySend() });
    await up.recv();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const bad = await fetch(`${url}/bad`);
    expect([bad.status, await bad.text(), await (await fetch(`${url}/good`)).text()]).toEqual([
      500,
      "no such page",
      "fine",
    ]);
    stop();
    await ended;
  });

  it.skipIf(process.platform === "win32")("answers, and ends with status 0, when SIGTERM comes", async () => {
    const program = ["--no-warnings", "--conditions=source", "server.ts", "0"];
    const child = spawn(process.execPath, program, { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "inherit"] });
    const closed = chan<number | null>(1);
    child.on("close", (code) => closed.trySend(code));
    const said = lines(ctx, child.stdout);
    const [url] = /http:\S+/.exec((await said.recv())!)!;
    const response = chan<string>(1);
    go(async () => response.send(await (await fetch(url.replace("250", "400"))).text()));
    await expect.poll(() => fetch(url.replace("250", "1")).then(({ status }) => status)).toBe(200);
    child.kill("SIGTERM");
    expect(await response.recv()).toBe("done after 400 ms\n");
    expect(await said.recv()).toBe("stopped, and every request was answered");
    expect(await closed.recv()).toBe(0);
    expect(await said.recvOk()).toEqual([undefined, false]);
  });
});
