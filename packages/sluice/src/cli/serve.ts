// `sluice serve`: opens the database and hands over to the server, until a signal ends it.
import { serve } from "../server/serve.ts";
import { limitsFrom } from "./limit-options.ts";
import { fleetOf } from "./fleet.ts";
import { logOf } from "./log.ts";
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
  readonly fleet?: boolean;
  readonly files?: string;
}

/** The time for answers to get away when a second signal ends it. */
const GRACE_MS = 500;

export async function serveCommand(flags: ServeFlags): Promise<number> {
  const last = { stopping: "finishing the chunks in flight", graceMs: GRACE_MS };
  const fleet = flags.fleet === true ? fleetOf("serve --fleet", flags) : undefined;
  return await interruptible(async (ctx, halt) => {
    await using target = await connect(flags, { ctx });
    // The embedded database is started now, not by the first upload. (A server may be away for a
    // while: /health says so.)
    await target.start();
    const { to: _to, data, streamingOnly = false, log: format, fleet: _fleet, files: _files, ...options } = flags;
    const { limits } = limitsFrom(flags);
    const formats = streamingOnly ? "streaming" : "all";
    const log = logOf(format);
    const isEmbedded = serverAddress(flags) === undefined && options.uploadDir === undefined;
    await serve(ctx, {
      ...options,
      ...(limits ? { limits } : {}),
      ...(isEmbedded ? { importDir: data } : {}),
      ...(fleet ? { fleet } : {}),
      target,
      halt,
      formats,
      log,
      print: (line) => console.log(line),
    });
    return 0;
  }, last);
}
