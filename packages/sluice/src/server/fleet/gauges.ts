// What a fleet measures of itself, for Prometheus. Every server tells the same, so an alert or an
// autoscaler may ask any of them.
//
// One reading of the metrics asks two questions: `load` serves three gauges, `processes` one.
import { Gauge, type GaugeConfiguration, type Registry } from "prom-client";
import type { FleetDatabase } from "./database.ts";
import { FLEET_SCHEMA } from "./schema.ts";

interface Load extends Record<string, unknown> {
  readonly queued: string;
  readonly running: string;
  readonly dead: string;
  /** Seconds. */
  readonly age: number;
}

/** Asks for the load. An import that is to be tried again later does not wait for a worker. */
const LOAD = `
  select count(*) filter (where state = 'queued') as queued, count(*) filter (where state = 'running') as running,
         (select count(*) from ${FLEET_SCHEMA}.imports where dead) as dead,
         coalesce(extract(epoch from clock_timestamp() - min(coalesce(retry_at, created_at))
           filter (where state = 'queued' and (retry_at is null or retry_at <= clock_timestamp()))), 0)::float8 as age
  from ${FLEET_SCHEMA}.imports where state in ('queued', 'running')`;

/**
 * Adds the gauges, which ask the database when they are read. While it is away they have no value.
 */
export function addFleetGauges(registry: Registry, database: Pick<FleetDatabase, "query" | "processes">): void {
  const load = shared(async () => (await database.query<Load>(LOAD))[0]!);
  const processes = shared(() => database.processes());
  const add = (about: Pick<GaugeConfiguration<string>, "name" | "help" | "labelNames">, read: Read): void =>
    registry.registerMetric(
      new Gauge({
        ...about,
        registers: [],
        async collect(): Promise<void> {
          this.reset();
          const values = await read().catch(() => []);
          for (const [labels, value] of values) this.set(labels, value);
        },
      }),
    );
  add(
    { name: "sluice_fleet_imports", help: "Imports of the fleet that wait or run.", labelNames: ["state"] },
    async () => {
      const { queued, running } = await load();
      return [
        [{ state: "queued" }, Number(queued)],
        [{ state: "running" }, Number(running)],
      ];
    },
  );
  add(
    {
      name: "sluice_fleet_queue_age_seconds",
      help: "For how long the oldest import that waits for a worker has waited. Workers are scaled by this.",
    },
    async () => [[{}, (await load()).age]],
  );
  add({ name: "sluice_fleet_dead_letters", help: "Imports that no worker tries any more." }, async () => [
    [{}, Number((await load()).dead)],
  ]);
  add(
    { name: "sluice_fleet_processes", help: "Processes of the fleet, by their kind.", labelNames: ["kind"] },
    async () => Object.entries(await processes()).map(([kind, count]) => [{ kind }, count]),
  );
}

type Read = () => Promise<readonly (readonly [labels: Record<string, string>, value: number])[]>;

/** Asks once for all who ask at the same time. */
function shared<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let asked: Promise<Value> | undefined;
  return () => (asked ??= ask().finally(() => (asked = undefined)));
}
