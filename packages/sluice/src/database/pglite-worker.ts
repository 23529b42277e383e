// The thread that PGlite runs in: answers the requests of pglite.ts in the order in which they
// come. Values go in and out as text.
import { parentPort, workerData } from "node:worker_threads";
import { PGlite, type Results } from "@electric-sql/pglite";
import type { Request, Response } from "./pglite.ts";
import type { QueryResult } from "../target.ts";

const port = parentPort!;
const database = await PGlite.create(workerData as string);
// Values and parameters stay the text that they are on the wire. (A type without a parser would
// fall back to a built-in one.)
database.parsers = new Proxy({}, { get: () => (text: string) => text });
database.serializers = {};
// A sheet has no time zone; its instants mean UTC.
await database.exec("set timezone to 'UTC'");

let turn: Promise<unknown> = Promise.resolve();
port.on("message", (request: Request) => {
  turn = turn.then(() => answer(request));
});

async function answer(request: Request): Promise<void> {
  try {
    port.postMessage({ id: request.id, result: await run(request) } satisfies Response);
    if ("close" in request) port.close();
  } catch (error) {
    const { message, ...fields } = { message: String(error), ...(error as Record<string, unknown>) };
    const plain = Object.entries(fields).filter(([, value]) => typeof value === "string");
    port.postMessage({
      id: request.id,
      error: { message: error instanceof Error ? error.message : message, ...Object.fromEntries(plain) },
    });
  }
}

async function run(request: Request): Promise<QueryResult> {
  if ("close" in request) {
    await database.close();
    return { columns: [], rows: [], count: undefined };
  }
  if ("copy" in request) {
    const result = await database.query(`copy ${request.copy} from '/dev/blob'`, [], {
      blob: new Blob([request.data as Uint8Array<ArrayBuffer>]),
    });
    return { columns: [], rows: [], count: result.affectedRows };
  }
  if (request.parameters)
    return shape(await database.query<(string | null)[]>(request.query, [...request.parameters], { rowMode: "array" }));
  // Without parameters there may be several statements; the last one counts, as in psql.
  const results = await database.exec(request.query, { rowMode: "array" });
  return shape(results.at(-1) as Results<(string | null)[]> | undefined);
}

function shape(result: Results<(string | null)[]> | undefined): QueryResult {
  return {
    columns: result?.fields.map((field) => field.name) ?? [],
    types: result?.fields.map((field) => field.dataTypeID) ?? [],
    rows: result?.rows ?? [],
    count: result?.affectedRows,
  };
}
