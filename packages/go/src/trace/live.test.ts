import { describe, expect, it } from "vitest";
import { chan, go, gosched, recv, select } from "../index.ts";
import { sleep } from "../time.ts";
import { acting, type LiveEvent, watch } from "./live.ts";

/** Resolves when that number of such events has come. */
type Until = (isThere: (event: LiveEvent) => boolean, count?: number) => Promise<void>;

const ends = ({ kind }: LiveEvent): boolean => kind === "ends";
const waitsInSend = (event: LiveEvent): boolean => event.kind === "waits" && event.state === "chan send";
const waitsInReceive = (event: LiveEvent): boolean => event.kind === "waits" && event.state === "chan receive";

/** What happens while fn runs, without times and stacks, and with numbers from the first. */
async function happenings(fn: (until: Until) => Promise<void>): Promise<string[]> {
  const events: LiveEvent[] = [];
  const stop = watch((event) => void events.push(event));
  await fn(async (isThere, count = 1) => {
    while (events.filter(isThere).length < count) await gosched();
  });
  stop();
  const made = events.flatMap((event) => (event.kind === "makes" ? [event.channel] : []));
  const names = new Map([
    [1, "main"],
    [0, "host"],
  ]);
  for (const event of events) if (event.kind === "starts") names.set(event.g, event.name);
  const channel = (n: number): string => "abc"[made.indexOf(n)] ?? "?";
  return events.map((event) => {
    const g = names.get(event.g);
    switch (event.kind) {
      case "starts":
        return `${names.get(event.by)} starts ${g}`;
      case "runs":
      case "ends":
        return `${g} ${event.kind}`;
      case "wakes":
        return `${names.get(event.by)} wakes ${g}`;
      case "waits": {
        const on = event.on.map(
          (one) => `${one.way} ${channel(one.channel)}${one.way === "send" ? ` ${String(one.value)}` : ""}`,
        );
        return `${g} waits: ${event.state}${on.length > 0 ? ` (${on.join(", ")})` : ""}`;
      }
      case "makes":
        return `${g} makes ${channel(event.channel)} of ${event.capacity}`;
      case "sends":
        return `${g} sends ${String(event.value)} into ${channel(event.channel)}${event.to === undefined ? "" : ` to ${names.get(event.to)}`}`;
      case "receives":
        return `${g} receives ${String(event.value)} from ${channel(event.channel)}${event.from === undefined ? "" : ` of ${names.get(event.from)}`}`;
      case "closes":
        return `${g} closes ${channel(event.channel)}`;
      default:
        throw new Error(`an event of an unknown kind: ${JSON.stringify(event)}`);
    }
  });
}

describe("watch", () => {
  it("tells that a sender waits if the buffer is full, and that a receiver wakes it", async () => {
    const seen = await happenings(async (until) => {
      const ch = chan<number>(1);
      go(async function sender() {
        await ch.send(1);
        await ch.send(2);
      });
      await until(waitsInSend);
      await ch.recv();
      await ch.recv();
      await until(ends);
    });
    expect(seen.slice(0, 5)).toEqual([
      "main makes a of 1",
      "main starts sender",
      "sender runs",
      "sender sends 1 into a",
      "sender waits: chan send (send a 2)",
    ]);
    const received = seen.indexOf("main receives 1 from a of sender");
    expect(seen[received + 1]).toBe("main wakes sender");
    expect(seen.slice(received)).toEqual(expect.arrayContaining(["main receives 2 from a", "sender ends"]));
  });

  it("tells to which receiver a value is handed, and which receivers a close wakes", async () => {
    const seen = await happenings(async (until) => {
      const ch = chan<number>();
      for (const name of ["first", "second"]) {
        go({ [name]: async () => void (await ch.recv()) }[name]!);
      }
      await until(waitsInReceive, 2);
      await ch.send(7);
      ch.close();
      await until(ends, 2);
    });
    const sent = seen.indexOf("main sends 7 into a to first");
    expect(seen.slice(0, sent)).toEqual(
      expect.arrayContaining(["first waits: chan receive (receive a)", "second waits: chan receive (receive a)"]),
    );
    expect(seen[sent + 1]).toBe("main wakes first");
    expect(seen[seen.indexOf("main closes a") + 1]).toBe("main wakes second");
    expect(seen).toEqual(expect.arrayContaining(["first ends", "second ends"]));
  });

  it("tells all channels of a select that waits, and that a timer wakes a sleeper", async () => {
    const seen = await happenings(async () => {
      const a = chan<number>();
      const b = chan<number>();
      go(async function later() {
        await sleep(1);
        await b.send(5);
      });
      await select([recv(a), recv(b)]);
    });
    expect(seen).toContain("main waits: select (receive a, receive b)");
    expect(seen).toContain("later waits: sleep");
    expect(seen).toContain("host wakes later");
    const sent = seen.indexOf("later sends 5 into b to main");
    expect(seen[sent + 1]).toBe("later wakes main");
  });

  it("knows who acts, refuses a second listener, and is silent after its end", async () => {
    const events: LiveEvent[] = [];
    const stop = watch((event) => void events.push(event));
    expect(() => watch(() => undefined)).toThrow("somebody watches already");
    let inside = 0;
    go(() => void (inside = acting()));
    await gosched();
    expect(acting()).toBe(1);
    expect(inside).toBeGreaterThan(1);
    stop();
    const { length } = events;
    await chan<number>(1).send(1);
    expect(events.length).toBe(length);
  });
});
