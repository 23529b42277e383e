// `sluice serve`: opens the database and hands over to the server, until a signal ends it.
import { pino } from "pino";
import type { ServerOptions } from "../server/app.ts";
import { serve } from "../server/serve.ts";
import { limitsFrom } from "./limit-options.ts";
import { connect, interruptible, serverAddress, type TargetFlags } from "./common.ts";

export interface ServeFlags extends TargetFlags {
  readonly port: number;
  readonly host: string;
  readonly maxFileBytes: number;
  readonly maxImports: number;
  readonly maxUploads: number;
  readonly maxUploadBytes?: number;
  readonly uploadSeconds: number;
  readonly silenceSeconds: number;
  readonly uploadDir?: string;
  readonly maxClientUploads: number;
  readonly minUploadRate: number;
  readonly maxClientImports: number;
  readonly maxClientRate: number;
  readonly maxReaders: number;
  readonly token?: string;
  readonly userHeader?: string;
  readonly pprof?: boolean;
  readonly log: "text" | "json";
  readonly allow?: readonly string[];
  readonly streamingOnly?: boolean;
}

/** The time for answers to get away when a second signal ends it. */
const GRACE_MS = 500;

/** Lines of JSON on standard error, each with the id of the import that it is about. */
function logJson(): NonNullable<ServerOptions["log"]> {
  const logger = pino({ base: { pid: process.pid } }, pino.destination({ fd: 2, sync: true }));
  return (line, about = {}) => logger.info(about, line);
}

export async function serveCommand(flags: ServeFlags): Promise<number> {
  const last = { stopping: "finishing the chunks in flight", graceMs: GRACE_MS };
  return await interruptible(async (ctx, halt) => {
    await using target = await connect(flags, { ctx });
    // The embedded database is started now, not by the first upload. (A server may be away for a while: /health says so.)
    await target.start();
    const { to: _to, data, streamingOnly = false, log: format, ...options } = flags;
    const { limits } = limitsFrom(flags);
    const formats = streamingOnly ? "streaming" : "all";
    const log = format === "json" ? logJson() : (line: string): void => console.error(line);
    const isEmbedded = serverAddress(flags) === undefined && options.uploadDir === undefined;
    await serve(ctx, {
      ...options,
      ...(limits ? { limits } : {}),
      ...(isEmbedded ? { importDir: data } : {}),
      target,
      halt,
      formats,
      log,
      print: (line) => console.log(line),
    });
    return 0;
  }, last);
}
