import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chan } from "@sluice/go";
import { background, withCancel } from "@sluice/go/context";
import { forEach, generate } from "@sluice/go/patterns";
import { describe, expect, it } from "vitest";
import type { WebSocket } from "ws";
import { Chat, enter, serveChat } from "./rooms.ts";

const ctx = background();

/** Each guest is two open files of this process. Node takes as many as the system allows. */
const { userLimits } = process.report.getReport() as { userLimits?: { open_files: { hard: number | string } } };
const files = userLimits?.open_files.hard;

async function opened(chat: Chat): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const [own, cancel] = withCancel(ctx);
  const server = createServer();
  const up = chan<void>(1);
  const served = serveChat(own, server, chat, 0, () => up.trySend());
  await up.recv();
  const close = async (): Promise<void> => {
    cancel();
    await served;
  };
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

describe("the chat in rooms", () => {
  it.skipIf(typeof files === "number" && files < 11_000)(
    "tells 5,000 guests what is said in their rooms, and nothing else",
    async () => {
      const chat = new Chat();
      const { url, close } = await opened(chat);
      const guests: WebSocket[] = [];
      const heard: string[][] = [];
      let left = 5_000;
      const all = chan<never>();
      const join = async (i: number): Promise<void> => {
        const guest = await enter(`${url}/room-${i % 50}`);
        guests[i] = guest;
        heard[i] = [];
        guest.on("message", (data: Buffer) => {
          heard[i]!.push(data.toString());
          if (--left === 0) all.close();
        });
      };
      await forEach(ctx, generate(ctx, Array(5_000).keys()), join, { workers: 100 });
      await expect.poll(() => chat.rooms).toBe(50);
      for (let room = 0; room < 50; room++) guests[room]!.send(`hello from ${room}`);
      await all.recv();
      expect(heard).toEqual(Array.from({ length: 5_000 }, (_, i) => [`hello from ${i % 50}`]));
      const leave = async (guest: WebSocket): Promise<void> => {
        const gone = once(guest, "close");
        guest.close();
        await gone;
      };
      await forEach(ctx, generate(ctx, guests), leave, { workers: 100 });
      await close();
      expect([chat.rooms, chat.cutOff]).toEqual([0, 0]);
    },
  );

  it("cuts off a guest who does not listen, and goes on with the others", async () => {
    const chat = new Chat(4);
    const { url, close } = await opened(chat);
    const [loud, deaf] = [await enter(`${url}/a`), await enter(`${url}/a`)];
    const closed = once(deaf, "close");
    deaf.pause();
    const message = "x".repeat(60_000);
    while (chat.cutOff === 0) {
      loud.send(message);
      await once(loud, "message");
    }
    deaf.resume();
    await closed;
    loud.send("still here");
    expect(((await once(loud, "message"))[0] as Buffer).toString()).toBe("still here");
    const over = once(loud, "close");
    await close();
    await over;
  });

  it("ends a room when its last guest leaves", async () => {
    const chat = new Chat();
    const { url, close } = await opened(chat);
    const guest = await enter(`${url}/short`);
    await expect.poll(() => chat.rooms).toBe(1);
    guest.close();
    await expect.poll(() => chat.rooms).toBe(0);
    await close();
  });
});
