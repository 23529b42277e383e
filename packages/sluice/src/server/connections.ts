// Connections at shutdown. `http.Server.close()` waits for every connection, also for those that
// browsers open ahead and never use, and for those whose request never comes to its end of headers.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Watches a server's connections, from before it listens.
 *
 * @returns a function that ends them: at once if no request is being answered, else after the
 *   answer; later ones are refused
 */
export function trackConnections(server: Server): () => void {
  /** The number of requests that are being answered on each. */
  const open = new Map<Socket, number>();
  let ending = false;

  server.on("connection", (socket: Socket) => {
    if (ending) socket.destroy();
    open.set(socket, 0);
    socket.once("close", () => open.delete(socket));
  });
  server.on("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    open.set(socket, (open.get(socket) ?? 0) + 1);
    response.once("close", () => {
      const left = (open.get(socket) ?? 1) - 1;
      if (open.has(socket)) open.set(socket, left);
      if (ending && left === 0) socket.destroySoon();
    });
  });
  return () => {
    ending = true;
    for (const [socket, requests] of open) if (requests === 0) socket.destroy();
  };
}
