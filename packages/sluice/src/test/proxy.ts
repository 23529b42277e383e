// A TCP proxy in front of a server, to break connections at a chosen moment.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/**
 * What happens: `cut`: every connection is closed, and new ones are refused. `drop`: every
 * connection is closed, new ones pass. `hole`: nothing passes on the connections that there are,
 * and nobody is told; new ones pass. `answer`: the next COMMIT reaches the server, and its
 * connection is closed instead of the answer.
 */
export type Trouble = "cut" | "drop" | "hole" | "answer";

export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Bytes that have gone to the server. */
  readonly sent: number;
  /** How often there was trouble that it made by itself. */
  readonly made: number;
  make(trouble: Trouble): void;
  /**
   * Parts the network: a `hole`, and new connections get no answer either, until it is disposed.
   * What it has swallowed stays so.
   */
  part(): Disposable;
}

/**
 * Passes connections on to a server, and makes trouble once so many bytes have gone to it.
 *
 * @param again after so many more bytes there is trouble once more; undefined if there is to be
 *   none
 */
export async function startProxy(
  to: URL,
  bytes: number,
  trouble: Trouble = "cut",
  again: () => number | undefined = () => undefined,
): Promise<Proxy> {
  const sockets = new Set<Socket>();
  /** Those that a hole has swallowed. */
  const holes = new WeakSet<Socket>();
  /** Those whose next answer is not passed on. */
  const unanswered = new WeakSet<Socket>();
  let sent = 0;
  let made = 0;
  let next: number | undefined = bytes;
  let awaitingCommit = false;
  let isApart = false;
  const make = (what: Trouble): void => {
    if (what === "answer") {
      awaitingCommit = true;
      return;
    }
    if (what === "cut") server.close();
    for (const socket of sockets) {
      if (what === "hole") holes.add(socket);
      else socket.destroy();
    }
  };
  const server = createServer((client) => {
    const upstream = connect(Number(to.port || 5432), to.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      if (isApart) holes.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        if (holes.has(socket)) return;
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (data) => {
      sent += data.length;
      if (next !== undefined && sent > next) {
        const more = again();
        next = more === undefined ? undefined : sent + more;
        if (trouble !== "answer") made++;
        make(trouble);
      }
      if (awaitingCommit && /sluice\.commit_rows|commit/i.test(data.toString("latin1"))) {
        awaitingCommit = false;
        made++;
        unanswered.add(upstream);
      }
      if (!holes.has(client) && !upstream.destroyed) upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (unanswered.has(upstream)) client.destroy();
      else if (!holes.has(upstream)) client.write(data);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get sent() {
      return sent;
    },
    get made() {
      return made;
    },
    make,
    part: () => {
      make("hole");
      isApart = true;
      return { [Symbol.dispose]: () => void (isApart = false) };
    },
    [Symbol.asyncDispose]: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      return Promise.resolve();
    },
  };
}
