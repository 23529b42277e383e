// A log pipeline: a file of any size is read, parsed, filtered and formatted line by line, in
// constant memory.
//
//   node --conditions=source examples/logs.ts 100         megabytes of a log that is made on the spot
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { main, type RecvChan } from "@sluice/go";
import { background, type Context } from "@sluice/go/context";
import { lines } from "@sluice/go/net";
import { filter, map } from "@sluice/go/patterns";

export interface Entry {
  readonly time: string;
  readonly level: string;
  readonly message: string;
}

/**
 * The errors of a log, as texts. The log is read as they are received, and leaving the loop over
 * them closes it.
 */
export function errorsOf(ctx: Context, log: AsyncIterable<Uint8Array | string>): RecvChan<string> {
  const entries = map(ctx, lines(ctx, log), parse);
  const errors = filter(ctx, entries, (entry) => entry.level === "ERROR");
  return map(ctx, errors, format);
}

/**
 * `2026-01-01T00:00:00.000Z ERROR disk full`; a line of another form is an entry of the level
 * UNKNOWN.
 */
export function parse(line: string): Entry {
  const [, time, level, message] = /^(\S+) ([A-Z]+) (.*)$/.exec(line) ?? [];
  return time && level && message ? { time, level, message } : { time: "", level: "UNKNOWN", message: line };
}

export function format({ time, level, message }: Entry): string {
  return `[${time}] ${level}: ${message}`;
}

/** Lines of a log of about that many bytes, in blocks; every 20th is an error. */
export function* sample(bytes: number): Generator<string> {
  let block = "";
  for (let [n, written] = [0, 0]; written < bytes; n++) {
    const level = n % 20 === 7 ? "ERROR" : n % 5 === 0 ? "WARN" : "INFO";
    const line = `${new Date(1_767_225_600_000 + n * 40).toISOString()} ${level} request ${n} took ${n % 97} ms\n`;
    block += line;
    written += line.length;
    if (block.length > 65_536 || written >= bytes) {
      yield block;
      block = "";
    }
  }
}

if (import.meta.main) {
  await main(async () => {
    const megabytes = Number(process.argv[2] ?? 100);
    const folder = await mkdtemp(join(tmpdir(), "logs-"));
    const file = join(folder, "app.log");
    await pipeline(sample(megabytes * 1e6), createWriteStream(file));
    const heap = (): number => process.memoryUsage().heapUsed / 1e6;
    let [errors, most, last] = [0, 0, ""];
    const began = performance.now();
    for await (const error of errorsOf(background(), createReadStream(file))) {
      if (errors++ < 3) console.log(error);
      last = error;
      if (errors % 1000 === 0) most = Math.max(most, heap());
    }
    console.log(`…\n${last}`);
    const seconds = (performance.now() - began) / 1000;
    console.log(
      `${errors} errors in ${megabytes} MB, in ${seconds.toFixed(1)} s, with a heap of at most ${Math.round(most)} MB`,
    );
    await rm(folder, { recursive: true });
  });
}
