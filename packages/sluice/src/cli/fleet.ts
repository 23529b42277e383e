// Where a fleet meets, as the options say it: one PostgreSQL server, and one store of files.
import { usageError } from "../errors.ts";
import type { FleetOptions } from "../server/fleet/options.ts";
import { serverAddress, type TargetFlags } from "./common.ts";

/**
 * @param command as the user calls it.
 * @throws SluiceError (`fleet_options`) if one of both is missing
 */
export function fleetOf(command: string, flags: Pick<TargetFlags, "to"> & { readonly files?: string }): FleetOptions {
  const dsn = serverAddress(flags);
  if (dsn === undefined)
    throw usageError(
      "fleet_options",
      `sluice ${command} needs a PostgreSQL server, in which its processes meet: the embedded database belongs to one process. Give --to postgres://…, or set DATABASE_URL.`,
    );
  if (flags.files === undefined)
    throw usageError(
      "fleet_options",
      `sluice ${command} needs the place of its files: --files with a folder that all machines share, or s3://bucket/prefix.`,
    );
  return { dsn, files: flags.files };
}
