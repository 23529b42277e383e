// The description of the API as a text, made by a service that listens nowhere and has no database.
import { openTarget } from "../../database/open.ts";
import { createServer } from "../app.ts";

/** The answer of GET /openapi.json, indented, with a newline at its end. */
export async function openApiDocument(): Promise<string> {
  await using target = await openTarget({ to: "postgres://127.0.0.1:1/nowhere" });
  const app = await createServer({ target, pprof: true });
  try {
    const { body } = await app.inject("/openapi.json");
    return `${JSON.stringify(JSON.parse(body), undefined, 2)}\n`;
  } finally {
    await app.close();
  }
}
