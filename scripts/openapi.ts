// Writes docs/openapi.json, the HTTP API as the service describes it: node --conditions=source
// scripts/openapi.ts. The formatter lays it out; a test fails if it says something else than the
// routes.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openApiDocument } from "../packages/sluice/src/server/api/document.ts";

/** The place of the document in the repository. */
export const path: string = join(import.meta.dirname, "../docs/openapi.json");

if (import.meta.main) writeFileSync(path, await openApiDocument());
