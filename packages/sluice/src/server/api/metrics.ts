// GET /metrics, for Prometheus, and GET /debug/pprof/goroutine, for people who look for what hangs.
//
// Counters and the histogram count what this process has ended since its start. Gauges are asked
// for when the metrics are read, so a service that nobody watches does no work for them.
import { numGoroutine } from "@sluice/go";
import { goroutineProfile } from "@sluice/go/pprof";
import type { FastifyInstance } from "fastify";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, type GaugeConfiguration } from "prom-client";
import type { ImportJobs } from "../jobs/port.ts";
import type { Job } from "../jobs/store.ts";
import { failures } from "./problem.ts";
import { object, text } from "./schema.ts";

const RESULTS = ["inserted", "updated", "skipped", "rejected"] as const;
const WORKER_STATES = ["idle", "busy", "waiting"] as const;

/** The metrics of imports: `sluice_rows_total` and the others. */
export class Metrics {
  readonly registry: Registry = new Registry();
  readonly #rows: Counter<"result">;
  readonly #imports: Counter<"state">;
  readonly #duration: Histogram;

  /**
   * Makes and registers the metrics. It is longer than 60 lines because it is a list: one metric
   * after the other.
   *
   * @param jobs asked when it is looked at
   */
  constructor(jobs: () => Pick<ImportJobs, "lives">) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#rows = new Counter({
      name: "sluice_rows_total",
      help: "Rows of imports that have ended, by what became of them.",
      labelNames: ["result"],
      registers,
    });
    // Each counter is 0, not missing, before the first import: a rate can be taken from the first
    // row on.
    for (const result of RESULTS) this.#rows.inc({ result }, 0);
    this.#imports = new Counter({
      name: "sluice_imports_total",
      help: "Imports that have ended, by their state.",
      labelNames: ["state"],
      registers,
    });
    this.#duration = new Histogram({
      name: "sluice_import_duration_seconds",
      help: "From the start of an import to its end.",
      buckets: [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000],
      registers,
    });
    const events = (): ReturnType<ImportJobs["lives"]> => jobs().lives();
    this.registry.registerMetric(
      gauge({
        name: "sluice_channel_depth",
        help: "Values that wait in the channels of running imports.",
        labelNames: ["channel"],
        collect(): void {
          // The pipeline's two channels. They are 0, not missing, while nothing runs.
          const depths = { batches: 0, chunks: 0 } as Record<string, number>;
          for (const live of events())
            for (const { name, length } of live.pipeline?.channels() ?? []) depths[name] = (depths[name] ?? 0) + length;
          for (const [channel, depth] of Object.entries(depths)) this.set({ channel }, depth);
        },
      }),
    );
    this.registry.registerMetric(
      gauge({
        name: "sluice_workers",
        help: "Goroutines of running imports, by what they do.",
        labelNames: ["state"],
        collect(): void {
          const all = events().flatMap((live) => live.pipeline?.workers() ?? []);
          for (const state of WORKER_STATES) this.set({ state }, all.filter((worker) => worker.state === state).length);
        },
      }),
    );
    this.registry.registerMetric(
      gauge({
        name: "sluice_imports_open",
        help: "Imports that wait or run here.",
        labelNames: ["state"],
        collect(): void {
          const states = events().map((live) => live.picture().event.state);
          for (const state of ["queued", "running"]) this.set({ state }, states.filter((one) => one === state).length);
        },
      }),
    );
    this.registry.registerMetric(
      gauge({
        name: "go_goroutines",
        help: "Goroutines of this process.",
        collect(): void {
          this.set(numGoroutine());
        },
      }),
    );
  }

  /** Counts an import that has ended. */
  count({ state, outcome }: Pick<Job, "state" | "outcome">): void {
    this.#imports.inc({ state });
    if (outcome?.milliseconds !== undefined && outcome.milliseconds !== null)
      this.#duration.observe(outcome.milliseconds / 1000);
    for (const result of RESULTS) this.#rows.inc({ result }, outcome?.[result] ?? 0);
  }
}

/**
 * A gauge that is in no registry yet. By default it would be in the global one of the library,
 * which all services of a process share.
 */
function gauge(about: GaugeConfiguration<string>): Gauge {
  return new Gauge({ ...about, registers: [] });
}

/** Adds the routes. @param pprof without it, the profile's path is unknown (404) */
export function metricRoutes(app: FastifyInstance, metrics: Metrics, pprof: boolean): void {
  const texts = (description: string): object => ({ description, content: { "text/plain": { schema: text } } });
  app.get(
    "/metrics",
    {
      schema: {
        summary: "Metrics, for Prometheus.",
        response: { 200: texts("Prometheus' text format."), ...failures(401, 403) },
      },
    },
    async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  if (!pprof) return;
  app.get(
    "/debug/pprof/goroutine",
    {
      schema: {
        summary: "The goroutines of the process, with `--pprof`: `debug=1` by where they are, `debug=2` each of them.",
        querystring: object({ "debug?": { type: "integer", enum: [1, 2], default: 1 } }),
        response: { 200: texts("As Go's net/http/pprof writes it."), ...failures(400, 401, 403, 404) },
      },
    },
    async (request, reply) => {
      const { debug } = request.query as { readonly debug: 1 | 2 };
      return await reply.type("text/plain; charset=utf-8").send(goroutineProfile({ debug }));
    },
  );
}
