#!/usr/bin/env node
import { launch } from "@sluice/sheets/launch";
import { takePassword } from "./password.js";

if (takePassword(process.argv, process.env)) {
  // Writes over the arguments that `ps` shows.
  process.title = "sluice";
  if (!process.argv.includes("--quiet")) {
    console.error(
      "Note: other users of this machine can see a password in --to. Put it into DATABASE_URL or into ~/.pgpass (PGPASSFILE).",
    );
  }
}
await launch(import.meta.url, "cli/main");
