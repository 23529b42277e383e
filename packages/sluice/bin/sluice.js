#!/usr/bin/env node
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { takePassword, takeToken } from "./secrets.js";

// Both programs start in the same way. The launcher is a file of @sluice/sheets, not a part of what
// that package exports to others.
const sheets = pathToFileURL(createRequire(import.meta.url).resolve("@sluice/sheets/package.json"));
const { launch } = await import(new URL("bin/launch.js", sheets));

const taken = [
  takePassword(process.argv, process.env) &&
    "a password in --to. Put it into DATABASE_URL or into ~/.pgpass (PGPASSFILE)",
  takeToken(process.argv, process.env) && "a token in --token. Put it into SLUICE_TOKEN",
].filter((one) => one !== false);
if (taken.length > 0) {
  // Writes over the arguments that `ps` shows.
  process.title = "sluice";
  if (!process.argv.includes("--quiet"))
    for (const one of taken) console.error(`Note: other users of this machine can see ${one}.`);
}
await launch(import.meta.url, "cli/main");
