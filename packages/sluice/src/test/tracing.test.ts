// Spans, as an OpenTelemetry SDK gets them: how they hang together, and what they may not tell.
import { context, propagation, ROOT_CONTEXT, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from "@opentelemetry/sdk-trace-node";
import { background } from "@sluice/go/context";
import type { IncomingMessage } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { failureOf } from "../errors.ts";
import { runImport } from "../import.ts";
import { METHODS, type ImportOptions } from "../options.ts";
import { ended, send } from "../server/test/client.ts";
import { startService } from "../server/test/service.ts";
import { databases, newFolder, server } from "./database.ts";
import { start } from "./program.ts";

const exporter = new InMemorySpanExporter();
beforeAll(() => new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register());
afterEach(() => exporter.reset());
afterAll(() => {
  for (const each of [trace, context, propagation]) each.disable();
});

/** The spans that have ended, each with the names of those around it, from the outermost on. */
function paths(): Map<ReadableSpan, string> {
  const spans = exporter.getFinishedSpans();
  const pathOf = (span: ReadableSpan): string => {
    const above = spans.find((other) => other.spanContext().spanId === span.parentSpanContext?.spanId);
    return above ? `${pathOf(above)} > ${span.name}` : span.name;
  };
  return new Map(spans.map((span) => [span, pathOf(span)]));
}

function csv(folder: string, rows: number): string {
  const file = join(folder, "secret-name.csv");
  writeFileSync(file, `n,text\n${Array.from({ length: rows }, (_, n) => `${n},secret cell\n`).join("")}`);
  return file;
}

test.each(databases)("an import on $name is one trace, down to its commits", async ({ open }) => {
  await using folder = newFolder();
  await using database = await open();
  const { target } = database;
  for (const method of METHODS) {
    exporter.reset();
    const file = csv(folder.path, 35);
    const options: ImportOptions = { target, file, table: `t_${method}`, method, chunkRows: 10, batchSize: 10 };
    const { id } = await runImport(background(), { ...options, resume: "never" });
    const found = paths();
    const [[whole]] = [...found].filter(([, path]) => path === "sluice.import") as [[ReadableSpan, string]];
    expect(whole.attributes).toEqual({
      "sluice.import": id,
      "sluice.method": method,
      "db.system.name": "postgresql",
      "db.collection.name": `t_${method}`,
      "sluice.rows.inserted": 35,
      "sluice.rows.updated": 0,
      "sluice.rows.skipped": 0,
      "sluice.rows.rejected": 0,
    });
    const commits = [...found].filter(([, path]) => path === "sluice.import > sluice.load > sluice.commit");
    expect(commits.reduce((sum, [span]) => sum + Number(span.attributes["sluice.chunk.rows"]), 0)).toBe(35);
    expect(new Set(found.values())).toEqual(
      new Set([
        "sluice.import",
        "sluice.import > sluice.begin",
        "sluice.import > sluice.load",
        "sluice.import > sluice.load > sluice.commit",
        "sluice.import > sluice.indexes",
      ]),
    );
    const told = JSON.stringify([...found.keys()].map(({ attributes, events, status }) => ({ attributes, events, status }))); // prettier-ignore
    expect(told).not.toContain("secret");
  }
});

test("a span of what failed has the code of the error, and nothing that the error says", async () => {
  await using folder = newFolder();
  await using database = await databases[1]!.open();
  const options = { target: database.target, file: csv(folder.path, 5), table: "t", maxErrors: 0 };
  const failure = await failureOf(runImport(background(), { ...options, types: new Map([["text", "integer"]]) }));
  expect(failure).toMatchObject({ code: "too_many_errors" });
  const failed = [...paths()].filter(([{ status }]) => status.code === SpanStatusCode.ERROR);
  expect(failed.map(([{ attributes, status, events }, path]) => [path, attributes["error.type"], status.message, events])).toEqual([
    ["sluice.import > sluice.load > sluice.commit", "too_many_errors", undefined, []],
    ["sluice.import > sluice.load", "too_many_errors", undefined, []],
    ["sluice.import", "too_many_errors", undefined, []],
  ]); // prettier-ignore
});

test.skipIf(server === undefined)("an upload's trace goes on in the import that it asked for", async () => {
  await using service = await startService();
  // What an instrumentation of HTTP does.
  const { server: http } = service.app;
  const emit = http.emit.bind(http);
  http.emit = (event: string, ...args: unknown[]) => {
    if (event !== "request") return emit(event, ...args);
    const asked = propagation.extract(ROOT_CONTEXT, (args[0] as IncomingMessage).headers);
    return context.with(asked, () => emit(event, ...args));
  };
  const [traceId, spanId] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
  const headers = { traceparent: `00-${traceId}-${spanId}-01` };
  const { body } = await send(service, "/imports", new Blob(["n\n1\n2\n"]), "numbers.csv", { headers });
  await ended(service, body.id);
  const found = paths();
  const [[job]] = [...found].filter(([, path]) => path === "sluice.job") as [[ReadableSpan, string]];
  expect(job.parentSpanContext).toMatchObject({ traceId, spanId, isRemote: true });
  expect(job.attributes).toEqual({ "sluice.job": body.id });
  const commits = [...found].filter(([, path]) => path.endsWith("sluice.job > sluice.import > sluice.load > sluice.commit")); // prettier-ignore
  expect(commits.map(([span]) => span.spanContext().traceId)).toEqual([traceId]);
});

test("the command gives its spans to an SDK that is loaded before it", async () => {
  await using folder = newFolder();
  const [sdk, spans] = [join(folder.path, "sdk.mjs"), join(folder.path, "spans.txt")];
  writeFileSync(
    sdk,
    `import { NodeTracerProvider, SimpleSpanProcessor } from ${JSON.stringify(import.meta.resolve("@opentelemetry/sdk-trace-node"))};
     import { appendFileSync } from "node:fs";
     const exporter = {
       export: (spans, done) => {
         for (const { name } of spans) appendFileSync(${JSON.stringify(spans)}, name + "\\n");
         done({ code: 0 });
       },
       shutdown: () => Promise.resolve(),
     };
     new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();`,
  );
  const options = { NODE_OPTIONS: `--import=${sdk}` };
  const done = await start(folder.path, ["import", csv(folder.path, 3)], options).finished;
  expect([done.code, done.stderr]).toEqual([0, ""]);
  expect(readFileSync(spans, "utf8").split("\n")).toEqual([
    "sluice.begin",
    "sluice.commit",
    "sluice.load",
    "sluice.indexes",
    "sluice.import",
    "",
  ]);
});
