// A batch of e-mails: a few connections to the server send all of them, and each one's end is
// reported.
//
//   node --conditions=source examples/mail.ts
import type { AddressInfo } from "node:net";
import type { RecvChan } from "@sluice/go";
import { main } from "@sluice/go";
import { background, type Context } from "@sluice/go/context";
import { generate, workerPool } from "@sluice/go/patterns";
import { exponential, permanent, retry } from "@sluice/go/retry";
import { createTransport } from "nodemailer";
import { SMTPServer } from "smtp-server";

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** What became of a mail. */
export interface Report {
  readonly mail: Mail;
  readonly attempts: number;
  /** `undefined` if the server has taken it. */
  readonly error: Error | undefined;
}

/**
 * Sends one mail. Rejects with an error that has the server's `responseCode`, if it is the server
 * that refused.
 */
export type Send = (mail: Mail) => Promise<unknown>;

/**
 * Sends all mails, `workers` at a time, and reports each as soon as it is done. "Try again later"
 * (4xx) and a lost connection are tried up to three times, a refusal for good (5xx) once.
 */
export function sendAll(
  ctx: Context,
  mails: RecvChan<Mail>,
  send: Send,
  workers: number,
  pause = 100,
): RecvChan<Report> {
  return workerPool(
    ctx,
    mails,
    async (mail, ctx) => {
      let attempts = 0;
      const attempt = async (): Promise<void> => {
        attempts++;
        await send(mail).catch((error: Error & { responseCode?: number }) => {
          throw (error.responseCode ?? 0) >= 500 ? permanent(error) : error;
        });
      };
      try {
        await retry(ctx, attempt, { attempts: 3, backoff: exponential({ initial: pause }) });
        return { mail, attempts, error: undefined };
      } catch (error) {
        ctx.signal.throwIfAborted(); // nobody waits for the reports any more
        return { mail, attempts, error: error as Error };
      }
    },
    { workers },
  );
}

/**
 * A mail server in this process: it refuses those who are gone, and lets those who are busy wait
 * once.
 */
export class PostOffice {
  readonly inboxes = new Map<string, string[]>();
  /** The most mails that were under way at the same time. */
  busiest = 0;
  readonly #server: SMTPServer;
  readonly #seen = new Set<string>();

  constructor() {
    let underWay = 0;
    this.#server = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS"],
      onRcptTo: ({ address }, _, done) => {
        const first = !this.#seen.has(address);
        this.#seen.add(address);
        if (address.startsWith("gone")) done(refusal(550, "no such mailbox"));
        else if (address.startsWith("busy") && first) done(refusal(451, "try again later"));
        else done();
      },
      onData: (stream, { envelope }, done) => {
        this.busiest = Math.max(this.busiest, ++underWay);
        let mail = "";
        stream.on("data", (part: Buffer) => (mail += part.toString()));
        stream.on("end", () => {
          for (const { address } of envelope.rcptTo) {
            this.inboxes.set(address, [...(this.inboxes.get(address) ?? []), mail]);
          }
          underWay--;
          done();
        });
      },
    });
  }

  /** Listens on a free port, and resolves to it. */
  async open(): Promise<number> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    return (this.#server.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(resolve);
    });
  }
}

function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

/**
 * A way to send over at most `connections` connections, which stay open from one mail to the next.
 */
export function sender(port: number, connections: number): { readonly send: Send } & Disposable {
  const transport = createTransport({ host: "127.0.0.1", port, pool: true, maxConnections: connections });
  return {
    send: (mail) => transport.sendMail({ from: "shop@example.org", ...mail }),
    [Symbol.dispose]: () => transport.close(),
  };
}

export function* sample(count: number): Generator<Mail> {
  for (let i = 1; i <= count; i++) {
    const who = i % 10 === 0 ? "gone" : i % 7 === 0 ? "busy" : "customer";
    yield { to: `${who}-${i}@example.org`, subject: `Order ${i}`, text: "It is on its way." };
  }
}

if (import.meta.main) {
  await main(async () => {
    const ctx = background();
    const office = new PostOffice();
    const mailer = sender(await office.open(), 4);
    for await (const { mail, attempts, error } of sendAll(ctx, generate(ctx, sample(30)), mailer.send, 4)) {
      console.log(
        `${mail.to}: ${error === undefined ? "sent" : error.message}${attempts > 1 ? ` (attempt ${attempts})` : ""}`,
      );
    }
    mailer[Symbol.dispose]();
    await office.close();
    console.log(`${office.inboxes.size} inboxes have mail`);
  });
}
