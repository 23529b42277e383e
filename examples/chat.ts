// A chat over TCP: every line goes to everybody, a newcomer sees the last ten, and who is too slow
// is cut off.
//
//   node --conditions=source examples/chat.ts           two guests of its own, one of whom is deaf
//   node --conditions=source examples/chat.ts 7000      then, in other terminals:   nc 127.0.0.1 7000
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { go, main } from "@sluice/go";
import { type Context, notify, withCancel } from "@sluice/go/context";
import { withContext } from "@sluice/go/errgroup";
import { connections, lines, serve, write } from "@sluice/go/net";
import { Topic } from "@sluice/go/pubsub";

/** Runs the chat on a server until ctx is done; blocks. */
export async function chat(ctx: Context, server: Server, port: number): Promise<void> {
  const room = new Topic<string>({ replay: 10 });
  const guests = connections(ctx, server);
  go(async () => {
    let n = 0;
    for await (const socket of guests) go(() => guest(ctx, room, socket, `guest ${++n}`));
  });
  await serve(ctx, server, { port, host: "127.0.0.1", grace: 1000 });
}

/**
 * One connection: what it says goes to the room, what the room says goes to it, until either ends.
 */
async function guest(ctx: Context, room: Topic<string>, socket: Socket, name: string): Promise<void> {
  socket.on("error", () => undefined); // reading and writing tell of it
  const [own, leave] = withCancel(ctx);
  const [group, ending] = withContext(own);
  let slow = false;
  const cutOff = (): void => {
    slow = true;
    leave(); // a write may be waiting for this guest
  };
  const heard = room.subscribe(ending, { buffer: 64, slow: "disconnect", onDrop: cutOff });
  await group.go(async () => {
    using _ = leave;
    for await (const line of lines(ending, socket)) await room.publish(`${name}: ${line}`);
  });
  await group.go(async () => {
    for await (const line of heard) await write(ending, socket, `${line}\n`);
  });
  await room.publish(`${name} is here`);
  await group.wait().catch(() => undefined); // however it ended, it is over
  if (slow) socket.destroy();
  else socket.end();
  await room.publish(`${name} has left`);
}

/** Two guests: one talks until the other one, who does not listen, is cut off. */
async function sample(ctx: Context, server: Server): Promise<void> {
  if (!server.listening) await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const [talker, deaf] = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1").pause()];
  deaf.on("error", () => undefined); // it is cut off
  const long = `${"blah ".repeat(10_000)}\n`;
  let heard = 0;
  for await (const line of lines(ctx, talker)) {
    if (line.length > 80) heard++;
    else console.log(line);
    if (line.endsWith("has left")) break;
    if (line !== "guest 1 is here") talker.write(long);
  }
  console.log(`guest 1 hears itself ${heard} times. Guest 2 did not listen, and was cut off.`);
  talker.destroy();
  deaf.destroy();
}

if (import.meta.main) {
  await main(async () => {
    const [interrupted, stop] = notify("SIGINT", "SIGTERM");
    using _ = stop;
    const [ctx, end] = withCancel(interrupted);
    const server = createServer({ allowHalfOpen: true });
    const port = process.argv[2];
    if (port === undefined) {
      go(async () => {
        using _ = end;
        await sample(ctx, server);
      });
    } else server.on("listening", () => console.log(`waits for guests: nc 127.0.0.1 ${port}`));
    await chat(ctx, server, Number(port ?? 0));
  });
}
