// A client of an HTTP API: a deadline for the whole call, a time limit for each attempt, retries,
// and cancellation that reaches the socket.
//
//   node --conditions=source examples/api-client.ts
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { go, main } from "@sluice/go";
import { background, type Context, DeadlineExceeded, withCancel, withTimeout } from "@sluice/go/context";
import { serve } from "@sluice/go/net";
import { exponential, permanent, retry, retryAfter } from "@sluice/go/retry";

export interface User {
  readonly id: number;
  readonly name: string;
}

/** The answer of the API when it is not a user. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: number;

  constructor(status: number, url: string) {
    super(`${url}: status ${status}`);
    this.status = status;
  }
}

export interface ClientOptions {
  /** Milliseconds of one attempt; 1,000 by default. */
  readonly attemptMs?: number;
  /** Milliseconds before the second attempt; 100 by default, and more for the next ones. */
  readonly pause?: number;
  readonly token?: string;
}

export class UsersClient {
  readonly #url: string;
  readonly #options: Required<ClientOptions>;

  constructor(url: string, options: ClientOptions = {}) {
    this.#url = url;
    this.#options = { attemptMs: 1_000, pause: 100, token: "", ...options };
  }

  /**
   * A user. Tries up to four times: 429 as the server asks for it, 5xx, a slow or a lost answer
   * after a pause. Another status is final. Rejects with `ctx.err()` itself if ctx is done first.
   */
  user(ctx: Context, id: number): Promise<User> {
    const backoff = exponential({ initial: this.#options.pause });
    return retry(ctx, (ctx) => this.#attempt(ctx, `${this.#url}/users/${id}`), { attempts: 4, backoff });
  }

  async #attempt(ctx: Context, url: string): Promise<User> {
    const [own, cancel] = withTimeout(ctx, this.#options.attemptMs);
    using _ = cancel;
    const headers = { authorization: `Bearer ${this.#options.token}`, accept: "application/json" };
    const response = await fetch(url, { headers, signal: own.signal });
    if (response.ok) return (await response.json()) as User;
    await response.body?.cancel(); // frees the connection
    const error = new StatusError(response.status, url);
    if (response.status === 429) throw retryAfter(error, 1000 * Number(response.headers.get("retry-after") ?? 1));
    throw response.status >= 500 ? error : permanent(error);
  }
}

/** An API that is in trouble: its answers by user and attempt. After `hang` it never answers. */
export function troubledApi(
  answers: Readonly<Record<string, readonly (number | "hang")[]>>,
): ReturnType<typeof createServer> {
  const asked = new Map<string, number>();
  return createServer((request, response) => {
    const id = request.url!.split("/").at(-1)!;
    const attempt = asked.get(id) ?? 0;
    asked.set(id, attempt + 1);
    const status = answers[id]?.[attempt] ?? 200;
    if (status === "hang") return;
    response.writeHead(status, { "content-type": "application/json", "retry-after": "0" });
    response.end(JSON.stringify({ id: Number(id), name: `user ${id}` }));
  });
}

if (import.meta.main) {
  await main(async () => {
    const [ctx, stop] = withCancel(background());
    const server = troubledApi({ 2: [503, 503], 3: [429], 4: [404], 5: ["hang"], 6: ["hang", "hang", "hang", "hang"] });
    const ask = async (): Promise<void> => {
      using _ = stop;
      const client = new UsersClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { attemptMs: 200 });
      for (let id = 1; id <= 6; id++) {
        const [own, cancel] = withTimeout(ctx, 700);
        using _ = cancel;
        const began = performance.now();
        const said = await client.user(own, id).then(
          ({ name }) => name,
          (error: Error) => (error === DeadlineExceeded ? "too late" : error.message.replace(/.*: /, "")),
        );
        console.log(`user ${id}: ${said}, after ${Math.round(performance.now() - began)} ms`);
      }
    };
    await serve(ctx, server, { host: "127.0.0.1", grace: 0, onListening: () => go(ask) }).catch((error) => {
      if (error !== DeadlineExceeded) throw error; // it had to cut the requests that it never answers
    });
  });
}
