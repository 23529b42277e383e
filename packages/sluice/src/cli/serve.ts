// `sluice serve`: opens the database and hands over to the server, until a signal ends it.
import { serve } from "../server/serve.ts";
import { connect, interruptible, type TargetFlags } from "./common.ts";

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
  readonly token?: string;
  readonly allow?: readonly string[];
  readonly streamingOnly?: boolean;
}

/** How long answers have to get away when a second signal ends it. */
const GRACE_MS = 500;

export async function serveCommand(flags: ServeFlags): Promise<number> {
  const last = { stopping: "finishing the chunks in flight", graceMs: GRACE_MS };
  return await interruptible(async (ctx, halt) => {
    await using target = await connect(flags, { ctx });
    // The embedded database is started now, not by the first upload. (A server may be away for a while: /health says so.)
    await target.start();
    const { to: _to, data: _data, streamingOnly = false, ...options } = flags;
    const formats = streamingOnly ? "streaming" : "all";
    const log = (line: string): void => console.error(line);
    await serve(ctx, { ...options, target, halt, formats, log, print: (line) => console.log(line) });
    return 0;
  }, last);
}
