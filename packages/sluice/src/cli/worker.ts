// `sluice worker`: opens the database and works for a fleet, until a signal ends it.
import { DEFAULT_FOLDER } from "../database/open.ts";
import { work } from "../server/fleet/work.ts";
import { connect, interruptible, type TargetFlags } from "./common.ts";
import { fleetOf } from "./fleet.ts";
import { logOf } from "./log.ts";

export interface WorkerFlags extends Pick<TargetFlags, "to"> {
  readonly files?: string;
  readonly maxImports: number;
  readonly workers?: number;
  readonly maxFleetImports?: number;
  readonly maxClientRunning?: number;
  readonly maxAttempts: number;
  readonly uploadDir?: string;
  readonly port?: number;
  readonly host: string;
  readonly log: "text" | "json";
}

export async function workerCommand(flags: WorkerFlags): Promise<number> {
  const { maxImports, workers, maxFleetImports, maxClientRunning, maxAttempts, uploadDir, port, host, log } = flags;
  const place = fleetOf("worker", flags);
  return await interruptible(async (ctx) => {
    await using target = await connect({ ...flags, data: DEFAULT_FOLDER }, { ctx, connections: workers });
    await work(ctx, {
      ...place,
      target,
      maxImports,
      maxFleetImports,
      maxClientRunning,
      maxAttempts,
      uploadDir,
      port,
      host,
      log: logOf(log),
      print: (line) => console.log(line),
    });
    return 0;
  });
}
