// A TCP proxy in front of a server, to break connections at a chosen moment.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Cuts every connection, and refuses new ones. */
  cut(): void;
}

/** Passes connections on to a server, and cuts all of them once so many bytes have gone to it. */
export async function startProxy(to: URL, bytesBeforeCut: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let sent = 0;
  const cut = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((client) => {
    const upstream = connect(Number(to.port || 5432), to.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (data) => {
      sent += data.length;
      if (sent > bytesBeforeCut) cut();
      else upstream.write(data);
    });
    upstream.on("data", (data) => client.write(data));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    [Symbol.asyncDispose]: () => {
      cut();
      return Promise.resolve();
    },
  };
}
