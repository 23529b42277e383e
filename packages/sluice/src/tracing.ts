// Spans for OpenTelemetry. They go to the SDK that the user has registered in this process; without
// one, nothing is recorded. docs/tracing.md says how to switch it on.
//
// Spans have identifiers, counts and codes. They have no cells, no names of files or sheets, and no
// addresses. So somebody who may not read the data may read traces.
import type * as OpenTelemetry from "@opentelemetry/api";
import type { Attributes, Span, SpanKind } from "@opentelemetry/api";
import { createRequire } from "node:module";
import { describeError } from "./errors.ts";

/** The place of a span in its trace, as another process gets it (`traceparent`). */
export type TracePlace = Readonly<Record<string, string>>;

/** Where the API, in its first major version, keeps what an SDK has registered in a process. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

/**
 * The API, if an SDK is registered in this process. It is loaded only then: its 44 modules take a
 * twentieth of the time in which an import starts.
 */
function api(): typeof OpenTelemetry | undefined {
  if (!(REGISTERED in globalThis)) return undefined;
  return createRequire(import.meta.url)("@opentelemetry/api") as typeof OpenTelemetry;
}

/**
 * Does work in a span, which ends when the work does. An error is passed on; the span has its code.
 * Without an SDK there is no span.
 */
export async function traced<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span | undefined) => Promise<T>,
  kind?: SpanKind,
): Promise<T> {
  const otel = api();
  if (!otel) return await work(undefined);
  const options = { attributes, kind: kind ?? otel.SpanKind.INTERNAL };
  return await otel.trace.getTracer("sluice").startActiveSpan(name, options, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setAttribute("error.type", describeError(error).code);
      span.setStatus({ code: otel.SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The place of the span that is active now; undefined if there is none. */
export function tracePlace(): TracePlace | undefined {
  const place: Record<string, string> = {};
  const otel = api();
  otel?.propagation.inject(otel.context.active(), place);
  return Object.keys(place).length > 0 ? place : undefined;
}

/** Does work that was asked for at a place of a trace, maybe in another process. */
export function tracedFrom<T>(
  place: TracePlace | undefined,
  name: string,
  attributes: Attributes,
  work: (span: Span | undefined) => Promise<T>,
): Promise<T> {
  const otel = api();
  if (!otel) return work(undefined);
  const now = otel.context.active();
  const asked = place ? otel.propagation.extract(now, place) : now;
  return otel.context.with(asked, () => traced(name, attributes, work, otel.SpanKind.CONSUMER));
}
