// The parts of a service, made once from its options and shared by its routes.
import { tmpdir } from "node:os";
import { background, withCancel, type CancelFunc, type Context } from "@sluice/go/context";
import { KeyedLimiter } from "@sluice/go/rate";
import type { FastifyRequest } from "fastify";
import { inOneLine } from "../printable.ts";
import type { Target } from "../target.ts";
import { AllowedTables } from "./allowed.ts";
import type { Api } from "./api/context.ts";
import { Metrics } from "./api/metrics.ts";
import type { Telling } from "./failing.ts";
import type { Joined, JoinOptions } from "./fleet/server.ts";
import { withoutAddresses, withoutPlaces } from "./failure.ts";
import { createGuard, type Guard } from "./guard.ts";
import type { Reading } from "./importing.ts";
import { Jobs } from "./jobs/jobs.ts";
import type { ImportJobs } from "./jobs/port.ts";
import { JobStore, type Job } from "./jobs/store.ts";
import { KeptUploads } from "./jobs/uploads.ts";
import { checkSignIn, limitsOf, type LogFields, type ServerOptions, type ServiceLimits } from "./options.ts";
import { Rooms } from "./rooms.ts";
import { steady } from "./steady.ts";
import { makeUploadFolder, removeLeftUploads } from "./upload-folder.ts";
import { UploadRoom } from "./upload-room.ts";

export const DEFAULT_HOST = "127.0.0.1";

export interface Service {
  readonly target: Target;
  /** The database, for what only reads. */
  readonly reads: Target;
  readonly limits: ServiceLimits;
  readonly guard: Guard;
  readonly telling: Telling;
  readonly clientOf: (request: FastifyRequest) => string;
  readonly allowed: AllowedTables;
  readonly reading: Reading;
  readonly rooms: Rooms;
  readonly room: UploadRoom;
  /** A private folder of this process, which goes when the service does. */
  readonly scratch: string;
  /** Ends when the service is to stop. */
  readonly ctx: Context;
  readonly stop: CancelFunc;
  readonly jobs: ImportJobs;
  /**
   * The fleet that it has joined, if it is a server of one. It leaves the fleet after the jobs are
   * closed.
   */
  readonly fleet: Joined | undefined;
  readonly kept: KeptUploads;
  readonly metrics: Metrics;
}

/** @throws SluiceError as `createServer` does */
export async function makeService(options: ServerOptions): Promise<Service> {
  checkSignIn(options);
  const limits = limitsOf(options);
  const { target, formats = "all", limits: readerLimits = {} } = options;
  const reading = { formats, limits: readerLimits };
  const reads = steady(target);
  // These lines hold names and texts of others: none of these can begin a new line.
  const log = (line: string, about?: LogFields): void => options.log?.(inOneLine(line), about);
  const { host = DEFAULT_HOST, token, origins = [], userHeader } = options;
  const guard = createGuard({ host, token, origins, userHeader });
  const hide = (text: string): string => withoutAddresses(text, target.name);
  const hidePlaces = (text: string): string => withoutPlaces(text, target.name);
  const telling: Telling = { log, hide, hidePlaces };
  const allowed = new AllowedTables(reads, options.allow);
  const rooms = new Rooms(limits.maxImports);
  const room = new UploadRoom(limits);
  const parent = options.uploadDir ?? tmpdir();
  for (const name of await removeLeftUploads(parent)) log(`removed the uploads of a server that was killed: ${name}`);
  const scratch = await makeUploadFolder(parent);
  const [ctx, stop] = withCancel(background());
  const store = new JobStore(options.importDir ?? parent, target.name);
  const metrics: Metrics = new Metrics(() => jobs);
  const onEnd = (job: Job): void => {
    metrics.count(job);
    log(sayEnd(job), { import: job.id });
  };
  const ways = { target, reads, allowed, reading, ...limits };
  const fleet =
    options.fleet &&
    (await joinFleet({ ...options.fleet, ...ways, allow: options.allow ?? [], scratch, ctx, log, hidePlaces }));
  const jobs = fleet?.jobs ?? new Jobs(ctx, { ...ways, hide, hidePlaces, store, room, rooms, onEnd });
  fleet?.addGauges(metrics.registry);
  const kept = new KeptUploads(room);
  const clientOf = clientFrom(userHeader);
  const shared = { target, reads, limits, guard, telling, clientOf, allowed, reading, rooms, room };
  return { ...shared, scratch, ctx, stop, jobs, fleet, kept, metrics };
}

/** A server by itself loads none of it. */
async function joinFleet(options: JoinOptions): Promise<Joined> {
  const { joinAsServer } = await import("./fleet/server.ts");
  return await joinAsServer(options);
}

/** The part of it that the API's routes share. */
export function apiOf(service: Service, version: string): Api {
  const { reads, limits, telling, ctx, room } = service;
  const { maxClientRate, maxReaders } = limits;
  return {
    ...service,
    version,
    target: reads,
    place: { room, limits },
    pace: new KeyedLimiter(maxClientRate / 60, maxClientRate),
    closing: ctx,
    maxReaders,
    hide: telling.hide,
  };
}

/** The caller of a request: the user whom the operator's proxy names, else the address. */
function clientFrom(userHeader: string | undefined): (request: FastifyRequest) => string {
  const name = userHeader?.toLowerCase();
  return (request) => {
    const user = name === undefined ? undefined : request.headers[name];
    return typeof user === "string" ? `user ${user}` : request.ip;
  };
}

/** The line of the log for an import that has ended. */
function sayEnd({ id, fileName, state, outcome = {} }: Job): string {
  const { table, total = 0, inserted = 0, updated = 0, method, error } = outcome;
  const name = JSON.stringify(fileName);
  if (state === "finished")
    return `${name} → ${table}: ${inserted + updated} of ${total} rows (${method}), import ${id}`;
  return `${name}: import ${id} ${state === "failed" ? `failed: ${error?.message ?? ""}` : `was ${state}`}`;
}
