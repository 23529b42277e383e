// Spans for OpenTelemetry. They go to the SDK that the user has registered in this process; without
// one, nothing is recorded. docs/tracing.md says how to switch it on.
//
// Spans have identifiers, counts and codes. They have no cells, no names of files or sheets, and no
// addresses. So somebody who may not read the data may read traces.
import { context, propagation, SpanKind, SpanStatusCode, trace, type Attributes, type Span } from "@opentelemetry/api";
import { describeError } from "./errors.ts";

/** The place of a span in its trace, as another process gets it (`traceparent`). */
export type TracePlace = Readonly<Record<string, string>>;

/**
 * Does work in a span, which ends when the work does. An error is passed on; the span has its code.
 */
export async function traced<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
  kind: SpanKind = SpanKind.INTERNAL,
): Promise<T> {
  return await trace.getTracer("sluice").startActiveSpan(name, { attributes, kind }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setAttribute("error.type", describeError(error).code);
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The place of the span that is active now; undefined if there is none. */
export function tracePlace(): TracePlace | undefined {
  const place: Record<string, string> = {};
  propagation.inject(context.active(), place);
  return Object.keys(place).length > 0 ? place : undefined;
}

/** Does work that was asked for at a place of a trace, maybe in another process. */
export function tracedFrom<T>(
  place: TracePlace | undefined,
  name: string,
  attributes: Attributes,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const asked = place ? propagation.extract(context.active(), place) : context.active();
  return context.with(asked, () => traced(name, attributes, work, SpanKind.CONSUMER));
}
