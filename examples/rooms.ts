// A chat over WebSockets: rooms exist while somebody is in them, and guests who do not listen are
// cut off.
//
//   node --conditions=source examples/rooms.ts           three guests talk, to show how
//   node --conditions=source examples/rooms.ts 8080      ws://127.0.0.1:8080/ROOM until Ctrl-C
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { go, main } from "@sluice/go";
import { type Context, notify, withCancel } from "@sluice/go/context";
import { withContext } from "@sluice/go/errgroup";
import { serve, write } from "@sluice/go/net";
import { generate } from "@sluice/go/patterns";
import { Topic } from "@sluice/go/pubsub";
import { WaitGroup } from "@sluice/go/sync";
import { createWebSocketStream, WebSocket, WebSocketServer } from "ws";

/** The rooms of a chat. */
export class Chat {
  readonly #rooms = new Map<string, Topic<string>>();
  readonly #buffer: number;
  /** The number of guests that were cut off, since they did not listen. */
  cutOff = 0;

  /** `buffer` is the number of messages that may wait for a guest. */
  constructor(buffer = 64) {
    this.#buffer = buffer;
  }

  get rooms(): number {
    return this.#rooms.size;
  }

  /** One guest, from the first message to the last. Returns when the guest has left. */
  async guest(ctx: Context, socket: WebSocket, roomName: string): Promise<void> {
    const stream = createWebSocketStream(socket, { readableObjectMode: true, decodeStrings: false });
    stream.on("error", () => undefined); // reading and writing tell of it
    const room = this.#rooms.get(roomName) ?? new Topic<string>();
    this.#rooms.set(roomName, room); // race:ignore: one step, from the look to the subscription
    const [own, leave] = withCancel(ctx);
    const [group, ending] = withContext(own);
    const cutOff = (): void => {
      this.cutOff++; // race:ignore: only counted
      leave(); // a write may be waiting for this guest
    };
    const heard = room.subscribe(ending, { buffer: this.#buffer, slow: "disconnect", onDrop: cutOff });
    await group.go(async function listen() {
      using _ = leave;
      for await (const message of generate<string>(ending, stream)) await room.publish(message);
    });
    await group.go(async function tell() {
      for await (const message of heard) await write(ending, stream, message);
    });
    await group.wait().catch(() => undefined); // however it ended, the guest has left
    socket.terminate();
    if (room.subscribers > 0 || this.#rooms.get(roomName) !== room) return;
    this.#rooms.delete(roomName); // race:ignore: one step with the look
  }
}

/** Serves a chat until ctx is done; resolves when the last guest is gone. */
export async function serveChat(
  ctx: Context,
  server: Server,
  chat: Chat,
  port = 0,
  onListening?: () => void,
): Promise<void> {
  const sockets = new WebSocketServer({ server, maxPayload: 65_536 });
  const guests = new WaitGroup();
  sockets.on("connection", (socket, request) => {
    guests.go(() => chat.guest(ctx, socket, request.url ?? "/"));
  });
  await serve(ctx, server, { port, host: "127.0.0.1", grace: 1_000, onListening });
  await guests.wait();
}

/** A guest on the other side: opens a connection, and resolves when it is open. */
export async function enter(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await once(socket, "open");
  return socket;
}

if (import.meta.main) {
  await main(async () => {
    const [interrupted, stop] = notify("SIGINT", "SIGTERM");
    using _ = stop;
    const [ctx, shutDown] = withCancel(interrupted);
    const [server, chat] = [createServer(), new Chat()];
    const talk = async (): Promise<void> => {
      using _ = shutDown;
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const [ann, bob, eve] = [await enter(`${url}/tea`), await enter(`${url}/tea`), await enter(`${url}/coffee`)];
      for (const [name, socket] of Object.entries({ ann, bob, eve })) {
        socket.on("message", (data: Buffer) => console.log(`${name} hears: ${data.toString()}`));
      }
      ann.send("ann: is anybody here?");
      await once(bob, "message");
      bob.send("bob: yes");
      await once(ann, "message");
      console.log(`${chat.rooms} rooms`);
    };
    const port = Number(process.argv[2] ?? 0);
    await serveChat(ctx, server, chat, port, () => void (port === 0 && go(talk)));
    console.log(`all have left, ${chat.rooms} rooms`);
  });
}
