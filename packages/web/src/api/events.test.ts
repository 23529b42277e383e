import { expect, test } from "vitest";
import { parseEvents, type ServerEvent } from "./events.ts";

async function eventsIn(...chunks: string[]): Promise<ServerEvent[]> {
  async function* all(): AsyncGenerator<string> {
    yield* chunks;
  }
  const events: ServerEvent[] = [];
  for await (const event of parseEvents(all())) events.push(event);
  return events;
}

test("events end with a blank line, wherever the stream is cut", async () => {
  const text = 'id: 7\nevent: progress\ndata: {"a":\ndata: 1}\n\n: still here\n\ndata:x\n\n';
  const wanted = [
    { id: "7", name: "progress", data: '{"a":\n1}' },
    { id: "7", name: "message", data: "x" },
  ];
  expect(await eventsIn(text)).toEqual(wanted);
  expect(await eventsIn(...text)).toEqual(wanted);
  expect(await eventsIn(...text.replaceAll("\n", "\r\n"))).toEqual(wanted);
});

test("an event that does not end is none", async () => {
  expect(await eventsIn("data: 1\n\ndata: 2\n")).toEqual([{ id: undefined, name: "message", data: "1" }]);
});
